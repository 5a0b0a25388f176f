"""Tiny real Hugging Face models, one for each row of the architecture table."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers.processors import ByteLevel
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    BertTokenizerFast,
    PreTrainedTokenizerFast,
)

from finegates.data.sample import load_sample
from finegates.models.architectures import ARCHITECTURES
from finegates.nn.attach import attach_gates, gates_of

MODEL_TYPES = tuple(ARCHITECTURES)
DECODER_TYPES = tuple(t for t, architecture in ARCHITECTURES.items() if architecture.is_decoder)
ENCODER_TYPES = tuple(t for t in MODEL_TYPES if t not in DECODER_TYPES)
VOCABULARY = 50
_SIZES = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 32,
    "embedding_size": 16,
}  # fmt: skip
_DECODER_SIZES = {
    **_SIZES, "num_key_value_heads": 2, "head_dim": 6, "pad_token_id": 0, "bos_token_id": 1,
    "eos_token_id": 2,
}  # fmt: skip
_WITH_WINDOWS = ("mistral", "gemma3_text")
_DISTILBERT_SIZES = {"dim": 16, "n_layers": 2, "n_heads": 4, "hidden_dim": 32}


def toy_model(model_type: str = "bert", seed: int = 0, **changes):
    """A classifier of 2 layers x 16 in evaluation mode, weights large enough to matter."""
    return _drawn(AutoModelForSequenceClassification, model_type, seed, changes)


def toy_language_model(model_type: str = "llama", seed: int = 0, **changes):
    """The same decoder with the head of a causal language model."""
    return _drawn(AutoModelForCausalLM, model_type, seed, changes)


def _drawn(kind, model_type: str, seed: int, changes: dict):
    torch.manual_seed(seed)
    sizes = _DECODER_SIZES if model_type in DECODER_TYPES else _SIZES
    sizes = _DISTILBERT_SIZES if model_type == "distilbert" else sizes
    sizes = sizes | ({"sliding_window": 6} if model_type in _WITH_WINDOWS else {})
    common = {"vocab_size": VOCABULARY, "max_position_embeddings": 40}
    model = kind.from_config(AutoConfig.for_model(model_type, **{**sizes, **common, **changes}))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 2 and "embed" not in name:
                parameter.copy_(torch.randn_like(parameter) / parameter.shape[1] ** 0.5)
            elif name.endswith("bias"):
                parameter.copy_(0.3 * torch.randn_like(parameter))
            elif model_type in DECODER_TYPES and "norm.weight" in name:
                parameter.add_(0.3 * torch.randn_like(parameter))
    return model.eval()


def with_closed(model, units: Sequence[str], closed: Mapping[str, Sequence[int]]):
    """A model with gates, in evaluation mode.

    Args:
        model: Without gates; changed in place.
        units: What its gates stand for.
        closed: Name of a vector, such as ``0.neurons.whole`` -> which of its gates are closed.
    """
    layout = attach_gates(model, units=units).layout
    mask = np.zeros(layout.num_gates, dtype=bool)
    for name, gates in closed.items():
        mask[layout.vectors[layout.places[name]].start + np.array(gates)] = True
    gates_of(model).close_exactly(mask)
    return model.eval()


def toy_inputs(rows: int = 3, length: int = 9):
    """Token ids, shape ``(rows, length)``, with padding at the end of the last row."""
    ids = torch.randint(3, VOCABULARY, (rows, length), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[-1, length // 2 :] = 0
    return {"input_ids": ids * mask, "attention_mask": mask}


def save_toy_model(folder: Path) -> Path:
    """A folder as ``save_pretrained`` writes it: a toy BERT and a tokenizer for the sample."""
    vocabulary = _vocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer = BertTokenizerFast(vocab=vocabulary)
    toy_model(vocab_size=len(vocabulary), max_position_embeddings=64).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def save_toy_decoder(folder: Path, model_type: str = "llama", **changes) -> Path:
    """The same of a decoder: without a head, and with a tokenizer that has an end but no padding.

    Args:
        folder: Made if need be.
        model_type: One of `DECODER_TYPES`.
        changes: Of the config. One embedding is to spare, as a type may bring an end of its own.
    """
    vocabulary = _vocabulary(["<unk>", "<s>", "</s>"])
    pieces = BertTokenizerFast(vocab=vocabulary, unk_token="<unk>").backend_tokenizer
    pieces.post_processor = ByteLevel()  # no special tokens
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=pieces, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )
    sizes = {"vocab_size": len(tokenizer) + 1, "max_position_embeddings": 64, "pad_token_id": None}
    toy_language_model(model_type, **{**sizes, **changes}).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _vocabulary(special: list[str]) -> dict[str, int]:
    """Special tokens, then the sample's words and their pieces."""
    words = sorted({word for text in load_sample()["text"] for word in text.lower().split()})
    words += sorted({c for word in words for c in (word[0], f"##{word[-1]}")} | {".", "a", "##a"})
    return {word: i for i, word in enumerate(dict.fromkeys([*special, *words]))}


def toy_text(documents: int = 60) -> list[str]:
    """Documents of a small language that a toy learns: who does what to whom, twice each."""
    people, things = ("anna", "bert", "carl"), ("tea", "soup", "bread", "cake")
    verbs = ("makes", "eats", "likes")
    return [
        f"{people[i % 3]} {verbs[i % 3]} {things[i % 4]} . then {people[(i + 1) % 3]} "
        f"{verbs[(i + 1) % 3]} {things[(i + i // 12) % 4]} ."
        for i in range(documents)
    ]


def save_toy_language_model(folder: Path, template: str | None = None, **changes) -> Path:
    """A folder as ``save_pretrained`` writes it: a toy decoder and a tokenizer for `toy_text`.

    Args:
        folder: Where to.
        template: The tokenizer's chat template.
        changes: Of the model's config.
    """
    words = sorted({word for text in toy_text() for word in text.split()})
    special = ["<pad>", "<s>", "</s>", "<unk>", "<user>", "<bot>"]
    known = {word: i for i, word in enumerate([*special, *words])}
    backend = Tokenizer(models.WordLevel(known, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", bos_token="<s>", eos_token="</s>",
        unk_token="<unk>", additional_special_tokens=["<user>", "<bot>"],
    )  # fmt: skip
    tokenizer.chat_template = template
    toy_language_model(**{"vocab_size": len(known), **changes}).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
