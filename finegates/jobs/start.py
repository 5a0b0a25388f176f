"""What a run starts from: a fine-tuned folder or a finished dense run, checked without torch."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finegates.data.splits import TextSplits
from finegates.errors import FineGatesError, ModelError, RunError, SpecError, unknown_name
from finegates.methods import METHODS
from finegates.models.head_labels import check_has_head, output_names, started_order
from finegates.models.record import BASE_MODEL, check_unchanged
from finegates.models.sources import EMBEDDED_MODEL, find_model
from finegates.runs.folder import RUN_ID, TRAINED_FOLDER, Run, list_runs, open_run
from finegates.spec import CAUSAL_LM, RunSpec

_RUNS_SHOWN = 8


def with_model_of_start(spec: RunSpec, runs_dir: Path) -> RunSpec:
    """The spec with the model that its ``start_from`` implies: that folder, or the run's own model.

    Raises:
        FineGatesError: If there is no such folder or run, or another model was given.
    """
    if spec.start_from is None:
        return spec
    run = _started_run(spec.start_from, runs_dir)
    model = run.spec.model if run else spec.start_from
    if spec.model not in (EMBEDDED_MODEL, model) and _place(spec.model) != _place(model):
        raise SpecError(
            f"model is '{spec.model}', but start_from is '{spec.start_from}', which brings its own "
            f"model ('{model}'); leave model out."
        )
    return dataclasses.replace(spec, model=model)


def check_start(
    spec: RunSpec, splits: TextSplits, config: Mapping[str, Any], runs_dir: Path
) -> None:
    """Raises FineGatesError unless a run's start fits its data, as far as its files tell.

    Args:
        spec: From `with_model_of_start`.
        splits: Its data.
        config: Content of its model's config.json.
        runs_dir: Folder of all runs.
    """
    if spec.start_from is None:
        return
    if splits.is_language:
        return _check_language_start(spec, runs_dir)
    if not spec.starts_from_a_run:
        outputs = output_names(config)
        check_has_head(spec.start_from, config)
    else:
        run = open_run(runs_dir, spec.start_from)
        data = run.record["data"]
        _check_run(run)
        check_unchanged(spec.model, data.get(BASE_MODEL, {}))
        outputs = tuple(data.get("labels", ())) or ("a number",)
        if (data.get("problem") == "regression") != (splits.problem == "regression"):
            raise ModelError(
                f"{run.id} has learned a {data.get('problem')}, the data is a {splits.problem}; "
                "start from a run on data like it."
            )
    started_order(spec.start_from, outputs, splits.labels, splits.problem, spec.start_labels)


def _check_language_start(spec: RunSpec, runs_dir: Path) -> None:
    """As `check_start`, of a language model, whose head is that of its files."""
    if not spec.starts_from_a_run:
        return
    run = open_run(runs_dir, str(spec.start_from))
    _check_run(run)
    check_unchanged(spec.model, run.record["data"].get(BASE_MODEL, {}))
    if (problem := run.record["data"].get("problem")) != CAUSAL_LM:
        raise ModelError(
            f"{run.id} has learned a {problem}, the data is text of a language model; start from a "
            "run on data like it."
        )


def _started_run(name: str, runs_dir: Path) -> Run | None:
    """The run of this id; None if it names a model."""
    if RUN_ID.fullmatch(name) and (runs_dir / name).is_dir():
        return open_run(runs_dir, name)
    if find_model(name).is_local or "/" in name:
        return None
    dense = [run.id for run in list_runs(runs_dir) if _is_dense(run)]
    raise RunError(
        f"{unknown_name('start_from', name, dense, shown=_RUNS_SHOWN)} These are the dense runs of "
        f"{runs_dir}; a folder of a fine-tuned model will do, too."
    )


def _is_dense(run: Run) -> bool:
    try:
        return not METHODS[run.spec.method].removes
    except FineGatesError:
        return False


def _check_run(run: Run) -> None:
    method = run.spec.method
    if METHODS[method].removes:
        raise RunError(f"{run.id} has gates ({method}); a run starts from a dense one.")
    if not METHODS[method].merges:
        raise RunError(
            f"The adapters of {run.id} ({method}) are not linear, so they can't be merged into its "
            "weights; start from a run of another dense method."
        )
    if (state := run.status().state) != "finished":
        raise RunError(f"{run.id} is {state}; a run starts from a finished one.")
    if not (run.path / TRAINED_FOLDER).is_dir():
        raise RunError(f"{run.id} keeps no trained weights, so no run can start from it.")


def _place(model: str) -> str:
    return str(Path(find_model(model).location).resolve())
