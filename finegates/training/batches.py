"""Text -> batches: tokenised once, padded to the longest of a batch, grouped by length."""

from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np
import pandas as pd
import torch
from accelerate.utils import send_to_device
from torch.utils.data import DataLoader, Dataset
from transformers import DataCollatorWithPadding, PreTrainedTokenizerBase
from transformers.trainer_pt_utils import LengthGroupedSampler

from finegates.data.splits import TextSplits
from finegates.nn.pretrained import reads_forward
from finegates.training.token_rows import TokenPadding, language_rows, num_labels

Rows = list[dict[str, Any]]
TEACHER_KEY = "teacher"
"""Of a row: what the teacher says of it."""


class Padding(DataCollatorWithPadding):
    """Pads rows to the longest of a batch; no model has to look at a mask to know if it matters.

    Given a mask of shape ``(rows, tokens)``, transformers asks the device at every pass whether any
    token is padding, and a GPU that is asked has to finish all its work first. So the question is
    answered here: a batch without padding has no mask, any other a boolean one of shape
    ``(rows, 1, 1, tokens)``, which attention takes as it is. A decoder adds to it what lies ahead
    of each token, so its mask stays of shape ``(rows, tokens)``.
    """

    def __call__(self, features: list[dict[str, Any]]) -> dict[str, Any]:
        """Rows -> tensors, on the CPU."""
        batch = super().__call__(features)
        mask = batch.pop("attention_mask", None)
        if mask is not None and not mask.all():
            whole = mask.bool()
            batch["attention_mask"] = (
                whole if reads_forward(self.tokenizer) else whole[:, None, None, :]
            )
        return batch


def tokenise(tokenizer: PreTrainedTokenizerBase, frame: pd.DataFrame, max_length: int) -> Rows:
    """Token ids and label of each row.

    Args:
        tokenizer: The model's.
        frame: Columns ``text``, ``label`` and, for pairs, ``pair``.
        max_length: Longer inputs are cut to this many tokens.
    """
    pairs = list(frame["pair"]) if "pair" in frame else None
    encoded = tokenizer(list(frame["text"]), pairs, truncation=True, max_length=max_length)
    rows: Rows = [{k: encoded[k][i] for k in encoded} for i in range(len(frame))]
    for row, label in zip(rows, frame["label"].tolist(), strict=True):
        row["labels"] = label
    return rows


def rows_of(
    tokenizer: PreTrainedTokenizerBase, splits: TextSplits, max_length: int
) -> tuple[Rows, Rows]:
    """Training and validation rows of a task, tokenised.

    Raises:
        FineGatesError: As `finegates.training.token_rows.language_rows`, of a language task.
    """
    if splits.is_language:
        return language_rows(tokenizer, splits, max_length)
    train, validation = splits.train, splits.validation
    return tokenise(tokenizer, train, max_length), tokenise(tokenizer, validation, max_length)


def labels_of(splits: TextSplits, rows: Rows) -> np.ndarray:
    """True classes or numbers of the validation rows, of text how many tokens each has; (rows,)."""
    if splits.is_language:
        return np.array([num_labels(row) for row in rows], np.int64)
    return splits.validation["label"].to_numpy()


def _padding(rows: Rows, tokenizer: PreTrainedTokenizerBase) -> Callable[[Rows], dict[str, Any]]:
    """What makes batches of these rows: a language model's have a label for each token."""
    of_tokens = bool(rows) and np.ndim(rows[0]["labels"]) > 0
    return TokenPadding(tokenizer) if of_tokens else Padding(tokenizer)


def num_tokens(rows: Rows) -> int:
    """Tokens of all rows together, without padding."""
    return sum(len(row["input_ids"]) for row in rows)


def training_batches(
    rows: Rows, tokenizer: PreTrainedTokenizerBase, batch_size: int, seed: int, epoch: int
) -> DataLoader:
    """An epoch's batches in an order that seed and epoch decide, similar lengths together."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    lengths = [len(row["input_ids"]) for row in rows]
    sampler = LengthGroupedSampler(batch_size, lengths=lengths, generator=generator)
    return DataLoader(
        cast(Dataset, rows),
        batch_size,
        sampler=sampler,
        collate_fn=_padding(rows, tokenizer),
    )


def evaluation_batches(
    rows: Rows, tokenizer: PreTrainedTokenizerBase, batch_size: int
) -> DataLoader:
    """All rows once, in the order of `by_length`."""
    return batches_in_order([rows[i] for i in by_length(rows)], tokenizer, batch_size)


def by_length(rows: Rows) -> np.ndarray:
    """Numbers of the rows, longest first, int64 [rows]."""
    return np.argsort([-len(row["input_ids"]) for row in rows], kind="stable")


def batches_in_order(rows: Rows, tokenizer: PreTrainedTokenizerBase, batch_size: int) -> DataLoader:
    """All rows once, as they come."""
    return DataLoader(cast(Dataset, rows), batch_size, collate_fn=_padding(rows, tokenizer))


def on_device(batches: DataLoader, device: torch.device) -> Iterator[dict]:
    """Whole batches on a device, the same in each of several processes."""
    return (send_to_device(batch, device) for batch in batches)
