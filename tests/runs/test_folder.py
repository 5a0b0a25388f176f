"""Claims about run folders: made whole or not at all, and listed whatever state they are in."""

import json
import os
import shlex
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from finegates.cli import build_parser
from finegates.errors import FineGatesError, RunError
from finegates.gates.laws import LAWS, PROJECTED, make_law
from finegates.gates.layout import ROLES, GatedMatrix, GateLayout
from finegates.gates.snapshots import Snapshot, save_snapshot, snapshot_path
from finegates.methods import METHODS
from finegates.runs import folder as runs
from finegates.runs.bin import BIN_FOLDER, delete_run
from finegates.runs.folder import (
    BROKEN,
    FORMAT_VERSION,
    GATES_FOLDER,
    ROW_KEYS,
    RUNS_DIR_VARIABLE,
    SPEC_FILE,
    Run,
    create_run,
    current_rows,
    default_runs_dir,
    list_runs,
    open_run,
)
from finegates.runs.provenance import command_of
from finegates.runs.status import STATUS_FILE, Status, write_status
from finegates.spec import BUDGET, FIELDS, PENALTIES, RunSpec, make_spec

DATA = {"source": "sample", "fingerprint": "0" * 64, "labels": ["no", "yes"]}


@pytest.fixture
def run(runs_dir) -> Run:
    return create_run(make_spec({"seed": 3}), DATA, runs_dir)


# Making a run


def test_a_new_run_is_queued_and_holds_its_spec(run):
    assert run.status().state == "queued"
    assert run.spec == make_spec({"seed": 3})
    assert run.record["data"] == DATA
    assert run.record["format_version"] == FORMAT_VERSION
    assert sorted(os.listdir(run.path)) == [SPEC_FILE, STATUS_FILE]


@pytest.mark.parametrize("when", ["spec", "status", "rename"])
def test_a_run_is_made_whole_or_not_at_all(runs_dir, monkeypatch, when):
    def full_disk(*_) -> None:
        raise OSError(28, "No space left on device")

    target = {"spec": (runs, "write_json"), "status": (runs, "write_status")}
    monkeypatch.setattr(*target.get(when, (Path, "rename")), full_disk)
    with pytest.raises(OSError, match="No space"):
        create_run(RunSpec(), DATA, runs_dir)
    assert os.listdir(runs_dir) == []


def test_runs_made_in_one_instant_have_different_ids(runs_dir):
    ids = [create_run(RunSpec(), DATA, runs_dir).id for _ in range(20)]
    assert len(set(ids)) == 20
    assert sorted(run.id for run in list_runs(runs_dir)) == sorted(ids)


def test_runs_made_in_one_instant_are_listed_newest_first(runs_dir):
    ids = [create_run(RunSpec(), DATA, runs_dir).id for _ in range(20)]
    assert [run.id for run in list_runs(runs_dir)] == ids[::-1]


def test_runs_with_ids_of_an_older_version_are_listed_in_their_place(runs_dir, run):
    old = "20261121-022348-sst2-finegates-3d1676d0"
    same_second = "20261121-022348-999999-sst2-finegates-3d1676d0"
    for name in (old, same_second, "20261121-022349-000001-rte-full-3d1676d0"):
        (runs_dir / name).mkdir()
    names = [r.id for r in list_runs(runs_dir)]
    assert names.index("20261121-022349-000001-rte-full-3d1676d0") < names.index(old)
    assert open_run(runs_dir, old).id == old


def test_what_a_run_records_of_its_software_names_the_packages_that_decide_a_result(run):
    assert {"python", "torch", "transformers", "accelerate"} <= run.record["versions"].keys()


# Listing


