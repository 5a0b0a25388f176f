"""A budget in somebody else's loop does what it does in ours."""

import copy

import numpy as np
import pytest
import torch
from transformers import Trainer, TrainingArguments

from finegates.data.splits import load_splits
from finegates.errors import ModelError, SpecError
from finegates.nn.attach import attach_gates, gates_of
from finegates.nn.saving import load_gates, save_gates
from finegates.runs.folder import create_run
from finegates.runs.journal import Journal
from finegates.spec import make_spec
from finegates.training.batches import training_batches
from finegates.training.budget import RemovalBudget
from finegates.training.loop import train
from finegates.training.optimizer import make_optimizer, make_schedule
from finegates.training.session import open_session
from tests.toy_models import toy_inputs, toy_model

REMOVE = 0.4
ROWS, BATCH, EPOCHS = 96, 16, 4
STEPS = ROWS // BATCH * EPOCHS
QUIET = {"max_grad_norm": 0.0, "dropout": 0.0, "precision": "fp32", "eval_steps": 1000}


pytestmark = pytest.mark.usefixtures("one_thread")


class Batches:
    """A training's batches, epoch by epoch, for whoever iterates."""

    def __init__(self, session):
        self.session, self.epoch = session, -1

    def __len__(self):
        return self.session.steps_per_epoch

    def __iter__(self):
        self.epoch += 1
        spec, rows = self.session.spec, self.session.train_rows
        yield from training_batches(
            rows, self.session.tokenizer, spec.batch_size, spec.seed, self.epoch
        )


class InOrder(Trainer):
    """Takes its batches as they are given."""

    def get_train_dataloader(self):
        return self.train_dataset


def arguments(folder, **changes):
    settings = {
        "max_steps": STEPS, "max_grad_norm": 0.0, "use_cpu": True, "report_to": [],
        "save_strategy": "no", "disable_tqdm": True, "logging_strategy": "no", "seed": 0,
    }  # fmt: skip
    return TrainingArguments(str(folder), **{**settings, **changes})


def opened(toy_model_dir, tmp_path, name):
    spec = make_spec({
        "model": str(toy_model_dir), "max_train_samples": ROWS, "batch_size": BATCH,
        "epochs": EPOCHS, "target_sparsity": REMOVE, **QUIET,
    })  # fmt: skip
    run = create_run(spec, {}, tmp_path / name)
    return run, open_session(spec, load_splits(spec), "cpu")


def test_a_trainer_gives_the_gates_of_our_own_loop(toy_model_dir, tmp_path):
    run, session = opened(toy_model_dir, tmp_path, "runs")
    train(Journal(run), load_splits(run.spec), "cpu", lambda journal: None)
    wanted = run.snapshot()

    model, gates = session.model, session.gates
    optimizer = make_optimizer(model, run.spec)
    trainer = InOrder(
        model, arguments(tmp_path / "out"), train_dataset=Batches(session),
        optimizers=(optimizer, make_schedule(optimizer, "linear", STEPS)),
        callbacks=[RemovalBudget(gates, REMOVE)],
    )  # fmt: skip
    trainer.train()
    assert gates.generator is None
    assert gates.settled and np.allclose(gates.means_array(), wanted.means, atol=1e-5)
    assert np.array_equal(gates.closed_array(), wanted.closed)
    assert gates.removal().removed_weights_fraction == pytest.approx(REMOVE, abs=0.01)


def test_the_recipes_plan_is_the_default():
    model = toy_model()
    plan, spec = RemovalBudget(attach_gates(model), REMOVE).plan, make_spec({})
    assert (plan.begins, plan.ends, plan.final_stretch) == (
        spec.target_delay_fraction, spec.target_warmup_fraction, spec.final_stretch_fraction,
    )  # fmt: skip


def rows_for_a_trainer(copies=24):
    ids = toy_inputs(8, 9)["input_ids"].tolist()
    return [{"input_ids": ids[i % 8], "labels": i % 2} for i in range(copies)]


