"""What a budget on the page is a fraction of, as far as it is known of a run. Loads no torch."""

from app.reading.one_run import status_of
from finegates.gates.counting import (
    PARAMETERS,
    PRODUCTS,
    TIME,
    WEIGHTS,
    Counting,
    parameters_counted,
    products_counted,
    time_counted,
    weights_counted,
)
from finegates.gates.layout import GateLayout
from finegates.runs.folder import Run
from finegates.runs.layer_times import read_layer_times

TOKENS = 128


def countings_of(run: Run, layout: GateLayout) -> dict[str, Counting]:
    """What a budget can count, the gated weights first.

    Raises:
        RunError: If the run's times are damaged.
    """
    found = {WEIGHTS: weights_counted(layout)}
    status = status_of(run)
    if total := status.dense_params:
        with_stream = status.stream_params, status.head_params
        found[PARAMETERS] = parameters_counted(layout, total, *with_stream)
    if layout.has_all_roles:
        found[PRODUCTS] = products_counted(layout, TOKENS)
    if (times := read_layer_times(run.path)) is not None:
        found[TIME] = time_counted(layout, times)
    return found