def spoil(run: Run, how: str) -> None:
    """Damages a run folder."""
    spec, status = run.path / SPEC_FILE, run.path / STATUS_FILE
    record = json.loads(spec.read_bytes())
    changes = {
        "other version": {"format_version": FORMAT_VERSION + 1},
        "no version": {"format_version": None},
        "unknown setting": {"spec": {"mood": "good"}},
        "setting out of range": {"spec": {"epochs": 0}},
        "spec is a list": {"spec": [1]},
    }
    if how in changes:
        spec.write_text(json.dumps({**record, **changes[how]}))
    elif how.startswith("no "):
        del record[how.removeprefix("no ")]
        spec.write_text(json.dumps(record))
    elif how == "half a spec":
        spec.write_bytes(spec.read_bytes()[:50])
    elif how == "missing spec":
        spec.unlink()
    elif how == "missing status":
        status.unlink()
    elif how == "binary status":
        status.write_bytes(b"\x80\x00")
    elif how == "status of other types":
        status.write_text(json.dumps({"state": "running", "host": "x", "heartbeat": "now"}))
    elif how == "empty folder":
        spec.unlink()
        status.unlink()


@pytest.mark.parametrize(
    "how",
    [
        "other version", "no version", "unknown setting", "setting out of range",
        "spec is a list", "no created", "no command", "no data", "no spec", "half a spec",
        "missing spec", "missing status", "binary status", "status of other types",
        "empty folder",
    ],
)  # fmt: skip
def test_a_broken_run_is_a_row_that_says_why_beside_the_others(runs_dir, run, how):
    broken = create_run(RunSpec(), DATA, runs_dir)
    spoil(broken, how)
    rows = {r.id: r.row() for r in list_runs(runs_dir)}
    assert rows[run.id]["status"] == "queued"
    assert rows[broken.id]["status"] == BROKEN
    assert broken.id in rows[broken.id]["reason"]
    assert tuple(rows[broken.id]) == tuple(rows[run.id]) == ROW_KEYS


def test_what_is_no_run_is_not_listed(runs_dir, run):
    (runs_dir / "notes.txt").write_text("mine")
    (runs_dir / ".hidden").mkdir()
    (runs_dir / "a name with blanks").mkdir()
    assert [r.id for r in list_runs(runs_dir)] == [run.id]
    assert list_runs(runs_dir / "missing") == []


def test_the_newest_run_comes_first(runs_dir, run):
    older = runs_dir / "20200101-000000-sample-finegates-aaaa"
    older.mkdir()
    assert [r.id for r in list_runs(runs_dir)] == [run.id, older.name]


def test_a_row_holds_what_spec_and_status_say(run):
    status = Status(
        state="finished", score=0.75, metric="accuracy", removed_weights_fraction=0.3, step=9
    )
    write_status(run.path, status)
    row = run.row()
    assert (row["run"], row["status"], row["seed"]) == (run.id, "finished", 3)
    assert row["target_fraction"] == run.spec.target_sparsity
    assert (row["score"], row["metric"], row["removed_weights_fraction"]) == (0.75, "accuracy", 0.3)
    assert row["command"] == run.record["command"]
    assert (row["source"], row["fingerprint"], row["num_train"]) == ("sample", "0" * 64, None)
    assert json.loads(json.dumps(row)) == row


@pytest.mark.parametrize(
    ("given", "settings"),
    [
        ({"method": "lora", "lora_rank": 8}, {}),
        ({"method": "lora", "lora_rank": 4, "epochs": 3}, {"lora_rank": 4, "epochs": 3}),
        ({"target_sparsity": 0.1, "seed": 3, "task": "cola", "eval_steps": 3}, {}),
        ({"data": "a.csv", "text_column": "a", "max_train_samples": 9}, {"max_train_samples": 9}),
        ({"gate_law": "hard-concrete"}, {"gate_law": "hard-concrete"}),
    ],
)
def test_a_row_names_the_chosen_settings_that_decide_a_result(runs_dir, given, settings):
    row = create_run(make_spec({"device": "cpu", **given}), DATA, runs_dir).row()
    assert row["settings"] == settings


# Finding one


def test_a_run_is_opened_by_its_id(runs_dir, run):
    assert open_run(runs_dir, run.id) == run


@pytest.mark.parametrize("name", ["../x", "..", ".", "", "/etc", ".bin", "a/b", "a\0b"])
def test_a_path_is_no_run_id(runs_dir, run, name):
    (runs_dir.parent / "x").mkdir()
    (runs_dir / BIN_FOLDER).mkdir()
    with pytest.raises(RunError):
        open_run(runs_dir, name)


