"""A runs folder for each test, the app on it, and no process started by accident."""

import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import AppTest, app_test, local_script_runner

from app.places import PLACES
from finegates.jobs import dispatcher

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 30


@pytest.fixture(scope="session", autouse=True)
def components_looked_for_once() -> Iterator[None]:
    """Each AppTest of Streamlit 1.67 reads the metadata of all installed packages, for 0.3 s."""
    with pytest.MonkeyPatch.context() as patch:
        scan = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(scope="session", autouse=True)
def pages_compiled_once() -> Iterator[None]:
    """A server compiles each page once; each run of an AppTest does so anew, for 20 ms."""
    with pytest.MonkeyPatch.context() as patch:
        compiled = ScriptCache()
        for module in (app_test, local_script_runner):
            patch.setattr(module, "ScriptCache", lambda: compiled)
        yield


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_the_disk() -> Iterator[None]:
    """Nothing here pulls the plug; hundreds of runs are written, each with ten waits for a disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty runs folder that the app reads, with empty caches."""
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setenv("FINEGATES_RUNS_DIR", str(folder))
    monkeypatch.delenv("FINEGATES_GLUE_DIR", raising=False)
    st.cache_data.clear()
    st.cache_resource.clear()
    return folder


@pytest.fixture(autouse=True)
def dispatched(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Runs folders that a dispatcher was asked for; none is started."""
    asked: list[Path] = []
    monkeypatch.setattr(dispatcher, "start_dispatcher", asked.append)
    return asked


@pytest.fixture
def asked_tasks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the Prune page would have started; nothing is."""
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr("app.prune.work.start_task", lambda *words: asked.append(words))
    return asked


@pytest.fixture(scope="session")
def registered_pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the app registers: an AppTest knows it after its first page only, here all know it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FINEGATES_RUNS_DIR", str(tmp_path_factory.mktemp("none")))
        return new_app().run()._registered_pages


def new_app() -> AppTest:
    """The app, before its first page."""
    return AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=TIMEOUT_S)


@pytest.fixture
def visit(runs_dir: Path, registered_pages: dict[str, Any]) -> Callable[..., AppTest]:
    """Opens a page of the app, as an address with these parameters does."""

    def open_page(page: str, **parameters: str) -> AppTest:
        app = new_app()
        if page != "runs":  # the first page needs no switch, which would hold it there
            app._registered_pages = registered_pages
            app.switch_page(PLACES[page])
        for name, value in parameters.items():
            app.query_params[name] = value
        return app.run()

    return open_page
