"""How many tokens texts have for a model, counted without loading transformers.

The ``tokenizers`` library alone reads a model's tokenizer.json: it takes 10 ms to import, where
transformers takes seconds, and counts about 50,000 short texts a second on two cores.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from finegates.errors import ModelError, first_line
from finegates.models.sources import file_at_hand

TOKENIZER_FILE = "tokenizer.json"
CHUNK = 5_000
"""Texts at a time: what is counted is thrown away before the next, so the memory stays small."""
DEFAULT_POSITIONS = 512
UNKNOWN_NAMES = ("[UNK]", "<unk>")
"""What tokenizers call a token that they don't know, where they don't say."""
PADDING_FIRST = ("roberta", "xlm-roberta", "camembert")
"""Types whose first positions are taken by padding."""
ROBERTA_PADDING_ID = 1


def token_counts(
    model: str, texts: Sequence[str], pairs: Sequence[str] | None = None
) -> np.ndarray:
    """Tokens of each row as the model reads it, special ones counted, before anything is cut.

    Args:
        model: As `finegates.spec.RunSpec.model`.
        texts: First texts.
        pairs: Second texts, as many.

    Returns:
        int64 [number of texts].

    Raises:
        ModelError: If the model is not on this machine, or has no tokenizer.json.
    """
    tokenizer = read_tokenizer(tokenizer_file(model))
    rows: Sequence[Any] = texts if pairs is None else list(zip(texts, pairs, strict=True))
    counts = []
    for start in range(0, len(rows), CHUNK):
        encoded = tokenizer.encode_batch_fast(list(rows[start : start + CHUNK]))
        counts += [len(row) for row in encoded]
    return np.array(counts, dtype=np.int64)


def unknown_share(model: str, texts: Sequence[str], pairs: Sequence[str] | None = None) -> float:
    """Share of the texts' tokens that the model does not know, special ones not counted.

    Args:
        model: As `finegates.spec.RunSpec.model`.
        texts: First texts.
        pairs: Second texts, as many.

    Raises:
        ModelError: If the model is not on this machine, or has no tokenizer.json.
    """
    tokenizer = read_tokenizer(tokenizer_file(model))
    names = [getattr(tokenizer.model, "unk_token", None), *UNKNOWN_NAMES]
    unknown = {tokenizer.token_to_id(name) for name in names if name} - {None}
    found = total = 0
    for start in range(0, len(texts), CHUNK):
        some = [*texts[start : start + CHUNK], *(pairs or ())[start : start + CHUNK]]
        for row in tokenizer.encode_batch_fast(some, add_special_tokens=False):
            total += len(row.ids)
            found += sum(token in unknown for token in row.ids)
    return found / max(total, 1)


def longest_input(config: Mapping[str, Any]) -> int:
    """Tokens that a model of this config can read at once."""
    positions = int(config.get("max_position_embeddings") or DEFAULT_POSITIONS)
    if config.get("model_type") not in PADDING_FIRST:
        return positions
    padding = config.get("pad_token_id")
    return positions - (ROBERTA_PADDING_ID if padding is None else int(padding)) - 1


def tokenizer_file(model: str) -> Path:
    """The tokenizer.json of a model.

    Raises:
        ModelError: If the model is not on this machine, or has none.
    """
    try:
        path = file_at_hand(model, TOKENIZER_FILE)
    except ValueError as error:
        raise ModelError(f"'{model}' is neither a folder nor a hub id: {error}.") from error
    if path is None:
        raise ModelError(
            f"The model '{model}' has no {TOKENIZER_FILE} on this machine, so its tokens can't be "
            "counted before a run loads it; words can."
        )
    return path


def read_tokenizer(path: Path) -> Any:
    """A ``tokenizers.Tokenizer`` that neither cuts nor pads; the last ones are kept.

    Raises:
        ModelError: If the file can't be read.
    """
    status = path.stat()
    return _tokenizer(str(path), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=2)
def _tokenizer(path: str, size: int, mtime_ns: int) -> Any:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(path)
    except Exception as error:  # the library raises plain Exceptions
        raise ModelError(f"{path} can't be read: {first_line(error)}.") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
