"""Models kept in half precision are trained, pruned and exported in float32."""

import pytest
import torch
from safetensors.torch import load_file

from finegates import auto
from finegates.cli import main
from finegates.data.splits import load_splits
from finegates.errors import ModelError
from finegates.jobs.inputs import check_inputs
from finegates.jobs.worker import execute
from finegates.nn.loaded import check_loaded
from finegates.nn.pretrained import load_pretrained
from finegates.runs.folder import create_run
from finegates.spec import make_spec
from finegates.training.loop import train_step
from finegates.training.session import open_session
from tests.faults_reported.models import build, change_weights, edit_config, write_rows

FOLDERS = ["fp16", "bf16", "fp16_in_config_only"]
ONE_OF_EACH_KIND = (
    "finegates", "lora", "lora-fa", "vera", "lora-xs", "sparta", "compacter", "magnitude",
    "ether", "ether+", "lorta", "sara", "dynamic-subset", "shears",
)  # fmt: skip
LABELS = ("neg", "pos")
ENCODER = "bert.encoder.layer.1.output.dense.weight"


def spec_of(parent, name, **changes):
    data = write_rows(parent / "one.csv")
    given = {"model": str(build(name, parent)), "data": str(data), "batch_size": 16, "epochs": 1}
    return make_spec({**given, **changes})


@pytest.mark.parametrize("name", FOLDERS)
def test_weights_are_read_in_float32_and_are_those_of_the_file(tmp_path, name):
    folder = build(name, tmp_path)
    model, _ = load_pretrained(str(folder), LABELS, "classification")
    assert {t.dtype for t in model.state_dict().values()} == {torch.float32}
    assert model.config.dtype == torch.float32
    stored = load_file(folder / "model.safetensors")[ENCODER]
    assert torch.equal(model.state_dict()[ENCODER], stored.float())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", ["fp16", "bf16"])
@pytest.mark.parametrize(
    "method",
    [
        "finegates+lora",
        "full",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ONE_OF_EACH_KIND),
    ],
)
def test_every_kind_of_method_takes_a_step_on_weights_of_float32(
    tmp_path, one_thread, method, name, precision
):
    spec = spec_of(tmp_path, name, method=method, precision=precision)
    session = open_session(spec, load_splits(spec), "cpu")
    batch = next(iter(session.validation))
    losses = train_step(session, batch, 1)
    assert all(loss.isfinite() for loss in losses.values())
    assert {p.dtype for p in session.model.parameters()} == {torch.float32}


@pytest.mark.slow
@pytest.mark.parametrize("name", FOLDERS)
def test_a_run_keeps_and_exports_float32(tmp_path, runs_dir, name):
    spec = spec_of(tmp_path, name, method="finegates", precision="fp32")
    run = create_run(*check_inputs(spec), runs_dir)
    status = execute(run, "cpu")
    assert (status.state, status.precision) == ("finished", "fp32"), status.reason
    kept = load_file(run.path / "trained" / "trained.safetensors")
    assert {tensor.dtype for tensor in kept.values()} == {torch.float32}
    out = tmp_path / "exported"
    words = ["--remove", "0.3", "--out", str(out), "--no-measure", "--runs-dir", str(runs_dir)]
    assert main(["export", run.id, *words]) == 0
    model = auto.load(out)
    assert model.config.dtype == torch.float32
    floats = [t for t in model.state_dict().values() if t.is_floating_point()]
    assert {tensor.dtype for tensor in floats} == {torch.float32}


def test_a_loader_that_keeps_half_precision_is_found_out(tmp_path):
    model, _ = load_pretrained(str(build("plain", tmp_path)), LABELS, "classification")
    report = {"missing_keys": (), "mismatched_keys": (), "unexpected_keys": ()}
    check_loaded("it", model, report, torch.float32)
    model.classifier.half()
    with pytest.raises(ModelError, match="asked for in torch.float32 .* in torch.float16"):
        check_loaded("it", model, report, torch.float32)


def test_numbers_that_overflowed_are_refused(tmp_path):
    folder = build("fp16", tmp_path)
    change_weights(folder, lambda weights: weights[ENCODER].fill_(torch.inf))
    with pytest.raises(ModelError, match=f"no numbers .*{ENCODER}"):
        load_pretrained(str(folder), LABELS, "classification")


def test_a_quantised_model_is_refused_before_a_run(tmp_path):
    spec = spec_of(tmp_path, "plain")
    edit_config(tmp_path / "plain", quantization_config={"quant_method": "bitsandbytes"})
    with pytest.raises(ModelError, match="quantised .bitsandbytes.* float32"):
        check_inputs(spec)
