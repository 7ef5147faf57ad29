"""What a person does on the page, compared with what the server hears: orders, replay, habits."""

from typing import Any

from aggressor.web.commands import (
    Arm,
    Cancel,
    CancelAll,
    Flatten,
    Kill,
    Move,
    Order,
    Pace,
    Pause,
    Play,
    Resume,
    Seek,
    Step,
    Watch,
)
from aggressor.web.protocol import WHOLE_DESK, Kind, json_frame
from tests.web.staged import START_MS, START_NS, account, hello, quiet_minute


def _opened(staged, look, **change):
    stage = staged(**change)
    quiet_minute(stage)
    return look(stage).open().caught_up()


def _heard(page, kind: type) -> list[Any]:
    return [one for one in page.stage.actor.heard if isinstance(one, kind)]


def _arm(page) -> None:
    page.page.keyboard.press("a")
    page.until("desk.desk.armed")
    page.until("document.body.classList.contains('armed')")


def _click_ladder(page, column: str, price: int, to_price: int | None = None) -> None:
    spot = """(name, price) => {
      const l = desk.pane.ladder, c = l.columns.find((one) => one.name === name);
      const b = l.element.getBoundingClientRect();
      return [b.left + c.left + c.width / 2, b.top + 20 + (l.rowOf(price) + 0.5) * 18]; }"""
    x, y = page.js(f"({spot})('{column}', {price})")
    page.page.mouse.move(x, y)
    page.page.mouse.down()
    if to_price is not None:
        x, y = page.js(f"({spot})('{column}', {to_price})")
        page.page.mouse.move(x, y, steps=3)
    page.page.mouse.up()
    page.settle()


def _working(side: int = 1, price: int = 998, **change: Any) -> dict[str, Any]:
    order = {
        "id": 7, "side": side, "price": price, "lots": 50, "filled": 0, "left": 50,
        "state": "working", "leg": None, "type": "limit", "ahead": 80.0, "ahead_why": None,
        "age_ms": 10.0,
    }  # fmt: skip
    return order | change


def _lane(**change: Any) -> dict[str, Any]:
    return {
        "lane": 0,
        "position": 0,
        "entry": None,
        "unrealised": None,
        "orders": [],
        "trade": None,
        "worked": [],
    } | change


def _report(what: str, **change: Any) -> bytearray:
    said = {
        "what": what, "ms": START_MS + 59_000.0, "lane": 0, "order": 7, "side": 1, "price": 998,
        "lots": 50, "maker": True, "fee": 0.1, "reason": None, "by": "hand",
    } | change  # fmt: skip
    return json_frame(Kind.REPORT, WHOLE_DESK, START_NS, [said])


