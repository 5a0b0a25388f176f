"""Tiny real Hugging Face models, one for each row of the architecture table."""

from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForSequenceClassification, BertTokenizerFast

from finegates.data.sample import load_sample
from finegates.models.architectures import ARCHITECTURES

MODEL_TYPES = tuple(ARCHITECTURES)
VOCABULARY = 50
_SIZES = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 32,
    "embedding_size": 16,
}  # fmt: skip
_DISTILBERT_SIZES = {"dim": 16, "n_layers": 2, "n_heads": 4, "hidden_dim": 32}


def toy_model(model_type: str = "bert", seed: int = 0, **changes):
    """A classifier of 2 layers x 16 in evaluation mode, weights large enough to matter."""
    torch.manual_seed(seed)
    sizes = _DISTILBERT_SIZES if model_type == "distilbert" else _SIZES
    common = {"vocab_size": VOCABULARY, "max_position_embeddings": 40}
    config = AutoConfig.for_model(model_type, **{**sizes, **common, **changes})
    model = AutoModelForSequenceClassification.from_config(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 2 and "embeddings" not in name:
                parameter.copy_(torch.randn_like(parameter) / parameter.shape[1] ** 0.5)
            elif name.endswith("bias"):
                parameter.copy_(0.3 * torch.randn_like(parameter))
    return model.eval()


def toy_inputs(rows: int = 3, length: int = 9):
    """Token ids, shape ``(rows, length)``, with padding at the end of the last row."""
    ids = torch.randint(3, VOCABULARY, (rows, length), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[-1, length // 2 :] = 0
    return {"input_ids": ids, "attention_mask": mask}


def save_toy_model(folder: Path) -> Path:
    """A folder as ``save_pretrained`` writes it: a toy BERT and a tokenizer for the sample."""
    words = sorted({word for text in load_sample()["text"] for word in text.lower().split()})
    words += sorted({c for word in words for c in (word[0], f"##{word[-1]}")} | {".", "a", "##a"})
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = {word: i for i, word in enumerate(dict.fromkeys([*special, *words]))}
    tokenizer = BertTokenizerFast(vocab=vocabulary)
    toy_model(vocab_size=len(vocabulary), max_position_embeddings=64).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
