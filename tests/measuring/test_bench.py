"""What timing tells is consistent; how fast anything is, is no test's business."""

import json
import sys

import pytest
import torch

from finegates.cli import main
from finegates.errors import ModelError, SpecError
from finegates.gates.cuts import AS_TRAINED, Cut, cut_of
from finegates.measuring.bench import bench, compare
from finegates.measuring.candidates import (
    attach_random_gates,
    candidates,
    random_model,
    without_gates,
)
from finegates.shrinking.cost import computed_cost, dense_cost, needed_cost, num_parameters
from finegates.shrinking.hardware import Hardware
from finegates.shrinking.shrink import shrink
from tests.toy_models import ENCODER_TYPES, toy_inputs, toy_model

THRIFTY = Hardware(0, 0, 0, row_multiple=1, column_multiple=1, head_multiple=1)


def gated(model_type="bert"):
    model = toy_model(model_type)
    attach_random_gates(model)
    return model.eval()


@pytest.mark.parametrize("cut", [Cut(remove=0.4), Cut(threshold=0.5), None])
def test_result_is_consistent(cut):
    result = bench(gated(), cut, batch_size=2, length=8, repeats=3)
    assert cut_of(result) == (cut or AS_TRAINED)
    assert (result["removed_weights_fraction"] == 0) == (cut is None)
    assert result["max_logit_difference"] < 1e-5
    assert result["realised_over_ideal"] == pytest.approx(result["speedup"] / result["mac_ratio"])
    assert (result["mac_ratio"] > 1) == (cut is not None)
    assert result["shrunk_params"] <= result["dense_params"]
    for name in ("dense", "masked", "shrunk"):
        assert 0 < result[f"{name}_p10_s"] <= result[f"{name}_s"] <= result[f"{name}_p90_s"]


@pytest.mark.parametrize("model_type", ["bert", "distilbert"])
def test_products_of_a_dense_model_are_its_weights(model_type):
    model = toy_model(model_type)
    weights = 2 * (4 * 16 * 16 + 2 * 16 * 32)
    assert dense_cost(model.config).products_per_token == weights
    assert dense_cost(model.config).macs(8) == 8 * (weights + 8 * 2 * 2 * 16)


@pytest.mark.parametrize("remove", [0.0, 0.3, 0.8])
def test_computed_products_are_the_weights_of_the_real_model(remove):
    shrunk = shrink(gated(), remove=remove, tuned_for=THRIFTY)
    encoder = shrunk.bert.encoder
    weights = sum(p.numel() for n, p in encoder.named_parameters() if p.ndim == 2)
    assert computed_cost(shrunk).products_per_token == weights
    assert needed_cost(shrunk).products_per_token <= weights


def test_random_gates_are_unequal():
    gates = gated().finegates
    open_fractions = [
        (gates.means_array()[v.slice] > 0.5).mean().round(2) for v in gates.layout.vectors
    ]
    assert len(set(open_fractions)) > 4


def test_candidates_are_what_they_say():
    models = candidates(gated(), Cut(remove=0.5), "cpu", "bfloat16").models
    assert not hasattr(models["dense"], "finegates") and hasattr(models["masked"], "finegates")
    assert {m.dtype for m in models.values()} == {torch.bfloat16}
    assert num_parameters(models["dense"]) == num_parameters(toy_model())


@pytest.mark.parametrize("model_type", ENCODER_TYPES)
def test_dense_has_no_gates_and_answers_as_training_left_them(model_type):
    model = gated(model_type)
    plain, bare = without_gates(model), toy_model(model_type)
    with torch.inference_mode():
        wanted, same, other = (m(**toy_inputs()).logits for m in (model, plain, bare))
    assert not hasattr(plain, "finegates") and num_parameters(plain) == num_parameters(bare)
    assert torch.allclose(wanted, same, atol=1e-5) and not torch.allclose(wanted, other, atol=1e-2)


def test_a_model_without_gates_is_refused():
    with pytest.raises(ModelError, match="no gates"):
        candidates(toy_model(), None)


def test_unknown_dtype_is_refused():
    with pytest.raises(SpecError, match="bfloat16"):
        bench(gated(), Cut(remove=0.1), batch_size=1, length=4, dtype="int3")


def test_model_from_config_needs_no_download():
    assert random_model("roberta-base").config.hidden_size == 768