class TestOrders:
    def test_nothing_is_sent_while_orders_are_not_armed(self, staged, look):
        page = _opened(staged, look)
        _click_ladder(page, "bid", 998)
        for key in ("b", "s", "B", "S", "x", "X", "F"):
            page.page.keyboard.press(key)
        page.settle()
        assert _heard(page, Order) == []
        assert page.stage.actor.heard == []
        assert "not armed" in page.text("#toasts")

    def test_an_order_from_the_click_to_the_fill(self, staged, look):
        page = _opened(staged, look)
        _arm(page)
        page.page.fill("#order-size", "0.5")
        _click_ladder(page, "bid", 998)
        (order,) = _heard(page, Order)
        assert (order.lane, order.side, order.lots, order.type, order.price) == (
            0,
            1,
            50,
            "limit",
            998,
        )
        stage = page.stage
        stage.send(_report("accepted"))
        stage.tell(account(lanes=[_lane(orders=[_working()])]))
        page.until("desk.desk.own.orders.length === 1")
        page.settle()
        assert (
            page.js("desk.pane.ladder.rows.own.get(desk.pane.ladder.rowOf(998)).text") == "0.5 +0.8"
        )
        assert "0.8 ahead" in page.text("#pane-account .orders")
        stage.send(_report("fill"))
        money = account()["money"] | {"unrealised": 2.5, "fees": 0.1}
        held = _lane(position=50, entry=998.0, unrealised=2.5)
        stage.tell(account(lanes=[held], money=money))
        page.until("desk.desk.own.position === 50")
        page.settle()
        assert "long 0.5" in page.text("#pane-account .figures")
        assert "+2.50" in page.text("#pane-account .figures")
        assert "long 0.5" in page.text("#holding")
        assert "fill buy 0.5 @ 499.0, resting" in page.text("#pane-account .events")

    def test_an_order_that_came_to_nothing_says_why_and_one_given_up_does_not(self, staged, look):
        page = _opened(staged, look)
        over = {"order": 0, "price": None, "filled": 0}
        page.stage.send(_report("ended", reason="cancelled by hand", **over))
        page.stage.send(_report("ended", reason="halt: person: enough", **over))
        page.until("document.querySelector('#toasts').children.length > 0")
        page.settle()
        assert page.text("#toasts") == "Buy 0.5 was not filled: halt: person: enough"

    def test_asks_sell_own_cells_cancel_and_move(self, staged, look):
        page = _opened(staged, look)
        _arm(page)
        _click_ladder(page, "ask", 1003)
        assert [(one.side, one.price) for one in _heard(page, Order)] == [(-1, 1003)]
        page.stage.tell(account(lanes=[_lane(orders=[_working(side=-1, price=1003)])]))
        page.until("desk.pane.ladder.rows.own.size === 1")
        page.settle()
        _click_ladder(page, "own", 1003, to_price=1005)
        assert [(one.lane, one.price) for one in _heard(page, Move)] == [(0, 1005)]
        _click_ladder(page, "own", 1003)
        assert len(_heard(page, Cancel)) == 1

    def test_several_orders_are_shown_and_cancelled_one_by_one(self, staged, look):
        page = _opened(staged, look)
        _arm(page)
        orders = [
            _working(id=7, price=998),
            _working(id=8, price=996, lots=30, left=30, ahead=120.0),
            _working(id=9, price=996, lots=20, left=20, ahead=150.0),
            _working(id=10, side=-1, price=1004, ahead=None, ahead_why="not answered yet"),
        ]
        page.stage.tell(account(lanes=[_lane(orders=orders)]))
        page.until("desk.desk.own?.orders.length === 4")
        page.settle()
        text = "desk.pane.ladder.rows.own.get(desk.pane.ladder.rowOf({})).text"
        assert [page.js(text.format(price)) for price in (998, 996, 1004)] == [
            "0.5 +0.8",
            "0.5×2 +1.2",
            "0.5",
        ]
        listed = page.text("#pane-account .orders")
        assert listed.count("Cancel") == 4
        assert "1.5 ahead" in listed
        assert "not answered yet" in listed
        page.page.click("[aria-label='Cancel order 8']")
        _click_ladder(page, "own", 998)
        _click_ladder(page, "own", 996, to_price=995)
        _click_ladder(page, "own", 996)
        page.page.keyboard.press("x")
        page.settle()
        assert [one.order for one in _heard(page, Cancel)] == [8, 7, 8, 9, None]
        assert [(one.order, one.price) for one in _heard(page, Move)] == [(8, 995), (9, 995)]

    def test_keys_and_ticket_send_markets_brackets_cancels(self, staged, look):
        page = _opened(staged, look)
        _arm(page)
        page.page.fill("#order-stop", "8")
        page.page.fill("#order-target", "12")
        page.page.fill("#order-cap", "4")
        page.page.locator("#pane-heat canvas").first.focus()
        for key in ("b", "S", "x", "X", "F"):
            page.page.keyboard.press(key)
        page.settle()
        rest, market = _heard(page, Order)
        assert (rest.side, rest.type, rest.price, rest.bracket.stop, rest.bracket.target) == (
            1,
            "limit",
            1000,
            992,
            1012,
        )
        assert (market.side, market.type, market.cap_ticks) == (-1, "market", 4)
        assert (market.bracket.stop, market.bracket.target) == (1008, 988)
        assert [len(_heard(page, kind)) for kind in (Cancel, CancelAll, Flatten)] == [1, 1, 1]

    def test_the_ladder_takes_orders_by_keyboard(self, staged, look):
        page = _opened(staged, look)
        _arm(page)
        page.page.locator("#pane-ladder canvas").first.focus()
        for key in ("ArrowDown", "ArrowDown", "ArrowDown", "Enter"):  # the touch first, then down
            page.page.keyboard.press(key)
        for key in ("ArrowUp",) * 5 + ("Enter",):
            page.page.keyboard.press(key)
        page.settle()
        assert [(one.side, one.price) for one in _heard(page, Order)] == [(1, 998), (-1, 1003)]

    def test_refusals_are_shown_with_their_reason(self, staged, look):
        page = _opened(staged, look)
        page.stage.actor.refuse[Order] = "one order at a time: cancel the other first"
        _arm(page)
        page.page.keyboard.press("b")
        page.until("document.querySelector('#toasts').textContent.includes('one order at a time')")
        page.stage.send(_report("refused", reason="day loss 101 of 100 USDT"))
        page.until("document.querySelector('#toasts').textContent.includes('day loss 101 of 100')")
        page.settle()
        assert "day loss 101 of 100 USDT" in page.text("#pane-account .event.refused")

    def test_a_read_only_desk_takes_no_orders(self, staged, look):
        page = _opened(staged, look, read_only=True)
        assert not page.page.is_visible("#arm")
        assert not page.page.is_visible("#kill")
        page.page.keyboard.press("a")
        page.settle()
        assert _heard(page, Arm) == []
        assert "read only" in page.text("#toasts").lower()

    def test_arming_belongs_to_one_browser(self, staged, look):
        page = _opened(staged, look)
        other = look(page.stage).open().caught_up()
        _arm(page)
        other.settle()
        assert other.js("desk.desk.armed") is False
        assert other.js("document.body.classList.contains('armed')") is False
        assert [one.on for one in _heard(page, Arm)] == [True]

    def test_real_money_is_said_plainly_and_asked_twice(self, staged, look):
        money = {"currency": "USDT", "equity": 10000.0, "paper": False}
        page = _opened(staged, look, mode="live", account=money)
        assert page.text("#mode") == "live · real money"
        assert page.text("#arm") == "Arm real orders"
        page.page.keyboard.press("a")
        page.until("document.querySelector('#arm-dialog').open")
        page.page.keyboard.press("Enter")  # the focus is on leaving it
        page.settle()
        assert _heard(page, Arm) == []
        page.page.keyboard.press("a")
        page.page.click("#arm-real")
        page.until("desk.desk.armed")
        page.settle()
        assert [one.on for one in _heard(page, Arm)] == [True]
        assert page.text("#arm") == "Real orders armed"
        page.page.keyboard.press("a")  # disarming is asked once
        page.until("!desk.desk.armed")

    def test_risk_is_shown_beside_its_limit(self, staged, look):
        page = _opened(staged, look)
        page.stage.tell(
            account(
                risk=[
                    {"name": "day_loss", "lane": None, "used": 90.0, "limit": 100.0, "unit": "USDT"}
                ]
            )
        )
        page.until("document.querySelector('.limit.near')")
        assert "90 / 100 USDT" in page.text(".limit.near")


