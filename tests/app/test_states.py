"""Every page in four states of the runs folder: no runs, one in every state, damaged, very many."""

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.reading.runs import run_rows, runs_folder
from finegates.runs.folder import list_runs
from finegates.runs.status import STATES
from tests.app.broken_runs import (
    CURVE_FILE,
    FILES,
    GATES,
    KINDS,
    SPEC_FILE,
    STATUS_FILE,
    TIMINGS_FILE,
    break_group,
    break_run,
    complete_run,
)
from tests.app.fake_runs import make_group, make_run
from tests.app.many_runs import make_many
from tests.app.test_pages import PAGES, texts

NUM_MANY, NUM_SOUND = 1000, 2
NEED_NO_RUNS = {
    "new_run": "The same from a terminal",
    "data": "rows",
    "new_sweep": "The same from a terminal",
    "paper": "Table 2",
    "how_small": "The same from a terminal",
    "methods": "methods are here",
}
"""Pages that show something without runs -> a part of it."""

BOXES = {"compare": "runs", "live": "runs", "dimensions": "run_box", "prune": "run_box"}
"""Pages with a box of all runs -> its key."""

NEEDED = {
    "live": (SPEC_FILE, STATUS_FILE, GATES),
    "compare": (SPEC_FILE, STATUS_FILE),
    "dimensions": (GATES,),
    "prune": (SPEC_FILE, STATUS_FILE, CURVE_FILE, TIMINGS_FILE, GATES),
}
"""Pages that show a run -> files of it whose damage they have to tell."""

Runs = dict[tuple[str, str], str]
"""What a run is, as a file and what happened to it or as a state -> its id."""


def make_in_every_state(folder: Path) -> Runs:
    """A run in each state, and a dense one."""
    runs = {("", "dense"): make_run(folder, method="full").id}
    for state in STATES:
        progress = {"queued": 0.0, "starting": 0.0, "finished": 1.0}.get(state, 0.5)
        reason = "because" if state == "failed" else ""
        runs["", state] = make_run(folder, state, progress=progress, reason=reason).id
    return runs


def make_broken(folder: Path) -> Runs:
    """Every kind of damage to every file of runs and groups, beside two sound runs and a group."""
    sound = [complete_run(folder, seed=seed) for seed in range(NUM_SOUND)]
    runs = {("", f"sound {seed}"): run.id for seed, run in enumerate(sound)}
    for file in FILES:
        for kind in KINDS:
            run = complete_run(folder)
            break_run(run, file, kind)
            runs[file, kind] = run.id
    for kind in KINDS:
        break_group(make_group(folder, kind.replace(" ", "-"), ["full"], (0.0,), (0,)), kind)
    make_group(folder, "sound", ["finegates"], (0.2,), (0,))
    return runs


def make_very_many(folder: Path) -> Runs:
    """A thousand finished and failed runs."""
    return {("", str(place)): run.id for place, run in enumerate(make_many(folder, NUM_MANY))}


EMPTY, MANY, BROKEN = "no runs", "very many", "broken"
STATES_OF_FOLDERS: dict[str, Callable[[Path], Runs]] = {
    EMPTY: lambda folder: {},
    "every state": make_in_every_state,
    BROKEN: make_broken,
    MANY: make_very_many,
}


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Runs]]:
    """The folder in a state, made when it is first asked for."""

    @functools.cache
    def make(state: str) -> tuple[Path, Runs]:
        folder = tmp_path_factory.mktemp("state")
        return folder, STATES_OF_FOLDERS[state](folder)

    return make


@pytest.fixture
def runs_dir(tmp_path, monkeypatch) -> Path:
    """As everywhere, but with what was read before: the folders here stay as they were made."""
    monkeypatch.delenv("FINEGATES_GLUE_DIR", raising=False)
    return tmp_path / "runs"


@pytest.fixture
def visit_in(visit, made, monkeypatch) -> Callable[..., tuple[AppTest, Runs]]:
    """Opens a page on the folder in a state."""

    def open_page(page: str, state: str, **parameters) -> tuple[AppTest, Runs]:
        folder, runs = made(state)
        monkeypatch.setenv("FINEGATES_RUNS_DIR", str(folder))
        app = visit(page, **parameters)
        assert not app.exception
        return app, runs

    return open_page


