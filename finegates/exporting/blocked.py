"""Asks a standalone folder where finegates can't be imported. A script, run by its path:

python -P blocked.py FOLDER QUESTIONS ANSWERS

QUESTIONS and ANSWERS are safetensors files: ``batch/input`` -> what the model is given, ``batch``
-> its logits. The folder's own code is run: only for one that this very program has just written.
"""

import sys
from collections import defaultdict

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)


def answer(folder: str, questions: str, answers: str) -> None:
    """Loads a folder as a colleague would, and writes what its model answers.

    Args:
        folder: Of config, model, tokenizer and code.
        questions: A file to read.
        answers: A file to write.
    """
    batches: defaultdict[str, dict[str, Tensor]] = defaultdict(dict)
    for name, tensor in load_file(questions).items():
        batch, _, given = name.partition("/")
        batches[batch][given] = tensor
    AutoTokenizer.from_pretrained(folder, trust_remote_code=True)
    names = AutoConfig.from_pretrained(folder, trust_remote_code=True).auto_map
    writes = AutoModelForCausalLM.__name__ in names
    kind = AutoModelForCausalLM if writes else AutoModelForSequenceClassification
    model = kind.from_pretrained(folder, trust_remote_code=True)
    with torch.inference_mode():
        logits = {name: model.eval()(**given).logits.float() for name, given in batches.items()}
    save_file(logits, answers)


if __name__ == "__main__":
    sys.modules["finegates"] = None  # type: ignore[assignment]  # to import it is an error now
    answer(*sys.argv[1:])
