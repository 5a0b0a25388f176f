"""What pays on a machine: which copies, which heads together, what is padded.

Costs are in multiply-accumulates per token; ``docs/shrinking.md`` says where they are from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from finegates.errors import SpecError, unknown_name
from finegates.shrinking.plan import Output, Projection


@dataclass(frozen=True)
class Hardware:
    """What a machine likes.

    Attributes:
        gather: Cost of copying one number that is read by an index.
        scatter: Cost of one number of a result that is put in its place by an index.
        call: Cost of one more small operation.
        row_multiple: Output widths are padded to this multiple, with zero weights.
        column_multiple: Input widths are, too.
        head_multiple: Widths of heads are, too.
    """

    gather: int
    scatter: int
    call: int
    row_multiple: int
    column_multiple: int
    head_multiple: int


HARDWARE = {
    "cpu": Hardware(25, 35, 25_000, row_multiple=8, column_multiple=1, head_multiple=1),
    "onnx": Hardware(130, 130, 25_000, row_multiple=8, column_multiple=1, head_multiple=1),
    "cuda": Hardware(850, 850, 600_000, row_multiple=8, column_multiple=8, head_multiple=8),
}
"""Torch's CPU products are a quarter slower where outputs are no multiple of 8; a GPU's tensor
cores take 3 to 9 times as long there in 16 bit. Its products are so quick that a copy by index, or
one more operation, costs as much as one. ``onnx`` is onnxruntime on a CPU, whose copies by index
are five times as dear as torch's."""


def hardware(name: str | Hardware) -> Hardware:
    """The entry of a name; a description of one's own stays as it is.

    Raises:
        SpecError: If there is no such entry.
    """
    if isinstance(name, Hardware):
        return name
    if name not in HARDWARE:
        raise SpecError(unknown_name("hardware", name, HARDWARE))
    return HARDWARE[name]


def padded(number: int, multiple: int) -> int:
    """The next multiple."""
    return -(-number // multiple) * multiple


def group_heads(
    widths: Sequence[int], cost_of_a_number: int, machine: Hardware
) -> tuple[tuple[int, int], ...]:
    """Puts heads of about the same width together: fewer calls against less padding.

    Args:
        widths: Of the heads, widest first.
        cost_of_a_number: What one more number in a head's q, k and v costs.
        machine: Whose call cost and multiple count.

    Returns:
        Groups of (heads, padded width) whose total cost is least.
    """

    @cache
    def best(start: int) -> tuple[int, tuple[tuple[int, int], ...]]:
        if start == len(widths):
            return 0, ()
        width = padded(max(widths[start], 1), machine.head_multiple)
        options = []
        for end in range(start + 1, len(widths) + 1):
            rest, groups = best(end)
            cost = machine.call + (end - start) * width * cost_of_a_number
            options.append((cost + rest, ((end - start, width), *groups)))
        return min(options)

    return best(0)[1]


def plan_projections(
    rows: Sequence[int], reads: Sequence[int], union: int, hidden: int, machine: Hardware
) -> tuple[Projection, ...]:
    """One product for all, or one for each, whichever costs less.

    Args:
        rows: Outputs of each.
        reads: Columns that each reads.
        union: Columns that any of them reads.
        hidden: Width of the residual stream.
        machine: Where.
    """
    alone = tuple(
        plan_projection(count, n, hidden, machine) for count, n in zip(rows, reads, strict=True)
    )
    shared = (plan_projection(sum(rows), union, hidden, machine),)
    return min(
        shared, alone, key=lambda plan: sum(projection_cost(p, hidden, machine) for p in plan)
    )


def plan_projection(rows: int, columns: int, hidden: int, machine: Hardware) -> Projection:
    """Reads all columns, or only those that are needed, whichever costs less."""
    rows, columns = (
        padded(rows, machine.row_multiple),
        padded(max(columns, 1), machine.column_multiple),
    )
    options = [Projection(None, rows)]
    if columns < hidden:
        options.append(Projection(columns, rows))
    return min(options, key=lambda plan: projection_cost(plan, hidden, machine))


def plan_output(columns: int, rows: int, hidden: int, constant: bool, machine: Hardware) -> Output:
    """Computes all rows, or only those that are needed, whichever costs less."""
    every = Output(columns, None, False)
    some = Output(columns, padded(rows + 1, machine.row_multiple), constant)
    if some.rows and some.rows >= hidden:  # one more row than needed is zero: others read it
        return every
    return min(every, some, key=lambda plan: output_cost(plan, hidden, machine))


def projection_cost(plan: Projection, hidden: int, machine: Hardware) -> int:
    """Cost per token, with the copy of the columns."""
    if plan.columns is None:
        return machine.call + hidden * plan.rows
    return 2 * machine.call + plan.columns * (plan.rows + machine.gather)


def output_cost(plan: Output, hidden: int, machine: Hardware) -> int:
    """Cost per token, with putting the rows in their places."""
    if plan.rows is None:
        return machine.call + plan.columns * hidden
    return 2 * machine.call + plan.columns * plan.rows + machine.scatter * hidden
