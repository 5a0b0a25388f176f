"""Fills the New run page with the settings of a run, as if they had been typed there."""

from pathlib import Path
from typing import Any

import streamlit as st

from app.new import keys
from app.new.data import FILE, GLUE, SAMPLE, file_values
from app.new.fields import PREFIX, as_widget, start_from
from app.new.launch import start_from_launch
from app.new.model import CONVERTED, EMBEDDED, HUB, LOCAL, model_kinds
from app.new.training import ELSEWHERE
from app.reading.machine import devices
from finegates.models.smollm2 import SMOLLM2
from finegates.models.sources import EMBEDDED_MODEL
from finegates.runs.launch import Launch
from finegates.spec import FIELDS, OWN_FILE_TASKS, SAMPLE_TASK, RunSpec


def fill_new_run(spec: RunSpec, launch: Launch) -> None:
    """Sets what the page's boxes hold. For a callback: the page must not have been drawn yet.

    Args:
        spec: Of the run to duplicate. A file that no longer exists has to be chosen again.
        launch: Who started it.
    """
    values: dict[str, Any] = {
        PREFIX + name: as_widget(getattr(spec, name)) for name in FIELDS if name not in ELSEWHERE
    }
    values[f"{PREFIX}target_sparsity"] = spec.target_sparsity
    values[keys.METHOD] = spec.method
    values |= _data(spec) | _model(spec)
    here = ("auto", *(device.name for device in devices()))
    values[keys.DEVICE] = spec.device if spec.device in here else "auto"
    st.session_state.update(values)
    start_from_launch(launch)
    start_from(spec.method)


def _data(spec: RunSpec) -> dict[str, Any]:
    if spec.task == SAMPLE_TASK:
        return {keys.SOURCE: SAMPLE}
    if spec.task not in OWN_FILE_TASKS or not spec.data:
        return {
            keys.SOURCE: GLUE,
            keys.GLUE_TASK: spec.task,
            keys.GLUE_DIR: spec.glue_dir or "",
        }
    return {keys.SOURCE: FILE, keys.FILE: spec.data} | file_values(spec)


def _model(spec: RunSpec) -> dict[str, Any]:
    if spec.model == EMBEDDED_MODEL:
        return {keys.MODEL_KIND: EMBEDDED}
    if spec.model == SMOLLM2 and CONVERTED in model_kinds():
        return {keys.MODEL_KIND: CONVERTED}
    if Path(spec.model).is_dir():
        return {keys.MODEL_KIND: LOCAL, keys.MODEL_FOLDER: spec.model}
    return {keys.MODEL_KIND: HUB, keys.HUB_ID: spec.model}
