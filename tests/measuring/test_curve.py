"""A curve that is rough at first and then refined: it ends as if it had been scored at once."""

import json

import numpy as np
import pytest

from finegates.cli import main
from finegates.gates.cuts import cut_of
from finegates.measuring import curve
from finegates.measuring.curve import grow_curve, next_growing, next_part
from finegates.measuring.cutter import Cutter
from finegates.measuring.evaluation import evaluate_cuts
from finegates.runs.curve_answers import ANSWERS_FILE
from finegates.runs.measurements import (
    AS_TRAINED,
    at_cut,
    read_partial,
    read_points,
    read_thresholds,
)
from finegates.training.scoring import Judge
from tests.measuring.test_evaluation import finished_run, trained  # noqa: F401

TAKES_TIME = {"seconds"}


def without_times(points):
    return [{name: value for name, value in p.items() if name not in TAKES_TIME} for p in points]


@pytest.fixture
def run(finished_run):  # noqa: F811
    return finished_run(target_sparsity=0.3)


@pytest.fixture
def asked(monkeypatch):
    """How many rows each model was asked, among all rows."""
    found, answers = [], Judge.answers

    def counted(self, model, rows, progress, *, packed):
        found.append(0 if packed else len(rows))  # those in batches of their own are asked again
        return answers(self, model, rows, progress, packed=packed)

    monkeypatch.setattr(Judge, "answers", counted)
    return found


class Enough(Exception):
    """Ends a curve as a signal would."""


def stop_after(steps):
    told = []

    def on_point(point):
        told.append(point)
        if len(told) == steps:
            raise Enough

    return on_point


def test_a_grown_curve_is_the_one_that_is_scored_at_once(run, asked):
    told = []
    points = grow_curve(run, "cpu", told.append)
    cuts = [cut_of(point) for point in points]
    assert cuts == Cutter(run, "cpu").curve() and cuts[0] == AS_TRAINED
    at_once = evaluate_cuts(run, cuts, "cpu")
    assert without_times(points) == without_times(at_once)
    assert [list(p) for p in points] == [list(p) for p in at_once]
    all_rows = len(Cutter(run, "cpu").judge.labels)
    assert sum(asked) == all_rows * (len(points) - 1)  # that of the training is known
    first = [point["closed_gates"] for point in told[: len(points)]]
    assert first[0] < first[-1] and first[1:] == sorted(first[1:], reverse=True)
    assert not read_partial(run) and not (run.path / ANSWERS_FILE).exists()


def test_a_curve_that_was_stopped_goes_on_where_it_was(run, asked):
    with pytest.raises(Enough):
        grow_curve(run, "cpu", stop_after(21))  # all once, and one again
    stopped, before = read_partial(run), sum(asked)
    assert len(stopped) == 19 and (run.path / ANSWERS_FILE).exists()
    points = grow_curve(run, "cpu")
    all_rows = stopped[0]["all_rows"]
    assert before > 0 and sum(asked) == all_rows * (len(points) - 1)
    assert without_times(points) == without_times(
        evaluate_cuts(run, [cut_of(p) for p in points], "cpu")
    )
    asked.clear()
    assert without_times(grow_curve(run, "cpu")) == without_times(points) and not asked


def test_answers_of_another_place_are_not_gone_on_with(run, asked):
    with pytest.raises(Enough):
        grow_curve(run, "cpu", stop_after(3))
    path = run.path / ANSWERS_FILE
    path.write_bytes(path.read_bytes().replace(b"cpu no", b"gpu no"))
    asked.clear()
    points = grow_curve(run, "cpu")
    assert sum(asked) == len(Cutter(run, "cpu").judge.labels) * (len(points) - 1)


def test_rows_in_batches_of_their_own_are_answered_as_among_all(run):
    cutter = Cutter(run, "cpu")
    model, judge = cutter.smaller(cutter.closed(cutter.curve()[9])), cutter.judge
    rows = np.arange(1, len(judge.labels), 7)
    packed = judge.answers(model, rows, packed=True)
    assert np.mean(packed == judge.answers(model, rows)) >= 0.9  # in bf16 one may be on an edge
    seconds = judge.answers(model, range(len(judge.labels)))[rows]
    assert (judge.answers(model, rows) == seconds).all()


def test_a_curve_on_a_part_of_the_rows_says_so_and_is_no_score(run):
    points = grow_curve(run, "cpu", rows=20)
    partial = [point for point in points if "rows" in point]
    assert len(partial) == len(points) - 1 == len(read_partial(run))
    for point in partial:
        assert point["rows"] == 20 < point["all_rows"] and "metrics" not in point
        assert 0 <= point["score_low"] <= point["score"] <= point["score_high"] <= 1
    assert not read_points(run) and [p["threshold"] for p in read_thresholds(run)] == [0.0]
    assert at_cut(run, cut_of(partial[0])).point is None
    (point,) = evaluate_cuts(run, [cut_of(partial[0])], "cpu")
    assert cut_of(point) not in map(cut_of, read_partial(run))


@pytest.mark.parametrize(
    ("known", "target"), [(0, 10), (5, 10), (10, 30), (30, 100), (10.0, 30), (25, 100)]
)
def test_parts_grow_threefold_and_the_last_is_all(known, target):
    assert next_part(known, 10, 100) == target


def growing(name, known=10, **point):
    made = curve._Growing(AS_TRAINED, np.zeros(1, bool), {"name": name}, np.zeros(100), known)
    made.point = point
    return made


def part(score, half):
    return {"score": score, "score_low": score - half, "score_high": score + half, "rows": 10}


def test_what_is_uncertain_comes_first():
    fixed = growing("trained", 100, score=0.9)
    points = [fixed, growing("near", **part(0.89, 0.02)), growing("far", **part(0.6, 0.06)),
              growing("nearer", **part(0.88, 0.03))]  # fmt: skip
    order = []
    while found := next_growing(points, 10, 100):
        order.append(found.counts["name"])
        found.known = 100
    assert order == ["nearer", "near", "far"]
    begun = [fixed, growing("shallow", 0), growing("deep", 0)]
    assert next_growing(begun, 10, 100).counts["name"] == "deep"


def test_the_command_tells_intervals_first_and_keeps_what_is_known(run, capsys, monkeypatch):
    words = ["evaluate", run.id, "--runs-dir", str(run.path.parent), "--curve", "--device", "cpu"]
    assert main([*words, "--rows", "12"]) == 0
    printed, told = capsys.readouterr()
    points = json.loads(printed.splitlines()[-1])["points"]
    assert {p.get("rows") for p in points} == {12, None}
    assert told.count(" +- ") == len(points) - 1 and "(12 of " in told

    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Judge, "answers", interrupted)
        assert main(words) == 130
    assert "1 of 20 points are scored on all rows" in capsys.readouterr().err
    assert main(words) == 0
    assert not any("rows" in p for p in json.loads(capsys.readouterr().out)["points"])
    assert main([*words, "--rows", "1"]) == 2
    assert "at least 2" in capsys.readouterr().err
