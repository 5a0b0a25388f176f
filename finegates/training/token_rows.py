"""Rows of a language model: texts joined and cut into blocks, prompts with their answers, chats.

A row has ``input_ids`` and ``labels``, int64 arrays of one length; a label is the token itself, or
`IGNORED` where no loss is taken. As models of transformers shift them, the first counts for none.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from finegates.data.blocks import check_blocks
from finegates.data.chats import ANSWERS, messages_of
from finegates.data.splits import TextSplits
from finegates.errors import DataError, ModelError, first_line

IGNORED = -100
"""As a label: the token is read, and not learned."""
CHUNK = 1_000
"""Texts that are tokenised at once."""

Row = dict[str, np.ndarray]
Piece = tuple[str, bool]
"""Text, and whether it is learned."""


def language_rows(
    tokenizer: PreTrainedTokenizerBase, splits: TextSplits, max_length: int
) -> tuple[list[Row], list[Row]]:
    """Training and validation rows.

    Args:
        tokenizer: The model's.
        splits: Of a language task.
        max_length: Tokens of a block; of prompts with answers the most of a row, whose end is cut.

    Raises:
        DataError: If a side's texts don't fill a block, no answer is left of what is cut, or a
            chat can't be written.
        ModelError: If the tokenizer has no token that ends a text, or no chat template.
    """
    sides = ((splits.train, "training"), (splits.validation, "validation"))
    train, validation = (_rows(tokenizer, frame, max_length, side) for frame, side in sides)
    return train, validation


def _rows(
    tokenizer: PreTrainedTokenizerBase, frame: pd.DataFrame, max_length: int, side: str
) -> list[Row]:
    if "text" in frame:
        return blocks(tokenizer, frame["text"].tolist(), max_length, side)
    rows = [_row(tokenizer, pieces, max_length) for pieces in _pieces(tokenizer, frame)]
    if not any(num_labels(row) for row in rows):
        raise DataError(
            f"No answer for {side} begins within {max_length} tokens (max_length), so nothing of "
            "them is left. Raise max_length, or give shorter prompts."
        )
    return rows


def prompt_ids(tokenizer: PreTrainedTokenizerBase, prompt: str, *, asks: bool) -> list[int]:
    """Tokens of a prompt as a row of training begins, for a model that goes on from there.

    Args:
        tokenizer: The model's.
        prompt: What was typed.
        asks: Whether it is an instruction, written by the chat template if there is one; otherwise
            the beginning of a text, read as it is.

    Raises:
        DataError: If the chat template refuses it.
    """
    start = _start_of_text(tokenizer)
    if asks and tokenizer.chat_template:
        write = _writer(tokenizer, "the prompt")
        prompt, start = write([{"role": "user", "content": prompt}], True), []
    own = tokenizer(prompt, add_special_tokens=False, verbose=False)["input_ids"]
    return [*start, *map(int, own)]


def num_labels(row: Row) -> int:
    """Tokens of a row that are predicted."""
    return int((row["labels"][1:] != IGNORED).sum())


def blocks(
    tokenizer: PreTrainedTokenizerBase, texts: list[str], length: int, side: str
) -> list[Row]:
    """Texts joined by the token that ends a text, and cut; what does not fill a block is left out.

    Where the tokenizer begins a text by a token of its own, each block begins by it, as such models
    know no other start.

    Args:
        tokenizer: The model's.
        texts: In the order in which they are joined.
        length: Of a block.
        side: Whose texts they are, for an error.
    """
    end, start = _end_of_text(tokenizer), _start_of_text(tokenizer)
    parts = [np.asarray([*ids, end], np.int64) for ids in _tokenised(tokenizer, texts)]
    stream = np.concatenate(parts)
    inside = length - len(start)
    check_blocks(len(stream) + len(start), length, side)
    whole = stream[: len(stream) // inside * inside].reshape(-1, inside)
    starts = np.repeat(np.array([start], np.int64), len(whole), axis=0)
    found = np.concatenate([starts, whole], axis=1)
    return [{"input_ids": ids, "labels": ids} for ids in found]


def _tokenised(tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> Iterator[list[int]]:
    for first in range(0, len(texts), CHUNK):
        some = texts[first : first + CHUNK]
        yield from tokenizer(some, add_special_tokens=False, verbose=False)["input_ids"]


def _end_of_text(tokenizer: PreTrainedTokenizerBase) -> int:
    if tokenizer.eos_token_id is None:
        raise ModelError(
            f"The tokenizer of '{tokenizer.name_or_path}' has no token that ends a text "
            "(eos_token), so texts can't be joined. Name one that the model knows: "
            "tokenizer.eos_token = '</s>', then save_pretrained."
        )
    return int(cast(int, tokenizer.eos_token_id))


def _start_of_text(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The token that the tokenizer puts before each text, if it does."""
    first, start = tokenizer("a")["input_ids"][0], tokenizer.bos_token_id
    return [int(first)] if start is not None and first == start else []


