"""A comparison of methods as it is published, without training."""

from typing import Any


def row(
    method: str,
    task: str = "sst2",
    *,
    seed: int = 0,
    score: float | None = 0.8,
    state: str = "finished",
    reason: str = "",
    trained: int = 1000,
    removed: float | None = None,
    ratio: float | None = 1.5,
    speedup: float | None = None,
    only_answer: str = "",
) -> dict[str, Any]:
    """One training."""
    return {
        "method": method, "task": task, "seed": seed, "state": state, "reason": reason,
        "metric": "accuracy" if score is not None else "", "score": score,
        "trainable_params": trained, "removed_weights_fraction": removed, "speedup": speedup,
        "only_answer": only_answer,
        "rate_setting": "adapter_learning_rate", "rate": 1e-3, "step_ratio": ratio,
    }  # fmt: skip


def record(*rows: dict[str, Any]) -> dict[str, Any]:
    """All of them, with what is said about them."""
    settings = {"model": "minilm", "epochs": 5, "rows": {"sst2": 320, "rte": 128}, "target": 0.4}
    return {
        "date": "2026-01-01", "trained_on": ["a cpu"], "settings": settings, "rows": list(rows),
    }  # fmt: skip
