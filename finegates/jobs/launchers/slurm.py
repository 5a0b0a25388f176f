"""Runs as Slurm jobs, submitted through submitit: one job for each run, with the run's name.

A job has the same worker as a local run, with the run folder as the only channel, so the folder has
to be on a file system that the nodes share. No process keeps running on the login node.
"""

import contextlib
import importlib.util
import shlex
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from finegates.errors import RunError, SpecError
from finegates.files.storage import read_tail
from finegates.jobs.launchers.base import LOG_BYTES, JobInfo, wait_until_over
from finegates.jobs.launchers.slurm_client import cancel, details, run_program
from finegates.jobs.launchers.slurm_job import RunJob, save_s
from finegates.jobs.launchers.slurm_queue import kept_job
from finegates.runs.folder import Run
from finegates.runs.launch import SLURM, Launch, SlurmSettings, read_launch, write_launch
from finegates.runs.status import Status
from finegates.spec import RunSpec

JOB_FOLDER = "slurm"
CANCELLED_S = 60.0
"""Slurm gives a cancelled job KillWait seconds (30 by default) to end."""

_WHAT_TO_DO = "Check partition, account, time, GPUs and memory; `sinfo` lists what there is."
_NEVER = 10**6
"""How often submitit requeues: the job itself counts (`finegates.jobs.launchers.slurm_job`)."""


def missing() -> str:
    """Why this machine can't submit runs to Slurm, as a sentence; empty if it can."""
    if shutil.which("sbatch") is None:
        return "there is no sbatch on the PATH, so this is no login node of a Slurm cluster."
    if importlib.util.find_spec("submitit") is None:
        return "the package submitit is not installed: pip install 'finegates[slurm]'."
    return ""


class SlurmLauncher:
    """Implements `finegates.jobs.launchers.base.Launcher`."""

    def check(self, spec: RunSpec, launch: Launch) -> None:
        """Raises SpecError if Slurm can't be used from here, or is not asked for the devices."""
        device, gpus = spec.device, launch.settings.gpus
        if lacks := missing():
            raise SpecError(f"launcher is '{SLURM}', but {lacks} Allowed here: local.")
        kind, _, number = device.partition(":")
        if kind not in ("auto", "cpu", "cuda"):
            raise SpecError(f"device is '{device}'; on Slurm it is auto, cpu, cuda or cuda:N.")
        if kind == "cuda" and int(number or 0) >= gpus:
            raise SpecError(
                f"device is '{device}' and gpus is {gpus}; ask Slurm for more GPUs, or take device "
                "auto."
            )
        if spec.num_processes > 1 and number:
            raise SpecError(
                f"num_processes is {spec.num_processes}, but device '{device}' is one GPU; take "
                "device auto or cuda."
            )
        if 0 < gpus < spec.num_processes and kind != "cpu":
            raise SpecError(
                f"num_processes is {spec.num_processes} and gpus is {gpus}; each process needs a "
                f"GPU of its own: ask Slurm for {spec.num_processes}, or lower num_processes."
            )
        if refused := _refused(launch.settings):
            raise SpecError(f"Slurm refuses such a run: {refused} {_WHAT_TO_DO}")

    def submit(self, run: Run) -> None:
        """Submits a queued run to Slurm, and keeps the job's number and script in its folder."""
        launch = read_launch(run.path)
        with contextlib.suppress(RunError):
            self.withdraw(run)  # the job from before the run was resumed may still be queued
        job_id, text = _sbatch(run, launch.settings)
        write_launch(run.path, replace(launch, job_id=job_id, sbatch=text, submitted=time.time()))

    def status(self, run: Run) -> JobInfo:
        """The job in the last answer that `finegates.jobs.launchers.slurm_queue` got."""
        launch, node = read_launch(run.path), run.status().host
        job = kept_job(run, launch)
        if job is None:
            return JobInfo(SLURM, launch.job_id, node)
        reason = "" if job.reason == "None" else job.reason
        return JobInfo(SLURM, job.job_id, job.node or node, job.word, reason)

    def tail(self, run: Run, num_bytes: int = LOG_BYTES) -> str:
        """The end of the run's log; before it exists, of what the job itself printed."""
        if text := run.log_tail(num_bytes):
            return text
        said = sorted((run.path / JOB_FOLDER).glob("*_log.*"), key=lambda p: p.stat().st_mtime)
        return read_tail(said[-1], num_bytes) if said else ""

    def stop(self, run: Run, grace_s: float) -> Status:
        """After the grace: scancel, which is SIGTERM and then SIGKILL to all of the job."""
        if not wait_until_over(run, grace_s):
            self.withdraw(run)
            wait_until_over(run, CANCELLED_S)
        return run.status()

    def withdraw(self, run: Run) -> None:
        """scancel, if the job is this run's: a copied folder may hold another job's number."""
        job_id = read_launch(run.path).job_id
        if job_id and details(job_id).get("JobName") == run.id:
            cancel(job_id)

    def kill(self, run: Run) -> None:
        """scancel; Slurm has no faster way that frees the node too."""
        self.withdraw(run)


