"""Blocks of a language model's texts: whether there is enough text for them, and how one looks.

A block is so many tokens of all texts of a side, joined by the token that ends a text.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from finegates.data.splits import TextSplits
from finegates.errors import DataError, ModelError, SpecError
from finegates.models.tokens import longest_input, read_tokenizer, token_counts, tokenizer_file
from finegates.spec import TEXT_TASK, RunSpec

CHUNK = 64
"""Texts that are counted at once until there are enough."""
_BETWEEN = "\n\n"


def check_blocks(num_tokens: int, length: int, side: str) -> None:
    """Raises DataError if a side's texts don't fill a single block.

    Args:
        num_tokens: Of all its texts together, an end for each counted.
        length: Of a block.
        side: ``training`` or ``validation``.
    """
    if num_tokens < length:
        raise DataError(
            f"The texts for {side} have {num_tokens:,} tokens together and a block has {length:,} "
            "(max_length), so they don't fill one. Give more text, or a smaller max_length."
        )


def check_length(spec: RunSpec, longest: int) -> None:
    """Raises SpecError if a language model can't read rows as long as a spec asks for.

    Args:
        spec: Of a language task.
        longest: Tokens that its model reads at once.
    """
    if spec.max_length > longest:
        raise SpecError(
            f"max_length is {spec.max_length}, but '{spec.model}' reads {longest} tokens at once; "
            f"set it to at most {longest}."
        )


def check_texts(spec: RunSpec, splits: TextSplits, config: Mapping[str, Any]) -> None:
    """As `check_length` and `check_blocks`, before a run is made; no torch is loaded.

    Where the model's tokenizer is not on this machine yet, its run counts the tokens.

    Raises:
        FineGatesError: If the texts are too few for blocks, or these too long for the model.
    """
    check_length(spec, longest_input(config))
    if spec.task != TEXT_TASK:
        return
    for frame, side in ((splits.train, "training"), (splits.validation, "validation")):
        try:
            found = _tokens_up_to(spec.model, frame["text"].tolist(), spec.max_length)
        except ModelError:
            return
        check_blocks(found, spec.max_length, side)


def _tokens_up_to(model: str, texts: list[str], enough: int) -> int:
    """Tokens of texts, counted until there are enough."""
    found = 0
    for start in range(0, len(texts), CHUNK):
        some = texts[start : start + CHUNK]
        found += int(token_counts(model, some).sum()) + len(some)
        if found >= enough:
            break
    return found


def first_block(model: str, texts: Iterable[str], length: int) -> str:
    """The first block of some texts as text, each end of a text a blank line.

    Raises:
        ModelError: If the model's tokenizer is not on this machine.
    """
    tokenizer = read_tokenizer(tokenizer_file(model))
    parts: list[str] = []
    for text in texts:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        parts.append(tokenizer.decode(ids[:length]))
        length -= len(ids) + 1
        if length <= 0:
            break
    return _BETWEEN.join(parts)
