"""Values for New run and Sweep from the address, as links of other pages and of people give them.

They are put into the form once for each address; what is typed afterwards stays. Nothing starts.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from app.new import keys
from app.new.columns import NO_PAIR
from app.new.data import FILE, GLUE, SAMPLE, file_values
from app.new.fields import type_of
from app.new.model import EMBEDDED, HUB
from app.new.overrides import PREFIX
from app.new.sweep import MOST_SEEDS, PERCENTS
from app.reading.data import UPLOADS_FOLDER, kept_uploads, look_at
from finegates.data.user_files import Reading
from finegates.errors import DataError, SpecError, shortened, unknown_name
from finegates.groups.store import check_name
from finegates.methods import METHODS
from finegates.models.sources import EMBEDDED_MODEL, is_reference
from finegates.settings import numbers_of, words_of
from finegates.spec import (
    FIELDS,
    FILE_TASK,
    GLUE_TASKS,
    NO_SPLIT,
    SAMPLE_TASK,
    RunSpec,
    make_spec,
)

_DONE = "prefilled"
_PROBLEM = "prefill_problem"
_COLUMNS = {
    "text": "text_column", "pair": "pair_column", "label": "label_column",
    "prompt": "prompt_column", "answer": "answer_column", "messages": "messages_column",
}  # fmt: skip
_WORDS = ("separator", "encoding", "decimal", "header", "problem")
_SEEDS: dict[str, tuple[str, Mapping[str, Any]]] = {
    "seeds": (keys.SEEDS, {"minimum": 1, "maximum": MOST_SEEDS, "unit": ""}),
    "first_seed": (keys.FIRST_SEED, FIELDS["seed"].metadata),
}

Parameters = Mapping[str, str]


def prefill_run(folder: Path) -> None:
    """New run: ``task``, or ``file`` (kept data) and what is said about it; see `file_query`.

    Args:
        folder: The runs folder.
    """
    _once(lambda given: _kept_file(given, folder))


def prefill_sweep(folder: Path) -> None:
    """Sweep: as New run; ``name``, ``model``, ``methods``, ``targets``, ``seeds``, ``first_seed``.

    Any number that is a setting may be given by its name besides.

    Args:
        folder: The runs folder.
    """
    _once(lambda given: _kept_file(given, folder) | _sweep(given))


def file_query(spec: RunSpec) -> dict[str, str]:
    """The address of New run or Sweep for a spec's data: names alone, never a path.

    ``file`` and ``validation`` name kept files; ``text``, ``pair``, ``label``, ``prompt``,
    ``answer``, ``messages`` and ``split`` columns; ``cleaning`` remedies; ``task`` what a language
    model learns; and the rest are settings by their own names.
    """
    if not spec.data:
        return {"task": spec.task}
    told = {
        **{short: getattr(spec, name) for short, name in _COLUMNS.items()},
        **{name: getattr(spec, name) for name in _WORDS},
        "split": spec.split_column,
        "validation": Path(spec.validation_data).name if spec.validation_data else None,
        "cleaning": ",".join(spec.cleaning),
    }
    if spec.task == FILE_TASK:
        told["pair"] = told["pair"] or NO_PAIR
    else:
        told["task"] = spec.task
    kept = {k: v for k, v in told.items() if v not in (None, "", "auto")}
    return {"file": Path(spec.data).name, **kept}


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
    """What the boxes hold for an address that names a kept file, each word of it checked."""
    if not (name := given.get("file")):
        return _task(given["task"]) if given.get("task") else {}
    kept = {file.path.name: file.path for file in kept_uploads(folder / UPLOADS_FOLDER)}
    path = _named("kept file", name, kept)
    told: dict[str, Any] = {word: given[word] for word in _WORDS if given.get(word)}
    told |= {long: given[short] for short, long in _COLUMNS.items() if given.get(short)}
    if told.get("pair_column") == NO_PAIR:
        del told["pair_column"]
    if given.get("validation"):
        told["validation_data"] = str(_named("kept file", given["validation"], kept))
    if given.get("cleaning"):
        told["cleaning"] = words_of(given["cleaning"])
    if given.get("split"):
        told["split_column"] = given["split"]
    if task := given.get("task"):
        told["task"] = task
    spec = make_spec({**told, "data": str(path)})
    columns = look_at(path, Reading.of(spec)).names
    for column in (*(getattr(spec, name) for name in _COLUMNS.values()), spec.split_column):
        if column and column not in (NO_SPLIT, *columns):
            raise DataError(unknown_name("column", column, columns))
    return {keys.SOURCE: FILE, keys.FILE: str(path)} | file_values(spec)


def _named(kind: str, name: str, kept: Mapping[str, Path]) -> Path:
    """A kept file by its name, which is never a path."""
    if name not in kept:
        raise DataError(unknown_name(kind, name, sorted(kept), shown=5))
    return kept[name]


def _sweep(given: Parameters) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if name := given.get("name"):
        check_name(name)
        values[keys.SWEEP_NAME] = name
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
