"""int8 next to float32: what is really quantised, and that what is told of it is consistent."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from finegates.cli import main
from finegates.errors import ModelError, SpecError
from finegates.gates.cuts import Cut
from finegates.jobs.worker import execute
from finegates.measuring.bench import bench, compare
from finegates.measuring.candidates import (
    INT8_DENSE,
    INT8_SHRUNK,
    ONNX_DENSE,
    ONNX_SHRUNK,
    attach_random_gates,
    candidates,
)
from finegates.measuring.int8 import Products, torch_int8
from finegates.measuring.int8_result import int8_answers, int8_times
from finegates.measuring.onnx_runtime import OnnxModel, onnx_pass
from finegates.runs.folder import create_run
from finegates.runs.measurements import read_timings
from finegates.shrinking.shrink import shrink
from finegates.spec import make_spec
from tests.toy_models import ENCODER_TYPES, toy_inputs, toy_model

LARGE = {"hidden_size": 64, "intermediate_size": 256, "num_attention_heads": 4}
"""Large enough that its weights are most of its file."""
DATA = {"labels": ["unacceptable", "acceptable"], "problem": "classification"}
FOUR = (ONNX_DENSE, ONNX_SHRUNK, INT8_DENSE, INT8_SHRUNK)


def gated(**changes):
    model = toy_model("roberta", **changes)
    attach_random_gates(model)
    return model.eval()


@pytest.fixture(scope="module")
def forms():
    return candidates(gated(**LARGE), Cut(remove=0.4), int8=True)


@pytest.fixture(scope="module")
def result(forms):
    return compare(forms, 4, 8, 3)


class Answering:
    """Stands for a session: keeps what it is fed, and answers what it was made with."""

    def __init__(self, logits, *inputs):
        self.logits = np.array(logits, dtype=np.float32)
        self.inputs = [SimpleNamespace(name=name) for name in inputs]

    def get_inputs(self):
        return self.inputs

    def run(self, names, feed):
        self.fed = feed
        return [self.logits]


@pytest.mark.slow
def test_every_product_with_weights_is_int8_and_none_before(forms):
    for name, int8 in (
        (ONNX_DENSE, False), (ONNX_SHRUNK, False), (INT8_DENSE, True), (INT8_SHRUNK, True)
    ):  # fmt: skip
        products = forms.onnx[name].products
        assert (products.int8 > 0, products.float32 > 0) == (int8, not int8), name
    for quantised, plain in ((INT8_DENSE, ONNX_DENSE), (INT8_SHRUNK, ONNX_SHRUNK)):
        assert forms.onnx[quantised].products.int8 == forms.onnx[plain].products.float32
    layers, head = 2, 2
    assert forms.onnx[INT8_DENSE].products.int8 == 6 * layers + head


@pytest.mark.slow
def test_a_file_shrinks_by_removal_and_by_int8(result):
    dense, shrunk, int8_dense, int8_shrunk = (result[f"{name}_bytes"] for name in FOUR)
    assert int8_shrunk < shrunk < dense and int8_shrunk < int8_dense < dense


@pytest.mark.slow
def test_what_is_told_is_consistent(result):
    for name in FOUR:
        assert 0 < result[f"{name}_p10_s"] <= result[f"{name}_s"] <= result[f"{name}_p90_s"]
    assert result["int8_speedup_q25"] <= result["int8_speedup"] <= result["int8_speedup_q75"]
    for name in (INT8_DENSE, INT8_SHRUNK):
        assert result[f"{name}_float_products"] == 0 < result[f"{name}_products"]
        assert 0 < result[f"{name}_max_logit_difference"] < 0.2, "rounded, and near"
        assert 0 <= result[f"{name}_agreement"] <= 1
    assert result["onnx_max_logit_difference"] < 1e-4, "float32 is as exact as without int8"


@pytest.mark.slow
def test_a_second_cut_makes_the_dense_models_once(forms):
    again = candidates(gated(**LARGE), Cut(remove=0.6), int8=True, dense=forms)
    for name in (ONNX_DENSE, INT8_DENSE):
        assert again.onnx[name] is forms.onnx[name]
    assert again.onnx[INT8_SHRUNK].file_bytes < forms.onnx[INT8_SHRUNK].file_bytes


def test_ratios_are_those_of_neighbouring_passes():
    times = {ONNX_DENSE: [8.0, 16.0], ONNX_SHRUNK: [5.0, 9.0], INT8_DENSE: [4.0, 8.0],
             INT8_SHRUNK: [2.0, 4.0]}  # fmt: skip
    told = int8_times(times)
    assert told["int8_speedup"] == 2 and told["int8_dense_gain"] == 2
    assert told["int8_both_gain"] == 4 and "torch_int8_speedup" not in told
    assert int8_times({ONNX_DENSE: [1.0], ONNX_SHRUNK: [1.0]}) == {}


def test_differences_and_agreement_are_counted():
    plain, rounded = [[2.0, 0.0], [0.0, 1.0]], [[1.5, 0.0], [1.0, 0.9]]
    logits = {ONNX_DENSE: plain, ONNX_SHRUNK: plain, INT8_DENSE: plain, INT8_SHRUNK: rounded}
    onnx = {name: OnnxModel(Answering(given), 1, Products(3, 1)) for name, given in logits.items()}
    told = int8_answers(onnx, toy_inputs())
    assert (told["int8_dense_agreement"], told["int8_dense_max_logit_difference"]) == (1, 0)
    assert (told["int8_shrunk_agreement"], told["int8_shrunk_max_logit_difference"]) == (0.5, 0.5)
    assert (told["int8_shrunk_products"], told["int8_shrunk_float_products"]) == (3, 1)


@pytest.mark.parametrize("padded", [True, False])
def test_batches_as_scoring_makes_them_mean_the_same(padded):
    names = ("input_ids", "attention_mask", "token_type_ids")
    session, ids = Answering([[0.0]], *names), torch.full((2, 3), 7)
    mask = torch.tensor([[True, True, True], [True, False, False]])
    batch = {"input_ids": ids, "labels": torch.zeros(2)}
    batch |= {"attention_mask": mask[:, None, None, :]} if padded else {}
    onnx_pass(OnnxModel(session, 1, Products(1, 0)), batch)()
    assert set(session.fed) == set(names)
    assert session.fed["attention_mask"].tolist() == (mask.tolist() if padded else [[1] * 3] * 2)
    assert not session.fed["token_type_ids"].any()
    assert {fed.dtype for fed in session.fed.values()} == {np.dtype("int64")}


def test_numbers_have_no_agreement():
    onnx = {name: OnnxModel(Answering([[1.0], [2.0]]), 1, Products(1, 0)) for name in FOUR}
    told = int8_answers(onnx, toy_inputs())
    assert "int8_dense_agreement" not in told and told["int8_dense_max_logit_difference"] == 0


@pytest.mark.parametrize("model_type", ENCODER_TYPES)
def test_torch_rounds_a_shrunk_model_too(model_type):
    model = toy_model(model_type)
    attach_random_gates(model)
    shrunk = shrink(model, remove=0.3)
    rounded = torch_int8(shrunk)
    assert rounded is not None and rounded is not shrunk
    assert not any(type(module) is torch.nn.Linear for module in rounded.modules())
    with torch.inference_mode():
        logits, wanted = (one(**toy_inputs()).logits for one in (rounded, shrunk))
    assert 0 < float((logits - wanted).abs().max()) < 0.2 * float(wanted.abs().max())


def test_a_torch_without_int8_leaves_it_out(monkeypatch):
    monkeypatch.delattr(torch.ao.quantization, "quantize_dynamic")
    assert torch_int8(toy_model()) is None


@pytest.mark.parametrize("package", ["onnxruntime", "onnxruntime.quantization"])
def test_a_missing_package_is_told(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModelError, match=r"pip install 'finegates\[onnx\]'"):
        bench(gated(), Cut(remove=0.1), batch_size=1, length=4, int8=True)


def test_int8_in_another_precision_is_refused():
    with pytest.raises(SpecError, match="float32 only"):
        bench(gated(), Cut(remove=0.1), batch_size=1, length=4, dtype="bfloat16", int8=True)


@pytest.mark.slow
def test_a_run_is_timed_and_scored_in_all_four_forms(toy_model_dir, tmp_path, capsys):
    settings = {"max_train_samples": 96, "batch_size": 16, "epochs": 1, "precision": "fp32"}
    spec = make_spec({"model": str(toy_model_dir), "target_sparsity": 0.4, **settings})
    run = create_run(spec, DATA, tmp_path / "runs")
    assert execute(run, "cpu").state == "finished"
    capsys.readouterr()
    words = ["--batch-size=2", "--seq-len=8", "--repeats=2", "--int8", "--remove=0.4"]
    assert main(["bench", run.id, "--runs-dir", str(run.path.parent), *words]) == 0
    printed, told = capsys.readouterr()
    row = json.loads(printed.splitlines()[-1])
    wanted = {"int8_dense_s", "int8_shrunk_s", "int8_speedup", *(f"{name}_bytes" for name in FOUR)}
    assert wanted <= row.keys() and row["metric"] == "accuracy"
    for name in (ONNX_DENSE, ONNX_SHRUNK):  # both answer as training left it, at its own cut
        assert row[f"{name}_score"] == pytest.approx(run.status().score)
    for name in (INT8_DENSE, INT8_SHRUNK):
        off = abs(row[f"{name}_score"] - row[f"{name.replace('int8', 'onnx')}_score"])
        assert off <= 1 - row[f"{name}_agreement"] + 1e-9, "only rows that changed can change it"
    assert f"accuracy {row['int8_shrunk_score']:.4f}" in told and "int8 speed-up" in told
    assert read_timings(run)[-1]["int8_speedup"] == row["int8_speedup"]
