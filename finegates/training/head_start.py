"""Fits a new head on what the pretrained model gives it, before anything is trained.

A drawn head on features that hardly differ (all-MiniLM's pooler gives a BERT head 0.04 +- 0.04)
needs hundreds of steps until it says anything, and the encoder follows it astray meanwhile. One
forward pass over some rows and a linear fit take seconds.
"""

from typing import cast

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from torch import nn
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finegates.nn.model_parts import answering_linear, of_answers
from finegates.training.batches import Rows, batches_in_order, on_device
from finegates.training.label_scale import LabelScale

MOST_ROWS = 3_000
"""Drawn at random: about ten seconds' work on two cores for a small model."""
INVERSE_PENALTY = 0.01
"""Of the logistic regression (scikit-learn's C) on standardised features."""
RIDGE_PENALTY = 100.0
_SMALLEST_SPREAD = 1e-6
"""A feature that hardly moves is left out of the fit."""


def fit_head(
    model: PreTrainedModel,
    rows: Rows,
    tokenizer: PreTrainedTokenizerBase,
    *,
    batch_size: int,
    seed: int,
    device: torch.device,
    label_scale: LabelScale | None = None,
) -> None:
    """Puts the weights of a linear fit into the last Linear of a model's head, in place.

    Features are what that Linear reads in evaluation. Classes are fitted by multinomial logistic
    regression, a number by ridge regression; both on standardised features, which the weights then
    undo; a head without a bias is fitted without one.

    Args:
        model: A classifier without gates or adapters, with its pretrained weights.
        rows: Tokenised training rows with ``labels``; at most `MOST_ROWS` of them are read.
        tokenizer: The model's.
        batch_size: Rows of a forward pass.
        seed: Decides which rows.
        device: Where the pass is computed; the model is left there.
        label_scale: Of a regression: what the model is trained on.
    """
    order = np.random.default_rng(seed).permutation(len(rows))[:MOST_ROWS]
    some = sorted((rows[i] for i in order), key=lambda row: -len(row["input_ids"]))
    labels = np.array([row["labels"] for row in some])
    labels = labels if label_scale is None else label_scale.standardised(labels)
    model.to(device)  # type: ignore[arg-type]
    features = _features(model, some, tokenizer, batch_size)
    _, head = answering_linear(model)
    mean, spread = features.mean(0), features.std(0)
    if head.bias is None:  # nothing could undo a mean
        mean = np.zeros_like(mean)
    moves = spread > _SMALLEST_SPREAD
    standard = np.where(moves, (features - mean) / np.where(moves, spread, 1.0), 0.0)
    weight, bias = _fit(standard, labels, head.out_features, has_bias=head.bias is not None)
    weight = np.where(moves, weight / np.where(moves, spread, 1.0), 0.0)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(weight))
        if head.bias is not None:
            head.bias.copy_(torch.from_numpy(bias - weight @ mean))


@torch.no_grad()
def _features(
    model: PreTrainedModel, rows: Rows, tokenizer: PreTrainedTokenizerBase, batch_size: int
) -> np.ndarray:
    """What the head's last Linear reads of each row, float64 [rows, width]."""
    read: list[torch.Tensor] = []

    def keep(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        read.append(inputs[0])

    was_training = model.training
    model.eval()
    found: list[torch.Tensor] = []
    hook: RemovableHandle = answering_linear(model)[1].register_forward_pre_hook(keep)
    try:
        for batch in on_device(batches_in_order(rows, tokenizer, batch_size), model.device):
            model(**{name: value for name, value in batch.items() if name != "labels"})
            found.append(of_answers(model, read.pop(), batch["input_ids"]).float().cpu())
    finally:
        hook.remove()
        model.train(was_training)
    return cast(np.ndarray, torch.cat(found).double().numpy())


def _fit(
    features: np.ndarray, labels: np.ndarray, outputs: int, *, has_bias: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Weights [outputs, width] and biases [outputs] of a linear fit; without biases they are 0."""
    if outputs == 1:
        ridge = Ridge(alpha=RIDGE_PENALTY, fit_intercept=has_bias).fit(features, labels)
        return ridge.coef_[None], np.array([ridge.intercept_])
    weight, bias = np.zeros((outputs, features.shape[1])), np.zeros(outputs)
    found = np.unique(labels)
    if len(found) == 1:
        bias[found[0]] = 1.0
        return weight, bias
    regression = LogisticRegression(C=INVERSE_PENALTY, max_iter=1000, fit_intercept=has_bias)
    fitted = regression.fit(features, labels)
    if len(found) == 2:  # scikit-learn then fits one vector, for the second of them
        weight[found] = np.concatenate([-fitted.coef_, fitted.coef_]) / 2
        bias[found] = np.concatenate([-fitted.intercept_, fitted.intercept_]) / 2
    else:
        weight[found], bias[found] = fitted.coef_, fitted.intercept_
    bias[np.setdiff1d(np.arange(outputs), found)] = bias[found].min()
    return weight, bias
