"""What a training step of a method costs beside one of LoRA's on the same matrices."""

import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.step import WARM_UP, build, make_batch, session_of
from finegates.errors import first_line
from finegates.measuring.timing import clock_of, ratios, spread
from finegates.models.sources import EMBEDDED_MODEL
from finegates.spec import make_spec
from finegates.training.loop import train_step
from finegates.training.session import Session

REFERENCE = "lora"
STEPS, LENGTH = 10, 32
"""Steps that are timed, and tokens of the longest rows: few, as GLUE's are short. Ours."""

Step = Callable[[int], Any]


def step_cost(
    method: str,
    device: str,
    *,
    model: str = EMBEDDED_MODEL,
    steps: int = STEPS,
    length: int = LENGTH,
) -> dict[str, Any]:
    """How long a step takes over LoRA's, and the bytes that training holds beside the model.

    The two alternate in one process, in an order that turns round; a ratio is of two steps of one
    round, and the median of all is told. Bytes are those of trained values, of their gradients and
    of the optimizer's state. A method that can't be stepped here is a row with its ``error``.

    Args:
        method: A name of the registry.
        device: As torch names it.
        model: A name or a folder.
        steps: How many are timed.
        length: Tokens of the longest rows of the batch.
    """
    try:
        return {"method": method, **_measured(method, device, model, steps, length)}
    except Exception as error:  # one method's defect hides no other's figures
        return {"method": method, "error": f"{type(error).__name__}: {first_line(error)}"}


def _measured(method: str, device: str, model: str, steps: int, length: int) -> dict[str, Any]:
    spec = make_spec({"method": method, "seed": 0})
    beside = make_spec({"method": REFERENCE, "target_modules": spec.target_modules, "seed": 0})
    sessions = [session_of(each, build(model), device) for each in (spec, beside)]
    own, others = alternating([_stepping(s, length) for s in sessions], steps, device)
    ratio = spread(ratios(own, others))
    held, reference_held = map(bytes_held, sessions)
    return {
        "step_ratio": ratio["median"],
        "step_ratio_p10": ratio["p10"],
        "step_ratio_p90": ratio["p90"],
        "step_ms": 1e3 * statistics.median(own),
        "lora_step_ms": 1e3 * statistics.median(others),
        "training_bytes": held,
        "lora_training_bytes": reference_held,
    }


def alternating(passes: list[Step], steps: int, device: str) -> list[list[float]]:
    """Seconds of each step of each pass, which take turns, after a warm-up."""
    clock = clock_of(device)
    times: list[list[float]] = [[] for _ in passes]
    for number in range(1, steps + WARM_UP + 1):
        places = range(len(passes))[:: 1 if number % 2 else -1]
        for place in places:
            seconds = clock(partial(passes[place], number))
            if number > WARM_UP:
                times[place].append(seconds)
    return times


def bytes_held(session: Session) -> int:
    """Bytes of trained values, as many of gradients, and of the optimizer's state."""
    trained = [p for p in session.model.parameters() if p.requires_grad]
    state = [
        value
        for of_one in session.optimizer.state.values()
        for value in of_one.values()
        if hasattr(value, "nbytes")
    ]
    return 2 * sum(p.nbytes for p in trained) + sum(value.nbytes for value in state)


def _stepping(session: Session, length: int) -> Step:
    batch = make_batch(session, length)
    session.hooks.before_training([dict(batch)])
    return lambda step: train_step(session, dict(batch), step) and None
