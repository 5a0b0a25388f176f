"""The frontier's plan, and how its runs come into those that are shipped."""

import pytest

from benchmarks.frontier import report
from benchmarks.frontier.plan import PARTS, TASKS, cells, group_name, part_of, settings_of
from finegates.groups.store import Cell, open_group
from finegates.spec import make_spec
from scripts import ship_runs
from tests.fake_results import cell_of, group_of, in_state, result


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_every_planned_run_can_be_asked_for(part, task):
    planned = cells(part, task, 0)
    assert len({cell.key for cell in planned}) == len(planned) > 0
    chosen = {**settings_of(part, task), **({"start_from": "a-run"} if part.starts else {})}
    for cell in planned:
        spec = make_spec({**chosen, "method": cell.method, "target_sparsity": cell.target})
        assert spec.target_sparsity == cell.target
    assert part_of(group_name(task, part.name, 2)) == (task, part.name)


@pytest.fixture
def shipped(monkeypatch, tmp_path):
    """An empty folder in place of the one that comes with the program."""
    place = tmp_path / "shipped"
    place.mkdir()
    monkeypatch.setattr(ship_runs, "SHIPPED", place)
    return place


def test_another_seed_joins_what_was_shipped_and_a_new_run_replaces_the_old(shipped, tmp_path):
    first, second, again = (tmp_path / name for name in ("first", "second", "again"))
    name, missing = "frontier-sst2-warm", Cell("finegates", 0.6, 0)
    old = result(first, seed=0)
    ship_runs.ship(name, [group_of(first, f"{name}-seed0", [cell_of(old), missing])], first)
    assert [cell.run for cell in open_group(shipped, name).cells] == [old.id, None]

    started = in_state(result(first, seed=3), "stopped")
    unfinished = group_of(first, "frontier-sst2-lora-seed3", [cell_of(started)])
    assert ship_runs.ship("frontier-sst2-lora", [unfinished], first) == []
    assert [path.name for path in shipped.glob("*.json")] == [f"{name}.group.json"]

    other = result(second, seed=1)
    going_on = in_state(result(second, seed=2), "running")
    ship_runs.ship(
        name,
        [
            group_of(second, f"{name}-seed{run.spec.seed}", [cell_of(run)])
            for run in (other, going_on)
        ],
        second,
    )
    found = {cell.key: cell.run for cell in open_group(shipped, name).cells}
    assert found == {
        cell_of(old).key: old.id, missing.key: None,
        cell_of(other).key: other.id, cell_of(going_on).key: None,
    }  # fmt: skip

    new = result(again, score=0.9, seed=0)
    ship_runs.ship(name, [group_of(again, f"{name}-seed0", [cell_of(new)])], again)
    kept = {cell.seed: cell.run for cell in open_group(shipped, name).cells if cell.run}
    assert kept == {0: new.id, 1: other.id}
    assert {path.name for path in shipped.iterdir() if path.is_dir()} == {new.id, other.id}


def test_a_table_says_what_a_cell_was_trained_from_and_leaves_out_empty_rows():
    whole = {
        "task": "sst2", "metric": "accuracy", "kind": "trained", "target": 0.0, "low": 0.8,
        "high": 0.8, "median": 0.8, "method": "full", "part": "dense",
    }  # fmt: skip
    smaller = {
        **whole, "method": "finegates+full", "part": "warm", "target": 0.4, "median": 0.79,
        "low": 0.78, "drop": 0.01, "drop_low": -0.002, "drop_high": 0.021,
    }  # fmt: skip
    earlier = {**whole, "method": "magnitude", "part": "", "target": 0.4, "kind": "rounded"}
    failed = {**smaller, "method": "finegates", "median": None}
    lines = report.tables([whole, smaller, earlier, failed]).splitlines()
    assert lines[0] == "| SST-2, accuracy | 0% | 40% |"
    assert lines[2:] == [
        "| full | 80.0 | – |",
        "| finegates+full, from the fine-tuned model | – | "
        "79.0 (78.0–80.0); lost 1.0 (-0.2 to 2.1) |",
        "| magnitude, head drawn, rounded | – | 80.0 |",
    ]


def test_the_pages_have_a_place_for_the_tables():
    for name in (report.README, report.ALL):
        text = (report.ROOT / name).read_text()
        before, start, rest = text.partition(report.START)
        assert start and before and rest.count(report.END) == 1
