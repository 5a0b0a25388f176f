"""The app in a process of its own, as a server would run it, without a browser.

    python -m tests.slurm.dashboard sweep MODEL ADDRESS...   # starts a sweep, then is killed
    python -m tests.slurm.dashboard live RUN...              # prints what Live says of each run

MODEL is a folder; an address is made of ``name=value``.
"""

import json
import os
import signal
import sys
from pathlib import Path

from streamlit.testing.v1 import AppTest

from app.places import PLACES
from tests.app.components import codes

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 180
KINDS = ("markdown", "caption", "info", "error", "metric")


def visit(page: str, **address: str) -> AppTest:
    """Opens a page of the app."""
    app = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=TIMEOUT_S).run()
    app.switch_page(PLACES[page])
    for name, value in address.items():
        app.query_params[name] = value
    return app.run()


def words_on(app: AppTest) -> str:
    """All that is written on a page."""
    assert not app.exception, app.exception
    words = [str(element.value) for kind in KINDS for element in app.get(kind)]
    return "\n".join([*words, *codes(app)])


def start_sweep(model: str, address: dict[str, str]) -> None:
    """Starts a sweep on Slurm as a user does. Whoever serves the page dies at once after it."""
    app = visit("new_sweep", **address)
    app.selectbox(key="new_model_kind").select("Local folder").run()
    app.text_input(key="new_model_folder").set_value(model).run()
    app.segmented_control(key="launch.where").set_value("slurm").run()
    app.number_input(key="launch.time_min").set_value(5)
    app.number_input(key="launch.cpus").set_value(1).run()
    assert not app.error, [error.value for error in app.error]
    app.button(key="start").click().run()
    print(words_on(app), file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    action, *given = sys.argv[1:]
    if action == "sweep":
        start_sweep(given[0], dict(word.split("=", 1) for word in given[1:]))
    print(json.dumps({run: words_on(visit("live", run=run)) for run in given}))
