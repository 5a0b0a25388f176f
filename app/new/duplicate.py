"""Fills the New run page with the settings of a run, as if they had been typed there."""

from pathlib import Path
from typing import Any

import streamlit as st

from app.new.data import FILE, GLUE, NO_PAIR, SAMPLE
from app.new.fields import PREFIX, as_widget, start_from
from app.new.launch import start_from_launch
from app.new.model import EMBEDDED, HUB, LOCAL
from app.new.training import ELSEWHERE
from app.reading import loaders
from finegates.models.sources import EMBEDDED_MODEL
from finegates.runs.launch import Launch
from finegates.spec import FIELDS, FILE_TASK, SAMPLE_TASK, RunSpec


def fill_new_run(spec: RunSpec, launch: Launch) -> None:
    """Sets what the page's boxes hold. For a callback: the page must not have been drawn yet.

    Args:
        spec: Of the run to duplicate. A file that is no longer there has to be chosen anew.
        launch: Who started it.
    """
    values: dict[str, Any] = {
        PREFIX + name: as_widget(getattr(spec, name)) for name in FIELDS if name not in ELSEWHERE
    }
    values[f"{PREFIX}target_sparsity"] = spec.target_sparsity
    values["new_method"] = spec.method
    values |= _data(spec) | _model(spec)
    devices = ("auto", *(device.name for device in loaders.devices()))
    values["new_device"] = spec.device if spec.device in devices else "auto"
    st.session_state.update(values)
    start_from_launch(launch)
    start_from(spec.method)


def _data(spec: RunSpec) -> dict[str, Any]:
    if spec.task == SAMPLE_TASK:
        return {"new_source": SAMPLE}
    if spec.task != FILE_TASK or not spec.data:
        return {
            "new_source": GLUE,
            "new_glue_task": spec.task,
            "new_glue_dir": spec.glue_dir or "",
        }
    name = Path(spec.data).name
    columns = {
        f"new_text_{name}": spec.text_column,
        f"new_pair_{name}": spec.pair_column or NO_PAIR,
        f"new_label_{name}": spec.label_column,
    }
    known = {key: value for key, value in columns.items() if value is not None}
    return {
        "new_source": FILE,
        "new_file": spec.data,
        f"{PREFIX}problem": spec.problem,
        **known,
    }


def _model(spec: RunSpec) -> dict[str, Any]:
    if spec.model == EMBEDDED_MODEL:
        return {"new_model_kind": EMBEDDED}
    if Path(spec.model).is_dir():
        return {"new_model_kind": LOCAL, "new_Folder": spec.model}
    return {"new_model_kind": HUB, "new_Hub id": spec.model}
