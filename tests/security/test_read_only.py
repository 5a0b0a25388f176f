"""Claims about read-only mode: every page shows, nothing that acts can be pressed, nothing acts."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from finegates.cli import main
from finegates.data.uploads import delete_upload, kept_files, save_upload
from finegates.errors import ReadOnlyError
from finegates.files.read_only import READ_ONLY_VARIABLE, read_only
from finegates.gates.cuts import Cut
from finegates.groups import sweep
from finegates.groups.store import create_group, open_group
from finegates.groups.sweep import plan
from finegates.jobs import control as jobs
from finegates.jobs import dispatcher, tasks
from finegates.runs import saved_models as saved
from finegates.runs.bin import delete_run, list_bin, restore_run
from finegates.runs.folder import TRAINED_FOLDER, Run
from finegates.runs.notes import change_tags, write_notes
from finegates.spec import make_spec
from finegates.trying import client as try_client
from finegates.trying import writing_client
from finegates.trying.continuations import Prompt
from finegates.trying.messages import Question
from tests.app.fake_runs import make_group, make_run

ROWS = b"text,label\na cat,x\na dog,y\na fish,x\na bird,y\n"
PAGES = (
    "runs", "new_run", "data", "new_sweep", "compare", "tradeoff", "paper", "live", "dimensions",
    "prune",
)  # fmt: skip
ACTING = {
    "runs": {"Resume", "Restore", "Save tags", "Group 1 run", "Yes, delete it"},
    "new_run": {"Start run"},
    "new_sweep": {"Start 8 runs"},
    "data": {"Yes, delete it"},
    "live": {"Pause", "Stop"},
    "tradeoff": {"Submit the 2 missing", "Yes, stop all"},
    "prune": {"Score this cut", "Start", "Save", "Ask both models"},
}
HARMLESS = {"Duplicate", "Untick", "Play"}
"""Buttons that only show something, or fill a form."""


def content(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder below a folder, with what is in it."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None
            for p in folder.rglob("*")}  # fmt: skip


@pytest.fixture
def folder(runs_dir: Path) -> Path:
    """A runs folder with something for every button."""
    delete_run(make_run(runs_dir))
    save_upload("reviews.csv", ROWS, runs_dir / ".uploads")
    states = {(0.2, 0): "finished", (0.2, 1): "running", (0.4, 0): "stopped"}
    make_group(
        runs_dir, "g", ["finegates"], (0.2, 0.4), (0, 1), lambda c: states.get((c.target, c.seed))
    )
    return runs_dir


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What would have been started as a process."""
    asked: list[list[str]] = []
    for module in (dispatcher, tasks):
        monkeypatch.setattr(module, "start_process", lambda words, *_, **__: asked.append(words))
    return asked


def run_in(folder: Path, state: str) -> Run:
    return next(run for run in map(Run, folder.iterdir()) if _state(run) == state)


def _state(run: Run) -> str:
    return run.status().state if (run.path / "status.json").is_file() else ""


@pytest.fixture
def look_at(folder, started, visit) -> Callable[[str], AppTest]:
    """Opens a page of the app, on a run or data set where the page shows one."""
    finished, running = run_in(folder, "finished"), run_in(folder, "running")
    (finished.path / TRAINED_FOLDER).mkdir()
    address = {
        "live": {"run": running.id}, "prune": {"run": finished.id, "remove": "30"},
        "tradeoff": {"group": "g"}, "dimensions": {"run": finished.id},
        "data": {"data": kept_files(folder / ".uploads")[0].name},
    }  # fmt: skip

    def open_page(page: str) -> AppTest:
        app = visit(page, **address.get(page, {}))
        if page == "runs":
            app.session_state["ticked_runs"] = [run_in(folder, "stopped").id]
            app.session_state["group_name_0"] = "mine"
            app.run()
        return app

    return open_page


@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_and_nothing_that_acts_can_be_pressed(
    look_at, folder, started, page, monkeypatch
):
    before = content(folder)
    monkeypatch.setenv(READ_ONLY_VARIABLE, "1")
    app = look_at(page)
    assert not app.exception and not app.error
    assert "read-only" in app.info[0].value and READ_ONLY_VARIABLE in app.info[0].value
    assert {button.label for button in app.button if not button.disabled} <= HARMLESS
    assert ACTING.get(page, set()) <= {button.label for button in app.button if button.disabled}
    assert all(upload.disabled for upload in app.get("file_uploader"))
    assert not started and content(folder) == before


