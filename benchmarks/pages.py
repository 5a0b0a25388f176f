"""Server time of the app's pages on a folder of many runs, and of the loaders alone.

    python -m benchmarks.pages [--runs 1000] [--repeats 7]

Makes run folders in a temporary folder with the writers of the tests, and renders each page with
Streamlit's AppTest: no browser and no network, so it is the server's part alone. "first" is with
empty caches, "repeated" with nothing changed since, "one_changed" after one run's status was
replaced. Imports are done before. Writes benchmarks/results/pages.json; the last line printed is
that JSON.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.testing.v1 import AppTest

from benchmarks.clock import spread, timed
from benchmarks.record import environment, write_result

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "app"))

from fake_runs import TINY, make_run  # noqa: E402  needs the path

from app import loaders  # noqa: E402
from finegates.methods import METHODS  # noqa: E402
from finegates.run_notes import write_notes  # noqa: E402
from finegates.runs import RUNS_DIR_VARIABLE, Run  # noqa: E402
from finegates.status import write_status  # noqa: E402

COMPARED = 4
PAGES: dict[str, Callable[[list[str]], dict[str, Any]]] = {
    "runs": lambda ids: {},
    "compare": lambda ids: {"runs": ids[:COMPARED]},
}
"""Name of a page's script -> ids of runs -> parameters of its address."""

SCRIPT = ROOT / "app" / "main.py"
TIMEOUT_S = 120
STEPS, SEEDS_APART, NOTED = 20, 45, 10
RECIPES = ("finegates", "finegates+lora", "full", "lora", "magnitude")
TARGETS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        runs_dir = Path(folder).resolve()
        os.environ[RUNS_DIR_VARIABLE] = str(runs_dir / "none")
        open_page("runs", {})  # imports what the pages need
        os.environ[RUNS_DIR_VARIABLE] = str(runs_dir)
        runs = [make_one(runs_dir, number) for number in range(options.runs)]
        measured = measure(runs, runs_dir, options.repeats)
    result = {**environment(), "runs": options.runs, "repeats": options.repeats, **measured}
    write_result("pages.json", result)
    print(json.dumps(result))


def make_one(runs_dir: Path, number: int) -> Run:
    """A run of a sweep over recipes, targets and seeds; one in 50 failed, one in 10 has notes."""
    method = RECIPES[number % len(RECIPES)]
    target = TARGETS[number // len(RECIPES) % len(TARGETS)]
    given = {"target_sparsity": target} if METHODS[method].removes else {}
    failed = number % 50 == 7
    run = make_run(
        runs_dir, "failed" if failed else "finished", size=TINY, total_steps=STEPS, method=method,
        seed=number // SEEDS_APART, reason="The disk is full." if failed else "", **given,
    )  # fmt: skip
    if number % NOTED == 0:
        write_notes(run.path, f"number {number}", ["tenth"])
    return run


def measure(runs: Sequence[Run], runs_dir: Path, repeats: int) -> dict[str, Any]:
    """Milliseconds of each page and loader, as median, lowest and highest."""
    ids = [run.id for run in runs]
    pages = {
        name: measure_page(name, parameters_of(ids), runs, repeats)
        for name, parameters_of in PAGES.items()
    }
    rows = loaders.run_rows(runs_dir)
    return {
        "pages_ms": pages,
        "loaders_ms": {
            "run_rows": measure_loader(lambda: loaders.run_rows(runs_dir), repeats),
            "points": measure_loader(lambda: loaders.points(runs_dir, rows), repeats),
        },
    }


def measure_page(
    name: str, parameters: dict[str, Any], runs: Sequence[Run], repeats: int
) -> dict[str, Any]:
    """A page's renderings."""
    times: dict[str, list[float]] = {"first": [], "repeated": [], "one_changed": []}
    for number in range(repeats):
        clear_caches()
        app = open_page(name, parameters, times["first"])
        times["repeated"].append(timed(app.run))
        changed = runs[number % len(runs)]
        write_status(changed.path, changed.status())
        times["one_changed"].append(timed(app.run))
        if app.exception:
            raise RuntimeError(f"{name} has failed: {app.exception[0].message}")
    return {what: spread(values) for what, values in times.items()}


def open_page(name: str, parameters: dict[str, Any], times: list[float] | None = None) -> AppTest:
    """A page in a session of its own; the time of its first rendering is put into ``times``."""
    app = AppTest.from_file(str(SCRIPT), default_timeout=TIMEOUT_S)
    if name != "runs":  # the page that opens by itself
        app.run()
        clear_caches()
        app.switch_page(f"app_pages/{name}.py")
    for key, value in parameters.items():
        app.query_params[key] = value
    seconds = timed(app.run)
    if times is not None:
        times.append(seconds)
    return app


def measure_loader(load: Callable[[], Any], repeats: int) -> dict[str, Any]:
    """A loader with empty caches, and again."""
    times: dict[str, list[float]] = {"first": [], "repeated": []}
    for _ in range(repeats):
        clear_caches()
        times["first"].append(timed(load))
        times["repeated"].append(timed(load))
    return {what: spread(values) for what, values in times.items()}


def clear_caches() -> None:
    """As a server that was just started has them."""
    st.cache_data.clear()
    st.cache_resource.clear()


if __name__ == "__main__":
    main()
