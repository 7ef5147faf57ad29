/**
 * The table of keys: what each does, in one list from which the help is written.
 */

import { Keys } from "./keys.js";
import { LAYOUTS } from "./layout.js";

/** @param {any} page the page of main.js */
export function hotkeys(page) {
  /** @type {import("./desk.js").Desk} */
  const desk = page.desk;
  const { view } = desk;
  const keys = new Keys(() => desk.armed, () => desk.say("Orders are not armed: press a first.", "warn"));
  const look = "Look";
  keys.add(look, ["ArrowLeft"], "back a quarter of the span", () => view.pan(-view.span / 4, desk.now));
  keys.add(look, ["ArrowRight"], "on a quarter of the span", () => view.pan(view.span / 4, desk.now));
  keys.add(look, ["ArrowUp"], "less time, closer", () => view.zoom(1 / 1.4, (view.t0 + view.t1) / 2, desk.now));
  keys.add(look, ["ArrowDown"], "more time, wider", () => view.zoom(1.4, (view.t0 + view.t1) / 2, desk.now));
  keys.add(look, ["+", "="], "fewer prices", () => price(1 / 1.3));
  keys.add(look, ["-"], "more prices", () => price(1.3));
  keys.add(look, ["l"], "go with the market", () => {
    view.goLive(desk.now);
    page.footprint.home();
  });
  keys.add(look, ["c"], "centre the ladder and the prices", () => {
    view.follow_price = true;
    page.ladder.hands.home();
    const { bid, ask } = desk.lane?.book ?? { bid: NaN, ask: NaN };
    const half = (view.high - view.low) / 2;
    if (Number.isFinite(bid + ask)) view.prices((bid + ask) / 2 - half, (bid + ask) / 2 + half);
  });
  keys.add(look, ["v"], "fit the prices to the span shown", () => page.fitPrices());
  keys.add(look, ["n"], "next older signal", () => page.signals.step(1));
  keys.add(look, ["p"], "next newer signal", () => page.signals.step(-1));
  keys.add(look, ["Escape"], "let go of what is selected", () => {
    desk.signal = null;
    view.select(null);
    page.layout.enlarge(null);
  });

  const time = "Replay";
  keys.add(time, [" "], "play or pause", () => page.time.toggle());
  keys.add(time, ["."], "one event further", () => page.time.stepOn(1));
  keys.add(time, [":"], "a hundred events further", () => page.time.stepOn(100));
  keys.add(time, [">"], "faster", () => page.time.faster(1));
  keys.add(time, ["<"], "slower", () => page.time.faster(-1));

  const act = "Act";
  keys.add(act, ["a"], "arm or disarm orders", () => page.top.arm());
  keys.add(act, ["b"], "rest a buy at the best bid", () => desk.order(1, "limit", desk.lane?.book.bid ?? NaN), true);
  keys.add(act, ["s"], "rest a sell at the best ask", () => desk.order(-1, "limit", desk.lane?.book.ask ?? NaN), true);
  keys.add(act, ["B"], "buy at market, up to the cap", () => desk.order(1, "market", null), true);
  keys.add(act, ["S"], "sell at market, down to the cap", () => desk.order(-1, "market", null), true);
  keys.note(act, "Enter", "in the ladder, after ↑ and ↓: rest an order at that price");
  keys.add(act, ["["], "half the size", () => page.account.scaled(0.5));
  keys.add(act, ["]"], "twice the size", () => page.account.scaled(2));
  keys.add(act, ["x"], "cancel the orders of this instrument", () => desk.command("cancel", { lane: desk.shown }), true);
  keys.add(act, ["X"], "cancel every order", () => desk.command("cancel_all"), true);
  keys.add(act, ["F"], "flatten this instrument", () => desk.command("flatten", { lane: desk.shown }), true);
  keys.add(act, ["K"], "kill switch", () => page.top.killDialog());

  const page_group = "Page";
  Object.keys(LAYOUTS).filter((name) => name !== "phone").forEach((name, i) => keys.add(page_group, [String(i + 1)], `layout: ${name}`, () => page.top.setLayout(name)));
  keys.add(page_group, ["0"], "this layout as it came", () => page.layout.reset());
  keys.add(page_group, ["t"], "dark or light", () => page.top.flipTheme());
  keys.add(page_group, ["u"], "UTC or local time", () => page.top.flipZone());
  keys.add(page_group, ["m"], "alert sounds", () => page.top.flipSound());
  keys.add(page_group, ["i"], "next instrument", () => page.top.nextInstrument());
  keys.add(page_group, ["?"], "this table", () => page.top.help());
  return keys;

  /** @param {number} factor */
  function price(factor) {
    view.zoomPrice(factor, (view.low + view.high) / 2, 50000);
  }
}
