"""Claims about costs told before a run: steps are exact, time says where it comes from."""

import socket

import pytest

from finegates.errors import FineGatesError, SpecError
from finegates.jobs.estimate import START_S, estimate_cost, num_rows, training_flops
from finegates.models.sources import KNOWN_CONFIGS, model_sizes
from finegates.runs.folder import create_run
from finegates.runs.status import Status, write_status
from finegates.spec import make_spec
from tests.fake_nvidia import H100, FakeNvidia
from tests.toy_models import save_toy_decoder, save_toy_language_model

HERE = socket.gethostname()
ROWS = {"num_train": 100, "num_validation": 20, "mean_words": 8.0}


def spec(**given):
    return make_spec({"device": "cpu", **given})


def finished_run(
    runs_dir, samples_per_s, *, device="cpu", hardware="", state="finished", host=HERE, **given
):
    run = create_run(spec(**given), {"mean_words": 8.0}, runs_dir)
    status = Status(
        state=state, device=device, hardware=hardware, samples_per_s=samples_per_s, host=host
    )
    write_status(run.path, status)
    return run


def seconds(runs_dir, **given) -> float:
    return estimate_cost(spec(**given), **ROWS, runs_dir=runs_dir).seconds


@pytest.mark.parametrize(
    ("rows", "batch_size", "epochs", "steps"), [(64, 32, 3, 6), (65, 32, 3, 9), (2, 64, 1, 1)]
)
def test_steps_are_exact(runs_dir, rows, batch_size, epochs, steps):
    chosen = spec(batch_size=batch_size, epochs=epochs)
    assert estimate_cost(chosen, rows, 20, 8.0, runs_dir).steps == steps


def test_without_a_finished_run_the_time_is_called_rough(runs_dir):
    finished_run(runs_dir, 50.0, state="failed")
    finished_run(runs_dir, 50.0, device="cuda:0")
    finished_run(runs_dir, None)
    finished_run(runs_dir, 50.0, host="elsewhere")
    estimate = estimate_cost(spec(), **ROWS, runs_dir=runs_dir)
    assert estimate.basis == "rough: no finished run on cpu yet"
    assert estimate.seconds > START_S


def test_the_time_is_what_the_rate_of_a_finished_run_gives(runs_dir):
    finished_run(runs_dir, 50.0)
    estimate = estimate_cost(spec(epochs=2), **ROWS, runs_dir=runs_dir)
    assert estimate.basis == "from 1 finished run on cpu"
    # 2 epochs of 100 rows in 4 steps each, an evaluation each 4 steps (20 rows are 0.31 steps, a
    # tenth of the training is one each 3.1): 2 x 20 rows of forward
    # passes only, at half the work.
    assert estimate.seconds == pytest.approx(START_S + (200 + 2 * 20 / 2) / 50.0)


def test_the_rate_is_the_median_and_a_fast_run_shortens_the_time(runs_dir):
    finished_run(runs_dir, 50.0)
    slow = seconds(runs_dir)
    for _ in range(2):
        finished_run(runs_dir, 5000.0)
    assert seconds(runs_dir) - START_S == pytest.approx((slow - START_S) / 100)


@pytest.fixture
def gpus(tmp_path, monkeypatch) -> FakeNvidia:
    return FakeNvidia(tmp_path / "smi", monkeypatch)


def basis(runs_dir, **given) -> str:
    return estimate_cost(spec(**given), **ROWS, runs_dir=runs_dir).basis


def test_gpus_of_one_model_share_their_runs_wherever_they_are(runs_dir, gpus):
    gpus.shows(9_000, 80_000)
    finished_run(runs_dir, 5000.0, device="cuda:0", hardware=H100)
    finished_run(runs_dir, 5000.0, device="cuda:7", hardware=H100, host="elsewhere")
    finished_run(runs_dir, 50.0, device="cuda:1", hardware="NVIDIA L4")
    finished_run(runs_dir, 50.0, device="cpu", hardware="A CPU")
    for device in ("auto", "cuda", "cuda:0", "cuda:1"):
        assert basis(runs_dir, device=device) == f"from 2 finished runs on {H100}"
    took = seconds(runs_dir, device="cuda:1", epochs=2)
    assert took == pytest.approx(START_S + (200 + 2 * 20 / 2) / 5000)


def test_of_unlike_gpus_each_has_its_own_runs(runs_dir, gpus):
    gpus.shows(("NVIDIA L4", 20_000), (H100, 80_000))
    finished_run(runs_dir, 50.0, device="cuda:0", hardware="NVIDIA L4")
    assert basis(runs_dir, device="cuda:0") == "from 1 finished run on NVIDIA L4"
    assert basis(runs_dir, device="auto") == f"rough: no finished run on {H100} yet"


def test_an_old_run_that_names_no_hardware_counts_on_its_device_of_its_host(runs_dir, gpus):
    gpus.shows(9_000, 80_000)
    finished_run(runs_dir, 50.0, device="cuda:1")
    finished_run(runs_dir, 50.0, device="cuda:0", host="elsewhere")
    assert basis(runs_dir, device="cuda:1") == f"from 1 finished run on {H100}"
    assert basis(runs_dir, device="cuda:0").startswith("rough")


def test_a_run_on_two_gpus_says_nothing_of_one(runs_dir, gpus):
    gpus.shows(9_000, 80_000)
    two = {"device": "cuda:1,cuda:0", "hardware": H100, "num_processes": 2}
    finished_run(runs_dir, 50.0, **two)
    assert basis(runs_dir, device="cuda").startswith("rough")
    assert basis(runs_dir, device="cuda", num_processes=2).startswith("from 1 finished run")


