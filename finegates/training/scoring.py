"""Scores of a model on labelled rows, in training and after it."""

from collections.abc import Callable, Iterable
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finegates.data.splits import TextSplits
from finegates.nn.pretrained import longest_input
from finegates.spec import RunSpec
from finegates.training.batches import (
    batches_in_order,
    by_length,
    labels_of,
    on_device,
    rows_of,
)
from finegates.training.label_scale import LabelScale
from finegates.training.metrics import compute_metrics, label_errors
from finegates.training.session import make_accelerator, scored_batch_size
from finegates.training.token_rows import predicted, token_sums


def score_batches(
    model: PreTrainedModel,
    batches: DataLoader,
    accelerator: Accelerator,
    splits: TextSplits,
    label_scale: LabelScale | None = None,
    progress: Callable[[float], None] = lambda fraction: None,
) -> dict[str, float]:
    """The task's metrics, the main one first; of a regression also `label_errors`.

    Args:
        model: A classifier; it is put into evaluation.
        batches: Labelled, prepared by the accelerator.
        accelerator: Device, precision and processes.
        splits: Which metrics, and whether classes or a number are predicted.
        label_scale: Of a regression in training; None if the model answers in the label's unit.
        progress: Is told the fraction of the batches that is done.
    """
    answers, true = answer_batches(model, batches, accelerator, splits, label_scale, progress)
    return scores_of(answers, true, splits)


@torch.no_grad()
def answer_batches(
    model: PreTrainedModel,
    batches: DataLoader | list[dict[str, Any]],
    accelerator: Accelerator,
    splits: TextSplits,
    label_scale: LabelScale | None = None,
    progress: Callable[[float], None] = lambda fraction: None,
) -> tuple[np.ndarray, np.ndarray]:
    """A model's answers, and the true labels: classes or numbers, [rows] in the batches' order.

    Of text they are sums over each row's tokens, of losses in nats and of right answers, [rows, 2],
    and how many tokens it has, [rows].

    Args:
        model: A classifier; it is put into evaluation.
        batches: Labelled, prepared by the accelerator.
        accelerator: Device, precision and processes.
        splits: Whether classes or a number are predicted.
        label_scale: As in `score_batches`.
        progress: As there.
    """
    model.eval()
    answer = _of_tokens if splits.is_language else _of_rows
    outputs, labels = [], []
    for number, batch in enumerate(batches):
        progress(number / len(batches))
        with accelerator.autocast():
            own = answer(model, batch)
        gathered = accelerator.gather_for_metrics(own)
        outputs.append(gathered[0].float().cpu())
        labels.append(gathered[1].cpu())
    logits, true = torch.cat(outputs), torch.cat(labels).numpy()
    if splits.is_language:
        return logits.double().numpy(), true
    if splits.problem != "regression":
        return logits.argmax(-1).numpy(), true
    answers = logits.squeeze(-1).numpy()
    return answers if label_scale is None else label_scale.restored(answers), true


def _of_rows(model: PreTrainedModel, batch: dict[str, Any]) -> tuple[Tensor, Tensor]:
    return model(**batch).logits, batch["labels"]


def _of_tokens(model: PreTrainedModel, batch: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Sums over each row's tokens, and their number: no logits are kept."""
    inputs = {name: value for name, value in batch.items() if name != "labels"}
    sums = token_sums(model(**inputs, use_cache=False).logits, batch["labels"])
    return sums, predicted(batch["labels"]).sum(1)


def main_answers(answers: np.ndarray) -> np.ndarray:
    """What the main metric is computed from, shape (rows,): of text each row's sum of losses."""
    return answers if answers.ndim == 1 else answers[:, 0]


def scores_of(answers: np.ndarray, true: np.ndarray, splits: TextSplits) -> dict[str, float]:
    """As `score_batches`, of answers that are known.

    Those of text may be the losses alone, `main_answers`; then that is all that is scored.
    """
    if splits.is_language:
        sides = answers[:, None] if answers.ndim == 1 else answers
        return {
            name: compute_metrics((name,), side, true)[name]
            for name, side in zip(splits.metrics, sides.T, strict=False)
        }
    if splits.problem != "regression":
        return compute_metrics(splits.metrics, answers, true)
    errors = label_errors(answers, true, float(splits.train["label"].mean()))
    return compute_metrics(splits.metrics, answers, true) | errors


class Judge:
    """Scores any model that answers a run's task on the run's validation rows.

    Args:
        spec: Precision and batch size are the run's; a number is predicted in float32, because
            half a precision has not enough digits for a label's own unit.
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
        precision = "fp32" if splits.problem == "regression" else spec.precision
        self.accelerator = make_accelerator(device, precision)
        self.precision = self.accelerator.mixed_precision
        max_length = min(spec.max_length, longest_input(model.config))
        rows = rows_of(tokenizer, splits, max_length)[1]
        size = scored_batch_size(spec, splits, model.config)
        order = by_length(rows)
        self._rows = [rows[i] for i in order]
        self._in_batches = partial(batches_in_order, tokenizer=tokenizer, batch_size=size)
        self.batches = self.accelerator.prepare_data_loader(self._in_batches(self._rows))
        self.labels = labels_of(splits, rows)[order]
        """True classes or numbers, or numbers of tokens, shape (rows,), in the batches' order."""

    @property
    def answers_dtype(self) -> np.dtype:
        """That of `answers`."""
        return np.dtype(np.float64) if self.splits.is_language else self.labels.dtype

    @property
    def metric(self) -> str:
        """The main metric."""
        return self.splits.metrics[0]

    def scores(
        self, model: PreTrainedModel, progress: Callable[[float], None] = lambda fraction: None
    ) -> dict[str, float]:
        """All metrics of a model, which is moved to the device; ``progress`` as `score_batches`."""
        model.to(self.accelerator.device)
        return score_batches(model, self.batches, self.accelerator, self.splits, progress=progress)

    def answers(
        self,
        model: PreTrainedModel,
        rows: Iterable[int],
        progress: Callable[[float], None] = lambda fraction: None,
        *,
        packed: bool = False,
    ) -> np.ndarray:
        """Answers to some rows, as `main_answers`, shape (rows,), in the batches' order.

        Each row stays in its batch and is padded as there: in half precision, too, it is answered
        as it is among all rows.

        Args:
            model: It is moved to the device.
            rows: Their numbers in the batches' order; at least one.
            progress: As `score_batches`.
            packed: Few rows in full batches of their own take less than half the time, and are
                padded otherwise: in half precision an answer may differ from that among all rows.
        """
        model.to(self.accelerator.device)
        batches = self._packed(rows) if packed else self._among_all(rows)
        found = answer_batches(model, batches, self.accelerator, self.splits, progress=progress)
        return main_answers(found[0])

    def _packed(self, rows: Iterable[int]) -> list[dict[str, Any]]:
        few = self._in_batches([self._rows[i] for i in sorted(rows)])
        return list(on_device(few, self.accelerator.device))

    def _among_all(self, rows: Iterable[int]) -> list[dict[str, Any]]:
        asked = torch.zeros(len(self.labels), dtype=torch.bool)
        asked[list(rows)] = True
        parts = asked.split([len(batch["labels"]) for batch in self._ready])
        return [
            {name: values[part.to(values.device)] for name, values in batch.items()}
            for batch, part in zip(self._ready, parts, strict=True)
            if part.any()
        ]

    @cached_property
    def _ready(self) -> list[dict[str, Any]]:
        """All batches on the device, padded once."""
        return list(self.batches)
