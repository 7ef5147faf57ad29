"""Every pane of the page draws what was sent: state against frames, and pixels where it matters."""

import json

from aggressor.web.protocol import Kind, json_frame
from tests.web.staged import (
    COLUMN_NS,
    START_MS,
    START_NS,
    heat,
    quiet_minute,
    signal,
    state,
    whole_book,
)

# colour of a canvas where a time and a price are
PIXEL = """(t, price, pane = "heat") => {
  const { main, context, plot } = desk.pane[pane];
  const k = window.devicePixelRatio;
  const [x, y] = [Math.round(plot.x(t) * k), Math.round(plot.y(price) * k)];
  const at = context.getImageData(x, y, 1, 1).data;
  return [at[0], at[1], at[2]];
}"""
# how many pixels of a pane are about of a colour of the theme
COUNT = """(pane, name, slack = 30) => {
  const { main, context } = desk.pane[pane];
  const want = parseInt(desk.theme.of(name).slice(1), 16);
  const [r, g, b] = [want >> 16, (want >> 8) & 255, want & 255];
  const { data } = context.getImageData(0, 0, main.width, main.height);
  let n = 0;
  for (let i = 0; i < data.length; i += 4)
    if (Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < slack) n++;
  return n;
}"""


def _seconds(second: float) -> float:
    return START_MS + second * 1000.0


def _opened(staged, look, **size):
    stage = staged()
    quiet_minute(stage)
    return look(stage, **size).open().caught_up()


def _bright(seen: list[int]) -> int:
    return sum(seen)


