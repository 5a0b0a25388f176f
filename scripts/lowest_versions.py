"""Prints the lowest version of each dependency that pyproject.toml allows, as constraints for pip.

python -m scripts.lowest_versions --skip torch > lowest.txt
python3 -m venv lowest && lowest/bin/pip install torch==2.13.0
lowest/bin/pip install --constraint lowest.txt . pytest hypothesis
"""

import argparse
import tomllib
from collections.abc import Sequence
from pathlib import Path

from packaging.requirements import Requirement

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints one line for each of the library's own dependencies."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--skip", action="append", default=[], metavar="NAME")
    skipped = parser.parse_args(arguments).skip
    for line in tomllib.loads(PYPROJECT.read_text())["project"]["dependencies"]:
        needed = Requirement(line)
        if needed.name not in skipped:
            print(f"{needed.name}=={lowest(needed)}")


def lowest(needed: Requirement) -> str:
    """The version after ``>=``."""
    (floor,) = [part.version for part in needed.specifier if part.operator == ">="]
    return floor


if __name__ == "__main__":
    main()
