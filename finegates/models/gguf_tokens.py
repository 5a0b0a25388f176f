"""What a GGUF file says of a tokenizer: its tokens, merges, and how text is split before them.

The inverse of `finegates.models.gguf_files`, for byte-level pairs ("gpt2" in that format), which
split text in one of the ways that have a name there.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from finegates.errors import ModelError

_WORDS_OF_LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_SPLITS: Mapping[tuple[object, ...], str] = {
    (("bytes", True),): "gpt-2",
    (("digits", True), ("bytes", True)): "smollm",
    (("regex", _WORDS_OF_LLAMA_3), ("bytes", False)): "llama-bpe",
}
"""How a tokenizer splits text -> ``tokenizer.ggml.pre``."""


@dataclass(frozen=True)
class Tokens:
    """A tokenizer as the format has it.

    Attributes:
        texts: Of every id that the model has.
        kinds: The same: names in ``gguf.TokenType``.
        merges: Both parts with a blank between, first to last.
        splits: ``tokenizer.ggml.pre``.
        special: ``bos``, ``eos``, ``pad``, ``unk`` -> id, those that there are.
        starts_with_bos: Whether it puts that in front of a text.
        chat_template: How messages become a text, if it is known.
    """

    texts: list[str]
    kinds: list[str]
    merges: list[str]
    splits: str
    special: dict[str, int]
    starts_with_bos: bool
    chat_template: str | None


def tokens_of(tokenizer: Any, vocabulary: int) -> Tokens:
    """A tokenizer of transformers, for a model with so many ids.

    Raises:
        ModelError: If it does not merge pairs of bytes, or splits text in a way without a name.
    """
    content = _content(tokenizer)
    model = content["model"]
    texts, kinds = [f"[PAD{i}]" for i in range(vocabulary)], ["UNUSED"] * vocabulary
    for text, number in model["vocab"].items():
        texts[number], kinds[number] = text, "NORMAL"
    for added in content["added_tokens"]:
        number = added["id"]
        texts[number] = added["content"]
        kinds[number] = "CONTROL" if added["special"] else "USER_DEFINED"
    known = {name: getattr(tokenizer, f"{name}_token_id") for name in ("bos", "eos", "pad", "unk")}
    bos = known["bos"]
    return Tokens(
        texts,
        kinds,
        [one if isinstance(one, str) else " ".join(one) for one in model["merges"]],
        _splits(content),
        {name: number for name, number in known.items() if number is not None},
        bos is not None and tokenizer("a")["input_ids"][0] == bos,
        tokenizer.chat_template if isinstance(tokenizer.chat_template, str) else None,
    )


def _content(tokenizer: Any) -> dict[str, Any]:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    content = json.loads(backend.to_str()) if backend is not None else {"model": {"type": None}}
    kind, unlike = content["model"]["type"], content["model"].get("byte_fallback")
    if kind != "BPE" or unlike or content.get("normalizer"):
        raise ModelError(
            "The tokenizer does not merge pairs of bytes as they stand (it is of type "
            f"{type(tokenizer).__name__}); into a GGUF file only such a one can be written, as "
            "SmolLM2's or Llama 3's."
        )
    return content


def _splits(content: Mapping[str, Any]) -> str:
    parts = content["pre_tokenizer"] or {}
    parts = parts["pretokenizers"] if parts.get("type") == "Sequence" else [parts]
    named = _SPLITS.get(tuple(map(_split, parts)))
    if named is None:
        kinds = ", ".join(str(part.get("type")) for part in parts)
        raise ModelError(
            f"The tokenizer splits text in a way ({kinds}) that has no name here; into a GGUF file "
            f"those can be written that split as {', '.join(_SPLITS.values())} do."
        )
    return named


def _split(part: Mapping[str, Any]) -> object:
    """One step of splitting, as in `_SPLITS`; any other as it stands."""
    match part:
        case {"type": "ByteLevel", "add_prefix_space": False, "use_regex": regex}:
            return "bytes", regex
        case {"type": "Digits", "individual_digits": each}:
            return "digits", each
        case {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated"}:
            return "regex", regex
    return json.dumps(part)
