"""Text -> batches: tokenised once, padded to the longest of a batch, grouped by length."""

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import pandas as pd
import torch
from accelerate.utils import send_to_device
from torch.utils.data import DataLoader, Dataset
from transformers import DataCollatorWithPadding, PreTrainedTokenizerBase
from transformers.trainer_pt_utils import LengthGroupedSampler

from finegates.nn.pretrained import reads_forward

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
        collate_fn=Padding(tokenizer),
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
    return DataLoader(cast(Dataset, rows), batch_size, collate_fn=Padding(tokenizer))


def on_device(batches: DataLoader, device: torch.device) -> Iterator[dict]:
    """Whole batches on a device, the same in each of several processes."""
    return (send_to_device(batch, device) for batch in batches)
