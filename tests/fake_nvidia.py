"""A program named nvidia-smi on the PATH that answers as a test wants. No GPU is needed."""

import os
from pathlib import Path

import pytest

H100 = "NVIDIA H100 80GB HBM3"
ALWAYS = 10**6
SCRIPT = """#!/bin/sh
echo >> "$0.calls"
[ -e "$0.hangs" ] && exec sleep 60
if [ "$(wc -l < "$0.calls")" -le "$(cat "$0.failures")" ]; then
    echo "Failed to initialize NVML: Driver/library version mismatch"
    exit 18
fi
cat "$0.answer"
"""


class FakeNvidia:
    """Stands in front of any real nvidia-smi while a test lasts."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder.mkdir()
        self._tool = folder / "nvidia-smi"
        self._tool.write_text(SCRIPT)
        self._tool.chmod(0o755)
        self.forget_calls()
        self.fails(0)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        for name in ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"):
            monkeypatch.delenv(name, raising=False)

    def shows(self, *gpus: int | str | tuple[str, int | str]) -> None:
        """From now on lists these GPUs: free memory in MiB, or the model's name and that."""
        pairs = [gpu if isinstance(gpu, tuple) else (H100, gpu) for gpu in gpus]
        lines = [f"{i}, GPU-{i}{i}-af, {name}, {free}\n" for i, (name, free) in enumerate(pairs)]
        self._write("answer", "".join(lines))

    def fails(self, number: int) -> None:
        """As many calls fail, counted from the first."""
        self._write("failures", str(number))

    def hangs(self) -> None:
        """From now on no call returns."""
        self._write("hangs", "")

    def forget_calls(self) -> None:
        self._write("calls", "")

    @property
    def num_calls(self) -> int:
        return len(self._path("calls").read_text())

    def _path(self, what: str) -> Path:
        return self._tool.with_name(f"nvidia-smi.{what}")

    def _write(self, what: str, content: str) -> None:
        part = self._path(f"{what}.part")
        part.write_text(content)
        part.replace(self._path(what))
