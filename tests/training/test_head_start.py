"""A head fitted before training answers what the fit itself answers."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from transformers import AutoTokenizer

from finegates.nn.model_parts import answering_linear, of_answers
from finegates.training.head_start import INVERSE_PENALTY, RIDGE_PENALTY, fit_head
from finegates.training.optimizer import make_schedule
from tests.toy_models import MODEL_TYPES, VOCABULARY, save_toy_model, toy_model

ROWS = 60


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return AutoTokenizer.from_pretrained(save_toy_model(tmp_path_factory.mktemp("model")))


def rows_with(labels, seed=0):
    """Rows of six tokens; what they say has to do with the label."""
    random = np.random.default_rng(seed)
    rows = []
    for label in labels:
        ids = [2, *random.integers(5, VOCABULARY, 3).tolist(), 5 + int(label) % 40, 3]
        rows.append({"input_ids": ids, "attention_mask": [1] * 6, "labels": label})
    return rows


def fitted(model, rows, tokenizer):
    fit_head(model, rows, tokenizer, batch_size=16, seed=0, device=torch.device("cpu"))
    return model


def read_by_head(model, rows):
    """What the last Linear reads, and what the model answers."""
    seen = []
    hook = answering_linear(model)[1].register_forward_pre_hook(lambda m, x: seen.append(x[0]))
    ids = torch.tensor([row["input_ids"] for row in rows])
    with torch.no_grad():
        logits = model(input_ids=ids).logits
    hook.remove()
    return of_answers(model, seen[0], ids).double().numpy(), logits.double().numpy()


@pytest.mark.parametrize("model_type", MODEL_TYPES)
@pytest.mark.parametrize("classes", [2, 3])
def test_classes_are_answered_as_the_regression_on_standardised_features_does(
    model_type, classes, tokenizer
):
    rows = rows_with([i % classes for i in range(ROWS)])
    model = fitted(toy_model(model_type, num_labels=classes), rows, tokenizer)
    features, logits = read_by_head(model, rows)
    has_bias = answering_linear(model)[1].bias is not None
    answers = LogisticRegression(C=INVERSE_PENALTY, max_iter=1000, fit_intercept=has_bias)
    own = make_pipeline(StandardScaler(with_mean=has_bias), answers)
    own.fit(features, [row["labels"] for row in rows])
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(shares, own.predict_proba(features), atol=2e-3)


@pytest.mark.parametrize("model_type", ["bert", "llama"])
def test_numbers_are_answered_as_the_ridge_on_standardised_features_does(model_type, tokenizer):
    rows = rows_with(np.linspace(-3.0, 9.0, ROWS).tolist())
    model = fitted(toy_model(model_type, num_labels=1), rows, tokenizer)
    features, logits = read_by_head(model, rows)
    has_bias = answering_linear(model)[1].bias is not None
    ridge = Ridge(alpha=RIDGE_PENALTY, fit_intercept=has_bias)
    own = make_pipeline(StandardScaler(with_mean=has_bias), ridge)
    own.fit(features, [row["labels"] for row in rows])
    np.testing.assert_allclose(logits[:, 0], own.predict(features), atol=1e-3)


@pytest.mark.parametrize("only", [[0, 1], [2]])
def test_a_class_without_rows_is_never_answered(only, tokenizer):
    rows = rows_with([only[i % len(only)] for i in range(ROWS)])
    model = fitted(toy_model(num_labels=3), rows, tokenizer)
    _, logits = read_by_head(model, rows)
    assert np.isfinite(logits).all() and set(logits.argmax(1)) <= set(only)


def test_features_that_never_move_are_left_out(tokenizer):
    model = toy_model()
    with torch.no_grad():
        model.bert.pooler.dense.weight[3] = 0.0  # its output is the tanh of its bias
    rows = rows_with([i % 2 for i in range(ROWS)])
    _, head = answering_linear(fitted(model, rows, tokenizer))
    assert torch.all(head.weight[:, 3] == 0) and torch.isfinite(head.weight).all()


def test_the_head_alone_is_changed(tokenizer):
    model = toy_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fitted(model, rows_with([i % 2 for i in range(ROWS)]), tokenizer)
    changed = {n for n, value in model.state_dict().items() if not torch.equal(value, before[n])}
    assert changed == {"classifier.weight", "classifier.bias"} and not model.training


def test_rates_rise_over_the_warm_up_and_fall_to_nothing():
    weights = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    groups = [{"name": "gates", "params": weights[:1]}, {"name": "vectors", "params": weights[1:]}]
    optimizer = torch.optim.AdamW(groups, lr=1.0)
    schedule = make_schedule(optimizer, "linear", 100, warmup_fraction=0.1)
    rates = []
    for _ in range(100):
        rates.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        schedule.step()
    gates, others = np.array(rates).T
    assert (gates == 1.0).all()
    assert (np.diff(others[:11]) > 0).all() and others[10] == 1.0
    assert (np.diff(others[10:]) < 0).all() and others[-1] == pytest.approx(1 / 90)
