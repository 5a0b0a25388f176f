"""Classifiers on decoders: trained by the recipes, resumed, brought back, and refused in words."""

import json
from dataclasses import replace

import pytest
from transformers import AutoTokenizer

from finegates.data.splits import load_splits
from finegates.errors import FineGatesError, ModelError, SpecError
from finegates.gates.snapshots import Snapshot
from finegates.jobs.inputs import check_inputs
from finegates.jobs.worker import execute
from finegates.models.short_runs import FEWEST_STEPS, told_of_closing_once
from finegates.nn.attach import gates_of
from finegates.runs.folder import create_run, current_rows
from finegates.spec import make_spec
from finegates.training.records import evaluate
from finegates.training.restore import restore_model, restore_session
from finegates.training.session import open_session
from tests.toy_models import save_toy_decoder
from tests.training.stopping import stopped_and_resumed

METHODS = ("finegates", "finegates+lora", "finegates+full", "lora", "magnitude", "sensitivity-full")
QUICK = {"max_train_samples": 96, "batch_size": 16, "epochs": 4, "precision": "fp32"}
HALF_A_GATE = 96 / 5376 / 2
"""The largest is a pair's: 2 rows of k and 4 of q, of 16 weights each."""

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    return save_toy_decoder(tmp_path_factory.mktemp("toy") / "llama")


@pytest.fixture
def make_run(decoder, tmp_path):
    """A queued run of the toy decoder on the sample."""

    def make(**changes):
        spec = make_spec({"model": str(decoder), **QUICK, **changes})
        return create_run(*check_inputs(spec, runs_dir=tmp_path / "runs"), tmp_path / "runs")

    return make


def curve(run):
    clock = ("time", "samples_per_s", "memory_bytes")
    rows = current_rows(run.metrics_reader().read_new())
    return [{k: v for k, v in row.items() if k not in clock} for row in rows]


@pytest.mark.parametrize(
    ("method", "start"),
    [*((m, "auto") for m in METHODS), *((m, "sensitivity") for m in METHODS[:3])],
)
def test_a_decoder_is_trained_keeps_its_budget_resumes_and_is_brought_back(make_run, method, start):
    given = {"method": method, "gate_start": start}
    given |= {} if method == "lora" else {"target_sparsity": 0.3}
    whole, broken = make_run(**given), make_run(**given)
    status = execute(whole, "cpu")
    assert status.state == "finished", status.reason
    assert stopped_and_resumed(broken, 10).state == "finished"
    assert [row for row in curve(broken) if row["kind"] != "resumed"] == curve(whole)
    model, tokenizer = restore_model(whole)
    assert evaluate(restore_session(whole, "cpu")) == status.metrics
    assert tokenizer.pad_token == tokenizer.eos_token and not model.training
    if method == "lora":
        return
    assert status.removed_weights_fraction == pytest.approx(0.3, abs=HALF_A_GATE)
    removal = gates_of(model).removal()
    assert removal.removed_weights_fraction == pytest.approx(status.removed_weights_fraction)


def test_the_layout_of_a_decoder_is_in_its_snapshots(make_run):
    run = make_run(method="finegates")
    execute(run, "cpu")
    snapshot = run.snapshot()
    layout = gates_of(restore_model(run)[0]).layout
    assert isinstance(snapshot, Snapshot) and snapshot.layout == layout
    assert layout.is_decoder and layout.units == ("neurons", "values", "pairs")
    assert {m.role for m in layout.matrices} == {"q", "k", "v", "o", "gate", "up", "down"}
    assert [layout.heads_of(v) for v in layout.vectors[1:3]] == [
        [(0, 6), (6, 12)],
        [(0, 3), (3, 6)],
    ]


@pytest.mark.parametrize("method", ["finegates+full", "full"])
@pytest.mark.parametrize("labels", [("no", "yes"), (-3.0, 9.0)], ids=["classes", "numbers"])
def test_a_decoder_learns_what_one_word_decides(make_run, tmp_path, labels, method):
    rows = [f"a {('bad', 'good')[i % 2]} film number {i},{labels[i % 2]}" for i in range(120)]
    (tmp_path / "rows.csv").write_text("\n".join(["text,label", *rows]))
    problem = "regression" if isinstance(labels[0], float) else "classification"
    run = make_run(
        data=str(tmp_path / "rows.csv"), problem=problem, method=method, max_train_samples=None,
        epochs=10, encoder_learning_rate=0.01, learning_rate=0.01,
    )  # fmt: skip
    status = execute(run, "cpu")
    assert status.state == "finished", status.reason
    assert status.score > 0.95  # accuracy, or Pearson's correlation
    if problem == "regression":  # in the label's unit, though the head has no bias
        assert status.metrics["rmse"] < 0.3 * status.metrics["rmse_of_mean"]


