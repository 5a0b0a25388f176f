"""Who starts a run: this machine's dispatcher, or Slurm. Written into the run's folder.

``launch.json`` exists from the moment the folder appears, so that no dispatcher takes a run that
is Slurm's. A run without the file is this machine's.
"""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from finegates.errors import RunError, SpecError
from finegates.files.storage import read_json, write_json
from finegates.runs.provenance import command_of, flags_of
from finegates.settings import check_settings, setting
from finegates.spec import RunSpec

LAUNCH_FILE = "launch.json"
FORMAT_VERSION = 1
LOCAL, SLURM = "local", "slurm"
LAUNCHERS = (LOCAL, SLURM)

_GROUP = "Slurm"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:,@+-]*")
_DAY_MIN = 24 * 60
_JOB_ID = re.compile(r"[0-9]*")


@dataclass(frozen=True)
class SlurmSettings:
    """What Slurm is asked for, for each run."""

    partition: str | None = setting(
        None, "Slurm partition; the cluster's default if empty.", group=_GROUP
    )
    account: str | None = setting(None, "Slurm account; your default if empty.", group=_GROUP)
    time_min: int = setting(
        60,
        "Time limit; a run that needs longer is saved, requeued and goes on.",
        group=_GROUP, minimum=1, maximum=30 * _DAY_MIN, unit="minutes",
    )  # fmt: skip
    gpus: int = setting(
        0, "GPUs for each run, one for each of its processes. Without, on the CPU.",
        group=_GROUP, minimum=0, maximum=16,
    )  # fmt: skip
    memory_gb: float | None = setting(
        None, "Memory of the node; the cluster's default if empty.",
        group=_GROUP, minimum=0.5, maximum=8192.0, unit="GB",
    )  # fmt: skip
    cpus: int = setting(
        2, "CPU cores for each run.", group=_GROUP, minimum=1, maximum=1024, unit="cores"
    )
    requeues: int = setting(
        3, "How often a run that ran out of time goes on by itself; preemptions don't count.",
        group=_GROUP, minimum=0, maximum=1000,
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_settings(self)
        for name in ("partition", "account"):
            value = getattr(self, name)
            if value is not None and not _NAME.fullmatch(value):
                raise SpecError(
                    f"{name} is {value!r}; allowed are letters, digits and . _ : , @ + - with a "
                    "letter or digit in front. `sinfo` and `sacctmgr show user $USER` list yours."
                )


SLURM_FIELDS = {f.name: f for f in dataclasses.fields(SlurmSettings)}


@dataclass(frozen=True)
class Launch:
    """How a run is started.

    Attributes:
        launcher: One of `LAUNCHERS`.
        settings: What Slurm is asked for.
        job_id: Slurm's number of the job; empty until it was submitted.
        submitted: When it was, in seconds since the epoch; 0 until then.
        sbatch: The script that Slurm was given.
    """

    launcher: str = LOCAL
    settings: SlurmSettings = field(default_factory=SlurmSettings)
    job_id: str = ""
    submitted: float = 0.0
    sbatch: str = ""

    @property
    def is_local(self) -> bool:
        """Whether this machine's dispatcher starts the run."""
        return self.launcher == LOCAL


HERE = Launch()


def is_local(folder: Path) -> bool:
    """Whether this machine's dispatcher starts the run; a look at the file's name is enough."""
    return not (folder / LAUNCH_FILE).exists()


def write_launch(folder: Path, launch: Launch) -> None:
    """Says in a run's folder who starts it."""
    if launch.is_local:
        (folder / LAUNCH_FILE).unlink(missing_ok=True)
    else:
        write_json(folder / LAUNCH_FILE, {"format_version": FORMAT_VERSION, **asdict(launch)})


def read_launch(folder: Path) -> Launch:
    """Who starts a run.

    Raises:
        RunError: If the file is damaged or of another format version.
    """
    if is_local(folder):
        return HERE
    content = read_json(folder / LAUNCH_FILE)
    try:
        version = content.pop("format_version")
        launch = Launch(**{**content, "settings": SlurmSettings(**content["settings"])})
    except (KeyError, TypeError, SpecError) as error:
        raise RunError(f"{folder.name}/{LAUNCH_FILE} is damaged: {error}.") from error
    if not _JOB_ID.fullmatch(str(launch.job_id)):  # it becomes a word of scancel's
        raise RunError(f"{folder.name}/{LAUNCH_FILE} is damaged: job_id is {launch.job_id!r}.")
    if version != FORMAT_VERSION or launch.launcher != SLURM:
        raise RunError(
            f"{folder.name}/{LAUNCH_FILE} is of format version {version!r}, launcher "
            f"'{launch.launcher}'; this program reads version {FORMAT_VERSION}, launcher '{SLURM}'."
        )
    return launch


def launch_flags(launch: Launch) -> list[str]:
    """The words of a command line that choose this launcher and its settings."""
    if launch.is_local:
        return []
    return flags_of({"launcher": launch.launcher, **_chosen(launch.settings)})


def command_of_launch(spec: RunSpec, launch: Launch) -> list[str]:
    """The shortest command line that gives this spec and starts it in this way."""
    words = command_of(spec)
    if launch.is_local:
        return words
    return [*words[:3], "launch", *words[4:], *launch_flags(launch)]


def _chosen(settings: SlurmSettings) -> Mapping[str, Any]:
    default = asdict(SlurmSettings())
    return {name: value for name, value in asdict(settings).items() if value != default[name]}
