"""Pages that follow what goes on: parts that are drawn again alone, and only for a reason.

A page's parts are fragments. Its pulse, a component without looks, asks from time to time whether
something new has come, and never while the window is hidden. Then the parts that show it are drawn
again, each so seldom that it takes no more of a core than `SHARE`: whoever trains on this machine
needs it more.
"""

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import wraps

import streamlit as st
from streamlit.components.v2 import component

SHARE = 0.006
"""Of a core, that one part of a page may take while something new comes all the time."""
BROWSER = 4.0
"""What drawing a part takes of server and browser, in units of what it takes of the server."""
SHORTEST_S, LONGEST_S = 9.5, 45.0
"""Between two drawings of a part, in seconds."""
SOON_S, SOON_EVERY_S = 12.0, 2.0
"""For so long after the page was opened or something was clicked, each look comes so soon."""
QUIET = ((30.0, 12.0), (120.0, 16.0), (float("inf"), 20.0))
"""Seconds without news -> seconds between two looks. A look that finds nothing takes 0.06 s of a
core, nearly all of it in the browser."""

_SELDOM_S = 24 * 3600
_PULSE = "pulse"
_JS = """
const pulses = new WeakMap()
export default function ({ data, parentElement, setTriggerValue }) {
  const pulse = pulses.get(parentElement) ?? {}
  pulses.set(parentElement, pulse)
  pulse.tick = () => {
    if (document.visibilityState === "visible") setTriggerValue("tick", Date.now())
  }
  if (pulse.everyMs !== data.everyMs) {
    clearInterval(pulse.timer)
    pulse.everyMs = data.everyMs
    if (data.everyMs) pulse.timer = setInterval(() => pulse.tick(), data.everyMs)
  }
  if (!pulse.shown) {
    pulse.shown = () => pulse.tick()
    document.addEventListener("visibilitychange", pulse.shown)
  }
  return () => {
    clearInterval(pulse.timer)
    document.removeEventListener("visibilitychange", pulse.shown)
    pulses.delete(parentElement)
  }
}
"""
_pulse = component("finegates_pulse", js=_JS)

_STEADY = """<style>
[data-testid="stElementContainer"][data-stale="true"] { opacity: 1 !important; transition: none }
[data-testid="stStatusWidget"] { display: none }
</style>"""
"""A part that is being drawn again does not fade, and the page has no "Stop" besides a run's."""


@dataclass(frozen=True)
class News:
    """What there is to show at one moment.

    Attributes:
        parts: Name of each part -> what it shows; another value is a reason to draw it again.
        whole: Another value is a reason to draw the whole page again.
        goes_on: Whether anything new can come; otherwise nothing is asked until the window, once
            hidden, is looked at again.
    """

    parts: Mapping[str, Hashable]
    whole: Hashable
    goes_on: bool


@dataclass(frozen=True)
class _Drawn:
    """When a part was drawn, what it showed, and how long the next drawing has to wait."""

    shown: Hashable
    at: float
    wait_s: float


@dataclass
class _Page:
    """What a session remembers of the page it shows."""

    whole: Hashable
    opened_at: float
    changed_at: float
    drawn: dict[str, _Drawn] = field(default_factory=dict)


def follow(news: Callable[[], News], parts: Mapping[str, Callable[[], None]]) -> None:
    """Draws a page's parts, one below the other, and again whenever there is news.

    Args:
        news: What there is to show now; asked often, so it must be quick.
        parts: Name -> draws the part. The names are those of the news.
    """
    now = news()
    state = _Page(now.whole, time.monotonic(), time.monotonic())
    st.html(_STEADY)
    for name, draw in parts.items():
        st.fragment(_timed(name, draw, news, state), key=name)()
    st.fragment(_draw_pulse, key=_PULSE)(news, state)


def come_back() -> None:
    """Has a browser whose server was started anew ask for the whole page.

    It asks only where something is drawn again by the clock. Otherwise what it sends of a part, a
    tick or a click, names a part that the new server has not heard of, and nothing would come.
    """
    st.fragment(_nothing, run_every=_SELDOM_S)()


def draw_every(key: str, every_s: float, draw: Callable[[], None]) -> None:
    """Draws one part, and again every so many seconds while the window is looked at.

    For what moves by itself and is soon over, such as a progress bar; `follow` spares the machine.

    Args:
        key: Unlike any other on the page.
        every_s: Seconds; 0 for never.
        draw: Draws the part.
    """

    def part() -> None:
        draw()
        _pulse(key=f"{_PULSE}-{key}", data={"everyMs": 1000 * every_s}, on_tick_change=_nothing)

    st.fragment(part, key=f"every-{key}")()


def _nothing() -> None:
    """Draws nothing; a component whose value has changed has its part drawn again."""


def _timed(
    name: str, draw: Callable[[], None], news: Callable[[], News], state: _Page
) -> Callable[[], None]:
    """The part, which remembers what it showed and what that took."""

    @wraps(draw)
    def part() -> None:
        shown, start = news().parts[name], time.thread_time()
        draw()
        took = time.thread_time() - start
        state.drawn[name] = _Drawn(shown, time.monotonic(), wait_s(took))

    return part


def _draw_pulse(news: Callable[[], News], state: _Page) -> None:
    now, at = news(), time.monotonic()
    # What has ended while the page was drawn is shown wrongly until the next look.
    asks = now.goes_on or now.whole != state.whole or bool(_with_news(now, state))
    every_s = interval_s(at - state.opened_at, at - state.changed_at) if asks else 0
    data = {"everyMs": 1000 * every_s}
    _pulse(key=_PULSE, data=data, on_tick_change=lambda: _tick(news, state))


def _tick(news: Callable[[], News], state: _Page) -> None:
    """Draws again what has a reason."""
    now, at = news(), time.monotonic()
    if now.whole != state.whole:
        st.rerun()
    new = _with_news(now, state)
    if new:
        state.changed_at = at
    # What is over is shown at once: nothing would ask again.
    if due := [
        n for n in new if not now.goes_on or at - state.drawn[n].at >= state.drawn[n].wait_s
    ]:
        st.rerun(scope=[*due, _PULSE])


def _with_news(now: News, state: _Page) -> list[str]:
    """The parts that show something else than there is."""
    return [name for name, drawn in state.drawn.items() if now.parts[name] != drawn.shown]


def wait_s(took_s: float) -> float:
    """How long a part waits after a drawing that took so many seconds of the server's processor."""
    return min(LONGEST_S, max(SHORTEST_S, BROWSER * took_s / SHARE))


def interval_s(open_s: float, quiet_s: float) -> float:
    """How long the next look waits.

    Args:
        open_s: Seconds since the page was opened, or something was clicked.
        quiet_s: Seconds since something new has come.
    """
    if open_s < SOON_S:
        return SOON_EVERY_S
    return next(every for quiet, every in QUIET if quiet_s < quiet)
