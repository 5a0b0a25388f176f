"""A language model of a run goes on from a prompt on the page: both texts grow, and stop."""

import re
import shutil

import pytest
from playwright.sync_api import Locator, Page, expect

from finegates.runs.folder import Run
from finegates.trying import client as try_client
from finegates.trying.continuations import STOPPED
from finegates.trying.writing_client import written
from tests.browser.steps import POLL_MS, TRAINING_MS, no_exception, open_page, settle
from tests.toy_models import save_toy_language_model
from tests.trying.language_runs import text_run

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

LAYERS = 60
"""So many that writing takes long enough to be looked at, and stopped."""
PROMPT = "anna makes tea . then bert"


@pytest.fixture(scope="module")
def trained_toy(tmp_path_factory) -> Run:
    """A text run of a deep toy with long texts, which it does not end soon."""
    folder = tmp_path_factory.mktemp("language")
    model = save_toy_language_model(
        folder / "model", max_position_embeddings=320, num_hidden_layers=LAYERS
    )
    return text_run(model, folder, sentences=20, epochs=1, max_length=32)


@pytest.fixture
def run(server, trained_toy) -> Run:
    """The run in the folder that the server shows."""
    copy = server.runs_dir / trained_toy.id
    shutil.copytree(trained_toy.path, copy)
    yield Run(copy)
    try_client.stop(Run(copy))


def counts(page: Page) -> list[int]:
    """Tokens that the page shows, of dense and of pruned."""
    told = page.get_by_text(re.compile(r"^\d+ tokens?, [\d.,]+ tokens per second"))
    return [int(words.split()[0]) for words in told.all_inner_texts()]


def wait_for_more(page: Page, than: int) -> list[int]:
    """Both counts, once both are larger."""
    while len(seen := counts(page)) < 2 or min(seen) <= than:
        page.wait_for_timeout(POLL_MS)
    return seen


def stop_button(page: Page) -> Locator:
    """That of the writing: while a model is loaded there is none of this name."""
    return page.get_by_role("button", name="Stop", exact=True)


def test_both_texts_grow_survive_a_reload_and_stop(server, browser, run):
    page = open_page(browser, f"{server.url}/prune?run={run.id}")
    page.get_by_role("textbox", name="How a text begins").fill(PROMPT)
    page.get_by_role("spinbutton", name="New tokens").fill("256")
    page.get_by_role("button", name="Continue with both").click()
    expect(page.get_by_text("Both write, in turns.")).to_be_visible(timeout=TRAINING_MS)
    first = wait_for_more(page, 0)
    second = wait_for_more(page, max(first))
    page.reload()
    settle(page)
    expect(page.get_by_role("textbox", name="How a text begins")).to_have_value(PROMPT)
    third = wait_for_more(page, max(second))
    stop_button(page).click()
    expect(page.get_by_text("stopped")).to_have_count(2)
    expect(stop_button(page)).to_have_count(0)
    writing = written(run)
    assert writing.done and {writing.dense.over, writing.pruned.over} == {STOPPED}
    assert max(third) <= writing.dense.tokens < 256
    assert counts(page) == [writing.dense.tokens, writing.pruned.tokens]
    page.wait_for_timeout(1000)
    assert written(run) == writing, "the server still writes"
    page.get_by_role("spinbutton", name="New tokens").fill("8")
    page.get_by_role("button", name="Continue with both").click()
    expect(page.get_by_text("the same next token")).to_be_visible()
    no_exception(page)
