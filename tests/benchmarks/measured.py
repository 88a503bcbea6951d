"""Run a command and print what it took: wall seconds, and the peak memory of its largest process.

python -m tests.benchmarks.measured COMMAND [ARGUMENT ...]
"""

import resource
import subprocess
import sys
import time


def main(command: list[str]) -> int:
    started = time.monotonic()
    code = subprocess.run(command, check=False).returncode
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"\n{time.monotonic() - started:.0f} s, {peak:.1f} GiB at the peak")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