@pytest.mark.parametrize("page", PAGES)
def test_without_runs_a_page_says_what_to_do(visit_in, page):
    app, _ = visit_in(page, EMPTY)
    assert not app.error
    if page in NEED_NO_RUNS:
        assert NEED_NO_RUNS[page] in texts(app)
    else:
        assert "No runs yet" in texts(app)
        assert "Start the first run" in [link.proto.label for link in app.get("page_link")]


@pytest.mark.parametrize("state", [state for state in STATES_OF_FOLDERS if state != EMPTY])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_and_lists_every_run(visit_in, page, state):
    app, runs = visit_in(page, state)
    if page == "runs":
        assert {*runs.values()} <= {*app.dataframe[0].value["run"]}
    elif page in BOXES:
        (box,) = [b for b in [*app.multiselect, *app.selectbox] if b.key == BOXES[page]]
        if page in ("dimensions", "prune"):  # by name, each another
            assert len({*box.options}) == len(run_rows(runs_folder()))
        else:
            assert {*runs.values()} <= {*box.options}
    elif page in NEED_NO_RUNS:
        assert NEED_NO_RUNS[page] in texts(app)
    else:
        assert len(app.get("vega_lite_chart")) == 1


def test_every_seed_of_a_thousand_runs_is_in_its_point(visit_in, made):
    folder, _ = made(MANY)
    rows = [run.row() for run in list_runs(folder)]
    cells = {
        (row["method"], row["target_fraction"], row["seed"])
        for row in rows
        if row["status"] == "finished"
    }
    app, _ = visit_in("tradeoff", MANY)
    (points,) = [each.value for each in app.dataframe if "seeds" in each.value.columns]
    assert points["seeds"].sum() == len(cells) > NUM_MANY / 2


@pytest.mark.parametrize("file", [SPEC_FILE, STATUS_FILE])
def test_a_run_that_can_not_be_read_stands_in_the_table_with_its_reason(visit_in, file):
    app, runs = visit_in("runs", BROKEN)
    table = app.dataframe[0].value.set_index("run")
    for kind in KINDS:
        assert table.loc[runs[file, kind], "state"] == ["broken"]
        assert runs[file, kind] in table.loc[runs[file, kind], "reason"]
    assert table.loc[runs["", "sound 0"], "state"] == ["finished"]
    assert any("⚠" in line.value for line in app.text)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("page", BOXES)
def test_damage_is_told_where_the_file_is_needed(visit_in, made, page, file):
    """Live and Compare show several runs at once, beside a sound one; the others each alone."""
    _, runs = made(BROKEN)
    broken = [runs[file, kind] for kind in KINDS]
    sound = [runs["", f"sound {seed}"] for seed in range(NUM_SOUND)]
    if BOXES[page] == "run_box":
        shown = [{"run": run} for run in broken]
    elif file == GATES:  # of one run only
        shown = [{"runs": [*sound, run], "run": run} for run in broken]
    else:
        shown = [{"runs": [*sound, *broken]}]
    told = []
    for address in shown:
        app, _ = visit_in(page, BROKEN, **address)
        told += [message.value for message in (*app.error, *app.warning)]
        assert len(app.get("vega_lite_chart")) >= 2 or "runs" not in address
    if file not in NEEDED[page]:
        assert not told
        return
    assert len(told) == len(broken)
    for run, error in zip(sorted(broken), sorted(told), strict=True):
        assert "not a readable gate snapshot" in error if file == GATES else run in error


def test_damaged_groups_are_told_and_the_sound_one_is_shown(visit_in):
    names = [kind.replace(" ", "-") for kind in KINDS]
    app, _ = visit_in("tradeoff", BROKEN, group=["sound", *names])
    assert len(app.error) == len(names)
    assert all(any(name in error.value for error in app.error) for name in names)
    assert len(app.get("vega_lite_chart")) == 1
