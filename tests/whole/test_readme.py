"""The lines of the README do what it says, on a toy model and the bundled sample."""

import re
from pathlib import Path

import torch
from transformers import AutoTokenizer

import finegates as fg
from finegates.data.sample import load_sample
from finegates.training.batches import tokenise

README = Path(__file__).resolve().parents[2] / "README.md"


def first_block() -> str:
    """The first Python code of the README."""
    found = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert found
    return found[1]


def test_ten_lines_make_a_model_smaller(toy_model_dir, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = first_block().replace("FacebookAI/roberta-base", str(toy_model_dir))
    code = code.replace("num_train_epochs=5", "num_train_epochs=5, use_cpu=True, report_to=[]")
    tokenizer = AutoTokenizer.from_pretrained(toy_model_dir)
    sample = load_sample()[:256].assign(
        label=lambda rows: rows["label"].astype("category").cat.codes
    )
    names = {"rows": tokenise(tokenizer, sample, 32), "tokenizer": tokenizer}
    exec(code, names)  # the text is ours
    said = capsys.readouterr().out
    assert re.search(r"Gates: 448 in 24 vectors, \d+ closed, which removes (39|40)\.\d%", said)
    gates, small = names["gates"], fg.load("smaller")
    assert abs(gates.removal().removed_weights_fraction - 0.4) < 0.02
    inputs = tokenizer(["the cat sleeps", "a cat"], padding=True, return_tensors="pt")
    with torch.no_grad():
        wanted = names["model"].eval()(**inputs).logits
        assert torch.allclose(small(**inputs).logits, wanted, atol=1e-5)
    assert sum(p.numel() for p in small.parameters()) < sum(
        p.numel() for p in names["model"].parameters()
    )
