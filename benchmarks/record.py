"""What every result says of where it was measured, and where results are kept."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from finegates.runs.provenance import cpu_model, recorded_versions

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


def write_result(name: str, content: dict[str, Any]) -> Path:
    """Writes a result as JSON into ``benchmarks/results``."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / name
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path


def read_result(name: str) -> dict[str, Any]:
    """A result written before."""
    return json.loads((RESULTS / name).read_text())
