"""What the tests of another device share; without an NVIDIA GPU they run on the CPU."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from finegates.nn.gates import Gates
from finegates.runs.folder import Run, create_run
from finegates.spec import make_spec

DEVICE_VARIABLE = "FINEGATES_TEST_DEVICE"
QUICK = {"max_train_samples": 96, "batch_size": 16, "epochs": 4, "precision": "fp32", "dropout": 0}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder is one of the GPU's."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.gpu)


@pytest.fixture(scope="session")
def device() -> str:
    """FINEGATES_TEST_DEVICE, else the first NVIDIA GPU, else the CPU."""
    default = "cuda:0" if torch.cuda.is_available() else "cpu"
    return os.environ.get(DEVICE_VARIABLE) or default


@pytest.fixture
def on_gpu(device: str) -> bool:
    """Whether it is a real one."""
    return device.startswith("cuda")


@pytest.fixture
def same_noise(monkeypatch) -> None:
    """Gates get the CPU's noise, wherever they are: each kind of device has noise of its own."""

    def noise(gates: Gates) -> torch.Tensor:
        return torch.randn(gates.parameter.shape).to(gates.parameter.device)

    monkeypatch.setattr(Gates, "_noise", noise)


@pytest.fixture
def make_run(toy_model_dir, tmp_path) -> Callable[..., Run]:
    """Makes a queued run of the toy model on the sample, without dropout."""

    def make(**changes: object) -> Run:
        spec = make_spec({"model": str(toy_model_dir), **QUICK, **changes})
        return create_run(spec, {}, tmp_path / "runs")

    return make
