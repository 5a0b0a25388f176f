"""A run that is stopped goes on as if nothing had been, on the same device or on another one."""

import numpy as np
import pytest

from finegates.jobs.control import resume
from finegates.jobs.worker import execute
from finegates.runs.status import STOP_FILE

STOPPED_AT = 10
SETTINGS = {"method": "finegates+lora", "target_sparsity": 0.4}


def stopped_and_resumed(run, first, second):
    def stop(journal):
        if journal.status.step >= STOPPED_AT:
            (run.path / STOP_FILE).touch()

    status = execute(run, first, stop)
    assert status.state == "stopped" and STOPPED_AT <= status.step < status.total_steps
    (run.path / STOP_FILE).unlink()
    resume(run, start=False)
    return execute(run, second)


def alike(run, other):
    """Gates of two finished runs: all but a few, which lie at an edge, to two digits."""
    difference = np.abs(run.snapshot().means - other.snapshot().means)
    return np.quantile(difference, 0.98) < 0.02


def test_resumed_run_equals_the_undisturbed_one(make_run, device):
    whole, broken = make_run(**SETTINGS), make_run(**SETTINGS)
    wanted = execute(whole, device)
    assert wanted.state == "finished", wanted.reason
    got = stopped_and_resumed(broken, device, device)
    assert got.state == "finished", got.reason
    assert got.removed_weights_fraction == pytest.approx(wanted.removed_weights_fraction, abs=1e-3)
    assert got.score == pytest.approx(wanted.score, abs=0.05)
    assert alike(broken, whole)


@pytest.mark.parametrize("begins_here", [True, False], ids=["cpu first", "device first"])
def test_a_run_goes_on_on_another_device(begins_here, make_run, device, same_noise):
    whole, broken = make_run(**SETTINGS), make_run(**SETTINGS)
    assert execute(whole, "cpu").state == "finished"
    ways = ("cpu", device) if begins_here else (device, "cpu")
    got = stopped_and_resumed(broken, *ways)
    assert got.state == "finished", got.reason
    assert got.device == ways[1]
    assert got.removed_weights_fraction == pytest.approx(0.4, abs=0.01)
    assert alike(broken, whole)
