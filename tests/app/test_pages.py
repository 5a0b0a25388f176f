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
    "prune",
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


def test_an_unknown_run_in_the_address_is_told_and_the_newest_shown(visit, runs_dir):
    run = make_run(runs_dir)
    app = visit("live", run="no-such-run")
    assert "Unknown run 'no-such-run'" in app.error[0].value
    assert app.multiselect(key="runs").value == [run.id]


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
