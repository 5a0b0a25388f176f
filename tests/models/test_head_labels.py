"""Which output of a fine-tuned model is which label: by name, else a question."""

import pytest

from finegates.errors import ModelError
from finegates.models.head_labels import kept_order, order_by_name, output_names, started_order


@pytest.mark.parametrize(
    ("outputs", "labels", "order"),
    [
        (("a", "b"), ("a", "b"), (0, 1)),
        (("b", "c", "a"), ("a", "b", "c"), (2, 0, 1)),
        (("POSITIVE", " Negative"), ("negative", "positive"), (1, 0)),
        (("A", "a"), ("a", "A"), (1, 0)),  # exactly, where that pairs them up
        (("A", "a"), ("b", "a"), None),
        (("A", "a "), ("a", "A "), None),  # without case both are one name
        (("a", "b"), ("a", "b", "c"), None),
        (("LABEL_0", "LABEL_1"), ("no", "yes"), None),
        (("a", "a"), ("a", "a"), None),
        ((), (), None),
    ],
)
def test_names_pair_up_one_to_one_or_not_at_all(outputs, labels, order):
    assert (order_by_name(outputs, labels) or None) == order


@pytest.mark.parametrize(
    ("config", "names"),
    [
        ({"id2label": {"1": "b", "0": "a"}}, ("a", "b")),
        ({"id2label": {str(i): f"c{i}" for i in range(11)}}, tuple(f"c{i}" for i in range(11))),
        ({}, ("LABEL_0", "LABEL_1")),
        ({"num_labels": 3}, ("LABEL_0", "LABEL_1", "LABEL_2")),
        ({"id2label": {"1": "a", "2": "b"}}, ("LABEL_0", "LABEL_1")),
        ({"id2label": ["a"]}, ("LABEL_0", "LABEL_1")),
    ],
)
def test_outputs_are_named_by_the_config_in_the_order_of_their_ids(config, names):
    assert output_names(config) == names


def test_a_number_is_never_kept_without_being_asked_for():
    assert kept_order({"id2label": {"0": "score"}}, (), "regression") is None
    assert started_order("m", ("score",), (), "regression") == (0,)


@pytest.mark.parametrize(
    ("outputs", "labels", "start_labels", "words"),
    [
        (
            ("LABEL_0", "LABEL_1"),
            ("no", "yes"),
            (),
            ("LABEL_0, LABEL_1", "no, yes", "start_labels"),
        ),
        (("a", "b"), ("no", "yes"), (), ("a, b", "no, yes", "--start-labels no,yes")),
        (("a", "b", "c"), ("a", "b"), (), ("3 labels", "has 2", "new head")),
        (("a", "b"), ("a", "b"), ("a",), ("start_labels is a;", "2 outputs")),
        (("a", "b"), ("a", "b"), ("a", "c"), ("start_labels is a, c;", "a, b")),
    ],
)
def test_a_mismatch_is_a_question_that_names_both_lists(outputs, labels, start_labels, words):
    with pytest.raises(ModelError) as caught:
        started_order("m", outputs, labels, "classification", start_labels)
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    ("outputs", "start_labels"), [(("a", "b"), ()), (("a",), ("a",))], ids=["classes", "named"]
)
def test_a_model_of_classes_is_no_start_for_numbers(outputs, start_labels):
    with pytest.raises(ModelError, match="numbers"):
        started_order("m", outputs, (), "regression", start_labels)


def test_the_answer_says_which_class_each_output_is():
    generic = ("LABEL_0", "LABEL_1")
    assert started_order("m", generic, ("no", "yes"), "classification", ("yes", "no")) == (1, 0)