class TestHeatmap:
    def test_holds_every_column_that_was_sent(self, staged, look):
        page = _opened(staged, look)
        held = page.js(
            "(({ heat: h }) => [h.start, h.stop, h.ts[0], h.ts[h.stop - 1]])(desk.store.lanes[0])"
        )
        assert held == [0, 601, START_MS, START_MS + 60_000.0]
        at = "Object.fromEntries(desk.store.lanes[0].heat.bookAt(%d))"
        sent = {str(p): n for p, n in whole_book().items()}
        assert page.js(at % 30) == sent
        assert page.js(at % 230) == sent | {"980": 2000}
        assert page.js(at % 450) == sent

    def test_a_wall_is_bright_while_it_stands(self, staged, look):
        page = _opened(staged, look)
        before, during, after = (
            page.js(f"({PIXEL})({_seconds(s)}, 980.0 - 0.3)") for s in (2, 15, 50)
        )
        assert _bright(during) > _bright(before) + 100
        assert _bright(before) == _bright(after)
        empty = page.js(f"({PIXEL})({_seconds(15)}, 950)")
        assert _bright(empty) < _bright(before)

    def test_pulled_and_traded_look_different(self, staged, look):
        page = _opened(staged, look)
        gone = page.js("desk.store.lanes[0].trails.gone")
        assert [(one["price"], one["lots"]) for one in gone if one["lots"] > 1000] == [(980, 1900)]
        pulled = page.js(f"({PIXEL})({_seconds(40)}, 980.0)")
        red, green, blue = pulled  # reddish purple
        assert red > green + 40
        assert blue > green + 20
        assert page.js(f"({COUNT})('heat', 'gone')") > 10
        sold = page.js(f"({PIXEL})({_seconds(30)}, 996)")
        assert sold[0] > sold[2] + 60  # orange: sold
        bought = page.js(f"({PIXEL})({_seconds(20)}, 1001)")
        assert bought[2] > bought[0] + 60  # blue: bought

    def test_the_cursor_says_exactly_what_rests_and_what_happened(self, staged, look):
        page = _opened(staged, look)
        say = "desk.pane.heat.reading(%f, %d, desk.store.lanes[0], desk.desk.units)"
        assert "490.0  resting 20" in page.js(say % (_seconds(20), 980))
        assert "resting 1  ·  pulled 19" in page.js(say % (_seconds(40), 980))
        assert "traded 3" in page.js(say % (_seconds(20), 1001))
        assert "hidden 1.5" in page.js(say % (_seconds(35), 990))
        assert "nothing was recorded here" in page.js(say % (_seconds(-20), 980))

    def test_the_cursor_is_one_for_all_panes(self, staged, look):
        page = _opened(staged, look)
        box = page.page.locator("#pane-heat").bounding_box()
        where = page.js(f"(({{ plot }}) => [plot.x({_seconds(20)}), plot.y(990)])(desk.pane.heat)")
        page.page.mouse.move(box["x"] + where[0], box["y"] + where[1])
        page.settle()
        cursor = page.js("desk.view.cursor")
        assert abs(cursor["t"] - _seconds(20)) < 400
        assert abs(cursor["price"] - 990) < 0.6
        count = """(id) => { const { over, over_context } = desk.pane[id];
          const { data } = over_context.getImageData(0, 0, over.width, over.height);
          return data.filter((v, i) => i % 4 === 3 && v).length; }"""
        for pane in ("heat", "footprint", "ladder", "profile", "delta"):
            assert page.js(f"({count})('{pane}')") > 20, pane

    def test_missing_columns_are_a_hatched_gap_not_a_line(self, staged, look):
        stage = staged()
        end = quiet_minute(stage)
        late = end + 8_000_000_000
        stage.send(
            *(
                heat(late + n * COLUMN_NS, whole_book() if n == 0 else {}, key=n == 0)
                for n in range(40)
            )
        )
        page = look(stage).open().caught_up()
        assert page.js("desk.store.lanes[0].heat.brokenBefore(601)") is True
        row = """(t0, t1) => { const { context, plot } = desk.pane.heat;
          const y = Math.round(plot.y(1000)) - 40;
          const a = Math.round(plot.x(t0)), b = Math.round(plot.x(t1));
          const d = context.getImageData(a, y, b - a, 1).data; const seen = new Set();
          for (let i = 0; i < d.length; i += 4) seen.add(d.slice(i, i + 3).join());
          return seen.size; }"""
        assert page.js(f"({row})({_seconds(61)}, {_seconds(67)})") >= 3  # strokes and ground
        assert page.js(f"({row})({_seconds(52)}, {_seconds(58)})") <= 2  # a quiet book is plain

    def test_an_invalid_book_says_so(self, staged, look):
        stage = staged()
        end = quiet_minute(stage)
        stage.send(*(heat(end + n * COLUMN_NS, {}, valid=False) for n in range(1, 30)))
        page = look(stage).open().caught_up()
        assert page.js("desk.store.lanes[0].heat.valid(610)") is False
        assert page.js(f"({PIXEL})({_seconds(62)}, 1010)") != page.js(
            f"({PIXEL})({_seconds(50)}, 1010)"
        )

    def test_panning_back_and_zooming_out_ask_the_server_for_nothing(self, staged, look):
        page = _opened(staged, look)
        heard = len(page.stage.actor.heard)
        page.page.keyboard.press("ArrowLeft")
        for _ in range(8):
            page.page.keyboard.press("ArrowDown")
        page.settle()
        assert page.js("desk.view.follow") is False
        assert page.js("desk.view.span") > 1_000_000
        assert page.js("desk.pane.heat.texture.pack") > 1
        page.page.keyboard.press("l")
        page.settle()
        assert page.js("desk.view.follow") is True
        assert len(page.stage.actor.heard) == heard


class TestFootprint:
    def test_cells_and_marks_are_those_of_the_bar(self, staged, look):
        page = _opened(staged, look)
        bars = page.js(
            "desk.pane.footprint.placed.map(({bar: b}) =>"
            " [b.number, b.is_open, b.volume, b.delta, b.poc, b.unfinished_high])"
        )
        assert [bar[:2] for bar in bars] == [[0, False], [1, True]]
        assert bars[0][2:] == [400 + 300 + 5 + 9 * 10 + 8 * 5, 400 - 300 + 90 - 45, 1000, 1]
        assert page.js(f"({COUNT})('footprint', 'bid')") > 20  # the buy imbalance and its stack
        assert page.js(f"({COUNT})('footprint', 'ask')") > 20
        assert page.js(f"({COUNT})('footprint', 'call', 60)") > 3  # the unfinished high
        page.until("desk.pane.footprint.main.getAttribute('aria-label').includes('delta')")

    def test_modes_and_the_cache_of_closed_bars(self, staged, look):
        page = _opened(staged, look)
        pictures = {}
        for mode in ("bid × ask", "delta", "volume"):
            page.page.select_option("[aria-label='What cells show']", mode)
            page.settle()
            pictures[mode] = page.js("desk.pane.footprint.main.toDataURL()")
        assert len(set(pictures.values())) == 3
        made = page.js("desk.pane.footprint.pictures_of.made")
        page.js("(desk.pane.footprint.turns += 1)")
        page.settle()
        assert page.js("desk.pane.footprint.pictures_of.made") == made

    def test_a_bar_of_poor_data_says_so(self, staged, look):
        from tests.web.staged import bar

        stage = staged()
        quiet_minute(stage)
        stage.send(bar(1, quality=2), bar(2, is_open=True))
        page = look(stage).open().caught_up()
        assert page.js(
            "desk.store.lanes[0].bars.list.map((b) => [b.number, b.quality, b.is_open])"
        ) == [[0, 0, False], [1, 2, False], [2, 0, True]]


