"""Whether an exported folder answers as the run's model does, asked as a user would ask it.

Every text goes through the folder's own tokenizer, and all that it gives into the model: single
texts and pairs, short and long, alone and next to others of another length.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from finegates.auto import kind_of  # and with it the Auto classes know what loads the folder
from finegates.errors import ModelError, first_line
from finegates.exporting.check_standalone import answers_without_finegates
from finegates.exporting.formats import FORMATS, Encoded
from finegates.exporting.package import CODE_FILE, FORMAT_FILES
from finegates.nn.pretrained import longest_input

TOLERANCE = 1e-3
"""Of how far answers are apart: float32 and other kernels stay a hundred times below."""
_ROUNDING = 1e-5
"""Of the largest answer: the last digits of a number that is far from 0."""
_LONGEST_CHECKED = 256
"""Tokens: more takes a large model long, and differs in nothing but its length."""
_LONGEST_WRITER = 64
"""The same of a language model, which answers every token with a number for each word."""
_WRITTEN = 16
"""Tokens that a language model is asked to write on."""

Answers = Callable[[str, Encoded], np.ndarray]
"""Of a batch, by its name and what is in it."""


def inputs_of(tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """Names of what a tokenizer gives to a model."""
    return list(tokenizer("a", "b"))


def check_folder(folder: Path, model: PreTrainedModel) -> dict[str, float]:
    """Compares a folder, its other formats and its own code with the model that it was made of.

    Args:
        folder: With model and tokenizer, and perhaps files of `FORMATS` or `CODE_FILE`.
        model: The gated model, in evaluation; it reads what the tokenizer gives. A classifier, or a
            causal language model, which answers each token that is no padding.

    Returns:
        ``torch``, names of `FORMATS` and ``standalone``, as far as they are there: the largest
        difference of answers, over how far answers are apart. Of a language model also ``writing``:
        how far the tokens that the folder's model writes, with its cache, are from those that the
        gated one would choose.

    Raises:
        ModelError: If they answer differently, or one of them does not read what the tokenizer
            gives.
    """
    tokenizer = AutoTokenizer.from_pretrained(folder)
    loaded = kind_of(folder).from_pretrained(folder).eval()
    batches = _readable_batches(tokenizer, model)
    ways: dict[str, Answers] = {"torch": lambda _, encoded: _by_torch(loaded, encoded)}
    for name, form in FORMATS.items():
        if (folder / FORMAT_FILES[name]).is_file():
            ways[name] = _of(form.open(folder / FORMAT_FILES[name], inputs_of(tokenizer)))
    if (folder / CODE_FILE).is_file():
        alone = answers_without_finegates(folder, batches)
        ways["standalone"] = lambda name, encoded: _read_tokens(alone[name], encoded)
    return _compared(ways, loaded, model, batches)


def check_model(
    made: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel
) -> float:
    """As `check_folder`, of a model in memory: what that gives as ``torch``."""
    batches = _readable_batches(tokenizer, model)
    ways: dict[str, Answers] = {"torch": lambda _, encoded: _by_torch(made, encoded)}
    return _compared(ways, made, model, batches)["torch"]


def _readable_batches(
    tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel
) -> dict[str, Encoded]:
    batches = _batches(tokenizer, _longest_checked(model))
    return {name: encoded for name, encoded in batches if _can_be_read(model, encoded)}


def _compared(
    ways: Mapping[str, Answers],
    loaded: PreTrainedModel,
    model: PreTrainedModel,
    batches: Mapping[str, Encoded],
) -> dict[str, float]:
    """How far each way, and what is written on, is from a model's answers; or an error."""
    true = {name: _by_torch(model, encoded) for name, encoded in batches.items()}
    apart = np.ptp(np.concatenate(list(true.values())), axis=0).max()
    largest = max(np.abs(rows).max() for rows in true.values())
    allowed = TOLERANCE * apart + _ROUNDING * largest
    found = {}
    for way, answers in ways.items():
        differences = {n: _difference(way, n, answers, e, true[n]) for n, e in batches.items()}
        found[way] = _worst(way, differences, allowed)
    if model.can_generate():
        prompt = batches["short single texts, one at a time"]["input_ids"]
        found["writing"] = _worst("writing", {"texts": _lost(loaded, model, prompt)}, allowed)
    return {way: float(by / max(apart, _ROUNDING * largest, 1e-30)) for way, by in found.items()}


