"""The line between page and server: breaks, slow readers, two browsers, tokens."""

from aggressor.web.protocol import Kind
from tests.web.staged import COLUMN_NS, START_NS, TOKEN, book, heat, quiet_minute, whole_book

HEAT = "desk.store.lanes[0].heat"


def _columns(stage, first: int, count: int, *, every: int = 50) -> None:
    """Send columns [first, first + count); a whole picture now and then."""
    for n in range(first, first + count, 500):
        stage.send(*(
            heat(START_NS + k * COLUMN_NS, {} if k % every else whole_book(), key=k % every == 0)
            for k in range(n, min(n + 500, first + count))
        ))  # fmt: skip


class TestReconnect:
    def test_a_server_that_takes_its_leave_is_believed(self, staged, look):
        stage = staged()
        quiet_minute(stage)
        page = look(stage).open().caught_up()
        stage.stop("restarting")
        page.until("!document.querySelector('#banner').hidden")
        assert "restarting" in page.text("#banner")
        assert page.js("desk.desk.line.tries") == 0  # it took its leave: nobody knocks

    def test_a_cut_line_is_opened_again_and_nothing_stands_twice(self, staged, look):
        stage = staged()
        quiet_minute(stage)
        page = look(stage).open().caught_up()
        page.page.keyboard.press("a")
        page.until("desk.desk.armed")
        stage.drop()
        page.until("desk.desk.line.tries > 0 || desk.store.seen.hello === 2")
        page.until("desk.store.seen.hello === 2 && desk.store.lanes[0].live")
        page.settle()
        assert page.js("document.querySelector('#banner').hidden") is True
        assert page.js(
            "(({ heat, bars, signals }) => [heat.start, heat.stop, bars.list.length,"
            " signals.length])(desk.store.lanes[0])"
        ) == [0, 601, 2, 2]
        assert page.js("desk.desk.armed") is False  # arming ended with the line
        page.troubles.clear()

    def test_the_banner_stays_while_nobody_answers(self, staged, look):
        stage = staged()
        quiet_minute(stage)
        page = look(stage).open().caught_up()
        page.page.route("**/*", lambda route: route.abort())
        page.js("(desk.desk.line.socket.close(), 1)")
        page.until("!document.querySelector('#banner').hidden")
        assert "trying again" in page.text("#banner")
        page.until("desk.store.seen.hello === 2")
        page.until("document.querySelector('#banner').hidden")


class TestSlowReaders:
    def test_a_page_that_sleeps_misses_frames_and_says_so(self, staged, look):
        stage = staged()
        quiet_minute(stage)
        page = look(stage).open().caught_up()
        fast = look(stage).open().caught_up()
        # the page uses nothing for a while; what is sent overruns the ring of 6000 columns
        page.page.evaluate("(() => { desk.desk.line.drain = () => false; })()")
        reader = stage.hub.readers[0]
        take = reader.take
        reader.take = lambda: b""  # its socket is full: nothing more is taken for it
        _columns(stage, 601, 9000)
        fast.until(f"{HEAT}.stop >= 9601")
        reader.take = take
        page.page.evaluate("delete desk.desk.line.drain")
        stage.send(book(START_NS + 9601 * COLUMN_NS))
        page.until("desk.store.lanes[0].missed.length > 0")
        page.until(
            f"{HEAT}.ts[({HEAT}.stop - 1) & {HEAT}.mask] === {(START_NS + 9600 * COLUMN_NS) / 1e6}"
        )
        missed = page.js("desk.store.lanes[0].missed[0]")
        assert missed["kind"] == Kind.HEAT
        first = page.js(f"{HEAT}.stop") - 601
        assert missed["count"] + first == 9000
        assert page.js(f"{HEAT}.brokenBefore(601)") is True  # a hatched gap, nothing in between
        assert page.js("desk.store.lanes[0].missed.length") == 1
        assert fast.js("desk.store.lanes[0].missed.length") == 0

    def test_changes_to_a_picture_that_was_missed_are_not_believed(self, staged, look):
        stage = staged()
        stage.send(heat(START_NS, whole_book(), key=True))
        page = look(stage).open().caught_up()
        page.js(f"({HEAT}.last_number = 7, 1)")  # as if frames had been skipped
        stage.send(heat(START_NS + COLUMN_NS, {990: 5000.0}))
        stage.send(heat(START_NS + 2 * COLUMN_NS, whole_book(), key=True))
        page.until(f"{HEAT}.stop === 2")  # the picture, not the change
        assert page.js(f"Object.fromEntries({HEAT}.bookAt({HEAT}.stop - 1))['990']") == 100

    def test_an_hour_of_a_market_stays_within_its_rings(self, staged, look):
        stage = staged()
        page = look(stage).open()
        page.until("desk.store.lanes[0]")
        before = page.js("performance.memory?.usedJSHeapSize ?? 0")
        for n in range(0, 40_000, 4000):
            _columns(stage, n, 4000)
            page.until(f"{HEAT}.last_number >= {n + 3999}")
        grown = page.js("performance.memory?.usedJSHeapSize ?? 0") - before
        assert page.js(f"{HEAT}.stop - {HEAT}.start") == 40_000
        assert grown < 60e6


class TestWhoMayLook:
    def test_two_browsers_see_the_same(self, staged, look):
        stage = staged()
        quiet_minute(stage)
        pages = [look(stage).open().caught_up() for _ in range(2)]
        stage.send(heat(START_NS + 601 * COLUMN_NS, {985: 777.0}))
        for page in pages:
            page.until(f"{HEAT}.stop === 602")
            assert page.js(f"Object.fromEntries({HEAT}.bookAt(601))['985']") == 777
        assert len(stage.hub.readers) == 2

    def test_a_wrong_token_is_told_what_to_do(self, staged, look):
        stage = staged()
        quiet_minute(stage)
        page = look(stage)
        page.open(stage.address.replace(TOKEN, "another"))
        page.until("!document.querySelector('#banner').hidden")
        page.until("document.querySelector('#banner').textContent.includes('with its token')")
        assert page.js("desk.store.hello") is None
        assert any("not the token" in words for words in stage.notices)
        assert not any(TOKEN in words or "another" in words for words in stage.notices)
        page.troubles.clear()

    def test_no_token_opens_no_socket(self, staged, look):
        stage = staged()
        page = look(stage)
        page.open(stage.address.split("#")[0])
        page.until("!document.querySelector('#banner').hidden")
        assert "needs the token" in page.text("#banner")
        assert page.js("desk.desk.line") is None

    def test_nothing_is_asked_of_anybody_else_and_the_token_stays_in_the_page(self, staged, look):
        stage = staged()
        quiet_minute(stage)
        page = look(stage).open().caught_up()
        assert {url.split("/")[2] for url in page.asked} == {f"127.0.0.1:{stage.port}"}
        assert not any(TOKEN in url for url in page.asked)
        assert page.js("localStorage.length") >= 0
        assert TOKEN not in page.js("JSON.stringify(localStorage)")
