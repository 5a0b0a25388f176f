"""Claims about sweeps: everything checked before anything is queued, and no run made twice."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finegates.cli import build_parser
from finegates.commands.options import given_settings
from finegates.commands.sweep import _cells
from finegates.errors import DataError, FineGatesError, RunError, SpecError
from finegates.groups.store import Cell, Group, create_group, list_groups, open_group, save_group
from finegates.groups.sweep import check_cells, plan, start_sweep, submit_missing, sweep_command
from finegates.jobs import control as jobs
from finegates.jobs import inputs
from finegates.jobs.queue import queued_runs, statuses_of
from finegates.methods import METHODS
from finegates.runs.bin import delete_run
from finegates.runs.folder import Run, list_runs, open_run
from finegates.runs.status import FINAL_STATES
from finegates.spec import make_spec
from tests.fake_results import in_state

pytestmark = pytest.mark.usefixtures("asleep")

CELLS = plan(["finegates", "full"], [0.1, 0.2], [0, 1])
SETTINGS = {"task": "sample", "device": "cpu", "epochs": 2}


@pytest.fixture
def reads(monkeypatch) -> list[str]:
    """The tasks whose data was read."""
    tasks: list[str] = []
    real = inputs.load_splits
    monkeypatch.setattr(
        inputs, "load_splits", lambda spec: (tasks.append(spec.task), real(spec))[1]
    )
    return tasks


def started(runs_dir: Path, cells: Sequence[Cell] = CELLS, **settings) -> Group:
    return start_sweep(runs_dir, "mine", {**SETTINGS, **settings}, cells)


def states_of(group: Group) -> list[str]:
    return [Run(group.path.parent / name).status().state for name in group.runs]


# Which runs


def test_the_first_seeds_curve_comes_first_and_methods_take_turns_at_each_target():
    cells = plan(["finegates", "full", "magnitude"], [0.2, 0.1], [5, 3])
    assert [cell.key for cell in cells[:5]] == [
        ("full", 0.0, 5),
        ("finegates", 0.2, 5), ("magnitude", 0.2, 5),
        ("finegates", 0.1, 5), ("magnitude", 0.1, 5),
    ]  # fmt: skip
    assert [cell.seed for cell in cells] == [5] * 5 + [3] * 5


names = st.lists(st.sampled_from(list(METHODS)), min_size=1, max_size=6)
targets = st.lists(st.floats(0.0, 0.95), min_size=1, max_size=5)
seeds = st.lists(st.integers(0, 9), min_size=1, max_size=4)


@given(names, targets, seeds)
def test_every_combination_is_planned_once_and_a_dense_method_once_a_seed(names, targets, seeds):
    cells = plan(names, targets, seeds)
    keys = [cell.key for cell in cells]
    assert len(keys) == len(set(keys))
    wanted = {
        (name, target if METHODS[name].removes else 0.0, seed)
        for name in names for target in targets for seed in seeds
    }  # fmt: skip
    assert set(keys) == wanted
    assert all(cell.run is None for cell in cells)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (([], [0.1], [0]), "methods is empty"),
        ((["finegates"], [], [0]), "targets is empty"),
        ((["finegates"], [0.1], []), "seeds is empty"),
        ((["finegate"], [0.1], [0]), "Did you mean 'finegates'"),
        ((["finegates"], [0.1, 1.5], [0]), "targets is 1.5; allowed is 0.0 to 0.95"),
        ((["finegates"], [float("nan")], [0]), "targets is nan"),
    ],
)
def test_a_plan_that_can_not_be_is_refused(given, words):
    with pytest.raises(SpecError, match=words):
        plan(*given)


def test_dense_methods_alone_need_no_target():
    assert plan(["full"], [], [0]) == [Cell("full", 0.0, 0)]


def test_the_command_of_a_sweep_asks_for_that_sweep():
    settings = {**SETTINGS, "target_modules": ["q", "v"], "train_biases": False}
    words = sweep_command("mine", settings, CELLS)
    assert words[:4] == ["python", "-m", "finegates", "sweep"]
    options = build_parser().parse_args(shlex.split(shlex.join(words))[3:])
    assert options.name == "mine"
    assert {cell.key for cell in _cells(options)} == {cell.key for cell in CELLS}
    assert given_settings(options) == {**settings, "target_modules": ("q", "v")}


# Checking


def test_every_cell_gets_its_methods_settings_and_data_is_read_once(reads):
    checked = check_cells({**SETTINGS, "lora_rank": None}, CELLS)
    assert reads == ["sample"]
    assert checked.settings == SETTINGS
    assert checked.data["num_train"] > 0
    for cell in CELLS:
        wanted = {"method": cell.method, "target_sparsity": cell.target, "seed": cell.seed}
        assert checked.specs[cell.key] == make_spec({**SETTINGS, **wanted})


def test_paths_are_made_absolute(tmp_path, monkeypatch):
    lines = [f"{text},{label}" for text, label in zip("abcdefgh", "01" * 4, strict=True)]
    (tmp_path / "mine.csv").write_text("\n".join(["text,label", *lines]))
    monkeypatch.chdir(tmp_path)
    checked = check_cells({"data": "mine.csv", "device": "cpu"}, CELLS)
    assert checked.settings["data"] == str(tmp_path / "mine.csv")
    assert {spec.data for spec in checked.specs.values()} == {str(tmp_path / "mine.csv")}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"seed": 3}, "give seeds in place"),
        ({"method": "full"}, "give methods in place"),
        ({"target_sparsity": 0.1}, "give targets in place"),
        ({"epoch": 3}, "Did you mean 'epochs'"),
        ({"epochs": 0}, "epochs is 0"),
        ({"device": "cuda:9"}, "cuda:9"),
        ({"model": "/none"}, "does not exist"),
        ({"glue_dir": "/none", "task": "rte"}, "does not exist"),
        ({"gate_law": "hard-concrete", "gate_sampling_sigma": 0.5}, "sigma"),
    ],
)
def test_what_could_not_work_makes_neither_group_nor_run(runs_dir, asleep, settings, words):
    with pytest.raises(FineGatesError, match=words):
        started(runs_dir, **settings)
    assert [*runs_dir.iterdir()] == [] and asleep == []


def test_a_sweep_of_nothing_is_refused(runs_dir):
    with pytest.raises(SpecError, match="without runs"):
        started(runs_dir, [])


# Submitting


def test_a_started_sweep_has_a_queued_run_for_every_cell_in_the_plans_order(
    runs_dir, asleep, reads
):
    group = started(runs_dir)
    assert [cell.key for cell in group.cells] == [cell.key for cell in CELLS]
    assert open_group(runs_dir, "mine") == group
    runs = [open_run(runs_dir, name) for name in group.runs]
    assert {run.id for run in list_runs(runs_dir)} == set(group.runs)
    for cell, run in zip(CELLS, runs, strict=True):
        wanted = {"method": cell.method, "target_sparsity": cell.target, "seed": cell.seed}
        assert run.spec == make_spec({**SETTINGS, **wanted})
        assert run.record["data"]["fingerprint"]
    assert set(states_of(group)) == {"queued"}
    waiting = queued_runs(statuses_of(runs_dir))
    assert [run.id for run in waiting] == group.runs
    assert reads == ["sample"], "once for the group, not for each run"
    assert asleep == [runs_dir], "one dispatcher for all"


def test_a_sweep_started_again_goes_on_and_makes_nothing_twice(runs_dir):
    first = started(runs_dir)
    assert started(runs_dir) == first
    assert submit_missing(first, runs_dir) == first
    assert len(list_runs(runs_dir)) == len(CELLS)


def test_a_sweep_of_the_same_name_with_other_settings_queues_nothing(runs_dir):
    started(runs_dir)
    with pytest.raises(RunError, match="another epochs"):
        started(runs_dir, epochs=3)
    assert len(list_runs(runs_dir)) == len(CELLS)


@pytest.mark.parametrize("state", FINAL_STATES)
def test_what_did_not_finish_is_resumed_and_what_did_is_left_alone(runs_dir, asleep, state):
    group = started(runs_dir)
    for name in group.runs:
        in_state(Run(runs_dir / name), state, ended=1.0)
    asleep.clear()
    assert submit_missing(group, runs_dir) == group
    assert len(list_runs(runs_dir)) == len(CELLS)
    if state == "finished":
        assert set(states_of(group)) == {"finished"} and asleep == []
    else:
        assert set(states_of(group)) == {"queued"} and asleep == [runs_dir]


@pytest.mark.parametrize("how", ["deleted", "broken"])
def test_a_run_that_is_gone_or_broken_is_made_anew_under_another_id(runs_dir, how):
    group = started(runs_dir)
    lost = in_state(Run(runs_dir / group.runs[2]), "finished")
    if how == "deleted":
        delete_run(lost)
    else:
        (lost.path / "spec.json").write_text("{")
    again = submit_missing(group, runs_dir)
    changed = [i for i, (a, b) in enumerate(zip(group.runs, again.runs, strict=True)) if a != b]
    assert changed == [2]
    assert open_run(runs_dir, again.runs[2]).spec.seed == CELLS[2].seed
    assert open_group(runs_dir, "mine") == again


class Crash(BaseException):
    """As sudden as a kill: nothing of ours catches it."""


@pytest.mark.parametrize("when", ["before the run is made", "after the run is made"])
@pytest.mark.parametrize("at", range(len(CELLS)))
def test_a_crash_at_any_run_makes_none_twice_and_leaves_none_out(runs_dir, monkeypatch, at, when):
    made, real = [], jobs.create_run

    def crash_at(*words, **named) -> Run:
        if len(made) == at and when.startswith("before"):
            raise Crash
        run = real(*words, **named)
        made.append(run)
        if len(made) == at + 1 and when.startswith("after"):
            raise Crash
        return run

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "create_run", crash_at)
        with pytest.raises(Crash):
            started(runs_dir)
    group = submit_missing(open_group(runs_dir, "mine"), runs_dir)
    runs = [open_run(runs_dir, name) for name in group.runs]
    assert len(runs) == len(CELLS) == len(list_runs(runs_dir))
    keys = [(r.spec.method, r.spec.target_sparsity, r.spec.seed) for r in runs]
    assert keys == [cell.key for cell in CELLS]
    assert {run.id for run in made} <= set(group.runs)


def test_a_crash_between_group_and_first_run_is_mended_by_the_same_call(runs_dir):
    checked = check_cells(SETTINGS, CELLS)
    create_group(runs_dir, "mine", checked.settings, CELLS, "c")
    group = started(runs_dir)
    assert len(group.runs) == len(list_runs(runs_dir)) == len(CELLS)


def test_two_processes_that_go_on_with_one_group_make_each_run_once(runs_dir):
    from multiprocessing.pool import ThreadPool

    checked = check_cells(SETTINGS, CELLS)
    group = create_group(runs_dir, "mine", checked.settings, CELLS, "c")
    with ThreadPool(4) as pool:
        ends = pool.map(lambda _: submit_missing(group, runs_dir, checked), range(4))
    assert len(list_runs(runs_dir)) == len(CELLS)
    assert all(end == ends[0] for end in ends)


def test_runs_on_other_data_do_not_join_a_group(runs_dir, tmp_path):
    path = tmp_path / "mine.csv"
    rows = [f"{text},{label}" for text, label in zip("abcdefgh", "01" * 4, strict=True)]
    path.write_text("\n".join(["text,label", *rows]))
    settings = {"data": str(path), "device": "cpu"}
    group = start_sweep(runs_dir, "mine", settings, CELLS)
    delete_run(in_state(Run(runs_dir / group.runs[-1]), "finished"))
    path.write_text("\n".join(["text,label", *rows, "i,0", "j,1"]))
    with pytest.raises(DataError, match="'mine' has changed since"):
        submit_missing(group, runs_dir)
    assert len(list_runs(runs_dir)) == len(CELLS) - 1


def test_a_group_deleted_meanwhile_is_not_gone_on_with(runs_dir):
    group = replace(started(runs_dir), name="gone")
    with pytest.raises(RunError, match="gone"):
        submit_missing(group, runs_dir)


# Its name


def test_a_name_is_found_that_no_other_sweep_has(runs_dir):
    first = start_sweep(runs_dir, None, SETTINGS, CELLS)
    assert first.name.startswith("sweep-2") and first.name.endswith("-sample")
    assert start_sweep(runs_dir, None, SETTINGS, CELLS) == first, "the same sweep goes on"
    (runs_dir / f"{first.name}-2.group.json").write_text("{")
    second = start_sweep(runs_dir, None, SETTINGS, CELLS[:1])
    assert second.name == f"{first.name}-3"
    assert start_sweep(runs_dir, None, SETTINGS, CELLS[:1]) == second
    assert {group.name for group in list_groups(runs_dir) if not group.problem} == {
        first.name, second.name,
    }  # fmt: skip


def test_a_group_of_another_version_is_not_submitted_in_part(runs_dir):
    group = create_group(runs_dir, "odd", {"mood": "good"}, CELLS, "c")
    with pytest.raises(SpecError, match="Unknown setting 'mood'"):
        submit_missing(group, runs_dir)
    save_group(replace(group, settings={}, cells=(Cell("sorcery", 0.1, 0), *CELLS)))
    with pytest.raises(SpecError, match="Unknown method 'sorcery'"):
        submit_missing(group, runs_dir)
    assert list_runs(runs_dir) == []
