"""Claims about counted tokens: they are the model's, and counting them loads no transformers."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from transformers import AutoTokenizer, RobertaConfig

from finegates.data.sample import load_sample
from finegates.errors import ModelError
from finegates.models import sources as models
from finegates.models import tokens
from finegates.models.tokens import longest_input, token_counts, unknown_share
from finegates.nn import pretrained

TEXTS = [*load_sample()["text"][:50], "", "naïve café 日本語 🙂", "a " * 700]


@pytest.mark.parametrize("paired", [False, True])
def test_counts_are_those_of_the_models_own_tokenizer(toy_model_dir, paired):
    pairs = TEXTS[::-1] if paired else None
    for name in ("minilm", str(toy_model_dir)):
        own = AutoTokenizer.from_pretrained(models.find_model(name).location)
        wanted = [len(ids) for ids in own(TEXTS, pairs, truncation=False)["input_ids"]]
        assert token_counts(name, TEXTS, pairs).tolist() == wanted


def test_many_texts_are_counted_piece_by_piece(monkeypatch):
    whole = token_counts("minilm", TEXTS)
    monkeypatch.setattr(tokens, "CHUNK", 7)
    assert token_counts("minilm", TEXTS).tolist() == whole.tolist()
    assert token_counts("minilm", []).tolist() == []


def test_the_share_of_unknown_tokens_counts_no_special_ones():
    assert unknown_share("minilm", []) == 0.0
    assert unknown_share("minilm", ["a plain sentence", "naïve café"]) == 0.0
    assert unknown_share("minilm", ["🙂"]) == 1.0
    assert unknown_share("minilm", ["a cat 🙂 🙂"], ["two words"]) == 2 / 6
    assert unknown_share("minilm", ["这个房间很好"]) > 0.5


def test_a_model_without_the_file_is_told(toy_model_dir, tmp_path):
    folder = shutil.copytree(toy_model_dir, tmp_path / "model")
    (folder / "tokenizer.json").write_text("{not json")
    with pytest.raises(ModelError, match="can't be read"):
        token_counts(str(folder), TEXTS)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match="no tokenizer.json on this machine"):
        token_counts(str(folder), TEXTS)


@pytest.mark.parametrize("name", ["nobody/no-such-model", "no such model"])
def test_a_hub_model_that_is_not_here_is_not_downloaded(name):
    with pytest.raises(ModelError, match="on this machine|neither a folder nor a hub id"):
        token_counts(name, TEXTS)


def test_counting_loads_no_transformers_and_starts_fast():
    code = (
        "import sys, time; from finegates.models.tokens import token_counts;"
        "start = time.perf_counter();"
        "import tokenizers; took = time.perf_counter() - start; token_counts('minilm', ['a']);"
        "print(took, [n for n in ('torch', 'transformers') if n in sys.modules])"
    )
    start = time.perf_counter()
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True,
        cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    took, heavy = answer.stdout.split(maxsplit=1)
    print(f"\ntokenizers is imported in {1000 * float(took):.0f} ms, "
          f"the process took {time.perf_counter() - start:.1f} s")  # fmt: skip
    assert heavy.strip() == "[]" and float(took) < 2


def test_what_a_model_can_read_follows_from_its_config():
    assert longest_input({"model_type": "bert", "max_position_embeddings": 512}) == 512
    assert longest_input({}) == 512
    for name in ("roberta-base", "roberta-large"):
        assert longest_input(models.model_sizes(name)) == 512
    config = RobertaConfig(max_position_embeddings=130, pad_token_id=1)
    assert pretrained.longest_input(config) == longest_input(config.to_dict()) == 128
