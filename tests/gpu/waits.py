"""Counts how often the host waits for the device."""

import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

_SAID = "called a synchronizing"
_READS = ("_local_scalar_dense", "is_nonzero", "nonzero", "masked_select", "unique")


@contextmanager
def waits(device: str) -> Iterator[list[str]]:
    """Yields a list that holds, afterwards, where the host has waited.

    On a GPU torch itself says so. On the CPU every look at a tensor's content counts, which is what
    would wait on a GPU; copies from the host are not seen there.
    """
    found: list[str] = []
    if not device.startswith("cuda"):
        with _HostReads(found):
            yield found
        return
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            yield found
        finally:
            torch.cuda.set_sync_debug_mode(before)
    found += [f"{w.filename}:{w.lineno}" for w in caught if _SAID in str(w.message)]


class _HostReads(TorchDispatchMode):
    def __init__(self, found: list[str]) -> None:
        super().__init__()
        self.found = found

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        if any(word in str(func) for word in _READS):
            frames = [frame for frame in traceback.extract_stack() if __file__ != frame.filename]
            self.found.append(f"{frames[-1].filename}:{frames[-1].lineno}")
        return func(*args, **(kwargs or {}))
