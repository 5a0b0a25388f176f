"""The tests' writers of run folders and of a toy model, for benchmarks: in milliseconds."""

import sys
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[1] / "tests"
for folder in map(str, (_TESTS, _TESTS / "app")):
    if folder not in sys.path:
        sys.path.insert(0, folder)

from fake_runs import TINY, Size, make_curve, make_layout, make_run  # noqa: E402  needs the path
from many_runs import make_many  # noqa: E402
from toy_models import save_toy_model  # noqa: E402

__all__ = ["TINY", "Size", "make_curve", "make_layout", "make_many", "make_run", "save_toy_model"]
