"""What the machine is, and the two ceilings of every speed on it: products and memory."""

import os
import shutil
import subprocess
from functools import partial
from typing import Any

import torch

from benchmarks.gpu.options import Options
from benchmarks.gpu.report import Report
from finegates.measuring.timing import interleaved
from finegates.runs.provenance import cpu_model, recorded_versions

PART = "machine"
_QUERY = "name,driver_version,memory.total,power.limit,clocks.max.sm,pstate,ecc.mode.current"
_PACKAGES = ("peft", "numpy", "scikit-learn", "triton", "pandas", "pytest")
_REPEATS = 10


def measure(report: Report, options: Options) -> str:
    """Hardware, versions, ceilings."""
    about = {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name(options.device) if options.on_gpu else None,
        "nvidia_smi": _nvidia_smi() if options.on_gpu else None,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version() if options.on_gpu else None,
        "versions": recorded_versions(_PACKAGES),
    }
    report.update(PART, **about)
    ceilings = _ceilings(options)
    report.update(PART, **ceilings)
    driver = (about["nvidia_smi"] or {}).get("driver_version", "none")
    return (
        f"{about['gpu'] or about['cpu']}, driver {driver}, torch {torch.__version__}, "
        f"{ceilings['product_tflops']:.3g} TFLOP/s, {ceilings['copy_gb_per_s']:.3g} GB/s"
    )


def _nvidia_smi() -> dict[str, str]:
    if not (tool := shutil.which("nvidia-smi")):
        return {}
    words = [tool, f"--query-gpu={_QUERY}", "--format=csv,noheader"]
    answer = subprocess.run(words, capture_output=True, text=True, timeout=20)
    values = answer.stdout.strip().splitlines()[:1] or [""]
    return dict(zip(_QUERY.split(","), values[0].split(", "), strict=False))


@torch.inference_mode()
def _ceilings(options: Options) -> dict[str, Any]:
    """A large product in bf16 and a large copy within the device's memory."""
    size = 8192 if options.on_gpu else 512
    a, b = (torch.randn(size, size, device=options.device, dtype=torch.bfloat16) for _ in range(2))
    numbers = torch.randn(8 * size * size, device=options.device)
    target = torch.empty_like(numbers)
    passes = {"product": partial(torch.mm, a, b), "copy": partial(target.copy_, numbers)}
    times = interleaved(passes, _REPEATS, options.device)
    return {
        "product_tflops": 2 * size**3 / min(times["product"]) / 1e12,
        "copy_gb_per_s": 2 * numbers.nbytes / min(times["copy"]) / 1e9,
    }