def test_a_cpu_of_another_host_counts_not_even_if_it_is_the_same_model(runs_dir):
    finished_run(runs_dir, 50.0, hardware="A CPU", host="elsewhere")
    assert basis(runs_dir).startswith("rough")
    finished_run(runs_dir, 50.0, hardware="A CPU")
    assert basis(runs_dir) == "from 1 finished run on cpu"


def test_the_rate_of_a_small_model_is_scaled_to_a_large_one(runs_dir):
    finished_run(runs_dir, 50.0)
    works = [
        training_flops(config, 10)
        for config in (KNOWN_CONFIGS["roberta-large"], model_sizes("minilm"))
    ]
    small, large = seconds(runs_dir), seconds(runs_dir, model="roberta-large")
    assert (large - START_S) / (small - START_S) == pytest.approx(works[0] / works[1])


def test_a_finished_run_whose_model_is_gone_does_not_hinder_the_estimate(runs_dir, tmp_path):
    finished_run(runs_dir, 50.0, model=str(tmp_path / "gone"))
    broken = finished_run(runs_dir, 50.0)
    (broken.path / "spec.json").write_text("{")
    assert "rough" in estimate_cost(spec(), **ROWS, runs_dir=runs_dir).basis


def test_memory_grows_with_the_batch_and_the_model_but_not_with_the_epochs(runs_dir):
    def memory(**given) -> int:
        return estimate_cost(spec(**given), **ROWS, runs_dir=runs_dir).memory_bytes

    assert memory(batch_size=64) > memory(batch_size=32) > 0
    assert memory(model="roberta-base") > memory()
    assert memory(epochs=9) == memory()


def test_training_all_weights_costs_three_more_numbers_for_each(runs_dir):
    lora, full, gated, subset = (
        estimate_cost(spec(method=method), **ROWS, runs_dir=runs_dir).memory_bytes
        for method in ("lora", "full", "finegates+full", "dynamic-subset")
    )
    assert full - lora == pytest.approx(3 * 4 * 22.6e6, rel=0.05)
    assert gated == pytest.approx(full, rel=0.05)
    assert subset - lora == pytest.approx(3 * 4 * 10.6e6, rel=0.05), "of the six matrices"


def test_texts_beyond_the_longest_length_cost_no_more(runs_dir):
    finished_run(runs_dir, 50.0)
    costs = [
        estimate_cost(spec(max_length=16), 100, 20, words, runs_dir).seconds for words in (50, 500)
    ]
    assert costs[0] == costs[1]


def test_a_decoders_cost_follows_from_its_own_sizes(runs_dir, tmp_path):
    # q and o of 4 heads of 6, k and v of 2, and three matrices of 32 neurons, in 2 layers of 16
    folder = save_toy_decoder(tmp_path / "llama")
    weights = 2 * (2 * 16 * 24 + 2 * 16 * 12 + 3 * 16 * 32)
    assert training_flops(model_sizes(str(folder)), 10) == 4 * weights * 10
    wider = save_toy_decoder(tmp_path / "wider", intermediate_size=64)
    memory = [
        estimate_cost(spec(model=str(path), method="lora"), **ROWS, runs_dir=runs_dir).memory_bytes
        for path in (folder, wider)
    ]
    tokens = 32 * (8.0 * 1.35 + 2) * 2.5  # of a batch
    more = 2 * 2 * 3 * 16 * 32 + 2 * tokens * 4.5 * 32  # weights twice, activations
    assert memory[1] - memory[0] == pytest.approx(4 * more, abs=2)


def test_what_could_not_run_has_no_estimate(runs_dir, tmp_path):
    with pytest.raises(SpecError, match="'cuda:77' is not on this machine"):
        seconds(runs_dir, device="cuda:77")
    with pytest.raises(FineGatesError, match="does not exist"):
        seconds(runs_dir, model=str(tmp_path / "none"))


def test_logits_of_a_language_model_are_three_times_in_memory(runs_dir, tmp_path):
    folder = save_toy_language_model(tmp_path / "model", vocab_size=30)
    given = {"task": "text", "data": "a.txt", "model": str(folder), "max_length": 32}

    def memory(**more) -> int:
        return estimate_cost(spec(**given, **more), **ROWS, runs_dir=runs_dir).memory_bytes

    one, two = memory(batch_size=8), memory(batch_size=16)
    layers, hidden, neurons, vocabulary = 2, 16, 32, 30
    each = 12 * hidden + 4.5 * neurons
    of_tokens = 8 * 32 * 4 * (layers * each + 3 * vocabulary)
    assert two - one == pytest.approx(of_tokens, abs=8)
    assert memory(batch_size=8, gradient_checkpointing=True) < one
    assert memory(batch_size=8, base_dtype="bfloat16", precision="auto") < one


def test_texts_are_counted_in_blocks(runs_dir, tmp_path):
    folder = save_toy_language_model(tmp_path / "model")
    chosen = spec(task="text", data="a.txt", model=str(folder), max_length=32, batch_size=2)
    assert num_rows(chosen, 100, 8.0) == int(100 * (8 * 1.35 + 1) / 32) == 36
    assert num_rows(spec(), 100, 8.0) == 100
    assert estimate_cost(chosen, **ROWS, runs_dir=runs_dir).steps == 18 * chosen.epochs
