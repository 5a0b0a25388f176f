"""The harness scores a smaller language model as it scores the gated one with zeros."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from finegates.cli import main
from finegates.nn.attach import attach_gates, gates_of
from finegates.shrinking.fold import fold_into
from finegates.shrinking.shrink import shrink
from tests.shrinking.test_shrink import THRIFTY, set_random_means
from tests.toy_models import save_toy_decoder, toy_language_model

TASK = """
task: agreement
dataset_path: json
dataset_kwargs:
  data_files: {{test: {data}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{start}}}}"
doc_to_choice: "{{{{ends}}}}"
doc_to_target: right
metric_list:
  - metric: acc
"""


@pytest.mark.slow
def test_a_smaller_model_scores_as_the_gated_one(tmp_path):
    save_toy_decoder(tmp_path / "toy")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "toy")
    model = toy_language_model(vocab_size=len(tokenizer) + 1, max_position_embeddings=64)
    attach_gates(model)
    set_random_means(model, seed=1, closed_fraction=0.5)
    assert gates_of(model).removal().removed_weights_fraction > 0.2
    shrink(model, tuned_for=THRIFTY).save_pretrained(tmp_path / "smaller")
    fold_into(model)
    model.save_pretrained(tmp_path / "with zeros")
    _write_task(tmp_path)
    told = {name: _scores(tmp_path, tokenizer, name) for name in ("smaller", "with zeros")}
    assert told["smaller"] == told["with zeros"]


def _write_task(folder: Path) -> None:
    rows = [
        {"start": f"the {noun}", "ends": [" walk", " walks"], "right": number}
        for number in (0, 1)
        for noun in ("dog", "cat", "dogs", "cats", "man", "men")
    ]
    data = folder / "rows.jsonl"
    data.write_text("\n".join(json.dumps(row) for row in rows))
    (folder / "tasks").mkdir()
    (folder / "tasks" / "agreement.yaml").write_text(TASK.format(data=data))


def _scores(folder: Path, tokenizer, name: str) -> tuple:
    """Accuracy, and the log-likelihood of each choice, rounded."""
    tokenizer.save_pretrained(folder / name)
    out = folder / f"out {name}"
    words = [
        "--model", "hf", "--model_args", f"pretrained={folder / name},dtype=float32",
        "--tasks", "agreement", "--include_path", folder / "tasks", "--device", "cpu",
        "--batch_size", "4", "--output_path", out, "--log_samples",
    ]  # fmt: skip
    told = subprocess.run(
        [sys.executable, "-m", "finegates", "lm-eval", *map(str, words)],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr[-2000:]
    (result,) = out.rglob("results_*.json")
    (samples,) = out.rglob("samples_*.jsonl")
    rows = [json.loads(line) for line in samples.read_text().splitlines()]
    likelihoods = [round(float(r[0]), 3) for row in rows for r in row["filtered_resps"]]
    return json.loads(result.read_text())["results"]["agreement"]["acc,none"], likelihoods


def test_without_words_it_says_what_to_give(capsys):
    assert main(["lm-eval"]) == 2
    assert "pretrained=FOLDER" in capsys.readouterr().err
