"""Without a mouse: controls have names, are reached by Tab, and show where the focus is."""

import pytest
from playwright.sync_api import Page

from tests.app.fake_runs import make_run
from tests.browser.steps import open_page, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CONTROLS = {
    "button", "link", "textbox", "searchbox", "combobox", "slider", "spinbutton", "switch",
    "checkbox", "radio", "tab",
}  # fmt: skip
MOST_TABS, FADE_MS = 70, 60
"""A ring fades in and out."""
_LOOKS = """around => around.map(x => {
  const s = getComputedStyle(x);
  return [s.outlineStyle + s.outlineWidth + s.outlineColor, s.boxShadow, s.borderColor,
          s.backgroundColor, s.color, s.textDecorationLine].join('|');
})"""
_FOCUSED = f"""() => {{
  const e = document.activeElement, looks = {_LOOKS};
  const around = [e, e.nextElementSibling, ...e.children].filter(Boolean).slice(0, 8);
  for (let p = e.parentElement, i = 0; p && i < 5; p = p.parentElement, i++) around.push(p);
  const named = (e.getAttribute('aria-labelledby') || '').split(' ').filter(Boolean)
    .map(id => document.getElementById(id)?.textContent || '').join(' ');
  window.focused = {{around, looks: looks(around)}};
  const isControl = !e.matches('body, section, [data-testid=stMain], iframe, canvas');
  const name = e.getAttribute('aria-label') || named || e.labels?.[0]?.textContent || e.innerText;
  return [(name || e.tagName).trim(), isControl, e === document.body];
}}"""
"""What has the focus: its name, and whether it is a control.

A region that can be scrolled takes the focus too, for the arrow keys; it is no control. A table is
painted on a canvas, and so is its ring.
"""
_LOOKED_THE_SAME = f"""() => {{
  const looks = {_LOOKS}, before = window.focused;
  return looks(before.around).every((look, i) => look === before.looks[i]);
}}"""


def nameless(page: Page) -> list[str]:
    """Controls of the accessibility tree that a screen reader could not call by a name."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    controls = [
        (node["role"]["value"], node.get("name", {}).get("value", "").strip(), node)
        for node in nodes
        if not node.get("ignored") and node.get("role", {}).get("value") in CONTROLS
    ]
    assert len(controls) > 10, "the tree of the page was not read"
    return [f"{role} {node['backendDOMNodeId']}" for role, name, node in controls if not name]


def tab_through(page: Page) -> tuple[list[str], list[str]]:
    """Names in the order in which Tab reaches them, and those whose focus can't be seen."""
    reached, unseen = [], []
    page.evaluate("document.activeElement.blur()")
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        page.wait_for_timeout(FADE_MS)
        name, is_control, is_round = page.evaluate(_FOCUSED)
        if is_round:
            break
        reached.append(name)
        page.evaluate("document.activeElement.blur()")  # the next Tab goes on from here
        page.wait_for_timeout(FADE_MS)
        if is_control and page.evaluate(_LOOKED_THE_SAME):
            unseen.append(name)
    return reached, unseen


PAGES = {
    "": (
        "Runs",
        "Prune & time",
        "Filter",
        "Columns and order",
        "Open a run",
        "notes and tags",
        "CSV",
    ),
    "new_run": ("Model", "Recipe", "Target", "Epochs", "Device", "Start run"),
    "data": ("Upload", "Data set", "Use in New run"),
    "compare": ("Runs", "step", "Smoothing of the loss (log lines)", "Show equal rows too"),
    "live": ("Live updates", "Dimensions", "Report", "Smoothing of the loss (log lines)"),
    "prune": ("Run", "Budget", "To remove", "Time it", "Text"),
    "dimensions": ("Run", "Maps", "Threshold", "Export masks"),
}


@pytest.mark.parametrize("path", PAGES)
def test_controls_are_named_reached_and_seen_by_keyboard(server, browser, path):
    runs = [make_run(server.runs_dir, target_sparsity=target) for target in (0.2, 0.4)]
    for run in runs:
        (run.path / "trained").mkdir()
    query = {"compare": f"?runs={runs[0].id}&runs={runs[1].id}"}.get(path, f"?run={runs[0].id}")
    page = open_page(browser, f"{server.url}/{path}{query if path else ''}")
    wait_until_drawn(page)
    assert not nameless(page)
    reached, unseen = tab_through(page)
    lost = [name for name in PAGES[path] if not any(name in one for one in reached)]
    assert not lost, f"Tab does not reach {lost}, only {reached}"
    assert not unseen, f"the focus can't be seen on {unseen}"


MOST_TO_START = 19
"""Presses of Tab from a page's first focus to the button that starts."""
_BUTTON = """() => {
  const e = document.activeElement;
  return e.matches('button') && e.querySelector('p')?.innerText || e.tagName;
}"""


@pytest.mark.parametrize("path", ["new_run", "new_sweep"])
def test_start_is_reached_in_fewer_than_twenty_steps(server, browser, path):
    page = open_page(browser, f"{server.url}/{path}")
    wait_until_drawn(page)
    page.evaluate("document.activeElement.blur()")
    reached = [""]
    while not reached[-1].startswith("Start"):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(_BUTTON))
        assert len(reached[1:]) <= MOST_TO_START, reached