def test_command_line_prints_json(toy_model_dir, capsys):
    words = ["--remove", "0.4", "--batch-size", "2", "--seq-len", "8", "--repeats", "2", "--json"]
    assert main(["bench", "--model", str(toy_model_dir), *words]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    wanted = {"dense_s", "masked_s", "shrunk_s", "speedup", "mac_ratio", "realised_over_ideal"}
    assert wanted | {"max_logit_difference", "threads", "versions"} <= result.keys()


def test_a_row_longer_than_the_model_reads_is_refused(toy_model_dir, capsys):
    assert main(["bench", "--model", str(toy_model_dir), "--remove=0.4", "--seq-len=9999"]) == 2
    assert "reads at most" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["a-run", "--model", "minilm"]])
def test_one_of_run_and_model_is_asked_for(words, capsys):
    assert main(["bench", *words]) == 2
    assert "not both" in capsys.readouterr().err


@pytest.mark.slow
def test_onnx_is_timed_beside_torch_and_gives_the_same_logits():
    result = bench(gated(), Cut(remove=0.4), batch_size=2, length=8, repeats=3, onnx=True)
    for name in ("onnx_dense", "onnx_shrunk"):
        assert 0 < result[f"{name}_p10_s"] <= result[f"{name}_s"] <= result[f"{name}_p90_s"]
    ideal = result["onnx_speedup"] / result["mac_ratio"]
    assert result["onnx_realised_over_ideal"] == pytest.approx(ideal)
    assert result["onnx_max_logit_difference"] < 1e-4


def test_dense_forms_are_made_once():
    model = gated()
    first = candidates(model, Cut(remove=0.2))
    second = candidates(model, Cut(remove=0.6), dense=first)
    assert second.models["dense"] is first.models["dense"]
    assert num_parameters(second.models["shrunk"]) < num_parameters(first.models["shrunk"])


def test_masked_is_left_out_of_the_times_but_not_of_the_comparison():
    result = compare(candidates(gated(), Cut(remove=0.3)), 2, 8, 2, masked=False)
    assert "masked_s" not in result and "masked_speedup" not in result
    assert result["max_logit_difference"] < 1e-5


@pytest.mark.parametrize(
    "package, sentence", [("onnxruntime", "onnxruntime; pip"), ("onnxscript", "onnxscript; pip")]
)
def test_a_missing_package_is_told(package, sentence, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModelError, match=sentence):
        bench(gated(), Cut(remove=0.1), batch_size=1, length=4, onnx=True)


@pytest.mark.parametrize(
    "wanted, sentence",
    [({"onnx": True, "dtype": "bfloat16"}, "float32"), ({"cuda_graphs": True}, "NVIDIA")],
)
def test_what_a_device_can_not_do_is_refused(wanted, sentence):
    with pytest.raises(SpecError, match=sentence):
        bench(gated(), Cut(remove=0.1), batch_size=1, length=4, **wanted)


def test_a_gpu_that_torch_can_not_use_is_said_plainly(monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", None)
    with pytest.raises(SpecError, match="built without CUDA"):
        bench(gated(), None, batch_size=1, length=4, device="cuda:0")


def test_a_machine_that_can_not_compile_says_what_it_needs(monkeypatch):
    def missing(function):
        raise RuntimeError("No working C++ compiler found.\nSee the pages of its log")

    monkeypatch.setattr(torch, "compile", missing)
    with pytest.raises(
        SpecError, match=r"on 'cpu' here: No working C\+\+ compiler found\. Install"
    ):
        bench(gated(), Cut(remove=0.1), batch_size=1, length=4, compiled=True)


@pytest.mark.parametrize("words", [["--cuda-graphs"], ["--onnx", "--dtype", "bfloat16"]])
def test_the_command_line_hands_switches_on(words, toy_model_dir, capsys):
    assert (
        main(["bench", "--model", str(toy_model_dir), "--remove=0.1", "--seq-len=8", *words]) == 2
    )
    assert "leave" in capsys.readouterr().err


@pytest.mark.parametrize("units", ["heads,neurons", "hidden,heads,neurons"])
def test_random_gates_of_structures_are_timed_and_a_run_has_its_own(toy_model_dir, capsys, units):
    words = ["bench", "--model", str(toy_model_dir), "--random-weights", "--remove", "0.3"]
    words += ["--batch-size", "2", "--seq-len", "8", "--repeats", "2", "--json"]
    assert main([*words, "--units", units, "--uniform"]) == 0
    row = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert row["removed_weights_fraction"] == pytest.approx(0.3, abs=0.1)
    assert row["realised_over_ideal"] > 0
    assert main(["bench", "a-run", "--units", "heads"]) == 2
    assert "a run has its own gates" in capsys.readouterr().err
