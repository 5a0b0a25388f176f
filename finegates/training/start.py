"""The model that a run starts from: a fine-tuned folder, or a finished dense run."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from finegates.adapters import merge_adapters
from finegates.data.splits import TextSplits
from finegates.models.head_labels import started_order
from finegates.nn.model_parts import order_outputs
from finegates.nn.pretrained import load_pretrained
from finegates.runs.folder import open_run
from finegates.spec import RunSpec
from finegates.training.restore import restore_model


def start_state(
    spec: RunSpec, splits: TextSplits, runs_dir: Path, base_model: Mapping[str, str] | None
) -> dict[str, Tensor]:
    """The state of the classifier that a run starts from, its outputs in the order of the labels.

    Args:
        spec: Of the run, checked (`finegates.jobs.inputs`).
        splits: Its data.
        runs_dir: Folder of all runs.
        base_model: What the run has recorded of its model.

    Returns:
        Name to tensor, without adapters. A regression answers in the label's unit; a language
        model has no labels to be ordered by.

    Raises:
        RunError: If the run to start from is gone, or not finished.
        ModelError: If the model can't be loaded, has changed, or its labels are others.
    """
    if not spec.starts_from_a_run:
        model, _ = load_pretrained(
            spec.model, splits.labels, splits.problem, recorded=base_model,
            start_labels=spec.start_labels, base_dtype=spec.base_dtype,
        )  # fmt: skip
        return model.state_dict()
    run = open_run(runs_dir, str(spec.start_from))
    model, _ = restore_model(run)
    merge_adapters(model)
    if splits.is_language:
        return model.state_dict()
    labels = run.record["data"].get("labels") or ("a number",)
    order = started_order(run.id, labels, splits.labels, splits.problem, spec.start_labels)
    order_outputs(model, order)
    return model.state_dict()