def test_a_mistyped_id_is_answered_with_the_closest_one_even_among_many(runs_dir, run):
    for number in range(30):
        (runs_dir / f"9{number:03d}-other").mkdir()
    with pytest.raises(RunError, match=f"Did you mean '{run.id}'.* and 11 more") as caught:
        open_run(runs_dir, run.id[:-1] + "x")
    assert "\n" not in str(caught.value)


def test_an_id_in_an_empty_folder_is_answered_with_that(tmp_path):
    with pytest.raises(RunError, match="holds no runs"):
        open_run(tmp_path, "20200101-000000-sample-finegates-aaaa")


# Deleting


@pytest.mark.parametrize("state", ["finished", "stopped", "failed", "lost"])
def test_a_deleted_run_is_in_the_bin_as_it_was(runs_dir, run, state):
    write_status(run.path, Status(state=state))
    before = sorted(os.listdir(run.path))
    target = delete_run(run)
    assert target.parent == runs_dir / BIN_FOLDER
    assert sorted(os.listdir(target)) == before
    assert list_runs(runs_dir) == []


def test_a_broken_run_can_be_deleted(runs_dir, run):
    spoil(run, "missing status")
    delete_run(run)
    assert list_runs(runs_dir) == []


@pytest.mark.parametrize("state", ["queued", "starting", "running", "paused", "stopping"])
def test_a_run_that_waits_or_lives_is_not_deleted(run, state):
    me = psutil.Process()
    status = replace(
        Status(state),
        host=os.uname().nodename,
        pid=me.pid,
        process_created=me.create_time(),
        heartbeat=time.time(),
    )
    write_status(run.path, status)
    with pytest.raises(RunError, match=f"{state}; stop it before"):
        delete_run(run)
    assert run.path.is_dir()


# Rows of metrics


def test_rows_that_a_resumption_did_again_are_left_out():
    rows = [
        {"kind": "train", "step": 5, "loss": 1.0},
        {"kind": "eval", "step": 10},
        {"kind": "train", "step": 15, "loss": 9.0},
        {"kind": "resumed", "step": 10},
        {"kind": "train", "step": 15, "loss": 2.0},
    ]
    assert current_rows(rows) == [rows[0], rows[1], rows[4]]


def test_a_run_resumed_twice_keeps_what_led_to_its_end():
    rows = [{"kind": "train", "step": s, "life": 0} for s in (1, 2, 3, 4)]
    rows += [{"kind": "resumed", "step": 3}, {"kind": "train", "step": 4, "life": 1}]
    rows += [{"kind": "resumed", "step": 1}, {"kind": "train", "step": 2, "life": 2}]
    kept = [(row["step"], row["life"]) for row in current_rows(rows)]
    assert kept == [(1, 0), (2, 2)]


def test_rows_without_a_step_are_passed_over():
    rows = [{"kind": "resumed"}, {"kind": "train", "step": "3"}, {}, {"kind": "eval", "step": 4}]
    assert current_rows(rows) == [{"kind": "eval", "step": 4}]


# The command that repeats a run

texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8
)
# Python 3.11's argparse takes the word "--" away wherever it stands.
user_words = texts.filter(lambda text: text != "--" and text.strip())


def possible(chosen: dict) -> dict:
    """Without what contradicts the rest: a column of no file, a target where nothing is removed,
    some matrices of a whole structure, a law for budgets with a penalty of another kind."""
    method = METHODS[chosen["method"]]
    left_out = set() if "data" in chosen else {"text_column"}
    left_out |= set() if method.removes else {"target_sparsity"}
    left_out |= {"target_modules"} if "gate_units" in method.settings else set()
    law, penalty = ((method.settings | chosen).get(name) for name in ("gate_law", "penalty"))
    if law == PROJECTED and penalty not in (None, BUDGET):
        left_out |= {"gate_law", "penalty"}
    return {name: value for name, value in chosen.items() if name not in left_out}


