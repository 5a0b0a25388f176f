"""Fixtures that several tests share."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

os.environ["HF_HUB_OFFLINE"] = "1"  # before anything imports huggingface_hub
os.environ["FINEGATES_CACHE_DIR"] = os.devnull  # whatever the user has converted is not there
if "PYTEST_XDIST_WORKER" in os.environ:  # test processes share the cores; before torch loads
    os.environ.setdefault("OMP_NUM_THREADS", "1")

hypothesis.settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("untimed")

MAIN = sys.modules["__main__"]
REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def own_main_module() -> None:
    """Puts ``__main__`` back: AppTest leaves a page in its place, which new processes would run."""
    sys.modules["__main__"] = MAIN


@pytest.fixture(scope="session")
def glue_dir() -> Path:
    """The real GLUE files: FINEGATES_GLUE_DIR, else ../shared/data/glue beside the repository."""
    default = REPOSITORY.parent / "shared" / "data" / "glue"
    folder = Path(os.environ.get("FINEGATES_GLUE_DIR") or default)
    if not folder.is_dir():
        reason = f"no GLUE folder at {folder}; set FINEGATES_GLUE_DIR to one in that layout"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def toy_model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny BERT and a tokenizer that knows the sample's words."""
    from tests.toy_models import save_toy_model

    return save_toy_model(tmp_path_factory.mktemp("toy") / "bert")


@pytest.fixture
def one_thread() -> Iterator[None]:
    """More threads only get in each other's way in so small a model."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    """An empty folder for runs."""
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


@pytest.fixture
def asleep(monkeypatch) -> list[Path]:
    """No dispatcher is started; the folders for which one was asked are kept here."""
    from finegates.jobs import dispatcher

    asked: list[Path] = []
    monkeypatch.setattr(dispatcher, "start_dispatcher", asked.append)
    return asked


@pytest.fixture
def live_dir(runs_dir, monkeypatch) -> Iterator[Path]:
    """A runs folder for real processes; every one of them has to end by itself."""
    from tests.live_runs import LEAVING_S, processes_of, wait_until

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield runs_dir
    try:
        wait_until(lambda: not processes_of(runs_dir), LEAVING_S)
    finally:
        for process in processes_of(runs_dir):
            process.kill()
