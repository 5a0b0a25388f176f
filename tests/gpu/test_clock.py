"""What bench reads as a pass's time is the time that it takes."""

import time

import torch

from finegates.measuring.timing import clock_of

LONG_S = 0.05


def test_a_pass_takes_as_long_as_the_wall_clock_says(device, on_gpu):
    if on_gpu:
        x = torch.randn(4096, 4096, device=device)

        def run():
            for _ in range(40):
                x @ x
    else:

        def run():
            time.sleep(LONG_S)

    clock = clock_of(device)
    clock(run)  # libraries load
    started = time.perf_counter()
    seconds = clock(run)  # it waits for the device before and after
    wall = time.perf_counter() - started
    assert seconds <= wall
    assert seconds >= (0.8 * wall if on_gpu else LONG_S)