class TestKillSwitch:
    def test_it_needs_no_arming_and_is_seen(self, staged, look):
        page = _opened(staged, look)
        page.page.keyboard.press("K")
        page.until("document.querySelector('#kill-dialog').open")
        page.page.keyboard.press("Enter")  # the first degree has the focus
        page.until("document.body.classList.contains('killed')")
        (kill,) = _heard(page, Kill)
        assert kill.level == "flatten"
        page.settle()
        assert page.text("#kill") == "Stopped: flatten"
        page.page.click("#kill")
        page.page.fill("#resume-reason", "the feed is back")
        page.page.click("#resume")
        page.until("!document.body.classList.contains('killed')")
        assert [one.reason for one in _heard(page, Resume)] == ["the feed is back"]


class TestReplay:
    def test_play_pause_step_and_pace(self, staged, look):
        page = _opened(staged, look)
        page.page.keyboard.press(" ")
        page.until("desk.desk.clock.playing === false")
        page.page.keyboard.press(".")
        page.page.keyboard.press(":")
        page.page.keyboard.press(">")
        page.until("desk.desk.clock.speed === 2")
        page.page.select_option("#pace", "20")
        page.until("desk.desk.clock.speed === 20")
        page.page.click("#play")
        page.until("desk.desk.clock.playing === true")
        assert len(_heard(page, Pause)) == len(_heard(page, Play)) == 1
        assert [one.events for one in _heard(page, Step)] == [1, 100]
        assert [one.speed for one in _heard(page, Pace)] == [2, 20]

    def test_the_line_of_time_goes_where_it_is_clicked(self, staged, look):
        page = _opened(staged, look)
        box = page.page.locator(".timeline").bounding_box()
        page.page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + box["height"] / 2)
        page.settle()
        (seek,) = _heard(page, Seek)  # half an hour on: not in the rings
        assert abs(seek.to_ms - (START_MS + 1_800_000)) < 5000
        page.page.mouse.click(box["x"] + box["width"] * (30 / 3600), box["y"] + box["height"] / 2)
        page.settle()
        assert len(_heard(page, Seek)) == 1  # kept here: the server is not asked
        assert page.js("desk.view.follow") is False

    def test_a_double_click_in_a_pane_runs_there(self, staged, look):
        page = _opened(staged, look)
        box = page.page.locator("#pane-heat").bounding_box()
        x = page.js(f"desk.pane.heat.plot.x({START_MS} + 20000)")
        page.page.mouse.dblclick(box["x"] + x, box["y"] + 60)
        page.settle()
        assert abs(_heard(page, Seek)[0].to_ms - (START_MS + 20_000)) < 500

    def test_a_step_back_begins_anew(self, staged, look):
        page = _opened(staged, look)
        _arm(page)
        page.stage.restart("going back to 10:00:05", title="again")
        page.until("desk.store.hello.title === 'again'")
        page.settle()
        assert page.js("desk.desk.armed") is False
        assert page.js("Number.isNaN(desk.desk.now)") is True  # no time is left of before
        assert page.js(
            "[desk.store.lanes[0].heat.stop, desk.store.lanes[0].signals.length, desk.store.epoch]"
        ) == [0, 0, 1]
        quiet_minute(page.stage, seconds=5)
        page.until("desk.store.lanes[0].heat.stop === 51")
        assert "going back" in page.text("#toasts")

    def test_a_signal_can_be_run_to(self, staged, look):
        page = _opened(staged, look)
        page.page.click("#signal-0")
        page.settle()
        page.page.click("text=Run the replay to here")
        page.settle()
        assert [(one.signal, one.lane) for one in _heard(page, Seek)] == [(0, 0)]


