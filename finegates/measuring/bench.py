"""Times a shrunk model against its dense self: times, ratios, ceilings and sizes in one result."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from finegates.files.progress import Progress, silent
from finegates.gates.cuts import Cut
from finegates.measuring.candidates import (
    DENSE,
    MASKED,
    ONNX_DENSE,
    ONNX_SHRUNK,
    SHRUNK,
    Candidates,
    candidates,
    random_inputs,
)
from finegates.measuring.int8_result import int8_answers, int8_times
from finegates.measuring.onnx_runtime import onnx_pass
from finegates.measuring.steadiness import Watch, steadiness
from finegates.measuring.timing import (
    check_compiles,
    check_cuda,
    interleaved,
    median_ratio,
    quartiles,
    ratios,
    spread,
)
from finegates.shrinking.cost import computed_cost, dense_cost, mac_ratio, num_parameters
from finegates.shrinking.onnx import INPUTS
from finegates.training.session import check_usable

Times = Mapping[str, Sequence[float]]


def bench(
    model: PreTrainedModel,
    cut: Cut | None,
    *,
    batch_size: int,
    length: int,
    dtype: str = "float32",
    device: str = "cpu",
    repeats: int = 10,
    onnx: bool = False,
    int8: bool = False,
    onnx_inputs: Sequence[str] = INPUTS,
    cuda_graphs: bool = False,
    compiled: bool = False,
    progress: Progress = silent,
    then: Callable[[Candidates], Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Times a gated model dense, with masks and shrunk.

    Args:
        model: With gates; not changed.
        cut: Where its gates are cut off; None takes them as training left them.
        batch_size: Rows of a pass.
        length: Tokens of a row.
        dtype: One of `finegates.measuring.candidates.DTYPES`.
        device: As torch names it.
        repeats: Passes of each.
        onnx: Whether onnxruntime runs dense and shrunk, too.
        int8: Whether it runs them in float32 and in dynamic int8; torch in int8, too, if it can.
        onnx_inputs: As `finegates.shrinking.onnx.export_onnx` takes them.
        cuda_graphs: Whether dense and shrunk are replayed as CUDA graphs.
        compiled: Whether ``torch.compile`` compiles them all first, for this very shape.
        progress: Is told how far it is.
        then: Is given the candidates once they are timed, and adds to the result.

    Returns:
        What `compare` returns.

    Raises:
        SpecError: If an argument is out of range, or does not fit the device.
        ModelError: If the model has no gates, or ONNX's packages are missing.
    """
    check_usable(device)
    if cuda_graphs:
        check_cuda(device)
    if compiled:
        check_compiles(device)
    forms = candidates(model, cut, device, dtype, onnx=onnx, int8=int8, onnx_inputs=onnx_inputs)
    result = compare(
        forms, batch_size, length, repeats,
        cuda_graphs=cuda_graphs, compiled=compiled, progress=progress,
    )  # fmt: skip
    return result | dict(then(forms)) if then else result


def compare(
    forms: Candidates,
    batch_size: int,
    length: int,
    repeats: int,
    *,
    masked: bool = True,
    cuda_graphs: bool = False,
    compiled: bool = False,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Times candidates that are made already.

    Args:
        forms: The candidates.
        batch_size: Rows of a pass.
        length: Tokens of a row.
        repeats: Passes of each.
        masked: Whether the masked model is timed; its outputs are compared with in any case.
        cuda_graphs: As in `bench`; the masked model is not timed then.
        compiled: As in `bench`.
        progress: As in `bench`.

    Returns:
        The cut, what it removed, times in seconds, ``speedup``, ``mac_ratio`` (the ceiling: dense
        products over those that the gates leave at least), ``realised_over_ideal``, sizes, how
        steady the times are (`finegates.measuring.steadiness.steadiness`), and the largest
        difference of logits of masked and shrunk relative to their scale; with ONNX the same of
        its two; with int8 what `int8_times` and `int8_answers` return.
    """
    dense = forms.models[DENSE]
    inputs = random_inputs(dense, batch_size, length)
    passes = forms.passes(inputs, cuda_graphs=cuda_graphs, compiled=compiled)
    if not masked:
        passes.pop(MASKED, None)
    with Watch() as watch:
        times = interleaved(passes, repeats, str(dense.device), progress)
    result = {**asdict(forms.cut), **asdict(forms.removed)}
    result |= {"batch_size": batch_size, "seq_len": length}
    result |= {"dtype": str(dense.dtype).removeprefix("torch."), "device": str(dense.device)}
    result |= {"repeats": repeats, "cuda_graphs": cuda_graphs, "compiled": compiled}
    for name, seconds in times.items():
        median, low, high = spread(seconds).values()
        result |= {f"{name}_s": median, f"{name}_p10_s": low, f"{name}_p90_s": high}
        result[f"{name}_q25_s"], _, result[f"{name}_q75_s"] = quartiles(seconds)
    result |= steadiness(watch, ratios(times[DENSE], times[SHRUNK]), torch.get_num_threads())
    result |= _ratios(times, forms, length) | _sizes(forms) | _differences(forms, inputs)
    return result | int8_times(times) | int8_answers(forms.onnx, inputs)


def _ratios(times: Times, forms: Candidates, length: int) -> dict[str, float]:
    shrunk: Any = forms.models[SHRUNK]
    ceiling = mac_ratio(shrunk, length)
    speedup = median_ratio(times[DENSE], times[SHRUNK])
    result = {"speedup": speedup, "mac_ratio": ceiling, "realised_over_ideal": speedup / ceiling}
    _, low, high = spread(ratios(times[DENSE], times[SHRUNK])).values()
    result |= {"speedup_p10": low, "speedup_p90": high}
    quarter, _, three = quartiles(ratios(times[DENSE], times[SHRUNK]))
    result |= {"speedup_q25": quarter, "speedup_q75": three}
    dense, computed = dense_cost(shrunk.config).macs(length), computed_cost(shrunk).macs(length)
    result["computed_mac_ratio"] = dense / max(computed, 1)
    if MASKED in times:
        result["masked_speedup"] = median_ratio(times[DENSE], times[MASKED])
    if ONNX_SHRUNK in times:
        speedup = median_ratio(times[ONNX_DENSE], times[ONNX_SHRUNK])
        result |= {"onnx_speedup": speedup, "onnx_realised_over_ideal": speedup / ceiling}
    return result


def _sizes(forms: Candidates) -> dict[str, int]:
    return {f"{name}_params": num_parameters(forms.models[name]) for name in (DENSE, SHRUNK)}


@torch.inference_mode()
def _differences(forms: Candidates, inputs: dict[str, Tensor]) -> dict[str, float]:
    masked, shrunk = (forms.models[name](**inputs).logits.float() for name in (MASKED, SHRUNK))
    others = {"max_logit_difference": shrunk}
    if ONNX_SHRUNK in forms.onnx:
        logits = onnx_pass(forms.onnx[ONNX_SHRUNK], inputs)()
        others["onnx_max_logit_difference"] = torch.from_numpy(logits)
    scale = max(float(masked.abs().max()), 1e-12)
    return {name: float((masked - other).abs().max()) / scale for name, other in others.items()}
