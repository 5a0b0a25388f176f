"""Values for New run and Sweep from the address, as links of other pages and of people give them.

They are put into the form once for each address; what is typed afterwards stays. Nothing starts.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from app.new import keys
from app.new.data import FILE, GLUE, NO_PAIR, SAMPLE
from app.new.fields import type_of
from app.new.model import EMBEDDED, HUB
from app.new.overrides import PREFIX
from app.new.sweep import MOST_SEEDS, PERCENTS
from app.reading.data import UPLOADS_FOLDER, guessed_columns, kept_uploads
from finegates.errors import DataError, SpecError, shortened, unknown_name
from finegates.groups.store import check_name
from finegates.methods import METHODS
from finegates.models.sources import EMBEDDED_MODEL, is_reference
from finegates.settings import numbers_of, words_of
from finegates.spec import FIELDS, GLUE_TASKS, SAMPLE_TASK

_DONE = "prefilled"
_PROBLEM = "prefill_problem"
_MAPPED = {"text": keys.text_column, "pair": keys.pair_column, "label": keys.label_column}
_SEEDS: dict[str, tuple[str, Mapping[str, Any]]] = {
    "seeds": (keys.SEEDS, {"minimum": 1, "maximum": MOST_SEEDS, "unit": ""}),
    "first_seed": (keys.FIRST_SEED, FIELDS["seed"].metadata),
}

Parameters = Mapping[str, str]


def prefill_run(folder: Path) -> None:
    """New run: ``task``, or ``file`` (kept data) with ``text``, ``pair`` and ``label`` (columns).

    Args:
        folder: The runs folder.
    """
    _once(lambda given: _kept_file(given, folder))


def prefill_sweep() -> None:
    """Sweep: ``name``, ``task``, ``model``, ``methods``, ``targets``, ``seeds``, ``first_seed``.

    Any number that is a setting may be given by its name besides.
    """
    _once(_sweep)


def _once(values_of: Callable[[Parameters], dict[str, Any]]) -> None:
    """Puts the values of an address into the session when it is opened, all of them or none."""
    given = st.query_params.to_dict()
    if given != st.session_state.get(_DONE):
        st.session_state[_DONE] = given
        st.session_state.pop(_PROBLEM, None)
        try:
            st.session_state.update(values_of(given))
        except (DataError, SpecError) as error:
            st.session_state[_PROBLEM] = str(error)
    if problem := st.session_state.get(_PROBLEM):
        st.error("What the address asks for is not here; the form is as it was.")
        st.text(problem)  # holds words of the address


def _kept_file(given: Parameters, folder: Path) -> dict[str, Any]:
    if not (name := given.get("file")):
        return _task(given["task"]) if given.get("task") else {}
    kept = {file.path.name: file.path for file in kept_uploads(folder / UPLOADS_FOLDER)}
    if name not in kept:  # a name, never a path
        raise DataError(unknown_name("kept file", name, sorted(kept), shown=5))
    path = kept[name]
    columns = guessed_columns(path)[0]
    values = {keys.SOURCE: FILE, keys.FILE: str(path)}
    for parameter, key_of in _MAPPED.items():
        if column := given.get(parameter):
            if column not in (*columns, *([NO_PAIR] if parameter == "pair" else [])):
                raise DataError(unknown_name("column", column, columns))
            values[key_of(name)] = column
    return values


def _sweep(given: Parameters) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if name := given.get("name"):
        check_name(name)
        values[keys.SWEEP_NAME] = name
    if task := given.get("task"):
        values |= _task(task)
    if model := given.get("model"):
        values |= _model(model)
    if methods := given.get("methods"):
        values |= _methods(words_of(methods))
    if targets := given.get("targets"):
        allowed = FIELDS["target_sparsity"].metadata
        fractions = numbers_of("targets", targets, float, allowed)
        values[keys.TARGETS] = [_percent(fraction) for fraction in fractions]
    for name, (key, meta) in _SEEDS.items():
        if number := given.get(name):
            values[key] = numbers_of(name, number, int, meta)[0]
    for name in FIELDS.keys() & given.keys() - {"seed"}:
        if (kind := type_of(name)[0]) in (int, float):
            (values[PREFIX + name],) = numbers_of(name, given[name], kind, FIELDS[name].metadata)
    return values


def _task(task: str) -> dict[str, Any]:
    if task == SAMPLE_TASK:
        return {keys.SOURCE: SAMPLE}
    if task not in GLUE_TASKS:
        raise SpecError(unknown_name("task", task, (SAMPLE_TASK, *GLUE_TASKS)))
    return {keys.SOURCE: GLUE, keys.GLUE_TASK: task}


def _model(model: str) -> dict[str, Any]:
    if model == EMBEDDED_MODEL:
        return {keys.MODEL_KIND: EMBEDDED}
    if not is_reference(model):
        raise SpecError(
            f"An address can name the embedded model and the paper's, not '{shortened(model)}': "
            "whoever made the link would decide what is read here, or asked of the hub. Type it "
            "into the form yourself."
        )
    return {keys.MODEL_KIND: HUB, keys.HUB_ID: model}


def _methods(names: tuple[str, ...]) -> dict[str, Any]:
    for name in names:
        if name not in METHODS:
            raise SpecError(unknown_name("method", name, METHODS))
    return {
        keys.REMOVING: [n for n in names if METHODS[n].removes],
        keys.DENSE: [n for n in names if not METHODS[n].removes],
    }


def _percent(fraction: float) -> int | str:
    """As the box of targets has it: a whole number of percent, or a typed one."""
    percent = round(100 * fraction, 6)
    return int(percent) if percent in PERCENTS else f"{percent:g}"
