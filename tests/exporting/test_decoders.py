"""Exported decoders: classifiers, and language models that write on, in every layout."""

import json
import subprocess
import sys

import gguf
import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaForCausalLM, pipeline

import finegates.auto
from finegates.cli import main
from finegates.errors import ModelError
from finegates.exporting import export as exporting
from finegates.exporting.check import check_folder
from finegates.exporting.export import export
from finegates.exporting.package import CODE_FILE, FORMAT_FILES, GGUF_FILE, PLAIN_FOLDER
from finegates.gates.cuts import Cut
from finegates.jobs.inputs import check_inputs
from finegates.jobs.worker import execute
from finegates.runs.folder import create_run
from finegates.runs.measurements import keep_generation
from finegates.shrinking.decoder_layers import ShrunkGroupedAttention
from finegates.shrinking.models import Shrunk
from finegates.shrinking.shrink import shrink
from finegates.spec import make_spec
from finegates.training.restore import restore_model
from tests.exporting.test_export import TEXTS, finished_run
from tests.fake_results import GENERATION
from tests.tiny_gguf import tiny_tokenizer
from tests.toy_models import (
    save_toy_decoder,
    save_toy_language_model,
    toy_language_model,
    toy_model,
    toy_text,
    with_closed,
)

CUT = Cut(remove=0.4)
TOKENS = 263
_ALONE = """
import json, sys
sys.modules["finegates"] = None  # to import it is an error now
from transformers import AutoModelForCausalLM, AutoTokenizer
folder, text = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(folder).eval()
inputs = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
ids = model.generate(**inputs, max_new_tokens=8, do_sample=False)
print(json.dumps([type(model).__name__, ids.tolist()]))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A classifier with the gates of a stock class."""
    model = save_toy_decoder(tmp_path_factory.mktemp("toy") / "llama")
    return finished_run(
        model, tmp_path_factory.mktemp("runs"), method="finegates+lora", gate_units=("plain",),
        gate_shape="uniform", gate_start="even",
    )  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return tiny_tokenizer(tmp_path_factory.mktemp("tokenizer"))


def writer(**changes):
    """A language model of which layers keep unequal numbers of neurons, one group each."""
    closed = {"0.neurons.whole": range(20), "0.heads.whole": [0], "1.heads.whole": [1]}
    return with_closed(toy_language_model(vocab_size=TOKENS, **changes), ("plain",), closed)


@pytest.fixture
def folder(tokenizer, tmp_path):
    """Of a smaller language model."""
    shrink(writer()).save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


@torch.no_grad()
def logits(model, encoded):
    return model.eval()(**encoded).logits


@pytest.mark.slow
def test_a_classifier_is_exported_in_every_layout_by_the_command_line(run, tmp_path, capsys):
    command = ["export", run.id, "--runs-dir", str(run.path.parent), "--remove", "0.4"]
    switches = ["--plain", "--standalone", "--no-measure", *(f"--{name}" for name in FORMAT_FILES)]
    assert main([*command, "--out", str(tmp_path / "out"), *switches]) == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {"torch", "standalone", "plain", *FORMAT_FILES} == facts["checked"].keys()
    assert max(facts["checked"].values()) < 1e-3
    layouts = facts["layouts"]
    assert layouts["dense"]["params"] == facts["dense_params"]
    assert max(layouts[name]["params"] for name in ("finegates", "plain")) < facts["dense_params"]
    assert layouts["dense"]["cached_bytes"] == 2 * 2 * 2 * 6 * 4
    card = (tmp_path / "out" / "README.md").read_text()
    assert f"| {layouts['plain']['params']:,} |" in card and "vLLM" in card
    assert 'pipeline("text-classification"' in card and "trust_remote_code=True" in card
    assert "A full layer has 2 x (2, 3, 6)" in card and "keeps nothing of them" not in card


def test_a_classifier_answers_as_its_run_does(run, tmp_path):
    export(run, tmp_path / "out", cut=CUT, measured=False)
    model, tokenizer = restore_model(run)
    exporting.prune(model, CUT)
    encoded = dict(tokenizer(TEXTS, padding=True, return_tensors="pt"))
    loaded = finegates.auto.load(tmp_path / "out")
    assert isinstance(loaded, Shrunk) and not loaded.can_generate()
    assert (logits(loaded, encoded) - logits(model, encoded)).abs().max() < 1e-5
    assert pipeline("text-classification", model=str(tmp_path / "out"))(TEXTS)[0]["label"]


def test_a_classifier_has_no_gguf_file_and_that_is_said_before_anything_is_made(run, tmp_path):
    with pytest.raises(ModelError, match="is a LlamaForSequenceClassification; a GGUF file can"):
        export(run, tmp_path / "out", cut=CUT, gguf=True)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def exported(run, tokenizer, tmp_path, monkeypatch):
    """A language model as a run would give it, with what else can be written of it."""
    model = writer()
    monkeypatch.setattr(exporting, "restore_model", lambda _: (model, tokenizer))
    facts = export(
        run, tmp_path / "out", plain=True, gguf=True, standalone=True, measured=False
    )  # fmt: skip
    return model, tmp_path / "out", facts


