"""What is said of int8 next to float32: times, sizes, how far answers differ, and scores."""

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finegates.measuring.candidates import (
    DENSE,
    INT8_DENSE,
    INT8_SHRUNK,
    ONNX_DENSE,
    ONNX_SHRUNK,
    TORCH_INT8_DENSE,
    TORCH_INT8_SHRUNK,
    Candidates,
)
from finegates.measuring.onnx_runtime import OnnxModel, onnx_pass
from finegates.measuring.timing import median_ratio, quartiles, ratios
from finegates.runs.folder import Run
from finegates.training.restore import restore_splits
from finegates.training.scoring import Judge, answer_batches, scores_of

FLOAT_OF = {INT8_DENSE: ONNX_DENSE, INT8_SHRUNK: ONNX_SHRUNK}
"""A model in int8 -> the same in float32."""


def int8_times(times: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Ratios of times, by neighbouring passes.

    Returns:
        ``int8_speedup``, dense over shrunk, both int8, and its quartiles; ``int8_dense_gain``,
        float32 over int8 of the dense model, and ``int8_both_gain``, dense float32 over shrunk
        int8; ``torch_int8_speedup`` as the first, by torch. Nothing without the times.
    """
    if INT8_SHRUNK not in times:
        return {}
    speedups = ratios(times[INT8_DENSE], times[INT8_SHRUNK])
    quarter, median, three = quartiles(speedups)
    result = {"int8_speedup": median, "int8_speedup_q25": quarter, "int8_speedup_q75": three}
    result["int8_dense_gain"] = median_ratio(times[ONNX_DENSE], times[INT8_DENSE])
    result["int8_both_gain"] = median_ratio(times[ONNX_DENSE], times[INT8_SHRUNK])
    if TORCH_INT8_SHRUNK in times:
        by_torch = median_ratio(times[TORCH_INT8_DENSE], times[TORCH_INT8_SHRUNK])
        result["torch_int8_speedup"] = by_torch
    return result


def int8_answers(onnx: Mapping[str, OnnxModel], inputs: Mapping[str, Tensor]) -> dict[str, Any]:
    """Sizes of files, counts of products, and how far int8 answers as float32 does.

    Args:
        onnx: Of `finegates.measuring.candidates.Candidates`.
        inputs: What they are asked.

    Returns:
        ``<name>_bytes`` of each file; of each in int8 ``_products`` that are int8,
        ``_float_products`` that are not, ``_max_logit_difference`` relative to the largest logit of
        float32, and ``_agreement``: the fraction of rows of the same class, if it is a classifier.
        Nothing without int8.
    """
    if INT8_SHRUNK not in onnx:
        return {}
    result: dict[str, Any] = {f"{name}_bytes": model.file_bytes for name, model in onnx.items()}
    for name, other in FLOAT_OF.items():
        logits, wanted = (onnx_pass(onnx[one], inputs)() for one in (name, other))
        difference = float(np.abs(logits - wanted).max()) / max(float(np.abs(wanted).max()), 1e-12)
        result |= {
            f"{name}_products": onnx[name].products.int8,
            f"{name}_float_products": onnx[name].products.float32,
            f"{name}_max_logit_difference": difference,
        }
        if wanted.shape[-1] > 1:
            same = logits.argmax(-1) == wanted.argmax(-1)
            result[f"{name}_agreement"] = float(same.mean())
    return result


def int8_scores(
    run: Run,
    tokenizer: PreTrainedTokenizerBase,
    forms: Candidates,
    progress: Callable[[float], None] = lambda fraction: None,
) -> dict[str, Any]:
    """Scores of what onnxruntime runs on a run's validation rows.

    Args:
        run: A finished run.
        tokenizer: Its tokenizer.
        forms: Its candidates, with int8, which take all that the tokenizer gives.
        progress: Is told the fraction that is done.

    Returns:
        ``metric``, ``scored_rows``, ``<name>_score`` of each; of a classification also
        ``<name>_agreement`` of each in int8, as `int8_answers`. Nothing of dense ones that do not
        answer as training left the model.

    Raises:
        DataError: If the run's data has changed, or can't be read.
    """
    judge = Judge(run.spec, restore_splits(run), tokenizer, forms.models[DENSE], "cpu")
    answers: dict[str, np.ndarray] = {}
    result: dict[str, Any] = {"metric": judge.metric}
    silent = () if forms.dense_answers else (ONNX_DENSE, INT8_DENSE)
    asked = {name: model for name, model in forms.onnx.items() if name not in silent}
    for number, (name, model) in enumerate(asked.items()):
        answers[name], true = answer_batches(
            cast(PreTrainedModel, OnnxClassifier(model)), judge.batches, judge.accelerator,
            judge.splits,
            progress=lambda done, n=number: progress((n + done) / len(asked)),  # type: ignore[misc]
        )  # fmt: skip
        score = scores_of(answers[name], true, judge.splits)[judge.metric]
        result |= {f"{name}_score": float(score), "scored_rows": len(true)}
    if judge.splits.problem != "regression":
        for name in answers.keys() & FLOAT_OF.keys():
            same = answers[name] == answers[FLOAT_OF[name]]
            result[f"{name}_agreement"] = float(same.mean())
    return result


class OnnxClassifier:
    """As much of a classifier of transformers as scoring asks for, by onnxruntime."""

    def __init__(self, model: OnnxModel) -> None:
        self.model = model

    def eval(self) -> None:
        """It has no training."""

    def __call__(self, **inputs: Tensor) -> SimpleNamespace:
        """Its logits."""
        return SimpleNamespace(logits=torch.from_numpy(onnx_pass(self.model, inputs)()))
