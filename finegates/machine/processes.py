"""Starts our own commands in processes that outlive whoever started them."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO


def start_process(
    arguments: Sequence[str],
    log: BinaryIO,
    environment: Mapping[str, str] | None = None,
    *,
    output: BinaryIO | None = None,
) -> subprocess.Popen:
    """Starts ``python -m finegates`` with arguments, in a session of its own.

    Args:
        arguments: The command and its words.
        log: Where stderr goes, and stdout if it has no file of its own.
        environment: Variables in addition to those of this process.
        output: Where stdout goes.
    """
    package_root = str(Path(__file__).resolve().parents[2])
    paths = [package_root, *filter(None, [os.environ.get("PYTHONPATH")])]
    ours = {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        # -P: nothing is imported from the folder in which the app was started.
        [sys.executable, "-P", "-m", "finegates", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=output or log,
        stderr=log if output else subprocess.STDOUT,
        start_new_session=True,
        env={**os.environ, **ours, **(environment or {})},
    )