@pytest.mark.parametrize("accumulated", [1, 2, 3])
def test_accumulated_gradients_change_neither_target_nor_multiplier(accumulated, tmp_path):
    model = toy_model()
    gates = attach_gates(model)
    seen = []

    class Watched(RemovalBudget):
        def on_step_end(self, args, state, control, **kwargs):
            super().on_step_end(args, state, control, **kwargs)
            seen.append((state.global_step, float(self.gates.multiplier)))

    gates.parameter.requires_grad_(True)
    budget = Watched(gates, REMOVE, begins=0.0)
    optimizer = torch.optim.SGD([gates.parameter], lr=0.0)  # the expected removal stays
    settings = {"max_steps": 6, "gradient_accumulation_steps": accumulated}
    Trainer(
        model, arguments(tmp_path, **settings, per_device_train_batch_size=4),
        train_dataset=rows_for_a_trainer(72), optimizers=(optimizer, None), callbacks=[budget],
    ).train()  # fmt: skip
    expected = float(budget.penalty.expected_removal(torch.ones_like(gates.parameter) * 0.986))
    assert [step for step, _ in seen] == [1, 2, 3, 4, 5, 6]
    climbed = np.diff([0.0, *(multiplier for _, multiplier in seen)])
    targets = [budget.plan.target_at(step, 6) for step in range(1, 7)]
    gaps = [gap / 0.5 for gap in climbed[:4]]  # until the gates are rounded
    assert np.allclose(np.diff(gaps), -np.diff(targets[:4]), atol=1e-5)
    assert gaps[0] == pytest.approx(expected - targets[0], abs=0.03)


def test_a_checkpoint_of_the_final_stretch_keeps_the_rounding(tmp_path):
    def trainer(model):
        gates = attach_gates(model, lora_rank=2)
        settings = {"max_steps": 12, "save_strategy": "steps", "save_steps": 10}
        return Trainer(
            model, arguments(tmp_path, **settings, per_device_train_batch_size=4),
            train_dataset=rows_for_a_trainer(), optimizers=(make_optimizer(model), None),
            callbacks=[RemovalBudget(gates, REMOVE, begins=0.0, final_stretch=0.5)],
        )  # fmt: skip

    whole = trainer(toy_model())
    whole.train()
    again = trainer(toy_model())
    again.train(resume_from_checkpoint=str(tmp_path / "checkpoint-10"))
    one, other = gates_of(whole.model), gates_of(again.model)
    assert other.settled and np.array_equal(one.closed_array(), other.closed_array())
    assert float(one.multiplier) == pytest.approx(float(other.multiplier)) != 0
    assert other.removal().removed_weights_fraction == pytest.approx(REMOVE, abs=0.02)
    for parameter, same in zip(whole.model.parameters(), again.model.parameters(), strict=True):
        assert torch.allclose(parameter, same, atol=1e-6)


def test_processes_draw_alike(tmp_path):
    draws = []
    for noise_of_the_process in (1, 2):
        model = toy_model()
        gates = attach_gates(model)
        gates.set_means(np.zeros(gates.layout.num_gates))
        budget = RemovalBudget(gates, REMOVE)
        args = arguments(tmp_path)
        state = type("State", (), {"global_step": 3, "max_steps": 10})
        budget.on_train_begin(args, state, None)
        torch.manual_seed(noise_of_the_process)
        budget.on_step_begin(args, state, None)
        gates.train()
        draws.append(gates().detach())
    assert torch.equal(*draws)


def own_loop(model, budget, optimizer, steps, total, first=1):
    inputs, labels = toy_inputs(16, 9), torch.arange(16) % 2
    model.train()
    for step in range(first, steps + 1):
        torch.manual_seed(step)
        loss = model(**inputs, labels=labels).loss + budget(step, total)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()


@pytest.mark.parametrize("final_stretch", [0.0, 0.3])
def test_a_loop_of_ones_own_removes_exactly_the_budget(final_stretch):
    model = toy_model()
    gates = attach_gates(model, lora_rank=2)
    budget = RemovalBudget(gates, REMOVE, final_stretch=final_stretch)
    own_loop(model, budget, make_optimizer(model), 20, 20)
    assert gates.settled == (final_stretch > 0)
    budget.finish()
    assert gates.removal().removed_weights_fraction == pytest.approx(REMOVE, abs=0.02)


