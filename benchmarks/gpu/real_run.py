"""A run as a user starts it: queued, dispatched, trained, pruned, exported and timed."""

import contextlib
import io
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.gpu.options import Options
from benchmarks.gpu.report import Report, judged
from benchmarks.gpu.toys import toy_folder
from finegates.cli import main
from finegates.data.glue import GLUE_DIR_VARIABLE
from finegates.jobs import control as jobs
from finegates.runs.folder import Run
from finegates.spec import RunSpec, make_spec

PART = "real run"
REMOVED, CPU_SCORE, NOISE = 0.4, 0.822, 0.026
"""The CPU's median of two seeds; two standard deviations of 872 rows."""
_COMMON = {"method": "finegates+lora", "target_sparsity": REMOVED, "batch_size": 32, "seed": 0}
TRAIN_ROWS = 4000
_FULL = {"task": "sst2", "epochs": 4, "max_train_samples": TRAIN_ROWS, "precision": "bf16"}
_SHORT = {"epochs": 1, "max_train_samples": 500}
_SMALL = {"task": "sample", "epochs": 2, "max_train_samples": 320}
_POLL_S = 0.2


class RunFailed(Exception):
    """A run or a command did not end well."""


def measure(report: Report, options: Options) -> str:
    """Two runs queued together, one after the other; then what is done with a finished one.

    Raises:
        RunFailed: If anything does not end well.
    """
    if options.glue_dir:
        os.environ[GLUE_DIR_VARIABLE] = str(Path(options.glue_dir).resolve())
    with tempfile.TemporaryDirectory(prefix="finegates-gpu-") as folder:
        runs_dir = Path(folder) / "runs"
        runs_dir.mkdir()
        started = time.monotonic()
        runs = [jobs.submit(spec, runs_dir) for spec in _specs(options)]
        try:
            _wait(runs)
        finally:
            for run in runs:
                if not run.status().is_over:
                    jobs.stop(run, grace_s=2.0)
        report.update(PART, seconds_for_both=time.monotonic() - started)
        for run in runs:
            report.add(PART, described(run, options))
        _check(runs, options)
        report.update(PART, **_afterwards(runs[0], Path(folder), options))
    return _said(report.part(PART))


def _specs(options: Options) -> list[RunSpec]:
    device = "auto" if options.on_gpu else options.device
    if options.small:
        first = {**_COMMON, **_SMALL, "model": toy_folder(), "device": device}
    else:
        first = {**_COMMON, **_FULL, "model": options.model, "device": device}
    return [make_spec(first), make_spec({**first, **_SHORT, "seed": 1})]


def _wait(runs: list[Run]) -> None:
    while not all(run.status().is_over for run in runs):
        time.sleep(_POLL_S)


def described(run: Run, options: Options) -> dict[str, Any]:
    """What a finished run came to, and how fast."""
    status = run.status()
    rows = [row for row in run.metrics_reader().read_new() if row["kind"] == "train"]
    rates = [row["samples_per_s"] for row in rows if row["samples_per_s"]]
    row = {
        "state": status.state, "reason": status.reason, "device": status.device,
        "hardware": status.hardware, "precision": status.precision, "score": status.score,
        "removed_weights_fraction": status.removed_weights_fraction, "steps": status.step,
        "memory_bytes": status.memory_bytes, "started": status.started, "ended": status.ended,
        "seconds_from_start_to_end": (status.ended or 0) - (status.started or 0),
        "seconds_of_steps": rows[-1]["time"] - rows[0]["time"] if rows else None,
        "rows_per_second": statistics.median(rates) if rates else None,
        "log_tail": "" if status.state == "finished" else run.log_tail(2000),
    }  # fmt: skip
    if not options.small and run.spec.epochs == _FULL["epochs"]:
        row |= judged(status.score or 0.0, CPU_SCORE - NOISE)
    return row


def _check(runs: list[Run], options: Options) -> None:
    first, second = (run.status() for run in runs)
    for status in (first, second):
        if status.state != "finished":
            raise RunFailed(f"a run is {status.state}: {status.reason}")
        if not status.device.startswith("cuda" if options.on_gpu else "cpu"):
            raise RunFailed(f"a run trained on {status.device}")
    if abs((first.removed_weights_fraction or 0) - REMOVED) > 0.002:
        raise RunFailed(f"{first.removed_weights_fraction} was removed instead of {REMOVED}")
    if (second.started or 0) < (first.ended or 0):
        raise RunFailed("two runs trained on one device at once")


def _afterwards(run: Run, folder: Path, options: Options) -> dict[str, Any]:
    """Prune, export and bench by the command line."""
    common = [run.id, "--runs-dir", str(run.path.parent), "--remove", str(REMOVED)]
    device = ["--device", "cuda" if options.on_gpu else "cpu"]
    tuned = ["--tuned-for", "cuda" if options.on_gpu else "cpu"]
    sizes = ["--batch-size", "4", "--seq-len", "16"] if options.small else []
    dtype = ["--dtype", "bfloat16"] if options.on_gpu else []
    pruned = _command("prune", *common, *device, "--json")
    exported = _command("export", *common, *tuned, "--out", str(folder / "smaller"))
    timed = _command("bench", *common, *device, *dtype, *sizes, "--json")
    loaded = _loaded(folder / "smaller", options)
    return {"prune": pruned, "export": exported, "bench": timed, "loaded": loaded}


def _command(*words: str) -> dict[str, Any]:
    """The last line that a command prints."""
    started, said = time.monotonic(), io.StringIO()
    with contextlib.redirect_stdout(said):
        exit_code = main(list(words))
    lines = said.getvalue().strip().splitlines()
    if exit_code or not lines:
        raise RunFailed(f"{words[0]} ended with exit code {exit_code}")
    return {"seconds": time.monotonic() - started, **json.loads(lines[-1])}


def _loaded(folder: Path, options: Options) -> dict[str, Any]:
    """The exported folder, loaded as any other and asked once on the device."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    import finegates.auto  # noqa: F401  registers the shrunk classes

    model = AutoModelForSequenceClassification.from_pretrained(folder).to(options.device).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer(["a fine film", "a dull one , too long"], padding=True, return_tensors="pt")
    with torch.inference_mode():
        logits = model(**inputs.to(options.device)).logits
    if not torch.isfinite(logits).all():
        raise RunFailed("the exported model's logits are not finite")
    return {"params": sum(p.numel() for p in model.parameters()), "logits": logits.tolist()}


def _said(part: dict[str, Any]) -> str:
    first = part["rows"][0]
    return (
        f"{100 * first['score']:.1f} at {100 * first['removed_weights_fraction']:.1f}% removed on "
        f"{first['device']} in {first['precision']}, {first['rows_per_second']:.0f} rows/s, "
        f"{first['memory_bytes'] / 2**20:.0f} MiB, {first['seconds_from_start_to_end']:.0f} s; "
        f"smaller model {part['bench']['speedup']:.2f} times as fast"
    )
