"""How much several runs share of what they keep: run by run, and pair by matrix.

A chart is its Vega-Lite specification as it is sent: Altair checks each part of a chart while it is
put together, which takes longer than all the overlaps, and a slider waits for it.
"""

from typing import Any

Spec = dict[str, Any]

ROW_HEIGHT, HEAD = 34, 40
_NUMBERS = (
    ("jaccard", "Overlap (Jaccard)", ".3f"),
    ("chance", "By chance", ".3f"),
    ("above", "Above chance", ".1%"),
    ("z", "z", ".1f"),
)


def run_by_run(num_runs: int, dark: bool) -> Spec:
    """A cell for each pair of runs, coloured by the overlap above chance.

    Its data is `app.dimensions.overlap_frames.square`'s.

    Args:
        num_runs: How many runs there are.
        dark: Whether the page is dark, for the colour of the numbers.
    """
    x = _axis("number", orient="top") | {"type": "ordinal", "sort": "ascending"}
    return _cells(x, _axis("row"), ("name", "other"), num_runs, dark)


def pair_by_kind(num_pairs: int, dark: bool) -> Spec:
    """A row for each pair of runs, a column for each kind of gate vector.

    Its data is `app.dimensions.overlap_frames.by_kind`'s.

    Args:
        num_pairs: How many pairs of runs there are.
        dark: Whether the page is dark, for the colour of the numbers.
    """
    two_lines = "split(datum.value, ', ')"
    x = _axis("kind", orient="top", labelExpr=two_lines, labelOverlap=False)
    return _cells(x, _axis("pair"), ("pair", "kind"), num_pairs, dark)


def _axis(field: str, **options: Any) -> Spec:
    plain = {"title": None, "labelAngle": 0, "ticks": False, "labelFlush": False, "labelLimit": 300}
    return {"field": field, "type": "nominal", "sort": None, "axis": plain | options}


def _cells(x: Spec, y: Spec, names: tuple[str, ...], rows: int, dark: bool) -> Spec:
    fill = {
        "field": "above", "type": "quantitative", "legend": None,
        "scale": {"domain": [0, 1], "clamp": True},
    }  # fmt: skip
    low, high = ("#e6eaf0", "#12161c") if dark else ("#1b2430", "#ffffff")
    ink = {"condition": {"test": "datum.above > 0.5", "value": high}, "value": low}
    tooltip = [{"field": name, "type": "nominal", "title": name.title()} for name in names]
    tooltip += [
        {"field": field, "type": "quantitative", "title": title, "format": form}
        for field, title, form in _NUMBERS
    ]
    text = {"field": "label", "type": "nominal"}
    return {
        "height": ROW_HEIGHT * rows + HEAD,
        "encoding": {"x": x, "y": y, "tooltip": tooltip},
        "layer": [
            {"mark": {"type": "rect", "cornerRadius": 2}, "encoding": {"color": fill}},
            {"mark": {"type": "text", "fontSize": 12}, "encoding": {"text": text, "color": ink}},
        ],
    }


EXPLANATIONS = {
    "runs": "In each cell the overlap and, after the stroke, what chance gives. Colour is how far "
    "it is above chance: faint is luck, strong is the same sub-network.",
    "kinds": "The same by matrix and side, above chance: 0 % is what random choices of as many "
    "dimensions share, 100 % is all. A dash: nothing is left to chance there.",
}
