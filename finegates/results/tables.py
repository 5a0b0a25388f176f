"""Points as tables for people: text, Markdown and CSV. One block for each data set and model."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from finegates.data.metric_kinds import scaled_name, scaled_text
from finegates.files.spreadsheet import csv_text
from finegates.methods import METHODS
from finegates.results.points import TRAINED, Point
from finegates.runs.label_errors import unit_number

REMOVAL_TOLERANCE = 0.005
"""A removal that is further from its target than this is shown next to the score."""

NOTHING = "-"
_BETWEEN = "  "


@dataclass(frozen=True)
class Table:
    """A header and rows of the same width."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Block:
    """What is shown of one data set and model.

    Attributes:
        title: Data, metric and model; what all its runs share.
        tables: Methods by target, then dense baselines; either may be missing.
        notes: What is missing.
    """

    title: str
    tables: tuple[Table, ...]
    notes: tuple[str, ...]


def blocks_of(points: Iterable[Point]) -> list[Block]:
    """Points as blocks, in the order in which they come."""
    places: dict[tuple[str, str, str], list[Point]] = {}
    for point in points:
        places.setdefault((point.data_name, point.metric, point.model), []).append(point)
    return [_block(of_place) for of_place in places.values()]


def as_text(blocks: Iterable[Block]) -> str:
    """Blocks with aligned columns."""
    return "\n\n".join(
        "\n".join([block.title, *(_aligned(table) for table in block.tables), *block.notes])
        for block in blocks
    )


def as_markdown(blocks: Iterable[Block]) -> str:
    """Blocks as Markdown."""
    parts = []
    for block in blocks:
        parts += [f"**{block.title}**", *map(_piped, block.tables), *block.notes]
    return "\n\n".join(parts)


def as_csv(points: Iterable[Point]) -> str:
    """A line for each point, with every field; several values of a field are joined by ``;``."""
    names = [field.name for field in dataclasses.fields(Point)]
    rows = ([getattr(point, name) for name in names] for point in points)
    joined = ([";".join(map(str, v)) if isinstance(v, tuple) else v for v in row] for row in rows)
    return csv_text(names, joined).rstrip("\n")


def score_text(point: Point) -> str:
    """The score (x 100), its range over seeds and their number: ``82.6 (81.9–83.1, n=2)``."""
    if point.median is None or point.low is None or point.high is None:
        return NOTHING
    parts = [f"n={len(point.seeds)}"]
    if len(point.seeds) > 1:
        ends = (scaled_text(end, point.metric) for end in (point.low, point.high))
        parts.insert(0, "–".join(ends))
    if point.removed is not None and abs(point.removed - point.target) > REMOVAL_TOLERANCE:
        parts.append(f"removed {100 * point.removed:.1f}%")
    if point.rmse is not None and point.rmse_of_mean is not None:
        parts.append(f"RMSE {unit_number(point.rmse)} of {unit_number(point.rmse_of_mean)}")
    return f"{scaled_text(point.median, point.metric)} ({', '.join(parts)})"


def row_name(point: Point) -> str:
    """The method, how its targets were reached, and what distinguishes it from others."""
    name = f"{point.method} [{point.variant}]" if point.variant else point.method
    if point.kind == TRAINED:
        return name
    if is_dense(point):
        return f"{name}, closed by size, no recovery"
    return f"{name}, trained for {point.trained_target:g}, rounded"


def _block(points: Sequence[Point]) -> Block:
    first = points[0]
    metric = f"{scaled_name(first.metric)}, " if first.metric else ""
    title = f"{first.data_name}, {first.model}: {metric}median (range over seeds, number of seeds)"
    baselines = [p for p in points if is_dense(p) and p.kind == TRAINED]
    curves = [p for p in points if p not in baselines]
    tables = [_by_target(curves)] if curves else []
    tables += [_dense(baselines)] if baselines else []
    if timed := [p for p in curves if p.speedup is not None]:
        tables.append(_speedups(timed))
    notes = [f"All with {first.shared}."] if first.shared else []
    return Block(title, tuple(tables), (*notes, *_notes(points)))


def _by_target(points: Sequence[Point]) -> Table:
    targets = sorted({point.target for point in points})
    rows: dict[str, dict[float, Point]] = {}
    for point in points:
        rows.setdefault(row_name(point), {})[point.target] = point
    header = ("target", *(f"{100 * target:g}%" for target in targets), "relative to full")
    return Table(
        header,
        tuple(
            (
                name,
                *(score_text(row[t]) if t in row else NOTHING for t in targets),
                " / ".join(_relative(row.get(t)) for t in targets),
            )
            for name, row in rows.items()
        ),
    )


def _speedups(points: Sequence[Point]) -> Table:
    """Of the smaller models that were timed; those of a page and of a model's card are the same."""
    targets = sorted({point.target for point in points})
    rows: dict[str, dict[float, str]] = {}
    for point in points:
        rows.setdefault(row_name(point), {})[point.target] = f"{point.speedup:.2f}"
    header = ("speed-up", *(f"{100 * target:g}%" for target in targets))
    cells = (
        (name, *(row.get(target, NOTHING) for target in targets)) for name, row in rows.items()
    )
    return Table(header, tuple(cells))


def _dense(points: Sequence[Point]) -> Table:
    rows = [(row_name(point), score_text(point), _relative(point)) for point in points]
    return Table(("dense", "score", "relative to full"), tuple(rows))


def _relative(point: Point | None) -> str:
    if point is None or point.relative_to_full is None:
        return NOTHING
    return f"{point.relative_to_full:.1f}%"


def _notes(points: Sequence[Point]) -> list[str]:
    missing = [
        f"{row_name(point)} at {point.target:g}: seed{'s' if len(point.missing_seeds) > 1 else ''} "
        + ", ".join(map(str, point.missing_seeds))
        for point in points
        if point.missing_seeds
    ]
    notes = [f"Missing: {'; '.join(missing)}."] if missing else []
    if any(point.rmse is not None for point in points):
        notes.append(
            "RMSE: error in the label's own unit, of that of always answering the training rows' "
            "mean."
        )
    if all(point.relative_to_full is None for point in points):
        notes.append("Nothing is relative to full: no run of full on this data has finished.")
    return notes


def is_dense(point: Point) -> bool:
    """Whether its method removes nothing by itself."""
    return point.method in METHODS and not METHODS[point.method].removes


def _aligned(table: Table) -> str:
    lines = [table.header, *table.rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.header))]
    return "\n".join(
        _BETWEEN.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _piped(table: Table) -> str:
    lines = [table.header, ("---",) * len(table.header), *table.rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )
