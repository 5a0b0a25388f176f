"""What every result says of where it was measured, and where results are kept."""

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from finegates.provenance import recorded_versions

RESULTS = Path(__file__).resolve().parent / "results"


def environment() -> dict[str, Any]:
    """Date, versions and hardware."""
    gpu = torch.cuda.is_available()
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "versions": recorded_versions(),
        "hardware": {
            "cpu": cpu_model(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "gpu": torch.cuda.get_device_name() if gpu else None,
        },
    }


def cpu_model() -> str:
    """The processor's name, as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def write_result(name: str, content: dict[str, Any]) -> Path:
    """Writes a result as JSON into ``benchmarks/results``."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / name
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path


def read_result(name: str) -> dict[str, Any]:
    """A result written before."""
    return json.loads((RESULTS / name).read_text())
