"""Everything that can be checked about a run before it exists. Loads no torch."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finegates.data.blocks import check_texts
from finegates.data.splits import TextSplits, load_splits
from finegates.errors import SpecError
from finegates.gates.laws import make_law
from finegates.jobs.start import check_start, with_model_of_start
from finegates.machine.devices import (
    Device,
    cpu_workers,
    find_devices,
    matching_devices,
    what_lacks,
)
from finegates.methods import METHODS
from finegates.models.architectures import layout_of_config
from finegates.models.fit import check_tokenizer
from finegates.models.language import check_language_model
from finegates.models.parameters import method_params
from finegates.models.record import BASE_MODEL, model_record
from finegates.models.sources import BY_NAME, check_model, find_model
from finegates.runs.folder import default_runs_dir
from finegates.settings import user_path
from finegates.spec import RunSpec


def check_inputs(
    spec: RunSpec, *, here: bool = True, runs_dir: Path | None = None
) -> tuple[RunSpec, dict[str, Any]]:
    """Reads the data, checks the model, whether its tokenizer fits it, and the device.

    Args:
        spec: What to do.
        here: Whether this machine will train it; else this machine's devices do not matter.
        runs_dir: Folder of all runs, where a run to start from is looked up; the default one if not
            given.

    Returns:
        The spec with absolute paths and the model that ``start_from`` implies, and what the run
        records of its data (no text of it) and, as ``base_model``, of its model.

    Raises:
        FineGatesError: If the run could not work.
    """
    (checked,), data = check_inputs_together([spec], here=here, runs_dir=runs_dir)
    return checked, data


def check_inputs_together(
    specs: Sequence[RunSpec], *, here: bool = True, runs_dir: Path | None = None
) -> tuple[list[RunSpec], dict[str, Any]]:
    """As `check_inputs`, for runs that have data, model and device in common: looks at them once.

    Args:
        specs: At least one; those of a sweep differ in method, target and seed alone.
        here: As in `check_inputs`.
        runs_dir: Likewise.
    """
    runs_dir = runs_dir or default_runs_dir()
    specs = [_with_absolute_paths(with_model_of_start(spec, runs_dir)) for spec in specs]
    for spec in specs:
        make_law(spec.gate_law, spec.gate_sampling_sigma)
    if here:
        check_device(specs[0].device, specs[0].num_processes)
    model = specs[0].model
    config = check_model(model)
    for spec in specs:
        if METHODS[spec.method].removes:  # whether this model can have such gates
            layout_of_config(config, spec.target_modules, spec.gate_sides, spec.gate_units)
        elif not METHODS[spec.method].trains_all:  # whether its sizes fit this model
            method_params(spec, config)
    splits = load_splits(specs[0])
    if splits.is_language:
        check_language_model(model, config, chats="messages" in splits.texts)
        check_texts(specs[0], splits, config)
    else:
        check_tokenizer(model, config, splits.has_pairs)
    check_start(specs[0], splits, config, runs_dir)
    return specs, describe_splits(splits) | {BASE_MODEL: model_record(model)}


def check_device(device: str, num_processes: int = 1) -> list[Device]:
    """The devices of this machine that a run may be given, best first.

    Whether torch can use them is known when it is loaded, in
    `finegates.training.session.check_usable`.

    Raises:
        SpecError: If there are too few, or the machine can't say how many runs it takes at once.
    """
    cpu_workers()
    devices, problem = find_devices()
    if lacks := what_lacks(device, num_processes, devices):
        raise SpecError(f"{lacks} {problem}".rstrip())
    return matching_devices(device, devices)


def describe_splits(splits: TextSplits) -> dict[str, Any]:
    """What a run records of its data: where from, fingerprint, labels and counts."""
    return {
        "source": splits.source,
        "fingerprint": splits.fingerprint,
        "problem": splits.problem,
        "labels": list(splits.labels),
        "metrics": list(splits.metrics),
        "num_train": len(splits.train),
        "num_validation": len(splits.validation),
        "mean_words": round(mean_words(splits), 2),
        "cleaned": list(splits.done),
        "has_pairs": splits.has_pairs,
    }


def mean_words(splits: TextSplits, first_rows: int | None = None) -> float:
    """Mean number of words of a training row, both texts of a pair together.

    Args:
        splits: The data.
        first_rows: Look at this many rows only, where a page can't wait for all.
    """
    rows = splits.train.head(len(splits.train) if first_rows is None else first_rows)
    return float(sum(rows[c].str.count(r"\S+").mean() for c in splits.texts))


def _with_absolute_paths(spec: RunSpec) -> RunSpec:
    """Makes the user's paths absolute, since the worker starts elsewhere."""
    changes: dict[str, Any] = {
        name: str(user_path(value).resolve())
        for name in ("data", "validation_data", "glue_dir")
        if (value := getattr(spec, name))
    }
    if spec.model not in BY_NAME and (model := find_model(spec.model)).is_local:
        changes["model"] = str(Path(model.location).resolve())
        if spec.start_from == spec.model:
            changes["start_from"] = changes["model"]
    return dataclasses.replace(spec, **changes)
