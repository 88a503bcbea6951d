"""What is installed is what is there."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_every_package_is_installed() -> None:
    given = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    folders = [
        path.parent.relative_to(ROOT) for top in ("flows", "tasks") for path in (ROOT / top).rglob("__init__.py")
    ]
    assert sorted(given["tool"]["setuptools"]["packages"]) == sorted(".".join(folder.parts) for folder in folders)