def _row(tokenizer: PreTrainedTokenizerBase, pieces: Iterable[Piece], max_length: int) -> Row:
    ids: list[int] = []
    labels: list[int] = []
    for text, learned in pieces:
        own = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        ids += own
        labels += own if learned else [IGNORED] * len(own)
    return {
        "input_ids": np.array(ids[:max_length], np.int64),
        "labels": np.array(labels[:max_length], np.int64),
    }


def _pieces(tokenizer: PreTrainedTokenizerBase, frame: pd.DataFrame) -> Iterator[list[Piece]]:
    if "messages" in frame:
        _check_template(tokenizer)
        chats: Iterable[list[dict[str, str]]] = map(messages_of, frame["messages"])
        yield from (_of_chat(tokenizer, chat, i) for i, chat in enumerate(chats))
        return
    pairs = zip(frame["prompt"].tolist(), frame["answer"].tolist(), strict=True)
    if tokenizer.chat_template:
        yield from (_of_chat(tokenizer, _asked(*pair), i) for i, pair in enumerate(pairs))
        return
    _end_of_text(tokenizer)
    start = str(tokenizer.bos_token) if _start_of_text(tokenizer) else ""
    for prompt, answer in pairs:
        yield [(f"{start}{prompt}", False), (f"{answer}{tokenizer.eos_token}", True)]


def _asked(prompt: str, answer: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}, {"role": ANSWERS, "content": answer}]


def _check_template(tokenizer: PreTrainedTokenizerBase) -> None:
    if not tokenizer.chat_template:
        raise ModelError(
            f"The tokenizer of '{tokenizer.name_or_path}' has no chat template, which says how a "
            "chat is written. Choose a model that was trained on chats, or give columns of prompts "
            "and answers."
        )


def _of_chat(
    tokenizer: PreTrainedTokenizerBase, messages: list[dict[str, str]], number: int
) -> list[Piece]:
    """A chat as the model's template writes it, each answer apart from what asks for it.

    An earlier answer that the template writes otherwise once the chat goes on is not learned.
    """
    write = _writer(tokenizer, f"row {number + 1}")
    whole = write(messages, False)
    pieces: list[Piece] = []
    place = 0
    for i, message in enumerate(messages):
        if message["role"] != ANSWERS:
            continue
        before, after = write(messages[:i], True), write(messages[: i + 1], False)
        if whole.startswith(before) and whole.startswith(after) and place <= len(before):
            pieces += [(whole[place : len(before)], False), (whole[len(before) : len(after)], True)]
            place = len(after)
    if not place:
        raise DataError(
            f"The chat template of '{tokenizer.name_or_path}' writes row {number + 1} so "
            "that the answer can't be told from what asks for it. Give columns of prompts and "
            "answers, or another model."
        )
    return [*pieces, (whole[place:], False)] if whole[place:] else pieces


def _writer(
    tokenizer: PreTrainedTokenizerBase, what: str
) -> Callable[[list[dict[str, str]], bool], str]:
    def write(messages: list[dict[str, str]], asks: bool) -> str:
        try:
            return str(
                tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=asks)
            )
        except Exception as error:  # a template is code, and may raise anything
            raise DataError(
                f"The chat template of '{tokenizer.name_or_path}' refuses {what}: "
                f"{first_line(error)}. Change the order or the roles of its messages."
            ) from error

    return write


class TokenPadding:
    """Makes a batch of rows: padded at the right to the longest, where no loss is taken.

    Args:
        tokenizer: The model's; any token pads where it names none.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._pad = int(cast(int, tokenizer.pad_token_id or 0))

    def __call__(self, rows: list[Row]) -> dict[str, Any]:
        """``input_ids``, ``labels`` and, if a row is padded, a mask, each ``(rows, tokens)``."""
        lengths = np.array([len(row["input_ids"]) for row in rows])
        shape = (len(rows), int(lengths.max()))
        ids, labels = np.full(shape, self._pad), np.full(shape, IGNORED)
        for i, row in enumerate(rows):
            ids[i, : lengths[i]], labels[i, : lengths[i]] = row["input_ids"], row["labels"]
        batch = {"input_ids": torch.from_numpy(ids), "labels": torch.from_numpy(labels)}
        if (lengths < shape[1]).any():
            batch["attention_mask"] = torch.from_numpy(np.arange(shape[1]) < lengths[:, None])
        return batch


def predicted(labels: Tensor) -> Tensor:
    """Which tokens of a batch are predicted, boolean ``(rows, tokens - 1)``."""
    return labels[:, 1:] != IGNORED


@torch.no_grad()
def token_sums(logits: Tensor, labels: Tensor) -> Tensor:
    """What is known of each row's tokens: the losses, and how many were the likeliest.

    A row at a time, so that no second copy of all logits is made.

    Args:
        logits: Shape ``(rows, tokens, vocabulary)``.
        labels: Shape ``(rows, tokens)``.

    Returns:
        Sums of losses in nats and of right answers, float32, shape ``(rows, 2)``.
    """
    sums = []
    for own, row in zip(logits[:, :-1], labels[:, 1:], strict=True):
        loss = torch.nn.functional.cross_entropy(
            own.float(), row, ignore_index=IGNORED, reduction="sum"
        )
        sums.append(torch.stack([loss, (own.argmax(-1) == row).sum().to(loss.dtype)]))
    return torch.stack(sums)