# --- too short to learn gates ---------------------------------------------------------------------


def test_gates_of_a_short_run_are_closed_once_early_and_not_trained(make_run):
    once, learned = (make_run(gate_start=s, eval_steps=3) for s in ("auto", "sensitivity"))
    for run in (once, learned):
        assert execute(run, "cpu").state == "finished"
    removed = [
        {
            row["step"]: row["removed_weights_fraction"]
            for row in curve(run)
            if row["kind"] == "eval"
        }
        for run in (once, learned)
    ]
    assert removed[0][3] == removed[0][24] > removed[1][3] == 0  # a tenth of 24 steps is 2
    assert once.status().closes_once and not learned.status().closes_once
    gates = once.status().num_gates
    assert learned.status().trainable_params - once.status().trainable_params == gates
    assert (once.snapshot().closed != learned.snapshot().closed).any()


def test_a_short_run_is_told_of_it_and_how_it_would_learn_its_gates(decoder, toy_model_dir):
    spec = make_spec({"model": str(decoder), "batch_size": 16, "epochs": 4})
    told = told_of_closing_once(spec, 96)
    assert "24 steps are too few" in told and "after step 2" in told and "50 epochs" in told
    assert told_of_closing_once(replace(spec, epochs=50), 96) == ""  # 300 steps
    for change in (
        {"gate_start": "even"}, {"target_sparsity": 0.0}, {"rounding": False},
        {"method": "magnitude"}, {"penalty": "hinge"}, {"model": str(toy_model_dir)},
        {"model": "/nowhere"}, {"gate_law": "projected"},
    ):  # fmt: skip
        assert told_of_closing_once(replace(spec, **change), 96) == "", change
    assert FEWEST_STEPS == 300


def test_gates_that_are_learned_start_in_order_on_attention_alone_too(decoder):
    given = {"model": str(decoder), **QUICK, "epochs": 50, "max_train_samples": 96}
    starts = []
    for start in ("auto", "sensitivity", "even"):
        spec = make_spec({**given, "method": "finegates-attention", "gate_start": start})
        starts.append(open_session(spec, load_splits(spec), "cpu").gates.means_array())
    assert (starts[0] == starts[1]).all() and (starts[0] != starts[2]).any()


# --- what is refused ------------------------------------------------------------------------------


def refused(folder, kind, **given):
    with pytest.raises(kind) as caught:
        check_inputs(make_spec({"model": str(folder), **QUICK, **given}))
    assert isinstance(caught.value, FineGatesError) and "\n" not in str(caught.value)
    return str(caught.value)


def test_a_dense_method_whose_sizes_do_not_fit_is_refused_before_there_is_a_run(decoder):
    assert "LoRTA's factors are shared by matrices of 16 x 16" in refused(
        decoder, ModelError, method="lorta"
    )


def edit(folder, **changes):
    config = json.loads((folder / "config.json").read_bytes())
    (folder / "config.json").write_text(json.dumps(config | changes))
    return folder


def test_a_tokenizer_that_can_neither_pad_nor_end_a_text_is_refused(tmp_path):
    folder = save_toy_decoder(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.eos_token = None
    tokenizer.save_pretrained(folder)
    assert "no padding token, nor one that ends a text" in refused(folder, ModelError)


def test_a_type_whose_matrices_are_fused_is_refused_with_those_that_work(tmp_path):
    said = refused(edit(save_toy_decoder(tmp_path), model_type="phi3"), ModelError)
    assert "several matrices in one" in said and "llama, mistral, gemma" in said


def test_units_that_a_decoder_cant_have_are_refused_before_the_run(decoder, tmp_path):
    said = refused(decoder, SpecError, gate_units=("hidden",))
    assert "can't be made narrower" in said and "Take reads and writes" in said
    said = refused(save_toy_decoder(tmp_path, "qwen3"), SpecError, gate_units=("pairs",))
    assert "norms the queries and keys" in said and "Take heads" in said


def test_heads_that_share_keys_unevenly_are_refused(tmp_path):
    folder = edit(save_toy_decoder(tmp_path), num_key_value_heads=3)
    assert "4 heads and 3 of keys and values" in refused(folder, ModelError)