@pytest.mark.slow
def test_a_language_model_is_exported_in_every_layout(exported, tokenizer):
    model, folder, facts = exported
    assert {"torch", "writing", "standalone", "plain", "gguf"} == facts["checked"].keys()
    assert max(facts["checked"].values()) < 1e-3
    layouts = facts["layouts"]
    assert [*layouts] == ["dense", "finegates", "plain", "gguf"]
    assert layouts["gguf"]["params"] == layouts["plain"]["params"] - 3 * 20 * 16
    cached = {name: layout["cached_bytes"] for name, layout in layouts.items()}
    assert cached == {"dense": 192, "finegates": 96, "plain": 96, "gguf": 96}
    card = (folder / "README.md").read_text()
    assert "tags: [finegates, pruned, text-generation]" in card
    assert 'pipeline("text-generation"' in card and "llama.cpp" in card
    file = gguf.GGUFReader(folder / GGUF_FILE)
    assert file.fields["deci.feed_forward_length"].contents() == [12, 32]
    encoded = dict(tokenizer(["hello 12"], return_tensors="pt"))
    given = model.generate(**encoded, max_new_tokens=8, do_sample=False)
    for name, kind in ((".", Shrunk), (PLAIN_FOLDER, LlamaForCausalLM)):
        loaded = finegates.auto.load(folder / name)
        assert isinstance(loaded, kind) and loaded.can_generate()
        assert (logits(loaded, encoded) - logits(model, encoded)).abs().max() < 1e-5
        assert torch.equal(loaded.generate(**encoded, max_new_tokens=8, do_sample=False), given)
    done = subprocess.run(
        [sys.executable, "-P", "-c", _ALONE, str(folder / PLAIN_FOLDER), "hello 12"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout.splitlines()[-1]) == ["LlamaForCausalLM", given.tolist()]
    assert (folder / CODE_FILE).is_file()


@pytest.mark.slow
def test_a_language_run_is_exported_by_the_command_line(tmp_path, capsys):
    base = save_toy_language_model(tmp_path / "base")
    (tmp_path / "book.txt").write_text("\n\n".join(toy_text()))
    spec = make_spec({
        "model": str(base), "data": str(tmp_path / "book.txt"), "task": "text", "max_length": 16,
        "batch_size": 8, "epochs": 6, "precision": "fp32", "method": "finegates+lora",
        "gate_units": ("plain",), "gate_shape": "uniform", "target_sparsity": 0.4,
    })  # fmt: skip
    run = create_run(*check_inputs(spec, runs_dir=tmp_path / "runs"), tmp_path / "runs")
    assert execute(run, "cpu").state == "finished"
    closed = {"remove": None, "closed_gates": int(run.snapshot().closed.sum())}
    keep_generation(run, {**GENERATION, **closed})
    command = ["export", run.id, "--runs-dir", str(tmp_path / "runs"), "--plain"]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert facts["checked"].keys() == {"torch", "writing", "plain"}
    card = (tmp_path / "out" / "README.md").read_text()
    assert "perplexity@16 on validation" in card and "20 -> 30 (1.50 times as fast)" in card
    model, tokenizer = restore_model(run)
    encoded = dict(tokenizer(["anna makes"], return_tensors="pt"))
    for folder in (tmp_path / "out", tmp_path / "out" / PLAIN_FOLDER):
        loaded = finegates.auto.load(folder)
        assert loaded.config.use_cache and not model.config.use_cache
        assert (logits(loaded, encoded) - logits(model, encoded)).abs().max() < 1e-5
    write = pipeline("text-generation", model=str(tmp_path / "out"))
    assert write("anna makes", max_new_tokens=3)[0]["generated_text"].startswith("anna makes")
    assert main([*command, "--out", str(tmp_path / "other"), "--gguf"]) == 2
    assert "does not merge pairs of bytes" in capsys.readouterr().err


def test_a_language_model_is_checked_by_its_tokens_and_by_what_it_writes(folder):
    found = check_folder(folder, writer())
    assert found.keys() == {"torch", "writing"} and max(found.values()) < 1e-5
    other = AutoModelForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        other.lm_head.weight[5] += 1.0
    other.save_pretrained(folder)
    with pytest.raises(ModelError, match="differently by torch"):
        check_folder(folder, writer())


def test_a_cache_that_loses_what_was_read_is_seen(folder, monkeypatch):
    def forgets(self, keys, values, cache):
        cache.update(*(t[0].transpose(1, 2) for t in (keys, values)), self.layer_idx)
        return keys, values

    monkeypatch.setattr(ShrunkGroupedAttention, "_cached", forgets)
    with pytest.raises(ModelError, match="differently by writing"):
        check_folder(folder, writer())


def test_a_folder_loads_as_what_its_config_names(tmp_path):
    for name, model in {"writes": toy_language_model(), "answers": toy_model("llama")}.items():
        model.save_pretrained(tmp_path / name)
        loaded = finegates.auto.load(tmp_path / name)
        assert type(loaded) is type(model) and not loaded.training
