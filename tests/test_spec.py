"""Claims about `RunSpec`: contradictions are refused, and the user's values win."""

import json
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finegates.errors import SpecError
from finegates.gates.layout import ROLES
from finegates.methods import METHODS
from finegates.nn import penalty
from finegates.spec import (
    COLUMNS_OF_TASKS,
    FIELDS,
    FILE_TASK,
    INSTRUCTIONS_TASK,
    OF_A_FILE,
    PENALTIES,
    RunSpec,
    make_spec,
)


def test_every_setting_has_help_and_a_group():
    for name, field in FIELDS.items():
        assert field.metadata["help"].endswith("."), name
        assert field.metadata["group"] in {"Data", "Model", "Method", "Training", "Hardware"}, name


@pytest.mark.parametrize("method", METHODS)
def test_the_settings_of_every_method_are_allowed_settings(method):
    spec = make_spec({"method": method})
    assert spec.method == method
    assert METHODS[method].settings.items() <= vars(spec).items()
    assert spec.target_meaning == METHODS[method].target_meaning


def test_the_users_value_wins_over_the_methods_and_the_methods_over_the_default():
    official = METHODS["finegates-official"].settings["batch_size"]
    assert official != RunSpec().batch_size
    assert make_spec({"method": "finegates-official"}).batch_size == official
    assert make_spec({"method": "finegates-official", "batch_size": 7}).batch_size == 7
    assert make_spec({}).batch_size == RunSpec().batch_size


def test_the_noise_of_a_methods_law_is_not_carried_over_to_another_law():
    own = METHODS["finegates"].settings["gate_sampling_sigma"]
    assert make_spec({"method": "finegates"}).gate_sampling_sigma == own
    assert make_spec({"gate_law": "gaussian"}).gate_sampling_sigma == own
    assert make_spec({"gate_law": "hard-concrete"}).gate_sampling_sigma is None
    other = make_spec({"gate_law": "tanh-gaussian", "gate_sampling_sigma": 0.4})
    assert other.gate_sampling_sigma == 0.4


def test_none_counts_as_not_given():
    given = {"method": "finegates-official", "batch_size": None, "task": None, "epochs": 5}
    assert make_spec(given) == make_spec({"method": "finegates-official", "epochs": 5})


def test_a_file_implies_its_task():
    assert make_spec({"data": "reviews.csv"}).task == "file"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"data": "a.csv", "task": "cola"}, ("a.csv", "cola")),
        ({"task": "file"}, ("'file'", "data")),
        ({"data": ""}, ("data is empty", "leave data out")),
        ({"model": " "}, ("model is empty",)),
        ({"target_modules": ()}, ("target_modules is empty", *ROLES)),
        ({"target_modules": ("q", "key")}, ("'key'",)),
        ({"target_sparsity": 0.96}, ("target_sparsity is 0.96", "0.0 to 0.95")),
        ({"target_sparsity": -0.1}, ("target_sparsity is -0.1",)),
        ({"epochs": 0}, ("epochs is 0", "at least 1")),
        ({"epochs": "3"}, ("epochs is '3'", "int")),
        ({"learning_rate": float("nan")}, ("learning_rate is nan",)),
        ({"max_length": 9000}, ("4 to 8192 tokens",)),
        ({"task": "colla"}, ("'colla'", "Did you mean 'cola'?")),
        (
            {"method": "adamix", "num_processes": 2},
            ("'adamix' reads each batch twice", "num_processes 1"),
        ),
        ({"gate_law": "gausian"}, ("Did you mean 'gaussian'?", "hard-concrete")),
    ],
)
def test_a_contradiction_or_a_value_out_of_range_is_refused_in_words(given, words):
    with pytest.raises(SpecError) as caught:
        make_spec(given)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("given", "closest"),
    [({"epoch": 3}, "epochs"), ({"lerning_rate": 0.1}, "learning_rate")],
)
def test_an_unknown_setting_is_answered_with_the_closest_one(given, closest):
    with pytest.raises(SpecError, match=f"Did you mean '{closest}'"):
        make_spec(given)


def test_an_unknown_method_is_answered_with_the_closest_and_all_of_them():
    with pytest.raises(SpecError, match="Did you mean 'finegates-hinge'") as caught:
        make_spec({"method": "finegate-hinge"})
    assert all(name in str(caught.value) for name in METHODS)


specs = st.fixed_dictionaries(
    {"method": st.sampled_from(list(METHODS))},
    optional={
        "target_sparsity": st.floats(0.0, 0.95),
        "target_modules": st.lists(st.sampled_from(ROLES), min_size=1, unique=True).map(tuple),
        "seed": st.integers(0, 2**31),
        "eval_steps": st.integers(1, 1000),
        "gate_sampling_sigma": st.floats(0.001, 2.0),
        "train_biases": st.booleans(),
        "data": st.text(min_size=1, max_size=5).filter(str.strip),
    },
)


@pytest.mark.parametrize("name", OF_A_FILE)
def test_what_is_said_of_a_file_is_for_a_file_only(name):
    choices = FIELDS[name].metadata["choices"] or ("x",)
    other = {"cleaning": ("drop_leaks",), "encoding": "cp1252"}.get(name, choices[-1])
    of_chats = name in COLUMNS_OF_TASKS[INSTRUCTIONS_TASK]
    task = INSTRUCTIONS_TASK if of_chats else FILE_TASK
    assert getattr(make_spec({"task": task, "data": "a.csv", name: other}), name) == other
    with pytest.raises(SpecError, match=f"{name} was given, but the task 'sst2' has its own"):
        make_spec({"task": "sst2", name: other})
    assert make_spec({"task": "sst2", name: FIELDS[name].default}).task == "sst2"


@given(specs)
def test_a_spec_survives_its_way_through_json(chosen):
    if not METHODS[chosen["method"]].removes:
        chosen.pop("target_sparsity", None)
    if "gate_units" in METHODS[chosen["method"]].settings:  # structures have all matrices
        chosen.pop("target_modules", None)
    spec = make_spec(chosen)
    assert RunSpec(**json.loads(json.dumps(spec.to_dict()))) == spec


def test_a_spec_can_not_be_changed():
    with pytest.raises(FrozenInstanceError):
        RunSpec().epochs = 5


@pytest.mark.parametrize(
    ("rows", "batch_size", "steps", "between"),
    [(64, 32, 2, 1), (65, 32, 3, 2), (1, 32, 1, 1), (320, 32, 10, 5)],
)
def test_a_last_short_batch_is_a_step_and_an_epoch_has_two_evaluations(
    rows, batch_size, steps, between
):
    spec = RunSpec(batch_size=batch_size)
    assert spec.steps_per_epoch(rows) == steps
    assert spec.steps_between_evaluations(rows, evaluation_in_steps=0.05) == between
    assert RunSpec(eval_steps=7).steps_between_evaluations(rows, 100.0) == 7


def test_evaluations_take_at_most_a_tenth_of_the_training():
    assert RunSpec().steps_between_evaluations(320, evaluation_in_steps=3.01) == 31


def test_penalties_are_those_of_their_table():
    assert set(PENALTIES) == set(penalty.PENALTIES)


def test_an_order_by_an_update_needs_one():
    with pytest.raises(SpecError, match="lora_rank is 0, but 'lora-importance' orders gates"):
        make_spec({"method": "lora-importance", "lora_rank": 0})
