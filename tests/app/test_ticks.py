"""A page that follows what goes on: which part is drawn again, and when nothing is asked at all."""

from pathlib import Path

import pytest

from app.widgets import ticks
from app.widgets.ticks import LONGEST_S, SHORTEST_S, News, interval_s, wait_s


@pytest.fixture
def reruns(monkeypatch):
    """What a tick asks Streamlit to draw again; None is the whole page."""
    asked = []
    monkeypatch.setattr(ticks.st, "rerun", lambda scope=None: asked.append(scope))
    return asked


def page(now: float, **drawn: tuple[str, float, float]) -> ticks._Page:
    """A page of parts that show something, were drawn some seconds ago, and wait so long."""
    state = ticks._Page("whole", opened_at=now, changed_at=now)
    state.drawn = {name: ticks._Drawn(s, now - ago, wait) for name, (s, ago, wait) in drawn.items()}
    return state


def tick(state: ticks._Page, whole: str = "whole", **parts: str) -> None:
    ticks._tick(lambda: News(parts, whole, goes_on=True), state)


def test_only_parts_with_news_are_drawn_again_and_not_too_often(reruns, monkeypatch):
    monkeypatch.setattr(ticks.time, "monotonic", lambda: 1000.0)
    state = page(1000.0, same=("a", 60, 5), new=("a", 12, 5), early=("a", 4, 5))
    tick(state, same="a", new="b", early="b")
    assert reruns == [["new", ticks._PULSE]]


def test_a_tick_without_news_draws_nothing(reruns):
    tick(page(0.0, one=("a", 60, 5)), one="a")
    assert not reruns


def test_another_whole_is_the_whole_page(reruns, monkeypatch):
    monkeypatch.setattr(ticks.time, "monotonic", lambda: 0.0)
    tick(page(0.0), whole="ended")
    assert reruns[0] is None


@pytest.mark.parametrize(
    ("whole", "part", "asks"), [("whole", "a", False), ("ended", "a", True), ("whole", "b", True)]
)
def test_what_ends_while_the_page_is_drawn_is_asked_for_once_more(monkeypatch, whole, part, asks):
    drawn = []
    monkeypatch.setattr(ticks, "_pulse", lambda **given: drawn.append(given["data"]["everyMs"]))
    state = page(0.0, one=("a", 60, 5))
    ticks._draw_pulse(lambda: News({"one": part}, whole, goes_on=False), state)
    assert bool(drawn[0]) == asks


def test_what_is_dear_is_drawn_seldom():
    assert wait_s(0.0) == SHORTEST_S and wait_s(60.0) == LONGEST_S
    assert wait_s(0.05) == pytest.approx(ticks.BROWSER * 0.05 / ticks.SHARE)


def test_looks_are_fewer_the_longer_nothing_has_come():
    soon, *later = interval_s(0, 0), interval_s(60, 0), interval_s(300, 100), interval_s(9e4, 9e4)
    assert soon < later[0] < later[1] < later[2]


def test_no_page_ticks_by_itself_when_nobody_looks():
    """Streamlit's own ticks go on in a window that is hidden; the one there is comes once a day."""
    files = [*Path(ticks.__file__).parents[1].rglob("*.py")]
    assert [f.name for f in files if "run_every" in f.read_text()] == ["ticks.py"]
    assert Path(ticks.__file__).read_text().count("run_every=") == 1
    assert ticks._SELDOM_S >= 24 * 3600
