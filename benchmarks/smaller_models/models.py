"""The models that are compared, and how those are made that are no runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedModel

from benchmarks.frontier.plan import REFERENCE
from benchmarks.smaller_models.layers import FIRST, kept_layers, save_layers
from benchmarks.smaller_models.plan import (
    FEWER,
    FINE_TUNED,
    GATED,
    PRETRAINED,
    PRUNED,
    TASK,
    TAYLOR,
    Fewer,
    Pruned,
    group_of,
    kept_at,
    recovery_settings,
)
from benchmarks.smaller_models.recovery import pruned_and_recovered
from benchmarks.structures import group_of as gated_group
from benchmarks.torch_pruning import INNER, prune_by_torch_pruning
from finegates.groups.store import group_path, open_group
from finegates.nn.pretrained import load_pretrained
from finegates.runs.folder import Run, open_run
from finegates.shrinking.shrink import shrink
from finegates.spec import make_spec
from finegates.training.restore import restore_model

DENSE, GATES = "dense", "gates"
FEWER_LAYERS, TORCH_PRUNING = "fewer layers", "torch-pruning"
_STATE, _ONNX = "model.safetensors", "onnx"


@dataclass(frozen=True)
class Compared:
    """One model.

    Attributes:
        about: What it is, as its rows say it.
        model: As torch runs it.
        for_onnx: As ONNX Runtime shall run it; None if it is not asked to.
    """

    about: dict[str, Any]
    model: PreTrainedModel
    for_onnx: PreTrainedModel | None = None


def folder_of(fewer: Fewer, reference: Run) -> Path:
    """The folder with the layers that a smaller model starts from, made if it is not there."""
    folder = kept_at(fewer.name, reference)
    if not folder.exists():
        data = reference.record["data"]
        if fewer.start == FINE_TUNED:
            model, tokenizer = restore_model(reference)
        else:
            model, tokenizer = load_pretrained(
                reference.spec.model, data["labels"], data["problem"]
            )
        kept = kept_layers(fewer.which, fewer.layers, model.config.num_hidden_layers)
        save_layers(model, tokenizer, kept, folder)
    return folder


def prune_and_recover(pruned: Pruned, reference: Run) -> None:
    """Makes what Torch-Pruning leaves of the fine-tuned model and trains it on, if not done yet."""
    path = kept_at(pruned.name, reference) / _STATE
    if path.exists():
        return
    spec = make_spec(
        {
            **recovery_settings(),
            "method": REFERENCE,
            "model": reference.spec.model,
            "start_from": reference.id,
            "seed": reference.spec.seed,
        }
    )

    def prune(dense: PreTrainedModel, batches: list[dict[str, Tensor]]) -> PreTrainedModel:
        looked_at = batches if pruned.by == TAYLOR else ()
        return prune_by_torch_pruning(dense, pruned.remove, INNER, looked_at)

    model = pruned_and_recovered(reference, spec, prune)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(model.state_dict(), path)


def compared_models(reference: Run) -> Iterator[Compared]:
    """All that is finished, the fine-tuned model first."""
    seed, runs_dir = reference.spec.seed, reference.path.parent
    dense, _ = restore_model(reference)
    yield Compared({"what": DENSE, "start": PRETRAINED, "run": reference.id}, dense, dense)
    for run in _finished(gated_group(TASK, GATED, seed), runs_dir):
        gated, _ = restore_model(run)
        about = {"what": GATES, "choice": ",".join(GATED.units), "start": FINE_TUNED}
        about |= {"remove": run.spec.target_sparsity, "run": run.id}
        yield Compared(about, shrink(gated), shrink(gated, tuned_for=_ONNX))
    for fewer in FEWER:
        for run in _finished(group_of(fewer, seed), runs_dir):
            model, _ = restore_model(run)
            about = {"what": FEWER_LAYERS, "choice": fewer.which, "start": fewer.start}
            about |= {"layers": fewer.layers, "run": run.id}
            is_plainest = (fewer.which, fewer.start) == (FIRST, FINE_TUNED)
            yield Compared(about, model, model if is_plainest else None)
    for pruned in PRUNED:
        path = kept_at(pruned.name, reference) / _STATE
        if path.exists():
            model = prune_by_torch_pruning(dense, pruned.remove, INNER)  # the shapes; then weights
            model.load_state_dict(load_file(path))
            about = {"what": TORCH_PRUNING, "choice": pruned.by, "start": FINE_TUNED}
            yield Compared(about | {"remove": pruned.remove}, model.eval())


def _finished(group: str, runs_dir: Path) -> Iterator[Run]:
    if group_path(runs_dir, group).exists():
        runs = (open_run(runs_dir, run_id) for run_id in open_group(runs_dir, group).runs)
        yield from (run for run in runs if run.status().state == "finished")
