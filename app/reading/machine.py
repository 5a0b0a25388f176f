"""What this machine has, and what a run will cost on it."""

from pathlib import Path

from app.reading.cache import copied
from finegates.errors import FineGatesError
from finegates.jobs.estimate import Estimate
from finegates.machine.devices import Device, find_devices, matching_devices
from finegates.machine.devices import runs_at_once as at_once
from finegates.spec import RunSpec

DEVICES_KEPT_S = 10
"""Asking the GPU driver takes up to a second: too long for each change on a page."""
COSTS_KEPT_S = 60


def devices() -> list[Device]:
    """Devices of this machine with the memory that is free, the ones that auto prefers first."""
    return found_devices()[0]


@copied(1, ttl=DEVICES_KEPT_S)
def found_devices() -> tuple[list[Device], str]:
    """As `devices`, and why GPUs may be missing there; empty if the driver answered."""
    return find_devices()


def runs_at_once(device: str) -> int:
    """How many runs may train at a time on the device that this name stands for."""
    try:
        return at_once(matching_devices(device, devices())[0].name)
    except (FineGatesError, IndexError):
        return 1


@copied(16, ttl=COSTS_KEPT_S)
def estimated_cost(
    spec: RunSpec, num_train: int, num_validation: int, mean_words: float, folder: Path
) -> Estimate | None:
    """What a run will cost, or None where that can't be said."""
    from finegates.jobs.estimate import estimate_cost

    try:
        return estimate_cost(spec, num_train, num_validation, mean_words, folder)
    except FineGatesError:
        return None
