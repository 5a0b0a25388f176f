"""Claims about paths: no name, address, run folder or upload leads out of the app's folders."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from finegates.data.uploads import delete_upload, kept_files, save_upload
from finegates.errors import DataError, FineGatesError, RunError, SpecError
from finegates.files.storage import LineReader, read_json, read_tail
from finegates.gates.cuts import Cut
from finegates.groups.file import GROUP_SUFFIX
from finegates.groups.store import create_group, list_groups, open_group
from finegates.groups.sweep import plan
from finegates.jobs import control as jobs
from finegates.jobs import tasks
from finegates.jobs.estimate import estimate_cost
from finegates.machine.processes import start_process
from finegates.models import sources as models
from finegates.models.sources import EMBEDDED_MODEL
from finegates.runs.bin import BinnedRun, delete_run, list_bin, restore_run
from finegates.runs.folder import (
    BROKEN,
    GATES_FOLDER,
    LOG_FILE,
    Run,
    list_runs,
    open_run,
)
from finegates.runs.notes import write_notes
from finegates.runs.saved_models import EXPORTS_FOLDER, delete_saved, saved_folder
from finegates.runs.status import STOP_FILE, process_alive
from finegates.spec import make_spec
from tests.app.fake_runs import make_group, make_run

SECRET = "what nobody may see"
ESCAPES = (
    "..", ".", "", "../outside", "..\\outside", "/etc", "a/../../outside", "outside/", "%2e%2e",
    "a\0b", "a\nb", "~", "-rf", ".bin", ".uploads", "\u2025/", "C:\\", "n" * 5000,
)  # fmt: skip
PAGES = ("compare", "tradeoff", "live", "dimensions", "prune", "data", "new_run", "new_sweep")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the runs folder that looks like a run, with a secret in every file."""
    folder = tmp_path / "outside"
    made = make_run(tmp_path / "elsewhere", "failed", reason=SECRET)
    made.path.rename(folder)
    (folder / LOG_FILE).write_text(SECRET)
    (folder / f"g{GROUP_SUFFIX}").write_text(SECRET)
    return folder


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Models whose config was looked for, on this machine or on the hub."""
    names: set[str] = set()
    look = models.check_model
    monkeypatch.setattr(models, "check_model", lambda name: names.add(name) or look(name))
    return names


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# Names


@pytest.mark.parametrize("name", ESCAPES)
def test_no_name_opens_a_run_or_makes_a_group_elsewhere(runs_dir, outside, name):
    make_run(runs_dir)
    with pytest.raises(RunError, match="Unknown run"):
        open_run(runs_dir, name)
    with pytest.raises(RunError, match="no group"):
        open_group(runs_dir, name)
    with pytest.raises(SpecError, match="can't be a group's name"):
        create_group(runs_dir, name, {}, plan(["full"], [0.0], [0]), "again")
    assert not list_groups(runs_dir)


@pytest.mark.parametrize("name", ESCAPES)
def test_no_uploads_name_leads_elsewhere(tmp_path, name):
    kept = tmp_path / "runs" / ".uploads"
    try:
        path = save_upload(f"{name}.csv", b"text,label\n", kept)
    except DataError as error:  # nothing is left of such a name
        assert "Unknown file type 'none'" in str(error) and not [*tmp_path.rglob("*.csv")]
        return
    assert path.resolve().parent == kept.resolve()
    assert [*tmp_path.rglob("*.csv")] == [path]


@pytest.mark.parametrize("name", ["../../outside", "/etc/passwd", ".."])
def test_a_group_that_names_runs_elsewhere_is_damaged(runs_dir, outside, name):
    group = make_group(runs_dir, "g", ["full"], (0.0,), (0,))
    record = json.loads(group.path.read_text())
    record["cells"][0]["run"] = name
    group.path.write_text(json.dumps(record))
    with pytest.raises(RunError, match="is not one of its runs"):
        open_group(runs_dir, "g")


# Addresses


@pytest.mark.parametrize("page", PAGES)
def test_no_address_shows_what_is_elsewhere(visit, runs_dir, outside, page):
    make_run(runs_dir)
    escape = "../outside"
    parameters = dict.fromkeys(
        ("run", "runs", "focus", "group", "against", "data", "file", "step", "at", "filter"), escape
    )
    app = visit(page, **parameters)
    assert not app.exception
    assert SECRET not in written(app)


def test_an_address_names_no_model_of_this_machine_or_of_strangers(visit, runs_dir, asked):
    for model in ("/etc", "../outside", "~", "cached_runs", "evil/beacon"):
        app = visit("new_sweep", model=model)
        assert not app.exception
        assert "Type it into the form yourself" in app.text[0].value
    assert asked <= {EMBEDDED_MODEL}
    assert not visit("new_sweep", model="FacebookAI/roberta-base").text


def test_an_address_opens_kept_files_only_and_no_link(visit, runs_dir, outside):
    kept = runs_dir / ".uploads"
    kept.mkdir()
    (outside / "rows.csv").write_text(f"text,label\n{SECRET},x\nb,y\n")
    (kept / f"{'a' * 16}-rows.csv").symlink_to(outside / "rows.csv")
    for name in ("../../outside/rows.csv", f"{'a' * 16}-rows.csv", "rows.csv"):
        for app in (visit("new_run", file=name), visit("data", data=name)):
            assert not app.exception and SECRET not in written(app)


def written(app) -> str:
    kinds = ("title", "markdown", "caption", "info", "warning", "error", "code", "text")
    return "\n".join(str(e.value) for kind in kinds for e in app.get(kind))


# Links in run folders


def test_a_link_in_place_of_a_run_is_told_and_not_followed(runs_dir, outside):
    (runs_dir / "linked").symlink_to(outside)
    (run,) = list_runs(runs_dir)
    assert run.row()["status"] == BROKEN and "symbolic link" in run.row()["reason"]
    assert SECRET not in run.row()["reason"]
    with pytest.raises(RunError, match="symbolic link"):
        open_run(runs_dir, "linked")
    before = content(outside)
    for act in (jobs.request_stop, jobs.resume, lambda r: write_notes(r.path, "mine", [])):
        with pytest.raises(RunError, match="symbolic link"):
            act(run)
    delete_run(run)
    assert content(outside) == before and outside.is_dir() and not list_runs(runs_dir)


LINKED = ("status.json", "spec.json", LOG_FILE, "metrics.jsonl", "notes.json", STOP_FILE, "pause",
          GATES_FOLDER, "tasks", EXPORTS_FOLDER, "checkpoint", "trained")  # fmt: skip


@pytest.mark.parametrize("name", LINKED)
def test_a_run_with_a_link_in_it_is_broken_and_nothing_acts_on_it(runs_dir, outside, name):
    run = make_run(runs_dir, "running", progress=0.5)
    target = run.path / name
    if target.is_dir():
        target.rename(run.path / "aside")
    target.unlink(missing_ok=True)
    target.symlink_to(outside if "." not in name else outside / name)
    before, run = content(outside), Run(run.path)
    assert (run.row()["status"] == BROKEN and "symbolic link" in run.row()["reason"]) or (
        name == "status.json" and "can't be read" in run.row()["reason"]
    )
    acts = (
        jobs.request_stop, jobs.resume, lambda r: jobs.pause(r, True),
        lambda r: tasks.start_task(r, "score", ["prune", r.id]),
        lambda r: write_notes(r.path, "mine", []), lambda r: open_run(runs_dir, r.id),
    )  # fmt: skip
    for act in acts:
        with pytest.raises(FineGatesError):
            act(run)
    if name == GATES_FOLDER:
        assert run.snapshot_steps() == []
    assert content(outside) == before
    assert SECRET not in run.log_tail()


@pytest.mark.parametrize("page", ["runs", "live", "dimensions", "prune", "compare"])
@pytest.mark.parametrize("name", [LOG_FILE, "status.json", GATES_FOLDER])
def test_pages_show_nothing_that_a_link_leads_to(visit, runs_dir, outside, page, name):
    run = make_run(runs_dir, "failed", progress=0.5)
    target = run.path / name
    if target.is_dir():
        target.rename(run.path / "aside")
    target.unlink(missing_ok=True)
    target.symlink_to(outside / name)
    app = visit(page, **({"run": run.id} if page != "runs" else {}))
    assert not app.exception
    assert SECRET not in written(app)


def test_files_are_opened_without_following_a_link_or_waiting_for_a_pipe(tmp_path, outside):
    (tmp_path / "link").symlink_to(outside / LOG_FILE)
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        assert read_tail(tmp_path / name, 100) == ""
        with pytest.raises(RunError, match="can't be read"):
            read_json(tmp_path / name)
        with pytest.raises(RunError, match="can't be read"):
            LineReader(tmp_path / name).read_new()


def test_a_saved_model_is_removed_from_its_own_folder_only(runs_dir, outside):
    run, cut = make_run(runs_dir), Cut(remove=0.3)
    (outside / "remove-0.3").mkdir()
    (run.path / EXPORTS_FOLDER).symlink_to(outside)
    with pytest.raises(RunError, match="link to another place"):
        delete_saved(run, cut)
    assert (outside / "remove-0.3").is_dir()
    (run.path / EXPORTS_FOLDER).unlink()
    saved_folder(run, cut).mkdir(parents=True)
    (saved_folder(run, cut) / "link").symlink_to(outside)
    delete_saved(run, cut)
    assert not saved_folder(run, cut).exists() and (outside / LOG_FILE).is_file()


def test_a_link_in_the_bin_is_not_offered(runs_dir, outside):
    (runs_dir / ".bin").mkdir()
    (runs_dir / ".bin" / "run.1700000000").symlink_to(outside)
    assert list_bin(runs_dir) == []
    with pytest.raises(RunError, match="already"):
        restore_run(BinnedRun(runs_dir / ".bin" / "x.1700000000", "../outside", 1))
    assert outside.is_dir()


def test_a_link_among_uploads_is_neither_listed_nor_removed(tmp_path, outside):
    link = tmp_path / f"{'a' * 16}-x.csv"
    link.symlink_to(outside / LOG_FILE)
    assert kept_files(tmp_path) == []
    with pytest.raises(FineGatesError, match="not kept here"):
        delete_upload(link, tmp_path)


# What run folders say


@pytest.mark.parametrize("pid", [-1, 0, 2**70, "1", None, 1.5, [1]])
def test_a_planted_process_number_is_no_process(pid):
    assert process_alive(pid, 0.0) is False


def test_a_planted_task_is_read_with_distrust(runs_dir):
    run = make_run(runs_dir)
    (run.path / "tasks").mkdir()
    for pid, created, started in ((-1, 0, 0), ("x", 0, 0), (1, "x", 0), (1, 0, []), (1, 0, 0)):
        record = {"pid": pid, "created": created, "started": started, "arguments": ["rm", "-rf"]}
        (run.path / "tasks" / "score.json").write_text(json.dumps(record))
        task = tasks.read_task(run, "score")
        assert task is None or task.state == tasks.FAILED
        tasks.stop_task(run, "score")  # ends nothing: there is no such process


def test_a_run_folder_sends_nobody_for_its_model(runs_dir, asked):
    for model in ("evil/beacon", "/etc"):
        make_run(runs_dir, model=model)
    estimate_cost(make_spec({"device": "cpu"}), 100, 10, 8.0, runs_dir)
    assert asked <= {EMBEDDED_MODEL}


def test_nothing_is_imported_from_where_the_app_was_started(tmp_path, monkeypatch):
    trace = tmp_path / "trace"
    for name in ("json", "finegates", "argparse"):
        (tmp_path / f"{name}.py").write_text(f"open({str(trace)!r}, 'w').close()\n")
    subprocess.run([sys.executable, "-c", "import argparse"], cwd=tmp_path, check=True)
    assert trace.exists()  # as any program that is started here would
    trace.unlink()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    with open(tmp_path / "log", "wb") as log:
        process = start_process(["--version"], log)
    assert process.wait(60) == 0 and not trace.exists()
