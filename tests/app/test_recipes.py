"""Which settings matter to which method."""

from app.new.recipes import MATTERS_IF, ONLY_WITH_A_TEACHER, matters, settings_of
from finegates.methods import METHODS
from finegates.spec import FIELDS

DENSE = [name for name, method in METHODS.items() if not method.removes]


def test_every_rule_is_about_a_setting():
    assert {*MATTERS_IF, *ONLY_WITH_A_TEACHER} <= FIELDS.keys()


def test_every_setting_matters_to_some_method_and_every_rule_excludes_one():
    for name in FIELDS:
        assert matters(name, METHODS)
    for name in MATTERS_IF:
        assert not all(matters(name, [method]) for method in METHODS), name


def test_what_a_method_sets_itself_matters_to_it():
    """But for what a dense method says about gates that it does not have."""
    for name, method in METHODS.items():
        for setting in method.settings:
            if method.removes or not setting.startswith(("target_sp", "rounding", "final_")):
                assert matters(setting, [name]), (name, setting)


def test_dense_methods_have_no_gate_settings():
    for setting in ("target_sparsity", "gate_law", "penalty", "rounding", "gate_learning_rate"):
        assert not matters(setting, DENSE)


def test_of_several_methods_one_is_enough():
    assert matters("sparta_density", ["finegates", "sparta"])
    assert "sparta_density" in settings_of(["finegates", "sparta"])
    assert "seed" not in settings_of(["finegates"], without=["seed"])


def test_distillation_needs_a_teacher():
    assert "distillation_weight" not in settings_of(["finegates"], has_teacher=False)
    assert "teacher" in settings_of(["finegates"], has_teacher=False)
