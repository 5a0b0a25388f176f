"""Faults from inside a worker: death in the middle of a write, a clock set back, lost rights."""

import ctypes
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CAPABILITY_VERSION = 0x20080522
_DAC_OVERRIDE, _DAC_READ_SEARCH = 1, 2

WRITES = ("tensors", "optimizer", "file", "line", "rename")


@dataclass(frozen=True)
class DieInWrite:
    """Kills the worker in the middle of the n-th write of a kind (`WRITES`), as a crash would."""

    kind: str
    number: int

    def __call__(self) -> None:
        from finegates.files import storage
        from finegates.gates import snapshots
        from finegates.runs import journal
        from finegates.training import checkpoint

        if self.kind == "tensors":
            self._spoil(checkpoint, "save_file", lambda tensors, path: path.write_bytes(b"0" * 99))
        elif self.kind == "optimizer":
            self._spoil(checkpoint.torch, "save", lambda state, path: path.write_bytes(b"PK\x03"))
        elif self.kind == "line":
            self._spoil(journal, "append_line", lambda path, row: _append(path, b'{"kind":"tr'))
        elif self.kind == "rename":
            self._spoil(Path, "rename", lambda *_: None)
        else:
            self._spoil(storage, "write_atomically", _half_of_a_file)
            snapshots.write_atomically = storage.write_atomically

    def _spoil(self, owner: Any, name: str, half: Callable[..., Any]) -> None:
        whole, left = getattr(owner, name), [self.number]

        def write(*words: Any, **more: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                half(*words, **more)
                os.kill(os.getpid(), signal.SIGKILL)
            return whole(*words, **more)

        setattr(owner, name, write)


@dataclass(frozen=True)
class ClockSetBack:
    """After a number of looks at the clock it is an hour earlier."""

    looks: int

    def __call__(self) -> None:
        true, count = time.time, [0]

        def late() -> float:
            count[0] += 1
            return true() - (3600.0 if count[0] > self.looks else 0.0)

        time.time = late


class NoRights:
    """Takes from a worker of root the right to write where permissions forbid it."""

    def __call__(self) -> None:
        if os.geteuid() != 0:
            return
        libc = ctypes.CDLL(None, use_errno=True)
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
        sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice
        assert libc.capget(header, sets) == 0, os.strerror(ctypes.get_errno())
        for place in (0, 1):
            sets[place] &= ~(1 << _DAC_OVERRIDE | 1 << _DAC_READ_SEARCH)
        assert libc.capset(header, sets) == 0, os.strerror(ctypes.get_errno())


def _append(path: Path, content: bytes) -> None:
    with open(path, "ab") as file:
        file.write(content)


def _half_of_a_file(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_bytes(content[: len(content) // 2])
