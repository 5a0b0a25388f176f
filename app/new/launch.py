"""Where a run trains: on this machine or on Slurm, and what Slurm is asked for.

Shown only where Slurm can be used. Help, unit and range come from
`finegates.runs.launch.SlurmSettings`.
"""

from typing import Any

import streamlit as st

from finegates.errors import SpecError
from finegates.jobs.launchers.slurm import missing
from finegates.runs.launch import HERE, LOCAL, SLURM, SLURM_FIELDS, Launch, SlurmSettings
from finegates.settings import allowed_range, field_types

KEY = "launch."
_NAMES = {LOCAL: "This machine", SLURM: "Slurm"}
_LABELS = {
    "partition": "Partition", "account": "Account", "time_min": "Time, minutes", "gpus": "GPUs",
    "memory_gb": "Memory, GB", "cpus": "CPU cores", "requeues": "Requeues",
}  # fmt: skip


def where_help() -> str:
    """What the heading above says on hover: why there is no choice, if there is none."""
    lacks = missing()
    return f"Runs train on this machine. For Slurm: {lacks}" if lacks else "Here, or on Slurm."


def choose_launch() -> tuple[Launch, str]:
    """The chosen launcher, and what is wrong with its settings."""
    if missing():
        return HERE, ""
    chosen = st.segmented_control(
        "Where", list(_NAMES), format_func=_NAMES.__getitem__, key=KEY + "where", default=LOCAL,
        required=True, persist_state="session",
        help="Slurm gets one job for each run; both write the same run folders, which the nodes "
        "have to see too.",
    )  # fmt: skip
    if chosen != SLURM:
        return HERE, ""
    grid = st.grid(2, min_column_width=120, vertical_alignment="bottom")
    given = {name: _input(name, grid) for name in SLURM_FIELDS}
    try:
        return Launch(SLURM, SlurmSettings(**given)), ""
    except SpecError as error:
        return HERE, str(error)


def start_from_launch(launch: Launch) -> None:
    """Sets what the boxes hold, for a callback; without Slurm here, nobody sees them."""
    st.session_state[KEY + "where"] = launch.launcher
    for name in SLURM_FIELDS:
        st.session_state[KEY + name] = _shown(name, getattr(launch.settings, name))


def _shown(name: str, value: Any) -> Any:
    """A setting as its box holds it: a text that is not given is empty."""
    return value or "" if field_types(SlurmSettings)[name][0] is str else value


def _input(name: str, container: Any) -> Any:
    field, (kind, _) = SLURM_FIELDS[name], field_types(SlurmSettings)[name]
    meta, key = field.metadata, KEY + name
    help = f"{meta['help']} {allowed_range(meta)}".strip()
    st.session_state.setdefault(key, _shown(name, field.default))
    common: dict[str, Any] = {"key": key, "help": help, "persist_state": "session"}
    if kind is str:
        text = container.text_input(_LABELS[name], placeholder="the default", **common)
        return text.strip() or None
    return container.number_input(
        _LABELS[name], min_value=meta["minimum"], max_value=meta["maximum"],
        step=1 if kind is int else 1.0, placeholder="the default", **common,
    )  # fmt: skip