class TestLadder:
    def test_sizes_flows_and_volume_stand_at_their_prices(self, staged, look):
        page = _opened(staged, look)
        rows = """(price) => { const { ladder } = desk.pane;
          const r = ladder.rowOf(price), o = ladder.rows.of;
          const of = ["bid", "ask", "bid_pulled", "bid_added", "ask_pulled", "bought", "sold"];
          return of.map((n) => o[n][r]); }"""
        assert page.js("desk.pane.ladder.step") == 1
        assert page.js(f"({rows})(1000)") == [100, 0, 5, 7, 0, 100, 50]
        assert page.js(f"({rows})(1001)") == [0, 100, 0, 0, 5, 0, 0]
        assert page.js("[desk.pane.ladder.rows.bid_row, desk.pane.ladder.rows.ask_row]") == page.js(
            "[1000, 1001].map((p) => desk.pane.ladder.rowOf(p))"
        )

    def test_only_changed_cells_are_drawn(self, staged, look):
        from tests.web.staged import book

        page = _opened(staged, look)
        page.stage.send(book(START_NS + 61_000_000_000, {998: 450.0}))
        page.until("desk.store.lanes[0].book.of.lots[2] === 450")
        page.settle()
        assert 1 <= page.js("desk.pane.ladder.changed_cells") <= 90  # bars of 40 rows are rescaled
        page.stage.send(book(START_NS + 62_000_000_000, {998: 450.0, 995: 120.0}))
        page.until("desk.store.lanes[0].book.of.lots[5] === 120")
        page.settle()
        assert page.js("desk.pane.ladder.changed_cells") == 1

    def test_rows_may_be_taller_than_a_tick(self, staged, look):
        page = _opened(staged, look)
        page.page.select_option("[aria-label='Ticks a row']", "5")
        page.settle()
        assert page.js("desk.pane.ladder.rows.of.bid[desk.pane.ladder.rowOf(992)]") == 500


class TestTape:
    def test_orders_newest_first_and_filters(self, staged, look):
        page = _opened(staged, look)
        sizes = "desk.pane.tape.rows.map((n) => desk.store.lanes[0].orders.at('lots', n))"
        assert page.js(sizes) == [4, 500, 300]
        for only, want in (
            ("large", [500, 300]),
            ("huge", [500]),
            ("sweeps", [500]),
            ("all", [4, 500, 300]),
        ):
            page.page.select_option("[aria-label='Which orders']", only)
            page.settle()
            assert page.js(sizes) == want, only
        page.page.fill("[aria-label='Least size shown']", "3")
        page.settle()
        assert page.js(sizes) == [500, 300]


class TestCurvesAndProfile:
    def test_cvd_is_drawn_and_what_is_not_known_says_so(self, staged, look):
        stage = staged()
        end = quiet_minute(stage)
        stage.send(
            json_frame(
                Kind.STATE, 0, end, state(blank={"open_interest": "no open interest was published"})
            )
        )
        page = look(stage).open().caught_up()
        assert "cvd 5.9" in page.js("desk.pane.delta.words()")
        assert page.js(f"({COUNT})('delta', 'ink')") > 40
        line = page.js(
            "(() => { const p = desk.pane.delta.panels[0].plot; return [p.low, p.high]; })()"
        )
        assert line[0] < 0
        assert line[1] > 590
        page.page.click(".tab[data-pane='interest']")
        page.settle()
        assert "–" in page.js("desk.pane.interest.words()")
        assert page.js("desk.pane.interest.panels.length") == 1

    def test_the_profile_has_the_rows_and_lines_of_the_session(self, staged, look):
        page = _opened(staged, look)
        assert "point of control 500.0, value area 497.0 to 502.0" in page.js(
            "desk.pane.profile.words()"
        )
        assert page.js(f"({COUNT})('profile', 'bid', 90)") > 50
        assert page.js(f"({COUNT})('profile', 'call')") > 10  # VWAP


