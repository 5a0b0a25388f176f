"""The stock model in an export's folder ``plain``: loaded by transformers alone."""

import json
import subprocess
import sys

import pytest
import torch
from transformers import AutoTokenizer

import finegates.auto
from finegates.cli import main
from finegates.exporting.package import PLAIN_FOLDER, files_of
from tests.exporting.test_export import TEXTS, finished_run

STREAM = ("hidden", "heads", "neurons")
_ALONE = """
import json, sys
sys.modules["finegates"] = None  # to import it is an error now
from transformers import AutoModelForSequenceClassification, AutoTokenizer
folder, texts = sys.argv[1], json.loads(sys.argv[2])
model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
inputs = AutoTokenizer.from_pretrained(folder)(texts, padding=True, return_tensors="pt")
print(json.dumps([type(model).__module__, model(**inputs).logits.tolist()]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("units", "multiple", "remove", "near"),
    [(("neurons",), 1, 0.25, 1e-6), (STREAM, 4, 0.7, 0.1)],
    ids=["neurons", "stream"],
)
def test_transformers_alone_loads_it_and_gets_the_same_answers(
    units, multiple, remove, near, toy_model_dir, tmp_path, capsys
):
    run = finished_run(
        toy_model_dir, tmp_path / "runs", method="finegates+lora", gate_units=units,
        gate_shape="uniform", gate_multiple=multiple, target_sparsity=remove,
    )  # fmt: skip
    folder = tmp_path / "model"
    command = ["export", run.id, "--runs-dir", str(tmp_path / "runs"), "--out", str(folder)]
    assert main([*command, "--plain", "--no-measure"]) == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert facts["plain_params"] < facts["dense_params"] and facts["checked"]["plain"] < 1e-4
    assert facts["removed_weights_fraction"] == pytest.approx(remove, abs=near)
    if units == STREAM:
        assert facts["plain_hidden"] < 16 and facts["plain_hidden"] % facts["plain_heads"] == 0
    else:
        assert facts["plain_params"] == facts["shrunk_params"] and facts["plain_neurons"] == 16
    assert f"{PLAIN_FOLDER}/model.safetensors" in files_of(folder)
    assert "## The plain model" in (folder / "README.md").read_text()
    done = subprocess.run(
        [sys.executable, "-P", "-c", _ALONE, str(folder / PLAIN_FOLDER), json.dumps(TEXTS)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    module, logits = json.loads(done.stdout.splitlines()[-1])
    assert module.startswith("transformers.")
    model = finegates.auto.load(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        expected = model(**tokenizer(TEXTS, padding=True, return_tensors="pt")).logits
    assert torch.allclose(torch.tensor(logits), expected, atol=1e-5)


@pytest.mark.slow
def test_a_stream_narrower_than_its_heads_can_not_be_told_and_nothing_is_written(
    toy_model_dir, tmp_path, capsys
):
    run = finished_run(
        toy_model_dir, tmp_path / "runs", method="finegates+full", gate_units=("hidden", "neurons"),
        target_sparsity=0.5,
    )  # fmt: skip
    folder = tmp_path / "model"
    command = ["export", run.id, "--runs-dir", str(tmp_path / "runs"), "--out", str(folder)]
    assert main([*command, "--remove", "0.9", "--plain", "--no-measure"]) == 2
    assert "of 4 heads of 4 would fit" in capsys.readouterr().err
    assert not folder.exists()
    assert main([*command, "--remove", "0.9", "--no-measure", "--standalone"]) == 0
    card = (folder / "README.md").read_text()
    width = finegates.auto.load(folder).config.shrunk_hidden
    assert f"have {width} of 16 dimensions" in card
