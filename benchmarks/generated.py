"""The tests' writers of run folders, for benchmarks: as a worker leaves them, in milliseconds."""

import sys
from pathlib import Path

_TESTS = str(Path(__file__).resolve().parents[1] / "tests" / "app")
if _TESTS not in sys.path:
    sys.path.insert(0, _TESTS)

from fake_runs import TINY, Size, make_curve, make_layout, make_run  # noqa: E402  needs the path
from many_runs import make_many  # noqa: E402

__all__ = ["TINY", "Size", "make_curve", "make_layout", "make_many", "make_run"]