@pytest.mark.parametrize("page", ["live", "prune", "new_run", "data"])
def test_without_the_variable_the_same_buttons_can_be_pressed(look_at, page, monkeypatch):
    monkeypatch.delenv(READ_ONLY_VARIABLE, raising=False)
    app = look_at(page)
    assert ACTING[page] <= {button.label for button in app.button if not button.disabled}


def test_notes_can_be_read_and_not_edited(visit, folder, monkeypatch):
    monkeypatch.setenv(READ_ONLY_VARIABLE, "1")
    app = visit("runs")
    app.session_state["edit_notes"] = True
    app.run()
    assert app.dataframe[0].proto.disabled


def acts(folder: Path) -> dict[str, Callable[[], object]]:
    """Everything that the pages and the command line call to change something."""
    finished, running = run_in(folder, "finished"), run_in(folder, "running")
    stopped, cut = run_in(folder, "stopped"), Cut(remove=0.3)
    group, uploads = open_group(folder, "g"), folder / ".uploads"
    spec = make_spec({"method": "finegates", "device": "cpu"})
    cells = plan(["finegates"], [0.3], [0])
    return {
        "submit": lambda: jobs.submit(spec, folder, checked_data={}),
        "resume": lambda: jobs.resume(stopped),
        "request_stop": lambda: jobs.request_stop(running),
        "stop": lambda: jobs.stop(running),
        "signal": lambda: jobs.signal_worker(running, 9),
        "kill": lambda: jobs.kill(running),
        "pause": lambda: jobs.pause(running, True),
        "continue": lambda: jobs.pause(running, False),
        "delete_run": lambda: delete_run(finished),
        "restore_run": lambda: restore_run(list_bin(folder)[0]),
        "start_sweep": lambda: sweep.start_sweep(folder, "new", {}, cells),
        "submit_missing": lambda: sweep.submit_missing(group, folder),
        "create_group": lambda: create_group(folder, "new", {}, cells, "again"),
        "start_task": lambda: tasks.start_task(finished, "score", ["prune"]),
        "stop_task": lambda: tasks.stop_task(finished, "score"),
        "start_model": lambda: try_client.start(finished),
        "ask_model": lambda: try_client.ask(finished, Question(("a",), cut)),
        "stop_model": lambda: try_client.stop(finished),
        "begin_writing": lambda: writing_client.begin(finished, Prompt("a", cut)),
        "stop_writing": lambda: writing_client.stop_writing(finished),
        "delete_saved": lambda: saved.delete_saved(finished, cut),
        "write_notes": lambda: write_notes(finished.path, "mine", ["tag"]),
        "change_tags": lambda: change_tags(finished.path, ["tag"]),
        "save_upload": lambda: save_upload("b.csv", ROWS, uploads),
        "delete_upload": lambda: delete_upload(kept_files(uploads)[0].path, uploads),
        "dispatcher": lambda: dispatcher.start_dispatcher(folder),
    }


def test_whatever_acts_refuses_and_changes_nothing(folder, started, monkeypatch):
    wanted, before = acts(folder), content(folder)
    monkeypatch.setenv(READ_ONLY_VARIABLE, "1")
    for name, act in wanted.items():
        with pytest.raises(ReadOnlyError, match=f"does not let anyone .*{READ_ONLY_VARIABLE}"):
            act()
            pytest.fail(f"{name} was not refused")
    jobs.tend(folder)  # what pages call by themselves is silent
    assert not started and content(folder) == before


def test_the_command_line_refuses_in_words(folder, monkeypatch, capsys):
    monkeypatch.setenv(READ_ONLY_VARIABLE, "1")
    before, run = content(folder), run_in(folder, "finished")
    assert main(["runs", "delete", run.id, "--runs-dir", str(folder)]) == 2
    assert "Read-only mode does not let anyone delete a run" in capsys.readouterr().err
    assert content(folder) == before
    assert main(["runs", "list", "--runs-dir", str(folder)]) == 0


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, False), ("", False), ("0", False), ("false", False), ("No", False), (" off ", False),
     ("1", True), ("true", True), ("yes", True)],
)  # fmt: skip
def test_what_counts_as_set(monkeypatch, value, expected):
    monkeypatch.delenv(READ_ONLY_VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(READ_ONLY_VARIABLE, value)
    assert read_only() is expected