def _refused(settings: SlurmSettings) -> str:
    """Why Slurm would not take a run with these settings; empty if it would. Submits nothing."""
    wanted = {
        "partition": settings.partition, "account": settings.account, "time": settings.time_min,
        "cpus-per-task": settings.cpus, "gpus-per-node": settings.gpus or None,
        "mem": _megabytes(settings),
    }  # fmt: skip
    flags = [f"--{name}={value}" for name, value in wanted.items() if value is not None]
    try:
        answer = run_program("sbatch", "--test-only", *flags, "--wrap=true")
    except (OSError, subprocess.SubprocessError) as error:
        return f"{error}."
    said = answer.stderr.strip().splitlines() or ["it gives no reason."]
    return said[-1] if answer.returncode else ""


def _megabytes(settings: SlurmSettings) -> str | None:
    return f"{round(settings.memory_gb * 1024)}MB" if settings.memory_gb else None


def _sbatch(run: Run, settings: SlurmSettings) -> tuple[str, str]:
    """Submits a run; returns the job's number and the text of its script."""
    from submitit.core.utils import FailedJobError, FailedSubmissionError
    from submitit.slurm.slurm import SlurmExecutor

    folder = run.path / JOB_FOLDER
    for pickle in folder.glob("*.pkl"):  # a new job must not find another job's
        pickle.unlink()
    try:
        executor = SlurmExecutor(folder=folder, max_num_timeout=_NEVER)
        executor.update_parameters(**_parameters(run, settings))
        job = executor.submit(RunJob(str(run.path), settings.requeues, save_s(settings.time_min)))
    except (FailedJobError, FailedSubmissionError, OSError, subprocess.SubprocessError) as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise RunError(f"Slurm refused the run: {said[-1]} {_WHAT_TO_DO}") from error
    for link in folder.glob(".submission_file_*"):  # it dangles once the run is moved
        link.unlink()
    return job.job_id, job.paths.submission_file.read_text()


def _parameters(run: Run, settings: SlurmSettings) -> dict[str, Any]:
    """The parameters for submitit; for what is left out the cluster's default applies."""
    wanted = {
        "job_name": run.id,
        "partition": settings.partition,
        "account": settings.account,
        "time": settings.time_min,
        "cpus_per_task": settings.cpus,
        "gpus_per_node": settings.gpus or None,
        "mem": _megabytes(settings),
        "signal_delay_s": save_s(settings.time_min),
        "additional_parameters": {"requeue": True},
        "srun_args": [f"--cpus-per-task={settings.cpus}"],  # srun does not take over sbatch's
        "setup": [f"export PYTHONPATH={shlex.quote(_package_root())}:$PYTHONPATH"],
    }
    return {name: value for name, value in wanted.items() if value is not None} | {"wckey": None}


def _package_root() -> str:
    return str(Path(__file__).resolve().parents[3])
