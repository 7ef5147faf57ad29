"""A browser for the tests of the desk's page; where there is none they are skipped."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.web.staged import Stage

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip


class Looker:
    """One page on a stage's desk, with what went wrong on it."""

    def __init__(self, page: Any, stage: Stage) -> None:
        self.page = page
        self.stage = stage
        self.troubles: list[str] = []
        self.asked: list[str] = []
        page.on("pageerror", lambda trouble: self.troubles.append(str(trouble)))
        page.on("console", self._console)
        page.on("request", lambda request: self.asked.append(request.url))

    def _console(self, message: Any) -> None:
        if message.type == "error" and "WebSocket" not in message.text:
            self.troubles.append(message.text)

    def open(self, address: str | None = None) -> "Looker":
        self.page.goto(address or self.stage.address)
        return self

    def js(self, expression: str) -> Any:
        return self.page.evaluate(expression)

    def until(self, expression: str) -> None:
        """Wait until an expression of the page holds; asked from outside: its CSP has no eval."""
        for _ in range(400):
            if self.js(f"Boolean({expression})"):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"never came true: {expression}")

    def caught_up(self) -> "Looker":
        """Wait until all that is kept has come and is drawn."""
        self.until("window.desk && desk.store.lanes[0] && desk.store.lanes[0].live")
        self.settle()
        return self

    def settle(self) -> None:
        """Let three more pictures be drawn, and panes of words their turn."""
        self.page.wait_for_timeout(450)
        self.js(
            "new Promise((go) => { let n = 3; const next = () =>"
            " n-- ? requestAnimationFrame(next) : go(1); next(); })"
        )

    def text(self, selector: str) -> str:
        return self.page.inner_text(selector)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Return a headless Chromium; while it is there no other event loop can run in the process."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no chromium: apt-get install chromium")
    with playwright.sync_playwright() as running:
        made = running.chromium.launch(executable_path=CHROMIUM, headless=True, args=_ARGUMENTS)
        yield made
        made.close()


@pytest.fixture
def staged() -> Iterator[Callable[..., Stage]]:
    """Return a maker of stages that are closed behind the test."""
    made: list[Stage] = []

    def make(**change: Any) -> Stage:
        made.append(Stage(**change))
        return made[-1]

    yield make
    for stage in made:
        stage.close()


@pytest.fixture
def look(browser: Any) -> Iterator[Callable[..., Looker]]:
    """Return a maker of pages, each in a browser of its own; nothing may have failed on them."""
    contexts: list[Any] = []
    lookers: list[Looker] = []

    def make(stage: Stage, width: int = 1780, height: int = 1080, **settings: Any) -> Looker:
        context = browser.new_context(viewport={"width": width, "height": height}, **settings)
        contexts.append(context)
        lookers.append(Looker(context.new_page(), stage))
        return lookers[-1]

    yield make
    for context in contexts:
        context.close()
    assert [trouble for one in lookers for trouble in one.troubles] == []