def _worst(way: str, differences: Mapping[str, float], allowed: float) -> float:
    worst = max(differences, key=lambda name: differences[name])
    if not differences[worst] <= allowed:
        raise ModelError(
            f"The exported model answers {worst} differently by {way}: by "
            f"{differences[worst]:.2g}, where {allowed:.2g} is rounding. Nothing was written; "
            "please report this with the model's type."
        )
    return differences[worst]


def _longest_checked(model: PreTrainedModel) -> int:
    longest = longest_input(model.config)
    if model.can_generate():
        return min(longest - _WRITTEN, _LONGEST_WRITER)
    return min(longest, _LONGEST_CHECKED)


@torch.inference_mode()
def _lost(writer: PreTrainedModel, judge: PreTrainedModel, prompt: Tensor) -> float:
    """By how much a model's own next tokens are below another's best, at most.

    So that two tokens that are as good but for rounding are no difference.

    Args:
        writer: Writes the likeliest token each time, and reads only that: the rest is cached.
        judge: Reads all of it at once.
        prompt: Token ids, shape ``(1, length)``.
    """
    ids, new, cache = prompt, prompt, None
    for _ in range(_WRITTEN):
        told = writer(input_ids=new, past_key_values=cache, use_cache=True)
        cache, new = told.past_key_values, told.logits[:, -1:].argmax(-1)
        ids = torch.cat([ids, new], 1)
    scores = judge(input_ids=ids, use_cache=False).logits[0, prompt.shape[1] - 1 : -1].float()
    chosen = scores.gather(1, ids[0, prompt.shape[1] :, None])[:, 0]
    return float((scores.amax(1) - chosen).max())


def _can_be_read(model: PreTrainedModel, encoded: Encoded) -> bool:
    """Whether the model has as many segments: one that was made for single texts may have one."""
    segments = encoded.get("token_type_ids")
    most = getattr(model.config, "type_vocab_size", None)
    return segments is None or most is None or int(segments.max()) < most


def _difference(way: str, name: str, answers: Answers, encoded: Encoded, true: np.ndarray) -> float:
    try:
        given = answers(name, encoded)
    except Exception as error:  # of onnxruntime, torch and transformers, a dozen types
        raise ModelError(
            f"The exported model does not read {name} by {way}: {first_line(error)} Nothing was "
            "written."
        ) from error
    return float(np.abs(given - true).max())


@torch.inference_mode()
def _by_torch(model: PreTrainedModel, encoded: Encoded) -> np.ndarray:
    return _read_tokens(model(**encoded).logits.float().numpy(), encoded)


def _of(answer: Callable[[Encoded], np.ndarray]) -> Answers:
    return lambda _, encoded: _read_tokens(answer(encoded), encoded)


def _read_tokens(logits: np.ndarray, encoded: Encoded) -> np.ndarray:
    """Of a language model's those of tokens that are no padding, ``(tokens, ids)``."""
    return logits if logits.ndim == 2 else logits[encoded["attention_mask"].bool().numpy()]


def _batches(tokenizer: PreTrainedTokenizerBase, most: int) -> Iterator[tuple[str, Encoded]]:
    """What is asked: name -> encoded, of words drawn from what the tokenizer knows.

    Args:
        tokenizer: If it knows no padding, its end stands for that.
        most: Tokens of a row.
    """
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    rng = np.random.default_rng(0)
    known = [t for t in range(len(tokenizer)) if t not in tokenizer.all_special_ids]

    def text(num_words: int) -> str:
        return str(tokenizer.decode(rng.choice(known, max(num_words, 1)).tolist()))

    for size, num_words in (("short", 4), ("long", most)):
        for kind, parts in (("single texts", 1), ("pairs", 2)):
            lengths = [num_words // parts // share for share in (1, 1, 2)]
            columns = [[text(length) for length in lengths] for _ in range(parts)]
            for rows, words in ((3, f"{size} {kind}"), (1, f"{size} {kind}, one at a time")):
                encoded: Mapping[str, Any] = tokenizer(
                    *(column[:rows] for column in columns),
                    padding=True, truncation=True, max_length=most, return_tensors="pt",
                )  # fmt: skip
                yield words, dict(encoded)
