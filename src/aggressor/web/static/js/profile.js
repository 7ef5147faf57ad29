/**
 * The session's volume by price beside the heatmap, on the same prices: POC, value area, VWAP.
 *
 * Why: where business was done is where it may be done again; standing on the heatmap's own prices
 * it needs no axis of its own to be compared.
 */

import { Plot, TIME_AXIS, drawPlate } from "./axes.js";
import { CanvasPane } from "./pane.js";
import { faded, font, theme } from "./theme.js";

export class ProfilePane extends CanvasPane {
  /** @param {import("./desk.js").Desk} desk */
  constructor(desk) {
    super("profile", "Profile", desk);
    this.whole = this.toggle("whole", "All", "Show the whole session instead of the prices of the heatmap", false);
    this.plot = new Plot(0, 0, 1, 1);
    this.calm = 95;
    this.rows = 0;
    this.element.addEventListener("pointermove", (event) => {
      const box = this.element.getBoundingClientRect();
      desk.view.point(null, this.plot.v(event.clientY - box.top), this.id);
    });
    this.element.addEventListener("pointerleave", () => desk.view.point(null, null, this.id));
    this.element.addEventListener("wheel", (event) => {
      event.preventDefault();
      const box = this.element.getBoundingClientRect();
      desk.view.follow_price = false;
      desk.view.zoomPrice(Math.exp(Math.sign(event.deltaY) * 0.18), this.plot.v(event.clientY - box.top), 50000);
    }, { passive: false });
  }

  key() {
    const { desk } = this;
    const s = desk.lane?.seen;
    return `${desk.shown}|${desk.store.seen.hello}|${desk.view.low}|${desk.view.high}|${desk.view.selected?.id}|${theme.version}|${s?.profile}|${s?.state}`;
  }

  why() {
    const { lane } = this.desk;
    if (!lane) return "Waiting for the server to say what it shows.";
    return lane.profile.price.length ? "" : (lane.state?.blank["profile"] ?? "Nothing has traded in this session yet.");
  }

  words() {
    const { lane, units } = this.desk;
    const session = lane?.state?.session;
    if (!lane || !units || !session) return this.why();
    return `point of control ${units.price(session.poc)}, value area ${units.price(session.val)} to ${units.price(session.vah)}, VWAP ${units.price(session.vwap === null ? null : Math.round(session.vwap))}${session.whole ? "" : "; the session was not seen from its beginning"}.`;
  }

  /** @param {CanvasRenderingContext2D} c @param {number} width @param {number} height */
  draw(c, width, height) {
    c.fillStyle = theme.of("panel");
    c.fillRect(0, 0, width, height);
    const { lane, units, view } = this.desk;
    if (!lane || !units) return;
    const beside = this.desk.heatHeight(this.element);
    const plot = new Plot(0, 0, width, Math.min(height, beside ?? height) - (beside === null ? TIME_AXIS : 0));
    const { profile } = lane;
    [plot.low, plot.high] = [view.low, view.high];
    if (this.whole.on && profile.price.length) {
      const [first, last] = [profile.price[0], profile.price[profile.price.length - 1]];
      const pad = (last - first) * 0.05 + profile.row;
      [plot.low, plot.high] = [first - pad, last + pad];
    }
    this.plot = plot;
    const step = this.step(profile.row, plot);
    const sums = this.sums(profile, plot, step);
    const most = this.scale([...sums.values()].map(([bought, sold]) => bought + sold));
    const session = lane.state?.session ?? null;
    const tall = (plot.height / (plot.high - plot.low)) * step;
    const room = width - 8;
    for (const [low, [bought, sold]] of sums) {
      const top = plot.y(low + step - 0.5);
      const inside = session && session.val !== null && session.vah !== null && low + step > session.val && low <= session.vah;
      const h = Math.max(0.7, tall - (tall > 3 ? 1 : 0));
      const fit = Math.min(1, most / (bought + sold));
      const [a, b] = [(sold / most) * room * fit, (bought / most) * room * fit];
      c.fillStyle = faded("ask", inside ? 0.85 : 0.4);
      c.fillRect(0, top, a, h);
      c.fillStyle = faded("bid", inside ? 0.85 : 0.4);
      c.fillRect(a, top, b, h);
    }
    this.rows = sums.size;
    this.lines(c, plot, lane, units, width);
    c.font = font(11);
    c.textAlign = "center";
    c.textBaseline = "middle";
    c.fillStyle = theme.of("panel");
    c.fillRect(0, plot.bottom, width, height - plot.bottom);
    c.fillStyle = theme.of(session?.whole === false ? "call" : "faint");
    c.fillText(session?.whole === false ? "session in part" : "session", width / 2, plot.bottom + TIME_AXIS / 2);
    if (session && height - plot.bottom > 60) this.figures(c, session, plot.bottom + TIME_AXIS + 8, height, width, units);
  }

  /** The session in numbers, where there is room under the profile. @param {CanvasRenderingContext2D} c @param {import("./protocol.js").Session} session @param {number} top @param {number} height @param {number} width @param {import("./scales.js").Units} units */
  figures(c, session, top, height, width, units) {
    /** @type {[string, string][]} */
    const rows = [
      ["VAH", units.price(session.vah)], ["POC", units.price(session.poc)], ["VAL", units.price(session.val)],
      ["VWAP", session.vwap === null ? "–" : units.price(session.vwap)], ["high", units.price(session.high)], ["low", units.price(session.low)], ["volume", units.brief(session.volume)],
    ];
    c.textBaseline = "middle";
    rows.forEach(([name, value], i) => {
      const y = top + i * 17 + 6;
      if (y > height - 6) return;
      c.font = font(width < 100 ? 10.5 : 11.5);
      c.textAlign = "left";
      c.fillStyle = theme.of("faint");
      c.fillText(name, width < 100 ? 4 : 8, y);
      c.font = font(width < 100 ? 10.5 : 11.5, 500);
      c.textAlign = "right";
      c.fillStyle = theme.of("ink");
      c.fillText(value, width - 6, y);
    });
  }

