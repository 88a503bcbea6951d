"""Makes one virtual environment a peer: python -m tests.benchmarks.peers.install FOLDER [NAME ...]

A peer that is there already, in the pinned version, is skipped. Only trl brings torch with it.
"""

import argparse
import subprocess
import sys
import venv
from pathlib import Path

PINNED = {
    "floor": ["aiohttp==3.14.5"],
    "sdk": ["openai[aiohttp]==3.54.0", "aiohttp==3.14.5"],
    "curator": ["bespokelabs-curator==0.1.31"],
    "distilabel": ["distilabel[openai]==1.5.3", "requests==2.34.2"],  # it imports requests and does not declare it
    # Later ones need a certifi that the index here lacks. The last three: imported by every answer from its disk cache.
    "litellm": ["litellm[caching]==1.106.2", "fastapi==0.165.0", "orjson==3.13.0", "soundfile==0.14.0"],
    "data_designer": ["data-designer==0.9.6"],  # later ones need that certifi too
    "datasketch": ["datasketch==2.0.0"],
    "semhash": ["semhash==0.5.0", "model2vec==0.10.0", "usearch==2.26.6"],
    "text_dedup": ["text-dedup==0.4.0"],
    "trl": ["trl==1.16.0", "torch==2.13.0", "transformers==5.23.0", "peft==0.21.2", "accelerate==1.15.0"],
}


def install(folder: Path, name: str) -> str:
    """What came of it: there already, installed, or the last lines of what pip said."""
    home, pinned = folder / name, "\n".join(PINNED[name])
    marker = home / "pinned.txt"
    if marker.exists() and marker.read_text() == pinned:
        return "there already"
    venv.create(home, clear=True, with_pip=True)
    command = [home / "bin" / "python", "-m", "pip", "install", "--quiet", *PINNED[name]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "ERROR" in line]
        raise RuntimeError("\n".join(errors[-5:]) or done.stderr[-2000:])
    marker.write_text(pinned)
    return f"installed {pinned.replace(chr(10), ' ')}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PINNED))
    given = parser.parse_args()
    if unknown := set(given.names) - set(PINNED):
        parser.error(f"no such peer: {', '.join(sorted(unknown))}; there are {', '.join(PINNED)}")
    failed = 0
    for name in given.names or PINNED:
        try:
            print(f"{name}: {install(given.folder.absolute(), name)}", flush=True)
        except RuntimeError as error:
            failed += 1
            print(f"{name}: does not install\n{error}", flush=True)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
