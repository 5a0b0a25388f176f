"""Claims about groups of picked runs: they are what one sweep would have made, or are refused."""

import shlex
from pathlib import Path

import pytest

from finegates.errors import FineGatesError, RunError
from finegates.groups.from_runs import group_runs
from finegates.groups.progress import progress_of
from finegates.groups.store import list_groups, open_group
from finegates.groups.sweep import check_cells, plan, sweep_command
from finegates.results.aggregate import group_points
from finegates.runs.folder import list_runs
from tests.fake_results import DATA, result, result_on

SHIPPED = Path(__file__).resolve().parents[2] / "cached_runs"


def test_a_grid_of_runs_is_the_sweep_that_would_have_made_it(runs_dir):
    runs = [
        result(runs_dir, method=method, target_sparsity=target, seed=seed, epochs=7)
        for seed in (0, 1)
        for method, target in (("full", 0.0), ("finegates", 0.2), ("finegates", 0.4))
    ]
    group = group_runs(runs_dir, "mine", runs)
    assert open_group(runs_dir, "mine") == group
    assert group.runs == [run.id for run in runs] and group.settings == {"epochs": 7}
    cells = plan(["full", "finegates"], [0.2, 0.4], [0, 1])
    assert shlex.split(group.command) == sweep_command("mine", {"epochs": 7}, cells)
    specs = check_cells(group.settings, group.cells).specs
    for cell, run in zip(group.cells, runs, strict=True):
        assert specs[cell.key].epochs == run.spec.epochs == 7
    assert progress_of(group, runs_dir).num_finished == 6
    assert [(p.method, p.seeds, p.missing_seeds) for p in group_points(group, runs_dir)] == [
        ("finegates", (0, 1), ()), ("finegates", (0, 1), ()), ("full", (0, 1), ()),
    ]  # fmt: skip


def test_a_part_of_a_grid_goes_on_by_its_name(runs_dir):
    runs = [result(runs_dir, seed=0), result(runs_dir, seed=1, target_sparsity=0.1)]
    assert group_runs(runs_dir, "part", runs).command.endswith("sweep --name part")


def test_a_device_decides_no_result(runs_dir):
    runs = [result(runs_dir, seed=0), result(runs_dir, seed=1, device="auto")]
    assert "device" not in group_runs(runs_dir, "both", runs).settings


def test_runs_that_differ_in_more_are_refused_by_name(runs_dir):
    runs = [result(runs_dir, seed=0, epochs=7), result(runs_dir, seed=1, lora_rank=4)]
    with pytest.raises(RunError, match="differ in epochs, lora_rank too"):
        group_runs(runs_dir, "no", runs)
    other = result_on(DATA | {"fingerprint": "b" * 64}, runs_dir, 0.8, seed=2, epochs=7)
    with pytest.raises(RunError, match=f"{other.id} differs"):
        group_runs(runs_dir, "no", [runs[0], other])
    assert list_groups(runs_dir) == []


def test_two_runs_of_one_seed_are_refused_by_name(runs_dir):
    first, again = result(runs_dir), result(runs_dir)
    with pytest.raises(RunError, match=f"{first.id} and {again.id} have the same"):
        group_runs(runs_dir, "no", [first, again])


def test_names_that_are_taken_or_wrong_are_refused(runs_dir):
    runs = [result(runs_dir, seed=seed) for seed in (0, 1, 0)]
    group_runs(runs_dir, "taken", runs[:1])
    assert group_runs(runs_dir, "taken", runs[:1]).runs == [runs[0].id]
    with pytest.raises(RunError, match="already, of other runs"):
        group_runs(runs_dir, "taken", runs[2:])
    for name in ("taken", "../up", ""):
        with pytest.raises(FineGatesError):
            group_runs(runs_dir, name, runs[1:2])
    with pytest.raises(RunError, match="none was picked"):
        group_runs(runs_dir, "empty", [])
    assert [group.name for group in list_groups(runs_dir)] == ["taken"]


def test_a_broken_run_is_refused_with_its_reason(runs_dir):
    run = result(runs_dir)
    (run.path / "spec.json").write_text("{")
    with pytest.raises(RunError, match="can't be read"):
        group_runs(runs_dir, "no", [run])


def test_the_shipped_groups_can_be_picked_again(tmp_path):
    for shipped in list_groups(SHIPPED):
        runs = [run for run in list_runs(SHIPPED) if run.id in shipped.runs]
        if len({run.spec.start_from for run in runs}) > 1:  # each seed from its own dense run
            with pytest.raises(RunError, match="differ in start_from too"):
                group_runs(tmp_path, shipped.name, runs)
            continue
        group = group_runs(tmp_path, shipped.name, runs)
        assert {*group.cells} == {c for c in shipped.cells if c.run in group.runs}