chosen_settings = st.fixed_dictionaries(
    {"method": st.sampled_from(list(METHODS))},
    optional={
        "data": user_words,
        "text_column": user_words,
        "model": user_words,
        "target_sparsity": st.floats(0.0, 0.95),
        "gate_law": st.sampled_from(tuple(LAWS)),
        "gate_sampling_sigma": st.floats(0.001, 2.0),
        "penalty": st.sampled_from(PENALTIES),
        "target_modules": st.lists(st.sampled_from(ROLES), min_size=1, unique=True).map(tuple),
        "penalty_weight": st.floats(0.0, 1e9),
        "train_biases": st.booleans(),
        "eval_steps": st.integers(1, 10**6),
        "max_train_samples": st.integers(2, 10**6),
        "learning_rate": st.floats(0.0, 1.0),
        "seed": st.integers(0, 2**31),
        "device": st.sampled_from(["auto", "cpu", "cuda:1"]),
    },
).map(possible)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen_settings)
@example({"data": "-a.csv", "text_column": "--text", "model": "-m"})
@example({"method": "finegates", "gate_law": "hard-concrete", "gate_sampling_sigma": 0.1})
def test_the_command_line_of_a_spec_gives_that_spec(chosen):
    spec = make_spec(chosen)
    words = shlex.split(shlex.join(command_of(spec)))
    assert words[:4] == ["python", "-m", "finegates", "train"]
    options = build_parser().parse_args(words[3:])
    assert make_spec({name: getattr(options, name) for name in FIELDS}) == spec


def test_the_command_of_the_defaults_is_short():
    words = ["python", "-m", "finegates", "train", "--method", "finegates+lora"]
    assert command_of(make_spec({})) == words


# Snapshots and the log

LAYOUT = GateLayout((GatedMatrix(0, "q", 4, 4),), num_heads=2, num_key_value_heads=2)


def snapshot_at(step: int, value: float = 0.5) -> Snapshot:
    return Snapshot(step, LAYOUT, make_law("gaussian"), np.full(8, value, np.float32))


def test_the_newest_snapshot_is_given_unless_a_step_is_named(run):
    for step in (2, 10):
        save_snapshot(run.path / GATES_FOLDER, snapshot_at(step, step / 20), full_precision=True)
    assert run.snapshot_steps() == [2, 10]
    assert run.snapshot().step == 10
    np.testing.assert_allclose(run.snapshot(2).means, 0.1)


def test_a_snapshot_that_is_not_there_is_an_error_with_those_that_are(run):
    with pytest.raises(RunError, match="no gates yet"):
        run.snapshot()
    save_snapshot(run.path / GATES_FOLDER, snapshot_at(4), full_precision=False)
    with pytest.raises(RunError, match=r"no gates at step 5; it has steps \[4\]"):
        run.snapshot(5)


@pytest.mark.parametrize("content", [b"", b"garbage", None], ids=["empty", "garbage", "cut short"])
def test_a_damaged_snapshot_is_an_error_of_the_run(run, content):
    path = save_snapshot(run.path / GATES_FOLDER, snapshot_at(4), full_precision=True)
    path.write_bytes(path.read_bytes()[:-4] if content is None else content)
    with pytest.raises(RunError, match="not a readable gate snapshot"):
        run.snapshot()


def test_a_safetensors_file_of_something_else_is_no_snapshot(run):
    from safetensors.numpy import save_file

    (run.path / GATES_FOLDER).mkdir()
    save_file({"a": np.zeros(2)}, snapshot_path(run.path / GATES_FOLDER, 1))
    with pytest.raises(RunError, match="not a readable gate snapshot"):
        run.snapshot()


def test_the_tail_of_the_log_is_the_end_of_it_even_within_a_character(run):
    assert run.log_tail() == ""
    run.log_path.write_text("é" * 100)
    assert run.log_tail(3) == "\ufffdé"


def test_the_runs_folder_is_the_environments_or_one_named_cached_runs(monkeypatch, tmp_path):
    monkeypatch.setenv(RUNS_DIR_VARIABLE, str(tmp_path))
    assert default_runs_dir() == tmp_path
    monkeypatch.delenv(RUNS_DIR_VARIABLE)
    assert default_runs_dir().name == "cached_runs"


def test_no_error_of_a_run_is_anything_but_ours(runs_dir, run):
    spoil(run, "spec is a list")
    for read in (lambda: Run(run.path).spec, lambda: Run(runs_dir / "gone").status()):
        with pytest.raises(FineGatesError):
            read()
