"""What holds for all pages; `test_states` opens each in every state of the runs folder."""

import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.fake_runs import TINY, make_group, make_run

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "runs", "new_run", "data", "new_sweep", "compare", "tradeoff", "paper", "live", "dimensions",
    "prune", "how_small", "methods",
)  # fmt: skip


def texts(app: AppTest) -> str:
    """All that is written on a page."""
    kinds = ("title", "subheader", "markdown", "caption", "info", "warning", "error", "metric")
    return "\n".join(
        f"{e.label if k == 'metric' else ''} {e.value}" for k in kinds for e in app.get(k)
    )


@pytest.mark.parametrize("page", ["live", "dimensions"])
@pytest.mark.parametrize(
    "state", ["queued", "starting", "running", "stopping", "finished", "failed"]
)
def test_a_run_in_any_state_is_shown(visit, runs_dir, page, state):
    run = make_run(runs_dir, state, progress=0 if state in ("queued", "starting") else 0.6)
    app = visit(page, run=run.id)
    assert not app.exception and not app.error
    if page == "live":
        assert state in texts(app)


@pytest.mark.parametrize("page", ["live", "dimensions", "prune"])
def test_an_unknown_run_in_the_address_is_told_and_no_other_shown(visit, runs_dir, page):
    run = make_run(runs_dir)
    app = visit(page, run="no-such-run")
    assert "There is no run 'no-such-run'" in app.warning[0].value
    assert not app.metric and app.selectbox(key="run_box").value is None and not app.exception
    app.button(key=f"offered-{run.id}").click().run()
    assert app.selectbox(key="run_box").value == run.id and app.metric and not app.exception


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_a_heading_of_its_own_and_the_name_of_the_chosen_run(visit, runs_dir, page):
    run = make_run(runs_dir)
    app = visit(page, run=run.id)
    assert len(app.title) == 1 and not app.exception
    assert app.selectbox(key="run_box").value == run.id
    assert run.row()["name"] in app.selectbox(key="run_box").options


def test_headings_differ(visit, runs_dir):
    make_run(runs_dir)
    assert len({visit(page).title[0].value for page in PAGES}) == len(PAGES)


def test_no_page_loads_torch_or_transformers(tmp_path):
    """In a process of its own, as the server is."""
    make_run(tmp_path, size=TINY)
    make_group(tmp_path, "g", ["finegates", "full"], (0.2,), (0,))
    script = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from streamlit.testing.v1 import AppTest
from app.places import PLACES
app = AppTest.from_file({str(ROOT / "app" / "main.py")!r}, default_timeout=60).run()
for page in {PAGES!r}:
    app.switch_page(PLACES[page]).run()
    assert not app.exception, app.exception
heavy = {{"torch", "transformers", "accelerate", "peft", "datasets"}} & set(sys.modules)
assert not heavy, heavy
"""
    environment = {"FINEGATES_RUNS_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
