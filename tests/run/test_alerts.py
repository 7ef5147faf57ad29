"""Alerts: rate limits by kind, nothing that holds up trading, and a real service on loopback."""

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import pytest

from aggressor.run.accounts.alerts import ALLOWED, Alerts, Kind, Message, apprise_sender
from aggressor.schema.errors import ConfigError


class Post:
    """A service in memory, and a clock that is set by hand."""

    def __init__(self, works: bool = True) -> None:
        self.messages: list[Message] = []
        self.now = 100.0
        self.works = works

    def send(self, message: Message) -> bool:
        self.messages.append(message)
        return self.works

    def alerts(self, **more: Any) -> Alerts:
        return Alerts(self.send, lambda: self.now, **more)


def flushed(alerts: Alerts) -> list[str]:
    notices: list[str] = []
    asyncio.run(alerts.flush(notices.append))
    return notices


def test_what_is_beyond_the_allowance_is_counted_and_said_later() -> None:
    post = Post()
    alerts = post.alerts()
    for number in range(ALLOWED[Kind.SIGNAL] + 4):
        alerts.tell(Kind.SIGNAL, f"signal {number}")
    alerts.tell(Kind.RISK, "another kind has its own")
    flushed(alerts)
    assert len(post.messages) == ALLOWED[Kind.SIGNAL] + 1
    assert post.messages[-1] == Message("aggressor: risk", "another kind has its own")
    post.now += 60.0
    alerts.tell(Kind.SIGNAL, "later")
    flushed(alerts)
    assert post.messages[-1].text == "later (and 4 more that were held back)"
    assert (alerts.sent, alerts.held_back) == (ALLOWED[Kind.SIGNAL] + 2, 4)


def test_kinds_that_are_not_asked_for_are_not_sent() -> None:
    post = Post()
    alerts = post.alerts(kinds=[Kind.RISK])
    alerts.tell(Kind.FILL, "no")
    alerts.tell(Kind.RISK, "yes")
    flushed(alerts)
    assert [one.text for one in post.messages] == ["yes"]


def test_what_could_not_be_sent_is_said_on_the_screen() -> None:
    post = Post(works=False)
    alerts = post.alerts()
    alerts.tell(Kind.RISK, "kill switch")
    assert flushed(alerts) == ["an alert could not be sent: kill switch"]
    assert (alerts.sent, alerts.failed) == (0, 1)


def test_the_end_waits_for_what_is_on_its_way() -> None:
    sent: list[Message] = []
    begun, go_on = threading.Event(), threading.Event()

    def slowly(message: Message) -> bool:
        begun.set()
        go_on.wait(10.0)
        return bool(sent.append(message)) or True

    async def play() -> None:
        alerts = Alerts(slowly, lambda: 0.0)
        running = asyncio.create_task(alerts.run(lambda _: None))
        alerts.tell(Kind.FILL, "one")
        await asyncio.to_thread(begun.wait, 10.0)
        ending = asyncio.create_task(alerts.flush(lambda _: None))
        await asyncio.sleep(0.05)
        assert not ending.done()
        go_on.set()
        await ending
        running.cancel()

    asyncio.run(play())
    assert [one.text for one in sent] == ["one"]


def test_it_sends_as_they_come() -> None:
    post = Post()

    async def play() -> None:
        alerts = post.alerts()
        task = asyncio.create_task(alerts.run(lambda _: None))
        alerts.tell(Kind.FILL, "bought")
        for _ in range(200):
            if post.messages:
                break
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(play())
    assert [one.text for one in post.messages] == ["bought"]


LIBRARY = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of its own imports


class _Service(BaseHTTPRequestHandler):
    heard: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.heard.append(json.loads(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@LIBRARY
def test_a_service_on_loopback_hears_it() -> None:
    with HTTPServer(("127.0.0.1", 0), _Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        send = apprise_sender([f"json://127.0.0.1:{server.server_port}/alerts"])
        assert send(Message("aggressor: fill", "BTCUSDT: sold 0.010 at 60000.5"))
        server.shutdown()
    (heard,) = _Service.heard
    assert heard["title"] == "aggressor: fill"
    assert heard["message"] == "BTCUSDT: sold 0.010 at 60000.5"


@LIBRARY
def test_an_address_that_is_none_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigError) as trouble:
        apprise_sender(["nonsense://secret"])
    assert "nonsense:..." in str(trouble.value)
    assert "secret" not in str(trouble.value)


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ConfigError, match=r"aggressor\[alerts\]"):
        apprise_sender(["json://127.0.0.1"])
