"""What it takes to repeat a run: its command line and the versions of what decides its result."""

import platform
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from finegates import __version__
from finegates.spec import FILE_TASK, RunSpec, make_spec

_RECORDED_PACKAGES = ("torch", "transformers", "accelerate", "datasets", "safetensors")
_SAID_ELSEWHERE = (
    "task", "model", "target_sparsity", "seed", "data", "glue_dir", "text_column", "pair_column",
    "label_column", "prompt_column", "answer_column", "messages_column", "problem", "separator",
    "encoding", "decimal", "header", "split_column", "validation_data", "eval_steps", "device",
    "gradient_checkpointing",
)  # fmt: skip


@cache
def _own_defaults(method: str, gate_law: str) -> Mapping[str, Any]:
    """What a method's settings are if only its gate law is chosen."""
    law = make_spec({"method": method}).gate_law
    return make_spec({"method": method, "gate_law": gate_law}).to_dict() | {"gate_law": law}


def chosen_settings(spec: RunSpec) -> dict[str, Any]:
    """Every setting that differs from the method's own: with the method, they give the spec."""
    defaults = _own_defaults(spec.method, spec.gate_law)
    implied = spec.task == FILE_TASK  # by its data
    given = {k: v for k, v in spec.to_dict().items() if v is not None and v != defaults[k]}
    return {k: v for k, v in given.items() if k not in ("method", "task" if implied else "")}


def own_settings(spec: RunSpec) -> dict[str, Any]:
    """Chosen settings that decide a result, besides task, model, method, target and seed.

    Whatever says only where the data is, how often it is evaluated or where it runs is left out:
    the data has its fingerprint. Of a start only its kind is told: each seed may have its own.
    """
    settings = without_the_place(chosen_settings(spec))
    if spec.start_from is not None:
        settings["start_from"] = "a dense run" if spec.starts_from_a_run else "its model"
    return settings


def without_the_place(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings without those that `own_settings` leaves out."""
    return {k: v for k, v in settings.items() if k not in _SAID_ELSEWHERE}


def command_of(spec: RunSpec) -> list[str]:
    """The shortest command line that gives this spec."""
    words = ["python", "-m", "finegates", "train", "--method", spec.method]
    return words + flags_of(chosen_settings(spec))


def flags_of(settings: Mapping[str, Any]) -> list[str]:
    """Settings as the words of a command line."""
    words: list[str] = []
    for name, value in settings.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            word = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            words += [f"--{flag}={word}"] if word.startswith("-") else [f"--{flag}", word]
    return words


def recorded_versions(more: Iterable[str] = ()) -> dict[str, str]:
    """Versions of Python, of the packages that decide a result, and of more if they are there."""
    found = {package: _installed(package) for package in (*_RECORDED_PACKAGES, *more)}
    versions = {"python": platform.python_version(), "finegates": __version__}
    return versions | {package: version for package, version in found.items() if version}


@cache
def _installed(package: str) -> str:
    """Its version, read once in a process; empty if it is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def cpu_model() -> str:
    """The processor's name, as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def hardware_of(device: str) -> dict[str, Any]:
    """``hardware``, the name of what a device computes on, and ``threads`` of the CPU. Loads torch.

    Args:
        device: As torch names it.
    """
    import torch

    gpu = device.startswith("cuda")
    name = torch.cuda.get_device_name(device) if gpu else cpu_model()
    return {"hardware": name, "threads": torch.get_num_threads()}
