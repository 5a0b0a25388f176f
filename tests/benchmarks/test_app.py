"""The app's benchmark measures what it says it does; how fast anything is, no test tells."""

import json

import pytest

from benchmarks import app as app_benchmark
from benchmarks import pages
from benchmarks.clock import figure
from benchmarks.record import RESULTS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def figures() -> dict[str, dict]:
    """Every figure of the small form by its name."""
    with pytest.MonkeyPatch.context() as patch:
        written: list[str] = []
        patch.setattr(app_benchmark, "write_result", lambda name, content: written.append(name))
        lines: list[str] = []
        patch.setattr("builtins.print", lambda text: lines.append(text))
        app_benchmark.main(["--quick"])
    result = json.loads(lines[-1])
    assert not written and result["versions"] and result["hardware"]
    assert len(lines) == len(result["figures"]) + 1
    return {row["figure"]: row for row in result["figures"]}


def test_every_page_has_a_first_paint(figures):
    painted = {name.partition(",")[0] for name in figures if name.endswith("first paint")}
    assert {*pages.page_names()} <= painted and len(pages.page_names()) >= 10


def test_a_refresh_reads_only_what_changed(figures):
    (read,) = (row for name, row in figures.items() if "run folders a refresh reads" in name)
    (new,) = (row for name, row in figures.items() if "bytes read for each byte" in name)
    assert read["median"] == 1 and 1 <= new["median"] < 1.5
    assert read["met"] and new["met"]


def test_sliders_of_both_pages_are_moved(figures):
    moved = [row for name, row in figures.items() if "slider of the" in name]
    assert {row["figure"].partition(",")[0] for row in moved} == {"dimensions", "prune"}
    assert all(row["median"] > 0 and row["goal"] == 200 for row in moved)


def test_a_goal_is_missed_by_the_median():
    assert figure("x", [10.0, 30.0, 20.0], goal=20.0)["met"]
    assert not figure("x", [10.0, 30.0, 21.0], goal=20.0)["met"]
    assert "met" not in figure("x", [1.0])


def test_the_kept_result_is_of_the_full_form():
    kept = json.loads((RESULTS / app_benchmark.RESULT).read_text())
    full = app_benchmark.FULL
    assert kept["generated"]["very_many_runs"] == full.very_many_runs
    assert kept["generated"]["gates"] == 442_368
    assert all(
        row["met"] == (row["median"] <= row["goal"]) for row in kept["figures"] if "goal" in row
    )