class TestSignals:
    def test_a_click_goes_to_that_second_in_every_pane_and_shows_the_evidence(self, staged, look):
        page = _opened(staged, look)
        items = page.page.locator("#pane-signals [role=option]")
        assert items.count() == 1
        items.first.click()
        page.settle()
        assert page.js("desk.view.follow") is False
        assert page.js("desk.view.selected.t") == START_MS + 12_050
        low, high = page.js("[desk.view.t0, desk.view.t1]")
        assert low < START_MS + 12_050 < high
        card = page.text("#pane-card")
        for words in (
            "Size that was never shown keeps a price.",
            "confirmed",
            "495.0 – 496.0",
            "12.34",
            "≥ 3",
            "0.050",
            "≤ 0.200",
            "not known: age",
            "0.610",
        ):
            assert words.lower() in card.lower(), words
        assert items.first.get_attribute("aria-selected") == "true"
        assert page.js(f"({COUNT})('heat', 'call', 60)") > 20

    def test_near_misses_name_the_condition_that_failed(self, staged, look):
        page = _opened(staged, look)
        page.js(
            "[...document.querySelectorAll('.chip')].find((b) => b.textContent === 'Near-misses'"
            " && b.title.includes('rejected or expired, with')).click()"
        )
        page.settle()
        assert "rejected: traded share" in page.text("#pane-signals")
        page.page.locator("#signal-1").click()
        page.settle()
        assert "traded share" in page.text("#pane-card .failed")
        lines = page.js(
            "[...document.querySelectorAll('#pane-card .rules tr')]"
            ".map((row) => [...row.children].map((one) => one.textContent))"
        )
        assert lines == [
            ["held against", "value", "threshold"],
            ["✗traded share", "0.410", "≥ 0.700"],
            ["✓approachone way is enough", "", ""],
            ["repeatsrepetition", "1", "≥ 2"],
            ["nearcame near", "2", "≤ 3"],
            ["·interest", "", ""],
            ["interest change", "not known", "≤ -0.005"],
        ]
        marked = "#pane-card .rules tbody.failed"
        assert page.js(f"document.querySelectorAll('{marked}').length") == 1

    def test_keys_walk_through_them(self, staged, look):
        page = _opened(staged, look)
        page.stage.send(
            json_frame(Kind.SIGNAL, 0, START_NS, [signal(2, known_ms=START_MS + 50_000.0)])
        )
        page.until("desk.store.lanes[0].signals.length === 3")
        page.settle()
        seen = []
        for key in ("n", "n", "p"):
            page.page.keyboard.press(key)
            page.settle()
            seen.append(page.js("desk.desk.signal.number"))
        assert seen == [2, 0, 2]


