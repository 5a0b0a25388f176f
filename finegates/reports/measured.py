"""What a report shows of a finished run's cuts, and of what it was made with."""

from collections.abc import Mapping
from typing import Any

from finegates.reports import figures, words
from finegates.reports.html import Html, section, table, tag
from finegates.reports.html import figures as side_by_side
from finegates.runs.folder import Run
from finegates.runs.label_errors import error_words
from finegates.runs.measurements import (
    read_generations,
    read_points,
    read_thresholds,
    read_timings,
)
from finegates.runs.status import Status
from finegates.runs.writing import writing_rows


def cuts(run: Run, status: Status) -> Html:
    """Scores of other cuts; nothing if none was scored."""
    points = [*read_points(run), *read_thresholds(run)]
    if not points:
        return Html("")
    header = ["cut", "weights removed", "gates closed", words.metric_name(status.metric)]
    header += ["parameters", "products, dense over needed"]
    errors = [error_words(point.get("metrics")) for point in points]
    rows = [_cut_cells(point, status.metric) for point in points]
    if any(errors):
        header.append("error in the label's own unit")
        rows = [[*row, error] for row, error in zip(rows, errors, strict=True)]
    return section(
        "The finished run at other cuts",
        side_by_side(figures.cuts(points, status.metric)),
        table(header, rows),
    )


def _cut_cells(point: Mapping[str, Any], metric: str) -> list[str]:
    params, ratio = point.get("params"), point.get("mac_ratio")
    return [
        cut_name(point),
        words.percent(point["removed_weights_fraction"]),
        words.percent(point.get("closed_gates_fraction")),
        words.score(point["score"], metric),
        words.count(params),
        words.NOTHING if ratio is None else f"{ratio:.2f}",
    ]


def cut_name(point: Mapping[str, Any]) -> str:
    """What a point or timing was cut off at."""
    if point.get("remove") is not None:
        return f"{words.percent(point['remove'], 0)} removed"
    if point.get("threshold") is not None:
        return f"gates up to {point['threshold']:g}"
    return "as trained"


def timings(run: Run) -> Html:
    """Times of smaller models; nothing if none was timed."""
    known = read_timings(run)
    if not known:
        return Html("")
    header = ["cut", "rows x tokens", "precision", "dense, ms", "masks, ms", "smaller, ms"]
    header += ["speed-up", "products, dense over needed", "measured on"]
    return section("Timed", table(header, [_timing_cells(timing) for timing in known]))


def writing(run: Run) -> Html:
    """How fast a language model and smaller ones read and write; nothing if none was timed."""
    header = ["", "dense", "smaller", "change"]
    parts = [
        part
        for timing in read_generations(run)
        for part in (
            tag("h3", f"{cut_name(timing)}, {_machine(timing)}"),
            table(header, writing_rows(timing)),
        )
    ]
    return section("Reading and writing", *parts) if parts else Html("")


def _timing_cells(timing: Mapping[str, Any]) -> list[str]:
    seconds = [timing[name] for name in ("dense_s", "masked_s", "shrunk_s")]
    return [
        cut_name(timing),
        f"{timing.get('batch_size')} x {timing.get('seq_len')}",
        str(timing.get("dtype")),
        *(f"{1e3 * value:.1f}" for value in seconds),
        f"{timing['speedup']:.2f}{' (not steady)' if timing.get('busy') else ''}",
        f"{timing['mac_ratio']:.2f}",
        _machine(timing),
    ]


def _machine(timing: Mapping[str, Any]) -> str:
    return f"{timing.get('hardware')}, {timing.get('threads')} threads"


def made_with(run: Run, status: Status) -> Html:
    """Time, device and versions."""
    took = None
    if status.started is not None and status.ended is not None:
        took = status.ended - status.started
    rows = {
        "made": run.record["created"],
        "took": words.duration(took),
        "device": f"{status.device or words.NOTHING}, {status.precision or words.NOTHING}",
        "throughput": words.per_second(status.samples_per_s),
        "peak memory": words.size(status.memory_bytes),
        "parameters": f"{words.count(status.trainable_params)} trained of "
        f"{words.count(status.total_params)}",
        **run.record["versions"],
    }
    return table(["", ""], rows.items())
