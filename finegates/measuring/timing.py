"""Times passes against each other, honestly: side by side, interleaved, in one process.

Every round runs each pass once, in an order that turns round; a ratio is the median of ratios of
passes of one round, so that a machine that slows down slows both. On an NVIDIA GPU the device's own
events are read, elsewhere the clock of the host.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from finegates.errors import SpecError, first_line
from finegates.files.progress import Progress, silent

_STABLE = 0.1
_MAX_WARM_UP = 10
_LONG = 1.0
"""Seconds from which one pass is warm-up enough: what is slow at first ends within it."""
_PASSES_BEFORE_CAPTURE = 3
"""As torch's notes on CUDA graphs ask for: libraries load and set up their memory in the first."""

Pass = Callable[[], Any]
Clock = Callable[[Pass], float]


@torch.inference_mode()
def interleaved(
    passes: Mapping[str, Pass], repeats: int, device: str = "cpu", progress: Progress = silent
) -> dict[str, list[float]]:
    """Seconds of each pass, ``repeats`` of them, after a warm-up until times are stable."""
    clock = clock_of(device)
    for number, (name, run) in enumerate(passes.items()):
        progress(number / (len(passes) + repeats), f"warming up: {name}")
        _warm_up(run, clock)
    times: dict[str, list[float]] = {name: [] for name in passes}
    for number in range(repeats):
        done = (len(passes) + number) / (len(passes) + repeats)
        progress(done, f"timing, round {number + 1} of {repeats}")
        for name in list(passes)[:: 1 if number % 2 else -1]:
            times[name].append(clock(passes[name]))
    return times


def clock_of(device: str) -> Clock:
    """What times one pass on a device in seconds, with nothing of it still under way after."""
    kind = torch.device(device).type
    if kind == "cpu":
        return _host_seconds
    if kind == "cuda":
        return lambda run: _event_seconds(run, torch.device(device))
    return lambda run: _synchronised_seconds(run, torch.device(device))


@torch.inference_mode()
def cuda_graph(run: Pass, device: str) -> Pass:
    """A pass that replays the kernels of another, without the host's work in between.

    Args:
        run: Its inputs and weights have to stay where they are, and it must not wait for the GPU.
        device: A CUDA device, as torch names it.

    Raises:
        SpecError: If the device is no CUDA device.
    """
    check_cuda(device)
    with torch.cuda.device(torch.device(device)):
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(_PASSES_BEFORE_CAPTURE):
                run()
        torch.cuda.current_stream().wait_stream(stream)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            run()
    return graph.replay


def check_cuda(device: str) -> None:
    """Raises SpecError unless the device is a CUDA device: others have no CUDA graphs."""
    if torch.device(device).type != "cuda":
        raise SpecError(
            f"CUDA graphs were asked for on '{device}'; they need an NVIDIA GPU. Give --device "
            "cuda, or leave them out."
        )


def check_compiles(device: str) -> None:
    """Raises SpecError unless ``torch.compile`` works here: it needs a compiler, or Triton."""
    try:
        torch.compile(torch.neg)(torch.ones(1, device=device))
    except Exception as error:  # of torch, of its compilers and of what they start
        raise SpecError(
            f"torch.compile does not work on '{device}' here: {first_line(error)} Install what it "
            "needs (on the CPU a C++ compiler, such as g++), or leave it out."
        ) from error


def median_ratio(times: Sequence[float], others: Sequence[float]) -> float:
    """Median of ``times / others``, round by round."""
    return statistics.median(ratios(times, others))


def ratios(times: Sequence[float], others: Sequence[float]) -> list[float]:
    """``times / others``, round by round."""
    return [a / b for a, b in zip(times, others, strict=True)]


def spread(values: Sequence[float]) -> dict[str, float]:
    """``median``, ``p10`` and ``p90`` of some values."""
    low, high = np.quantile(values, [0.1, 0.9])
    return {"median": statistics.median(values), "p10": float(low), "p90": float(high)}


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile."""
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    return float(low), float(median), float(high)


def _warm_up(run: Pass, clock: Clock) -> None:
    """Until two passes in a row take about the same time, or one took long."""
    last = clock(run)
    for _ in range(_MAX_WARM_UP):
        if last > _LONG:
            return
        now = clock(run)
        if abs(now - last) < _STABLE * last:
            return
        last = now


def _host_seconds(run: Pass) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _event_seconds(run: Pass, device: torch.device) -> float:
    with torch.cuda.device(device):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        start.record()
        run()
        end.record()
        end.synchronize()
    return start.elapsed_time(end) / 1e3  # of milliseconds


def _synchronised_seconds(run: Pass, device: torch.device) -> float:
    torch.accelerator.synchronize(device)
    started = time.perf_counter()
    run()
    torch.accelerator.synchronize(device)
    return time.perf_counter() - started
