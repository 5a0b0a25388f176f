"""Launchers: who starts a run, tells where it is, and ends it. One interface, a file for each."""

from finegates.launch import LOCAL, SLURM
from finegates.launchers.base import JobInfo, Launcher
from finegates.launchers.local import LocalLauncher
from finegates.launchers.slurm import SlurmLauncher

__all__ = ["JobInfo", "Launcher", "launcher"]

_LAUNCHERS: dict[str, Launcher] = {LOCAL: LocalLauncher(), SLURM: SlurmLauncher()}


def launcher(name: str) -> Launcher:
    """The launcher of this name, one of `finegates.launch.LAUNCHERS`."""
    return _LAUNCHERS[name]
