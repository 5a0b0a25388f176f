"""How fast a language model reads a prompt and writes, in words: for pages, cards and reports."""

from collections.abc import Mapping
from typing import Any

PREFILL, DECODE = "prefill", "decode"
PHASES = {
    PREFILL: ("Prefill", "fewer multiply-accumulates"),
    DECODE: ("Decode", "fewer bytes of weights, head and cache"),
}
"""What a language model is timed at -> its name, and what bounds its speed-up."""


def phase_shape(timing: Mapping[str, Any], phase: str) -> str:
    """What was timed, such as ``"1 x 64 after 512 tokens"``."""
    rows, prompt = timing["batch_size"], f"{timing['prompt']} tokens"
    new = timing["new_tokens"]
    return f"{rows} x {prompt}" if phase == PREFILL else f"{rows} x {new} after {prompt}"


def writing_rows(timing: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Dense next to pruned: tokens per second with their ceilings, and what a token's cache takes.

    Args:
        timing: From `finegates.runs.measurements.read_generations`.

    Returns:
        What it is, dense, pruned and the change of each; empty where there is nothing to say.
    """
    rows: list[tuple[str, str, str, str]] = []
    for phase, (name, bound) in PHASES.items():
        dense, pruned = (timing[f"{phase}_{side}_tokens_per_s"] for side in ("dense", "shrunk"))
        speedup, ideal = (timing[f"{phase}_{key}"] for key in ("speedup", "ideal"))
        title = f"{name}, tokens per second: {phase_shape(timing, phase)}, {timing['dtype']}"
        rows.append((title, f"{dense:,.0f}", f"{pruned:,.0f}", f"{speedup:.2f} times as fast"))
        reached = f"{100 * speedup / ideal:.0f} % reached"
        rows.append((f"Ceiling: {bound}", "", f"{ideal:.2f} times", reached))
    dense, pruned = (timing[f"kv_bytes_per_token_{side}"] for side in ("dense", "shrunk"))
    less = f"{100 * (pruned / dense - 1):.1f} %" if dense else ""
    return [*rows, ("KV cache, bytes per token", f"{dense:,}", f"{pruned:,}", less)]
