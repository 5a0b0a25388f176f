"""The devices of this machine, found without loading torch."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from finegates.errors import SpecError
from finegates.machine.nvidia import ORDER_VARIABLE, GpuLookupError, visible_gpus

CPU = "cpu"
CPU_WORKERS_VARIABLE = "FINEGATES_CPU_WORKERS"


@dataclass(frozen=True)
class Device:
    """A place to train.

    Attributes:
        name: As torch names it: ``cpu``, ``cuda:0``, ``mps``.
        hardware: The model of a GPU, as torch names it too; for the CPU its threads.
        free_bytes: Memory that is free now.
    """

    name: str
    hardware: str
    free_bytes: int

    @property
    def description(self) -> str:
        """For people: ``"NVIDIA H100 80GB HBM3, 77 GiB free"``."""
        return f"{self.hardware}, {self.free_bytes / 2**30:.0f} GiB free"


def list_devices() -> list[Device]:
    """Every device of this machine, the ones that ``auto`` prefers first.

    Of GPUs these are the ones with the most free memory, and only those that
    ``CUDA_VISIBLE_DEVICES`` leaves. There are none where nvidia-smi fails; see `find_devices`.
    """
    return find_devices()[0]


def find_devices() -> tuple[list[Device], str]:
    """As `list_devices`, and why GPUs may be missing there; empty if nvidia-smi answered."""
    available, problem = psutil.virtual_memory().available, ""
    accelerators: list[Device] = []
    try:
        accelerators = sorted(_nvidia_devices(available), key=lambda d: -d.free_bytes)
    except GpuLookupError as error:
        problem = str(error)
    if not accelerators and platform.system() == "Darwin" and platform.machine() == "arm64":
        accelerators = [Device("mps", "Apple GPU", available)]
    return [*accelerators, Device(CPU, f"CPU, {psutil.cpu_count()} threads", available)], problem


def matching_devices(wanted: str, devices: Sequence[Device] | None = None) -> list[Device]:
    """Devices that a run's ``device`` setting may be given.

    Args:
        wanted: ``auto`` is any accelerator, or the CPU if none exists; ``cuda`` is any GPU.
        devices: Those of this machine; looked up if not given.
    """
    devices = list_devices() if devices is None else list(devices)
    if wanted == "auto":
        return devices[:-1] or devices
    return [d for d in devices if d.name == wanted or d.name.split(":")[0] == wanted]


def place_for(num_processes: int, devices: Sequence[Device]) -> str | None:
    """Where a run trains, as it is passed to its worker.

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


def what_lacks(wanted: str, num_processes: int, devices: Sequence[Device]) -> str:
    """Why a run can't train on these devices even when all are free; empty if it can.

    Args:
        wanted: The run's ``device``.
        num_processes: The run's.
        devices: All of this machine.
    """
    matching = matching_devices(wanted, devices)
    if not matching:
        names = ", ".join(["auto", *(device.name for device in devices)])
        return f"device '{wanted}' is not on this machine; there are: {names}."
    if place_for(num_processes, matching) is None:
        return (
            f"num_processes is {num_processes}, but each needs a GPU of its own and device "
            f"'{wanted}' has {len(matching)} here; lower it, or take device cpu."
        )
    return ""


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
    """What a worker's environment needs: its share of the cores, and our numbers of the GPUs."""
    workers = runs_at_once(device)
    if workers > 1:
        return {"OMP_NUM_THREADS": str(max(1, num_cores() // workers))}
    return gpu_numbering(device)


def gpu_numbering(device: str) -> dict[str, str]:
    """What makes CUDA number GPUs as `list_devices` does: in the order of the bus, not by speed.

    Empty for other devices, and where the user has chosen an order with ``CUDA_DEVICE_ORDER``.
    """
    ours = device.startswith("cuda") and ORDER_VARIABLE not in os.environ
    return {ORDER_VARIABLE: "PCI_BUS_ID"} if ours else {}


def num_cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _nvidia_devices(available: int) -> list[Device]:
    return [
        Device(
            f"cuda:{number}",
            gpu.name,
            available if gpu.shares_memory else int(gpu.free_memory) * 2**20,
        )
        for number, gpu in enumerate(visible_gpus())
        if gpu.answers
    ]