class TestContext:
    def test_every_blank_says_why(self, staged, look):
        page = _opened(staged, look)
        strip = page.text("#context")
        assert "needs 4 h of closed bars" in strip
        assert "thin" in strip
        page.page.click("#context")
        page.settle()
        assert "needs 4 h of closed bars" in page.text("#facts")

    def test_bad_data_is_told_in_the_colour_of_alarm(self, staged, look):
        stage = staged()
        end = quiet_minute(stage)
        bad = state(data={"valid": False, "faults": ["crossed"], "book_age_ms": None, "health": {}})
        stage.send(json_frame(Kind.STATE, 0, end, bad))
        page = look(stage).open().caught_up()
        assert "crossed" in page.text("#context .bad")

    def test_empty_panes_say_why(self, staged, look):
        stage = staged()
        stage.send(
            json_frame(
                Kind.STATE,
                0,
                START_NS,
                state(blank={"heat": "waiting for the snapshot of the venue"}),
            )
        )
        page = look(stage).open().caught_up()
        assert "waiting for the snapshot" in page.text("#pane-heat .blank")
        assert page.text("#pane-ladder .blank") == "No book has come yet."
        assert page.text("#pane-tape .blank") == "Nothing has traded yet."
        assert "first bar" in page.text("#pane-footprint .blank")

    def test_venues_say_who_is_left_out_and_why(self, staged, look):
        stage = staged()
        end = quiet_minute(stage)
        row = {
            "lane": 0, "venue": "binance-usdm", "symbol": "BTCUSDT", "live": True, "why": None,
            "mid": 500.25, "basis": 0.0, "deviation_bp": 0.1, "bid_base": 12.0, "ask_base": 8.0,
        }  # fmt: skip
        stale = row | {"lane": 1, "venue": "bybit", "live": False, "why": "stale for 12 s"}
        whole = {
            "base": "BTC", "mid": 500.25, "bid_base": 12.0, "ask_base": 8.0, "bought": 3.0,
            "sold": 1.0, "cvd": 2.0, "venues": [row, stale],
            "depth": {"bucket_bp": 0.5, "bids": [8.0, 4.0], "asks": [2.0, 6.0], "truncated": True},
        }  # fmt: skip
        stage.send(json_frame(Kind.STATE, 0, end, state(composite=whole)))
        page = look(stage).open().caught_up()
        page.page.click(".tab[data-pane='venues']")
        page.settle()
        assert "stale for 12 s" in page.text("#pane-venues tr.out")
        assert "CVD 2 BTC over all venues" in page.text("#pane-venues")
        rows = "#pane-venues .joined tr"
        assert page.text(f"{rows}:first-child").split() == ["8", "0.0–0.5", "bp", "2"]
        widths = page.page.eval_on_selector_all(
            f"{rows} i", "all => all.map(one => one.style.width)"
        )
        assert widths == ["100%", "25%", "50%", "75%"]
        assert "a book ends within" in page.text("#pane-venues .joined caption")

    def test_every_scenario_is_named_and_none_upon_another(self, staged, look):
        stage = staged(mode="synthetic", scenarios=[{"kind": "iceberg", "means": "One big order."}])
        end = quiet_minute(stage)
        kinds = ("iceberg", "wall_pull", "push_through", "exhaustion", "cascade")
        for n in range(28):
            start = START_MS + 20_000 + 1_400 * n
            place = 990 + n % 7 if n % 9 else 1500  # some lie beyond the prices shown
            label = {
                "number": n, "kind": kinds[n % 5], "means": "", "difficulty": "plain", "side": 1,
                "direction": 1, "low": place, "high": place + 2, "start_ms": start,
                "stop_ms": start + 900, "key_ms": start + 500, "came_about": n != 3,
            }  # fmt: skip
            stage.send(json_frame(Kind.LABEL, 0, end, label))
        page = look(stage).open().caught_up()
        page.until("desk.store.lanes[0].labels.length === 28")
        page.settle()
        written = page.js("desk.pane.heat.texts.written")
        names = {kind.replace("_", " ") for kind in kinds}
        boxes = [one for one in written if one["must"]]
        assert {one["text"].removeprefix("↑ ") for one in boxes} == names
        shown = page.js(
            "desk.store.lanes[0].labels.filter((l) => l.stop_ms >= desk.view.t0).length"
        )
        assert len(boxes) == shown == 28
        assert any(one["text"].startswith("↑") for one in boxes)
        for n, one in enumerate(written):
            for two in written[n + 1 :]:
                apart = one["right"] <= two["left"] or two["right"] <= one["left"]
                assert apart or one["bottom"] <= two["top"] or two["bottom"] <= one["top"]
        page.page.click("#scene button")
        listed = page.page.locator("#scenes .scene-row")
        assert listed.count() == 28
        assert "One big order." in page.text("#scenes")
        assert "did not come about" in listed.nth(24).inner_text()
        listed.nth(26).click()
        page.settle()
        assert page.js("document.querySelector('#scenes').open") is False
        assert page.js("desk.view.selected.id") == "label 1"

    def test_the_demo_says_what_is_made_to_happen(self, staged, look):
        stage = staged(mode="synthetic")
        end = quiet_minute(stage)
        label = {
            "number": 0, "kind": "iceberg", "means": "A large order shows a little at a time.",
            "side": 1, "direction": 1, "low": 988, "high": 992, "start_ms": _seconds(50),
            "stop_ms": None,
        }  # fmt: skip
        stage.send(json_frame(Kind.LABEL, 0, end, label))
        page = look(stage).open().caught_up()
        assert "Happening now, by design" in page.text("#scene")
        assert "A large order shows a little at a time." in page.text("#scene")
        stage.send(json_frame(Kind.LABEL, 0, end, label | {"stop_ms": _seconds(55)}))
        page.until("document.querySelector('#scene').textContent.includes('Just over')")
        assert json.loads(page.js("JSON.stringify(desk.store.lanes[0].labels.length)")) == 1