class TestHabits:
    def test_help_lists_every_key(self, staged, look):
        page = _opened(staged, look)
        page.page.keyboard.press("?")
        page.until("document.querySelector('#help').open")
        keys = page.js("[...document.querySelectorAll('#keys kbd')].map((k) => k.textContent)")
        assert len(keys) == len(set(keys)) == page.js("desk.page.keys.by_key.size") + 1
        assert {"space", "K", "a", "b", "F", "?", "n", "l"} <= set(keys)

    def test_theme_clock_and_layout_are_remembered(self, staged, look):
        page = _opened(staged, look, instruments=hello()["instruments"])
        dark = page.js("desk.theme.of('panel')")
        for key in ("t", "u", "2"):
            page.page.keyboard.press(key)
        page.settle()
        assert page.js("desk.theme.of('panel')") != dark
        page.page.reload()
        page.caught_up()
        assert page.js(
            "[desk.theme.name, document.querySelector('#zone').textContent, desk.page.layout.name]"
        ) == ["light", "local", "flow"]

    def test_panes_are_resized_by_key_and_kept(self, staged, look):
        page = _opened(staged, look)
        page.page.locator("#desk > .split > .splitter").focus()
        before = page.js("desk.page.layout.root.at")
        page.page.keyboard.press("ArrowLeft")
        page.page.keyboard.press("ArrowLeft")
        assert abs(page.js("desk.page.layout.root.at") - (before - 0.04)) < 1e-9
        page.page.reload()
        page.caught_up()
        assert abs(page.js("desk.page.layout.root.at") - (before - 0.04)) < 1e-9
        page.page.keyboard.press("0")
        page.settle()
        assert page.js("desk.page.layout.root.at") == before

    def test_sounds_are_off_until_asked_for(self, staged, look):
        page = _opened(staged, look)
        page.stage.send(_report("fill"))
        page.until("desk.store.reports.length === 1")
        assert page.js("desk.desk.sound.played") == []
        page.page.keyboard.press("m")
        page.stage.send(_report("fill"))
        page.until("desk.store.reports.length === 2")
        assert page.js("desk.desk.sound.played") == ["fill"]

    def test_another_instrument_is_asked_for(self, staged, look):
        page = _opened(staged, look)
        page.page.select_option("#instrument", "1")
        page.settle()
        assert [one.lanes for one in _heard(page, Watch)] == [[0, 1]]
        assert "No valid book" in page.text("#pane-heat .blank") or "Filling" in page.text(
            "#pane-heat .blank"
        )

    def test_everything_has_a_name_and_can_be_reached(self, staged, look):
        page = _opened(staged, look)
        nameless = page.js("""[...document.querySelectorAll(
            'button, select, input, canvas[role], [role=separator], [role=listbox]')]
          .filter((e) => !e.closest('dialog:not([open])') && e.offsetParent)
          .filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim() || e.title))
          .filter((e) => !e.labels?.length).map((e) => e.outerHTML)""")
        assert nameless == []
        reached = set()
        for _ in range(70):
            page.page.keyboard.press("Tab")
            reached.add(
                page.js(
                    "(document.activeElement.closest('.pane, #top, #time, #context')?.className"
                    " || document.activeElement.closest('[id]')?.id)"
                )
            )
        assert {"pane"} <= {str(one).split()[0] for one in reached if one}

    def test_it_fits_a_laptop_and_a_phone(self, staged, look):
        stage = staged()
        quiet_minute(stage)
        for width, height, panes in ((1280, 720, 4), (390, 844, 2)):
            page = look(stage, width, height).open().caught_up()
            assert page.js("document.documentElement.scrollWidth") <= width
            shown = page.js(
                "Object.values(desk.pane).filter((p) => p.visible"
                " && p.element.getBoundingClientRect().width > 40).map((p) => p.id)"
            )
            assert len(shown) >= panes, shown
            assert page.js("desk.pane.heat.pictures") > 0
            if width == 390:
                assert not page.page.is_visible("#arm")
            else:
                assert page.js("document.querySelector('#layout').value") == "narrow"
