"""Starts the processes of a run that has several, with ``accelerate launch``.

They run in sessions of their own; the process that started them waits, and ends as they did. Loads
no torch before it starts them.
"""

import os
import signal
from pathlib import Path

from finegates.machine.devices import CPU, num_cores, runs_at_once
from finegates.machine.nvidia import VISIBLE_VARIABLE


def is_main_process() -> bool:
    """Whether this process writes the run's folder, as its environment says."""
    return os.environ.get("RANK", "0") == "0"


def was_launched() -> bool:
    """Whether this is one of the processes that `train_together` starts."""
    return "LOCAL_RANK" in os.environ


def train_together(folder: Path, device: str, num_processes: int) -> int:
    """Trains a run in several processes of this machine and waits for them.

    Args:
        folder: The run's.
        device: ``cpu``, or a GPU for each process with commas between.
        num_processes: At least 2.

    Returns:
        0, the exit code of the first process that failed, or minus the signal that ended it.
    """
    from accelerate.commands.launch import launch_command, launch_command_parser
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    os.environ["PYTHONSAFEPATH"] = "1"  # nothing is imported from the folder of the start
    words = launch_words(folder, device, num_processes)
    try:
        launch_command(launch_command_parser().parse_args(words))
    except ChildFailedError as error:
        return error.get_first_failure()[1].exitcode
    except SignalException as error:
        return -int(error.sigval)
    return 0


def launch_words(folder: Path, device: str, num_processes: int) -> list[str]:
    """Every option of ``accelerate launch``, so that it neither asks nor warns."""
    gpus = _entries_of_visible_devices(device)
    threads = max(1, num_cores() // (runs_at_once(device) * num_processes))
    options = {
        "num_processes": num_processes, "num_machines": 1, "machine_rank": 0,
        "main_process_port": 0, "gpu_ids": ",".join(gpus) or "all", "mixed_precision": "no",
        "dynamo_backend": "no", "num_cpu_threads_per_process": threads,
    }  # fmt: skip
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    worker = ["--module", "finegates", "worker", str(folder), "--device", device]
    return ["--multi_gpu", *words, *worker]  # "multi_gpu" is its word for several processes


def _entries_of_visible_devices(device: str) -> list[str]:
    """What ``CUDA_VISIBLE_DEVICES`` has to hold for these GPUs; accelerate writes it again."""
    numbers = [int(name.partition(":")[2]) for name in device.split(",") if name != CPU]
    visible = os.environ.get(VISIBLE_VARIABLE)
    return [visible.split(",")[n].strip() if visible else str(n) for n in numbers]


def end_as(exit_code: int) -> int:
    """Ends this process by the signal that ended a worker, so that the waiting parent sees it.

    Returns:
        The exit code, if it was not a signal.
    """
    if exit_code < 0:
        if exit_code != -signal.SIGKILL:
            signal.signal(-exit_code, signal.SIG_DFL)
        os.kill(os.getpid(), -exit_code)
    return exit_code
