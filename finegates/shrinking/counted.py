"""What a budget counts, for models of a config."""

from transformers import PreTrainedConfig

from finegates.errors import SpecError, unknown_name
from finegates.gates.counting import (
    COUNTS,
    PARAMETERS,
    PRODUCTS,
    TIME,
    WEIGHTS,
    Counting,
    LayerTimes,
    parameters_counted,
    products_counted,
    time_counted,
    weights_counted,
)
from finegates.gates.layout import GateLayout
from finegates.shrinking.cost import (
    REFERENCE_LENGTH,
    dense_cost,
    num_dense_parameters,
    num_head_parameters,
    num_stream_parameters,
)


def counting_of(
    config: PreTrainedConfig,
    layout: GateLayout,
    counts: str = WEIGHTS,
    *,
    length: int = REFERENCE_LENGTH,
    times: LayerTimes | None = None,
    language_model: bool = False,
) -> Counting:
    """How a budget of a model is counted.

    Args:
        config: Of a supported model.
        layout: Of its gates.
        counts: One of `finegates.gates.counting.COUNTS`.
        length: Tokens of a row whose multiply-accumulates count.
        times: Of `finegates.measuring.layer_times.layer_times`, for ``time``.
        language_model: Whether it has the head of a causal language model, not a classifier's.

    Raises:
        SpecError: If there is no such count, or times are missing.
    """
    if counts == WEIGHTS:
        return weights_counted(layout)
    if counts == PARAMETERS:
        dense = num_dense_parameters(config, language_model=language_model)
        if not layout.hidden:
            return parameters_counted(layout, dense)
        stream, head = num_stream_parameters(config), num_head_parameters(config)
        return parameters_counted(layout, dense, stream, head)
    if counts == PRODUCTS:
        return products_counted(layout, length, dense_cost(config).macs(length) / length)
    if counts != TIME:
        raise SpecError(unknown_name("count", counts, COUNTS))
    if times is None:
        raise SpecError(
            "A budget of time needs the times of the model's layers on this machine; measure them "
            "with finegates.measuring.layer_times.layer_times."
        )
    return time_counted(layout, times)
