"""A step that runs out of memory ends its run in plain words and holds on to nothing."""

import gc

import torch

import finegates.training.loop
from finegates.jobs.worker import execute
from finegates.nn.gated_linear import GatedLinear

FAR_TOO_MUCH = 1 << 50


def alive():
    gc.collect()
    return sum(isinstance(thing, GatedLinear) for thing in gc.get_objects())


def test_out_of_memory_ends_the_run_and_leaves_the_device_free(
    make_run, device, on_gpu, monkeypatch
):
    step = finegates.training.loop.train_step

    def greedy(session, batch, number):
        if number == 7:
            torch.empty(FAR_TOO_MUCH, device=session.accelerator.device)
        return step(session, batch, number)

    monkeypatch.setattr(finegates.training.loop, "train_step", greedy)
    before = alive()
    used = torch.cuda.memory_allocated(device) if on_gpu else 0
    status = execute(make_run(), device)
    assert status.state == "failed"
    assert status.reason.startswith("Out of memory; use a smaller batch_size or max_length.")
    assert alive() == before
    if on_gpu:
        assert torch.cuda.memory_allocated(device) <= used
