"""Server time of the app's pages on many runs; a part of `benchmarks.app`."""

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from app.places import PLACES
from app.reading import run_index
from app.reading.runs import run_rows
from benchmarks.clock import figure, milliseconds
from finegates.runs.folder import RUNS_DIR_VARIABLE, Run
from finegates.runs.status import write_status

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "app" / "main.py"
COMPARED, TIMEOUT_S = 4, 120
GOAL_MS = 1000
_scan = functools.cache(manifest_scanner.scan_component_manifests)
ADDRESSES: dict[str, Callable[[list[str]], dict[str, Any]]] = {
    "compare": lambda ids: {"runs": ids[:COMPARED]},
}
"""Name of a page -> ids of runs -> parameters of its address; of other pages it has none."""


def page_names() -> list[str]:
    """Every page, in alphabetical order."""
    return sorted(PLACES)


def measure_pages(runs: Sequence[Run], runs_dir: Path, repeats: int) -> list[dict[str, Any]]:
    """First paint of every page: a new session with empty caches, imports done."""
    ids = [run.id for run in runs]
    figures = []
    for name in page_names():
        address = ADDRESSES.get(name, lambda ids: {})(ids)
        times = [first_paint(name, runs_dir, address)[1] for _ in range(repeats + 1)]
        what = f"{name}, {len(runs):,} runs: first paint"
        figures.append(figure(what, times[1:], goal=GOAL_MS))  # without the one that imports
    return figures


def measure_runs_page(runs: Sequence[Run], runs_dir: Path, repeats: int) -> list[dict[str, Any]]:
    """The Runs page on very many: opened, drawn again, and again after one run has changed."""
    first_paint("runs", runs_dir)
    times: dict[str, list[float]] = {"first": [], "same": [], "changed": [], "rows": []}
    read = []
    for run in runs[:repeats]:
        app, first = first_paint("runs", runs_dir)
        times["first"].append(first)
        times["same"].append(repaint(app, runs_dir))
        write_status(run.path, run.status())
        with patch.object(run_index, "_read", wraps=run_index._read) as reads:
            times["changed"].append(repaint(app, runs_dir))
        read.append(reads.call_count)
        write_status(run.path, run.status())
        times["rows"].append(milliseconds(lambda: run_rows(runs_dir)))
    what = f"runs, {len(runs):,} runs"
    return [
        figure(f"{what}: first paint", times["first"], goal=GOAL_MS),
        figure(f"{what}: refresh, nothing changed", times["same"], goal=GOAL_MS),
        figure(f"{what}: refresh, one changed", times["changed"], goal=GOAL_MS),
        figure(f"{what}: its table's rows alone, one changed", times["rows"]),
        figure(f"{what}: run folders a refresh reads, one changed", read, "folders", goal=1),
    ]


def first_paint(
    name: str, runs_dir: Path, address: Mapping[str, Any] | None = None
) -> tuple[AppTest, float]:
    """A page in a session of its own with empty caches, and the milliseconds it took.

    What AppTest alone does when it begins, reading the metadata of all installed packages, is done
    before, on the first page without runs, and once for all.
    """
    app = AppTest.from_file(str(SCRIPT), default_timeout=TIMEOUT_S)
    with patch.object(manifest_scanner, "scan_component_manifests", _scan):
        repaint(app, runs_dir / ".none")
    app.switch_page(PLACES[name])
    for key, value in (address or {}).items():
        app.query_params[key] = value
    clear_caches()
    return app, repaint(app, runs_dir)


def repaint(app: AppTest, runs_dir: Path) -> float:
    """Milliseconds until the page is made anew.

    Raises:
        RuntimeError: If it has failed.
    """
    with patch.dict(os.environ, {RUNS_DIR_VARIABLE: str(runs_dir)}):
        taken = milliseconds(app.run)
    if app.exception:
        raise RuntimeError(f"The page has failed: {app.exception[0].message}")
    return taken


def clear_caches() -> None:
    """As a server that was just started has them."""
    st.cache_data.clear()
    st.cache_resource.clear()
