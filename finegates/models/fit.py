"""Tokenizer and model checked against each other: ids, segments and padding. Loads no torch.

Each can be sound alone and the pair of them end a run at its first batch, or read the wrong rows.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finegates.errors import ModelError, shortened
from finegates.models.architectures import is_decoder_type
from finegates.models.tokens import (
    PADDING_FIRST,
    ROBERTA_PADDING_ID,
    read_tokenizer,
    tokenizer_file,
)
from finegates.models.weights import read_object

_GENERIC = ("PreTrainedTokenizerFast", "TokenizersBackend")
"""Classes that have no padding token of their own, and give no segments unless told."""
_WITH_SEGMENTS = ("BertTokenizer", "BertTokenizerFast", "ElectraTokenizer", "ElectraTokenizerFast")
_BERT_LIKE = ("bert", "electra")
"""Model types whose tokenizers are of these classes, if they name none."""
_MASKS = dict.fromkeys(PADDING_FIRST, "<mask>")
_SETTINGS_FILES = ("special_tokens_map.json", "tokenizer_config.json")
"""Next to a tokenizer.json; the newer one comes last, and counts."""
_SEGMENTS = "token_type_ids"
_WORD = "a"
_RESIZE = "model.resize_token_embeddings(len(tokenizer)), then save_pretrained of both"


@dataclass(frozen=True)
class TokenizerFacts:
    """What of a tokenizer has to fit its model.

    Attributes:
        last_token: The token with the highest id, but for the one that masks words: classes of
            tokenizers add it to any vocabulary, and no classifier reads it.
        last_id: Its id.
        segments: The highest segment id that is given with one text, and with two.
        pads: Whether it has a padding token.
        pad_id: That token's id; None if it is not known.
    """

    last_token: str
    last_id: int
    segments: tuple[int, int]
    pads: bool = True
    pad_id: int | None = None


def check_fit(name: str, config: Mapping[str, Any], facts: TokenizerFacts, paired: bool) -> None:
    """Raises ModelError if a model can't read what its tokenizer gives.

    Args:
        name: The model, for the message.
        config: Content of its config.json.
        facts: Of its tokenizer.
        paired: Whether rows have two texts.
    """
    rows, segments = config.get("vocab_size"), config.get("type_vocab_size")
    if not facts.pads:
        decoder = is_decoder_type(config.get("model_type"))
        nor = ", nor one that ends a text and could pad (eos_token)" if decoder else ""
        raise ModelError(
            f"The tokenizer of '{name}' has no padding token{nor}, so texts of unequal length make "
            "no batch. Name one that the model knows: tokenizer.pad_token = "
            f"'{'</s>' if decoder else '[PAD]'}', then save_pretrained."
        )
    if isinstance(rows, int) and facts.last_id >= rows:
        raise ModelError(
            f"The tokenizer of '{name}' has ids up to {facts.last_id} "
            f"('{shortened(facts.last_token)}'), its model embeddings for {rows} tokens only "
            f"(vocab_size). If tokens were added, the model has to grow: {_RESIZE}; else give the "
            "tokenizer that the model was trained with."
        )
    given = facts.segments[paired]
    if isinstance(segments, int) and given >= segments:  # DistilBERT has none and ignores them
        what = "pairs" if facts.segments[0] < segments else "texts"
        raise ModelError(
            f"The tokenizer of '{name}' marks {what} with segments 0 to {given}, its model knows "
            f'{segments} of them (type_vocab_size). Write "model_input_names": ["input_ids", '
            '"attention_mask"] into its tokenizer_config.json, so that segments are left out, or '
            "give the tokenizer that the model was trained with."
        )
    _check_padding(name, config, facts)


def _check_padding(name: str, config: Mapping[str, Any], facts: TokenizerFacts) -> None:
    if config.get("model_type") not in PADDING_FIRST or facts.pad_id is None:
        return
    wanted = config.get("pad_token_id")
    wanted = ROBERTA_PADDING_ID if wanted is None else wanted
    if facts.pad_id != wanted:
        raise ModelError(
            f"The tokenizer of '{name}' pads with id {facts.pad_id}, its model counts positions by "
            f"id {wanted} (pad_token_id of config.json). Give the tokenizer that the model was "
            "trained with."
        )


def check_tokenizer(name: str, config: Mapping[str, Any], paired: bool) -> None:
    """As `check_fit`, from the model's files; what only transformers can tell is left to it.

    Raises:
        ModelError: If the two do not fit, or a file of the tokenizer can't be read.
    """
    try:
        path = tokenizer_file(name)
    except ModelError:  # not on this machine yet, or in a form that only transformers reads
        return
    check_fit(name, config, facts_of_files(name, str(config.get("model_type")), path), paired)


def facts_of_files(name: str, model_type: str, tokenizer_json: Path) -> TokenizerFacts:
    """What the files next to a tokenizer.json say; what only transformers can tell is assumed good.

    Args:
        name: The model, for messages.
        model_type: Its type.
        tokenizer_json: The file.

    Raises:
        ModelError: If one of them can't be read.
    """
    tokenizer = read_tokenizer(tokenizer_json)
    settings = _settings(name, tokenizer_json.parent)
    kind = settings.get("tokenizer_class")
    mask = _content(settings.get("mask_token")) or _MASKS.get(model_type, "[MASK]")
    pad = _content(settings.get("pad_token"))
    if pad is None and kind in _GENERIC:  # which takes what the tokenizer's own file says
        padding = json.loads(tokenizer_json.read_bytes()).get("padding") or {}
        pad = padding.get("pad_token")
    if pad is None and is_decoder_type(model_type):  # as `finegates.nn.pretrained` pads it
        pad = _content(settings.get("eos_token"))
    segments = (0, 0)
    if _gives_segments(settings, model_type):
        encoded = (tokenizer.encode(_WORD), tokenizer.encode(_WORD, _WORD))
        single, pair = (max(one.type_ids, default=0) for one in encoded)
        segments = (single, pair)
    return TokenizerFacts(
        *last_of(tokenizer.get_vocab(), mask),
        segments=segments,
        pads=bool(pad) or kind not in _GENERIC,
        pad_id=tokenizer.token_to_id(pad) if pad else None,
    )


def _settings(name: str, folder: Path) -> dict[str, Any]:
    paths = [path for file in _SETTINGS_FILES if (path := folder / file).is_file()]
    contents = [read_object(name, path) for path in paths]
    return {key: value for content in contents for key, value in content.items()}


def _gives_segments(settings: Mapping[str, Any], model_type: str) -> bool:
    if (names := settings.get("model_input_names")) is not None:
        return _SEGMENTS in names
    kind = settings.get("tokenizer_class")
    return kind in _WITH_SEGMENTS or (not kind and model_type in _BERT_LIKE)


def last_of(vocabulary: Mapping[str, int], mask: str | None) -> tuple[str, int]:
    """The token with the highest id, and its id, the mask left out; -1 if there is none."""
    known = (entry for entry in vocabulary.items() if entry[0] != mask)
    return max(known, key=lambda entry: entry[1], default=("", -1))


def _content(token: Any) -> str | None:
    """A token of a JSON file, which has it as a text or as an object."""
    text = token.get("content") if isinstance(token, dict) else token
    return text if isinstance(text, str) else None
