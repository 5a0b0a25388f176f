"""Launchers start runs, report where they are, and end them. One interface, one file each."""

from finegates.jobs.launchers.base import JobInfo, Launcher
from finegates.jobs.launchers.local import LocalLauncher
from finegates.jobs.launchers.slurm import SlurmLauncher
from finegates.runs.launch import LOCAL, SLURM

__all__ = ["JobInfo", "Launcher", "launcher"]

_LAUNCHERS: dict[str, Launcher] = {LOCAL: LocalLauncher(), SLURM: SlurmLauncher()}


def launcher(name: str) -> Launcher:
    """The launcher of this name, one of `finegates.runs.launch.LAUNCHERS`."""
    return _LAUNCHERS[name]
