"""Scores of a model on labelled rows, in training and after it."""

import torch
from accelerate import Accelerator
from torch.utils.data import DataLoader
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finegates.data.splits import TextSplits
from finegates.nn.pretrained import longest_input
from finegates.spec import RunSpec
from finegates.training.batches import evaluation_batches, tokenise
from finegates.training.metrics import compute_metrics
from finegates.training.session import evaluation_batch_size, make_accelerator


@torch.no_grad()
def score_batches(
    model: PreTrainedModel, batches: DataLoader, accelerator: Accelerator, splits: TextSplits
) -> dict[str, float]:
    """The task's metrics, the main one first.

    Args:
        model: A classifier; it is put into evaluation.
        batches: Labelled, prepared by the accelerator.
        accelerator: Device, precision and processes.
        splits: Which metrics, and whether classes or a number are predicted.
    """
    model.eval()
    outputs, labels = [], []
    for batch in batches:
        with accelerator.autocast():
            logits = model(**batch).logits
        gathered = accelerator.gather_for_metrics((logits, batch["labels"]))
        outputs.append(gathered[0].float().cpu())
        labels.append(gathered[1].cpu())
    logits = torch.cat(outputs)
    regression = splits.problem == "regression"
    predictions = logits.squeeze(-1) if regression else logits.argmax(-1)
    return compute_metrics(splits.metrics, predictions.numpy(), torch.cat(labels).numpy())


class Judge:
    """Scores any model that answers a run's task on the run's validation rows.

    Args:
        spec: Device, precision and batch size are the run's.
        splits: Its data.
        tokenizer: Its tokenizer.
        model: Any of its models: says how long a row may be.
        device: As torch names it.
    """

    def __init__(
        self,
        spec: RunSpec,
        splits: TextSplits,
        tokenizer: PreTrainedTokenizerBase,
        model: PreTrainedModel,
        device: str,
    ) -> None:
        self.splits = splits
        self.accelerator = make_accelerator(device, spec.precision)
        max_length = min(spec.max_length, longest_input(model.config))
        rows = tokenise(tokenizer, splits.validation, max_length)
        batches = evaluation_batches(rows, tokenizer, evaluation_batch_size(spec))
        self.batches = self.accelerator.prepare_data_loader(batches)

    @property
    def metric(self) -> str:
        """The main metric."""
        return self.splits.metrics[0]

    def scores(self, model: PreTrainedModel) -> dict[str, float]:
        """All metrics of a model, which is moved to the device."""
        model.to(self.accelerator.device)
        return score_batches(model, self.batches, self.accelerator, self.splits)
