"""Several modules as one file: what is needed, in an order that loads, and nothing of ours."""

import sys

import pytest

from finegates.errors import ModelError
from finegates.exporting.one_file import one_file

BASE = '''"""Not copied."""
import math
import os.path
from collections.abc import Mapping

UNIT = 2.0
"""Kept with what it explains."""
UNUSED = os.path.sep


def area(radius):
    return math.pi * UNIT * radius**2
'''
TOP = """from dataclasses import dataclass
from finegates.base import area


@dataclass(frozen=True)
class Disc:
    radius: float

    def area(self):
        return area(self.radius) + len(_late())


def _late():
    return LEFT, RIGHT


LEFT, RIGHT = 1, 2
UNIT_DISC = Disc(1.0)
"""


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Writes modules that are taken for ours."""
    monkeypatch.setattr("finegates.__path__", [str(tmp_path)])

    def write(**sources):
        for name, source in sources.items():
            (tmp_path / f"{name}.py").write_text(source)

    return write


def test_what_is_needed_is_taken_in_an_order_that_loads(modules):
    modules(base=BASE, top=TOP)
    source = one_file("finegates.top", ["UNIT_DISC"], "What it is.")
    scope: dict = {"__name__": "alone"}
    exec(source, scope)
    assert scope["UNIT_DISC"].area() == pytest.approx(2 * 3.14159265 + 2)
    assert scope["__doc__"] == "What it is." and source == one_file(
        "finegates.top", ["UNIT_DISC"], "What it is."
    )
    assert "UNUSED" not in source and "Mapping" not in source and "import os" not in source
    assert "import finegates" not in source and "from finegates" not in source
    assert "Kept with what it explains" in source and "Not copied" not in source


@pytest.mark.parametrize(
    ("top", "words"),
    [
        ("from finegates.base import area as size\nX = size(1)\n", "by another name"),
        ("from finegates import base\nX = base.area(1)\n", "no 'base'"),
        ("import finegates.base as base\nX = base.area(1)\n", "a whole module"),
        (
            "def f():\n    from finegates.base import area\n    return area\nX = f\n",
            "in a function",
        ),
        ("from finegates.base import area\nUNIT = 3\nX = area(UNIT)\n", "'UNIT' is defined in"),
        ("if True:\n    X = 1\n", "no 'X'"),
    ],
)
def test_what_can_not_stand_in_one_file_is_an_error(modules, top, words):
    modules(base=BASE, top=top)
    with pytest.raises(ValueError, match=words):
        one_file("finegates.top", ["X"], "")


def test_without_sources_the_way_out_is_named(modules):
    with pytest.raises(ModelError, match=r"finegates\.gone is not installed.*--standalone"):
        one_file("finegates.gone", ["X"], "")
    assert "finegates.gone" not in sys.modules