def test_gates_that_are_saved_in_the_middle_go_on_as_if_nothing_had_been(tmp_path):
    total = 20
    whole = toy_model()
    attach_gates(whole, lora_rank=2)
    for module in whole.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    optimizer = make_optimizer(whole)
    budget = RemovalBudget(gates_of(whole), REMOVE)
    own_loop(whole, budget, optimizer, 10, total)
    save_gates(whole, tmp_path)
    state = copy.deepcopy(optimizer.state_dict())
    own_loop(whole, budget, optimizer, total, total, first=11)
    budget.finish()

    model = toy_model()
    gates = load_gates(model, tmp_path)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    optimizer = make_optimizer(model)
    optimizer.load_state_dict(state)
    budget = RemovalBudget(gates, REMOVE)
    own_loop(model, budget, optimizer, total, total, first=11)
    budget.finish()
    assert np.array_equal(gates.means_array(), gates_of(whole).means_array())
    for parameter, same in zip(whole.parameters(), model.parameters(), strict=True):
        assert torch.equal(parameter, same)


@pytest.mark.parametrize(
    "settings",
    [{"lora_rank": 2, "lora_place": "outside"}, {"sides": "out", "train_biases": False},
     {"target_modules": ("q", "v"), "law": "hard-concrete"}, {"law": "tanh-gaussian"}],
)  # fmt: skip
def test_loaded_gates_are_the_saved_ones(settings, tmp_path):
    model = toy_model("roberta")
    gates = attach_gates(model, **settings)
    gates.settled = True
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn_like(parameter))
    save_gates(model, tmp_path / "kept")
    again = toy_model("roberta")
    loaded = load_gates(again, tmp_path / "kept")
    assert loaded.settled and loaded.law == gates.law and loaded.attachment == gates.attachment
    with torch.no_grad():
        assert torch.equal(again.eval()(**toy_inputs()).logits, model.eval()(**toy_inputs()).logits)
    trained = {n for n, p in model.named_parameters() if p.requires_grad}
    assert trained == {n for n, p in again.named_parameters() if p.requires_grad}


@pytest.mark.parametrize(
    "what", ["nothing", "garbage", "another model", "other labels", "a version"]
)
def test_gates_that_do_not_fit_are_an_error_and_leave_the_model_alone(what, tmp_path):
    model = toy_model()
    attach_gates(model)
    save_gates(model, tmp_path)
    target = toy_model()
    if what == "nothing":
        (tmp_path / "gates.json").unlink()
    elif what == "garbage":
        (tmp_path / "gates.safetensors").write_bytes(b"garbage")
    elif what == "a version":
        content = (tmp_path / "gates.json").read_text()
        (tmp_path / "gates.json").write_text(
            content.replace('"format_version": 1', '"format_version": 9')
        )
    else:
        target = toy_model(**({"num_labels": 5} if what == "other labels" else {"hidden_size": 32}))
    with pytest.raises(ModelError):
        load_gates(target, tmp_path)
    attach_gates(target)


@pytest.mark.parametrize(
    "settings", [{"remove": 1.0}, {"remove": -0.1}, {"begins": 1.0}, {"ends": 2}]
)
def test_fractions_out_of_range_are_refused(settings):
    gates = attach_gates(toy_model())
    with pytest.raises(SpecError, match="has to be in"):
        RemovalBudget(gates, **{"remove": REMOVE, **settings})


def test_gates_say_what_they_are():
    model = toy_model()
    gates = attach_gates(model)
    closed = np.zeros(gates.layout.num_gates, bool)
    closed[:8] = True  # of "0.q.in"
    gates.close_exactly(closed)
    assert repr(gates) == (
        f"Gates: {gates.layout.num_gates:,} in 24 vectors, 8 closed, which removes 3.1% of the "
        "gated weights; settled"
    )
    assert gates.open_of("0.q.in").tolist() == [False] * 8 + [True] * 8
    with pytest.raises(SpecError, match=r"Did you mean '0\.q\.in'"):
        gates.open_of("0.q.inn")


def test_a_model_without_gates_says_so():
    with pytest.raises(ModelError, match="attach_gates"):
        make_optimizer(toy_model())
