"""The devices of this machine, found without loading torch."""

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from finegates.errors import SpecError

CPU = "cpu"
CPU_WORKERS_VARIABLE = "FINEGATES_CPU_WORKERS"


@dataclass(frozen=True)
class Device:
    """A place to train.

    Attributes:
        name: As torch names it: ``cpu``, ``cuda:0``, ``mps``.
        description: For people.
        free_bytes: Memory that is free now.
    """

    name: str
    description: str
    free_bytes: int


def list_devices() -> list[Device]:
    """Every device of this machine, the ones that ``auto`` prefers first."""
    memory = psutil.virtual_memory()
    cpu = Device(CPU, f"CPU, {psutil.cpu_count()} threads", memory.available)
    accelerators = sorted(_nvidia_devices(), key=lambda d: -d.free_bytes)
    if not accelerators and platform.system() == "Darwin" and platform.machine() == "arm64":
        accelerators = [Device("mps", "Apple GPU", memory.available)]
    return [*accelerators, cpu]


def matching_devices(wanted: str, devices: Sequence[Device] | None = None) -> list[Device]:
    """Devices that a run's ``device`` setting may be given.

    Args:
        wanted: ``auto`` is any accelerator, or the CPU where there is none; ``cuda`` is any GPU.
        devices: Those of this machine; looked up if not given.
    """
    devices = list_devices() if devices is None else list(devices)
    if wanted == "auto":
        return devices[:-1] or devices
    return [d for d in devices if d.name == wanted or d.name.split(":")[0] == wanted]


def place_for(num_processes: int, devices: Sequence[Device]) -> str | None:
    """Where a run trains, as its worker is told.

    Args:
        num_processes: Each takes a GPU of its own; on the CPU they share its cores.
        devices: What the run may be given, best first.

    Returns:
        A device, or one for each process with commas between; None if there are too few.
    """
    names = [device.name for device in devices]
    gpus = [name for name in names if name.startswith("cuda")]
    if num_processes > 1 and CPU not in names:
        return ",".join(gpus[:num_processes]) if len(gpus) >= num_processes else None
    return names[0] if names else None


def cpu_workers() -> int:
    """How many runs may train on the CPU at once: ``FINEGATES_CPU_WORKERS``, else one.

    Raises:
        SpecError: If it is not a whole number of at least 1.
    """
    given = os.environ.get(CPU_WORKERS_VARIABLE, "").strip() or "1"
    if not (given.isascii() and given.isdecimal() and int(given) >= 1):
        raise SpecError(
            f"{CPU_WORKERS_VARIABLE} is '{given}'; allowed is a whole number of at least 1: how "
            "many runs may train on the CPU at once. Correct it, or unset it for one."
        )
    return int(given)


def runs_at_once(device: str) -> int:
    """How many runs may train on a device at once."""
    return cpu_workers() if device == CPU else 1


def worker_environment(device: str) -> dict[str, str]:
    """What a worker's environment needs, so that workers that share the CPU share its cores."""
    workers = runs_at_once(device)
    return {"OMP_NUM_THREADS": str(max(1, num_cores() // workers))} if workers > 1 else {}


def num_cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _nvidia_devices() -> list[Device]:
    if not (tool := shutil.which("nvidia-smi")):
        return []
    query = ["--query-gpu=index,name,memory.free", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run([tool, *query], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return []
    rows = [line.split(", ") for line in answer.stdout.splitlines()]
    return [
        Device(f"cuda:{row[0]}", row[1], int(row[2]) * 2**20)
        for row in rows
        if len(row) == 3 and row[2].strip().isdecimal()
    ]
