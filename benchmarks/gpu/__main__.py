"""All that a GPU can show, in one prepared run of at most nine minutes.

    python -m benchmarks.gpu [--device cuda:0] [--parts tests,speed] [--out FOLDER]
    python -m benchmarks.gpu --device cpu --small      # a rehearsal of every part, anywhere

Each part has a process of its own and a limit in seconds; one that fails, hangs or is cut off
leaves the others alone. The result is written row by row into FOLDER/gpu-<model of the GPU>.json, a
line is printed for each part, and the exit code is 1 unless every part came to its end. Without a
network, what is needed is packed by ``python -m scripts.pack_for_gpu`` before.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.gpu import checks, costs, decoders, machine, passes, real_run, speed, steps
from benchmarks.gpu.options import Options, parsed
from benchmarks.gpu.report import CUT_OFF, DONE, FAILED, Report
from benchmarks.record import environment
from finegates.machine.devices import matching_devices

KILL_GRACE_S = 3.0
SMALL_FACTOR = 3.0
"""A rehearsal on two cores is given so many times the limits."""


@dataclass(frozen=True)
class Part:
    """A part of the run.

    Attributes:
        limit_s: Seconds on an H100 after which it is cut off.
        measure: Measures, and returns a sentence.
    """

    limit_s: float
    measure: Callable[[Report, Options], str]


PARTS = {
    machine.PART: Part(40, machine.measure),
    checks.PART: Part(150, checks.measure),
    real_run.PART: Part(140, real_run.measure),
    speed.PART: Part(130, speed.measure),
    steps.PART: Part(80, steps.measure),
    decoders.PART: Part(120, decoders.measure),
    decoders.STEPS_PART: Part(50, decoders.measure_steps),
    passes.PART: Part(70, passes.measure),
    costs.PART: Part(70, costs.measure),
    speed.COMPILED_PART: Part(110, speed.measure_compiled),
    steps.COMPILED_PART: Part(110, steps.measure_compiled),
}
"""In the order of what would be missed most."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs every part in its process, or one here."""
    options, only = parsed(arguments, (__doc__ or "").splitlines()[0], tuple(PARTS))
    path = options.out / f"gpu-{slug(options)}.json"
    if only:
        return carry_out(only, Report(path), options)
    options.out.mkdir(parents=True, exist_ok=True)
    report = Report(path)
    report.begin({**environment(), "device": options.device, "small": options.small})
    print(f"writing {path}", flush=True)
    ends = time.monotonic() + options.seconds
    states = [supervise(name, report, options, ends) for name in options.parts or tuple(PARTS)]
    return 0 if all(state == DONE for state in states) else 1


def slug(options: Options) -> str:
    """A file's name for the hardware: ``nvidia-h100-80gb-hbm3``; ``rehearsal`` for the CPU."""
    found = matching_devices(options.device) if options.on_gpu else []
    words = found[0].hardware if found else "rehearsal"
    return "-".join("".join(c if c.isalnum() else " " for c in words.lower()).split())


def carry_out(name: str, report: Report, options: Options) -> int:
    """One part, here."""
    report.update(name, summary=PARTS[name].measure(report, options))
    return 0


def supervise(name: str, report: Report, options: Options, ends: float) -> str:
    """Starts a part's process and waits for it as long as the part may take.

    Returns:
        How it ended.
    """
    factor = SMALL_FACTOR if options.small else 1.0
    limit = min(PARTS[name].limit_s * factor, ends - time.monotonic())
    report.start(name, limit)
    started, state, said = time.monotonic(), CUT_OFF, "no time was left"
    if limit > 0:
        state, said = _run(name, options, limit)
    seconds = time.monotonic() - started
    known = report.part(name).get("summary")
    report.update(name, state=state, seconds=round(seconds, 1), said=said)
    print(f"{name:15} {state:8} {seconds:6.1f} s  {known or said}", flush=True)
    return state


def _run(name: str, options: Options, limit: float) -> tuple[str, str]:
    """How the process ended, and the last line that it wrote."""
    log = options.out / f"gpu-{slug(options)}.log"
    with open(log, "ab") as file:
        begins = file.tell()
        words = ["-m", "benchmarks.gpu", "--only", name, *options.words()]
        process = subprocess.Popen([sys.executable, *words], stdout=file, stderr=file)
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired:
            _kill(process.pid)
            return CUT_OFF, f"cut off after {limit:.0f} s; {_last_line(log, begins)}"
    return (FAILED, _last_line(log, begins)) if process.returncode else (DONE, "")


def _kill(pid: int) -> None:
    """A process and all that it has started, in whatever sessions."""
    parent = psutil.Process(pid)
    for process in [*parent.children(recursive=True), parent]:
        try:
            process.kill()
            process.wait(KILL_GRACE_S)
        except psutil.Error:
            continue


def _last_line(log: Path, begins: int) -> str:
    with open(log, "rb") as file:
        file.seek(begins)
        lines = file.read().decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "it said nothing"


if __name__ == "__main__":
    sys.exit(main())