  /** Lots of a full bar: one giant row must not make the others vanish. @param {number[]} lots */
  scale(lots) {
    lots.sort((a, b) => a - b);
    const high = lots[Math.floor(lots.length * 0.97)] ?? 1;
    return Math.max(1, Math.min(lots[lots.length - 1] ?? 1, high * 1.6));
  }

  /** Ticks a bar: rows of the profile, joined until a bar is 2 pixels tall. @param {number} row @param {Plot} plot */
  step(row, plot) {
    const pixels = (plot.height / (plot.high - plot.low)) * row;
    return row * Math.max(1, Math.ceil(2 / pixels));
  }

  /** @param {{price: Int32Array, bought: Float64Array, sold: Float64Array, row: number}} profile @param {Plot} plot @param {number} step */
  sums(profile, plot, step) {
    /** @type {Map<number, [number, number]>} */
    const sums = new Map();
    for (let i = 0; i < profile.price.length; i++) {
      const price = profile.price[i];
      if (price < plot.low - step || price > plot.high + step) continue;
      const low = Math.floor(price / step) * step;
      const sum = sums.get(low) ?? [0, 0];
      sums.set(low, [sum[0] + profile.bought[i], sum[1] + profile.sold[i]]);
    }
    return sums;
  }

  /** VWAP with its bands, POC, value area, naked points of control, nodes. @param {CanvasRenderingContext2D} c @param {Plot} plot @param {import("./store.js").Lane} lane @param {import("./scales.js").Units} units @param {number} width */
  lines(c, plot, lane, units, width) {
    const state = lane.state;
    const session = state?.session;
    c.lineWidth = 1;
    /** @type {[number|null|undefined, string, import("./theme.js").Colour, number[], number][]} */
    const all = [];
    if (session?.vwap !== null && session?.vwap !== undefined) {
      all.push([session.vwap, "VWAP", "call", [], 1]);
      if (session.sigma) for (const n of [-2, -1, 1, 2]) all.push([session.vwap + n * session.sigma, `${n > 0 ? "+" : "−"}${Math.abs(n)}σ`, "call", [2, 4], 0.6]);
    }
    if (session) all.push([session.poc, "POC", "ink", [], 1], [session.vah, "VAH", "muted", [5, 3], 1], [session.val, "VAL", "muted", [5, 3], 1]);
    for (const one of state?.naked_pocs ?? []) all.push([(one.low + one.high) / 2, "nPOC", "ink", [7, 3], 0.7]);
    const past = state?.sessions?.at(-1);
    if (past) all.push([past.poc, "prior POC", "faint", [7, 3], 1], [past.vah, "prior VAH", "faint", [5, 3], 0.8], [past.val, "prior VAL", "faint", [5, 3], 0.8]);
    for (const one of state?.locations ?? []) if (/^(hvn|lvn)$/i.test(one.kind)) all.push([(one.low + one.high) / 2, one.kind.replaceAll("_", " "), "faint", [1, 3], 0.9]);
    let last = -Infinity;
    all.sort((a, b) => (b[0] ?? 0) - (a[0] ?? 0));
    for (const [price, name, colour, dash, alpha] of all) {
      if (price === null || price === undefined || price < plot.low || price > plot.high) continue;
      const y = Math.round(plot.y(price)) + 0.5;
      c.strokeStyle = faded(colour, alpha);
      c.setLineDash(dash);
      c.beginPath();
      c.moveTo(0, y);
      c.lineTo(width, y);
      c.stroke();
      c.setLineDash([]);
      if (y - last < 12) continue;
      last = y;
      c.font = font(10.5, 500);
      c.textAlign = "right";
      c.textBaseline = "bottom";
      c.lineWidth = 3;
      c.strokeStyle = faded("panel", 0.85);
      c.strokeText(name, width - 4, y);
      c.fillStyle = theme.of(colour === "faint" ? "muted" : colour);
      c.fillText(name, width - 4, y);
      c.lineWidth = 1;
    }
    const { book } = lane;
    const middle = (book.bid + book.ask) / 2;
    if (book.valid && middle > plot.low && middle < plot.high) {
      c.fillStyle = theme.of("ink");
      c.fillRect(0, Math.round(plot.y(middle)), 6, 1);
    }
    void units;
  }

  cursorKey() {
    return `${this.desk.view.cursor_version}|${this.drawn}`;
  }

  /** @param {CanvasRenderingContext2D} c @param {number} width */
  drawCursor(c, width) {
    const { cursor } = this.desk.view;
    const { lane, units } = this.desk;
    const { plot } = this;
    if (!lane || !units || cursor.price === null || cursor.price < plot.low || cursor.price > plot.high) return;
    const y = Math.round(plot.y(cursor.price)) + 0.5;
    c.strokeStyle = faded("ink", 0.42);
    c.setLineDash([3, 3]);
    c.beginPath();
    c.moveTo(0, y);
    c.lineTo(width, y);
    c.stroke();
    c.setLineDash([]);
    const step = this.step(lane.profile.row, plot);
    const sum = this.sums(lane.profile, plot, step).get(Math.floor(Math.round(cursor.price) / step) * step);
    if (sum) drawPlate(c, width, y - 9, `${units.brief(sum[1])} × ${units.brief(sum[0])}`, theme.of("raised"), theme.of("strong"), Math.min(width, 84));
  }
}
