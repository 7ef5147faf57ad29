/**
 * The liquidity heatmap: the book through time, with what was traded, pulled and hidden in it.
 *
 * Why: it answers at a glance where size rests, who hits it, and whether it left because it was
 * traded (bubbles) or without being traded (dashes in a colour of their own): the one thing that
 * other heatmaps cannot say, as they have no ledger.
 */

import { PRICE_AXIS, Plot, TIME_AXIS, drawBefore, drawBeyond, drawCross, drawCursorTime, drawGap, drawPlate, drawPriceAxis, drawTimeAxis } from "./axes.js";
import { drawDivergences, drawFills, drawForced, drawLabels, drawPulls, drawSignals, drawStanding, drawTop, drawTrades } from "./heat_marks.js";
import { HeatTexture } from "./heat_texture.js";
import { MarkTexts } from "./marks_text.js";
import { CanvasPane } from "./pane.js";
import { attachPan } from "./pan.js";
import { RAMP_NAMES, faded, font, theme } from "./theme.js";
import { spanOf, timeOfDay } from "./scales.js";

export class HeatPane extends CanvasPane {
  /** @param {import("./desk.js").Desk} desk */
  constructor(desk) {
    super("heat", "Liquidity", desk);
    this.texture = new HeatTexture();
    this.plot = new Plot(0, 0, 1, 1);
    /** @type {import("./heat_marks.js").Spot[]} */
    this.spots = [];
    this.bubbles = 0;
    this.texts = new MarkTexts();
    this.on = {
      trades: this.toggle("trades", "Trades", "Taker orders: area by size, blue bought, orange sold; a bar over the prices a sweep went through", true),
      pulled: this.toggle("pulled", "Pulled", "Large sizes that left the book without being traded, by the ledger", true),
      standing: this.toggle("standing", "Walls", "Walls from first to last second; icebergs dotted, with their hidden size", true),
      signals: this.toggle("signals", "Signals", "Confirmed signals: triangles that point where they argue for", true),
      misses: this.toggle("misses", "Near-misses", "Signals that were rejected or expired: hollow", false),
      levels: this.toggle("levels", "Levels", "VWAP, point of control and value area of the session, naked points of control", false),
    };
    this.ramp = this.choice("ramp", "Colours of resting size", RAMP_NAMES, theme.ramp_name, () => theme.set(theme.name, this.ramp.value));
    this.contrast = this.choice("contrast", "Contrast", ["soft", "plain", "hard"], "plain");
    attachPan(this, () => this.plot, (x, y) => this.click(x, y));
  }

  key() {
    const { desk } = this;
    const s = desk.lane?.seen;
    const own = desk.store.seen.account >> 3;
    return `${desk.shown}|${desk.store.seen.hello}|${desk.view.version}|${theme.version}|${s ? `${s.heat}|${s.orders}|${s.signals}|${s.labels}|${s.state}|${s.forced}` : ""}|${own}|${desk.store.seen.reports}|${this.contrast.value}`;
  }

  why() {
    const { lane } = this.desk;
    if (!lane) return "Waiting for the server to say what it shows.";
    if (lane.heat.stop > lane.heat.start) return "";
    return lane.state?.blank["heat"] ?? (lane.live ? "No valid book has come yet: waiting for the venue's snapshot." : "Filling in what is kept of the past.");
  }

  words() {
    const { lane, units, view } = this.desk;
    if (!lane || !units || this.why()) return this.why();
    const { book } = lane;
    return `best bid ${units.price(book.bid)}, best ask ${units.price(book.ask)}; ${spanOf(view.span)} shown until ${timeOfDay(Math.min(view.t1, lane.now))}; ${this.bubbles} large trades, ${this.spots.length} signals in view.`;
  }

  /** @param {CanvasRenderingContext2D} c @param {number} width @param {number} height */
  draw(c, width, height) {
    const { lane, view, units } = this.desk;
    c.fillStyle = theme.of("panel");
    c.fillRect(0, 0, width, height);
    if (!lane || !units) return;
    const plot = new Plot(0, 0, Math.max(10, width - PRICE_AXIS), Math.max(10, height - TIME_AXIS));
    [plot.t0, plot.t1, plot.low, plot.high] = [view.t0, view.t1, view.low, view.high];
    this.plot = plot;
    view.pixels = plot.width * (window.devicePixelRatio || 1);
    this.texture.contrast = { soft: 0.75, plain: 1, hard: 1.5 }[this.contrast.value] ?? 1;
    drawTimeAxis(c, plot, true, true);
    c.save();
    c.beginPath();
    c.rect(plot.left, plot.top, plot.width, plot.height);
    c.clip();
    this.texture.update(lane.heat, view.t0, view.t1, view.low, view.high, plot.width, plot.height);
    this.texture.draw(c, plot.x, plot.y, view.t0, view.t1, lane.heat.period);
    this.drawUntold(c, plot, lane.heat);
    this.drawGaps(c, plot, lane);
    drawTop(c, plot, lane.heat);
    if (this.on.levels.on) this.drawLevels(c, plot, lane);
    this.texts.begin();
    if (this.desk.store.hello?.mode === "synthetic") drawLabels(c, plot, lane, this.texts);
    if (this.on.standing.on) drawStanding(c, plot, lane, this.texts);
    if (this.on.pulled.on) drawPulls(c, plot, lane, this.texture.full);
    this.bubbles = this.on.trades.on ? drawTrades(c, plot, lane, this.texture.row) : 0;
    drawForced(c, plot, lane);
    if (this.on.signals.on) drawDivergences(c, plot, lane);
    this.spots = this.on.signals.on ? drawSignals(c, plot, lane, this.on.misses.on, this.desk.signal?.number ?? -1, this.texts) : [];
    drawFills(c, plot, this.desk.store.reports, this.desk.shown);
    this.drawDepth(c, plot, lane);
    this.texts.draw(c, plot);
    c.restore();
    c.fillStyle = theme.of("panel");
    c.fillRect(plot.right, 0, PRICE_AXIS, height);
    drawPriceAxis(c, plot, units, width, false);
    this.drawOwn(c, plot, width);
    const { bid, ask } = lane.book;
    if (lane.book.valid) {
      drawPlate(c, width, plot.y(ask) - 8, units.price(ask), theme.of("ask-wash"), theme.of("ask"));
      drawPlate(c, width, plot.y(bid) + 8, units.price(bid), theme.of("bid-wash"), theme.of("bid"));
    }
  }

  /** Hatch what is missing: lost books, columns that never came. @param {CanvasRenderingContext2D} c @param {Plot} plot @param {import("./store.js").Lane} lane */
  drawGaps(c, plot, lane) {
    const { heat } = lane;
    const first = Math.max(heat.start, heat.since(plot.t0) - 1);
    const stop = Math.min(heat.stop, heat.since(plot.t1) + 1);
    let invalid = NaN;
    if (heat.stop > heat.start && lane.live) drawBefore(c, plot, heat.ts[heat.start & heat.mask]);
    for (let n = first; n < stop; n++) {
      const at = n & heat.mask;
      const before = heat.ts[(n - 1) & heat.mask];
      if (n > heat.start && heat.ts[at] - before > 1.6 * heat.period) {
        drawGap(c, plot, before + heat.period, heat.ts[at], `missed ${spanOf(heat.ts[at] - before - heat.period)}`);
      }
      if (!heat.valid(n) && Number.isNaN(invalid)) invalid = heat.ts[at];
      if (heat.valid(n) && !Number.isNaN(invalid)) {
        drawGap(c, plot, invalid, heat.ts[at], `no valid book ${spanOf(heat.ts[at] - invalid)}`);
        invalid = NaN;
      }
    }
    if (!Number.isNaN(invalid)) drawGap(c, plot, invalid, lane.now, "no valid book");
    const last = heat.stop > heat.start ? heat.ts[(heat.stop - 1) & heat.mask] : NaN;
    if (lane.now - last > 12 * heat.period) drawGap(c, plot, last + heat.period, lane.now, lane.live ? `nothing for ${spanOf(lane.now - last)}` : "on its way");
  }

  /** Hatch prices that the columns of a stretch do not cover. @param {CanvasRenderingContext2D} c @param {Plot} plot @param {import("./heat_store.js").HeatStore} heat */
  drawUntold(c, plot, heat) {
    const stop = Math.min(heat.stop, heat.since(plot.t1) + 1);
    for (let n = Math.max(heat.start, heat.since(plot.t0) - 1), from = n; n < stop; n++) {
      const [at, next] = [n & heat.mask, (n + 1) & heat.mask];
      const same = n + 1 < stop && heat.low[next] === heat.low[at] && heat.high[next] === heat.high[at];
      if (same) continue;
      const [t0, t1] = [heat.ts[from & heat.mask], heat.ts[at] + heat.period];
      if (heat.high[at] + 0.5 < plot.high) drawBeyond(c, plot, t0, t1, heat.high[at] + 0.5, plot.high);
      if (heat.low[at] - 0.5 > plot.low) drawBeyond(c, plot, t0, t1, plot.low, heat.low[at] - 0.5);
      from = n + 1;
    }
  }

  /** Lines of the session. @param {CanvasRenderingContext2D} c @param {Plot} plot @param {import("./store.js").Lane} lane */
  drawLevels(c, plot, lane) {
    const session = lane.state?.session;
    /** @type {[number|null|undefined, string][]} */
    const lines = [[session?.vwap, "VWAP"], [session?.poc, "POC"], [session?.vah, "VAH"], [session?.val, "VAL"]];
    for (const one of lane.state?.naked_pocs ?? []) lines.push([(one.low + one.high) / 2, "naked POC"]);
    c.font = font(10.5, 500);
    c.textAlign = "left";
    c.textBaseline = "bottom";
    for (const [price, name] of lines) {
      if (price === null || price === undefined || price < plot.low || price > plot.high) continue;
      const y = Math.round(plot.y(price)) + 0.5;
      c.strokeStyle = faded("ink", 0.4);
      c.lineWidth = 1;
      c.setLineDash(name === "VWAP" ? [] : [6, 4]);
      c.beginPath();
      c.moveTo(plot.left, y);
      c.lineTo(plot.right, y);
      c.stroke();
      c.setLineDash([]);
      c.fillStyle = theme.of("muted");
      c.fillText(name, plot.left + 6, y - 1);
    }
  }

  /** The book as it stands, in the free space at the right. @param {CanvasRenderingContext2D} c @param {Plot} plot @param {import("./store.js").Lane} lane */
  drawDepth(c, plot, lane) {
    const { heat } = lane;
    const left = plot.x(lane.now);
    const room = plot.right - left;
    if (room < 16 || !this.desk.view.follow || heat.stop === heat.start) return;
    const { row } = this.texture;
    const rows = new Map();
    for (let p = Math.max(heat.now_low, Math.floor(plot.low)); p <= Math.min(heat.now_high, plot.high); p++) {
      const lots = heat.now[p - heat.now_low];
      if (lots === 0) continue;
      const at = Math.floor(p / row) * (lots > 0 ? 1 : -1);
      rows.set(at, (rows.get(at) ?? 0) + Math.abs(lots));
    }
    const sizes = [...rows.values()].sort((a, b) => a - b);
    const most = Math.max(this.texture.full, sizes[Math.floor(sizes.length * 0.97)] ?? 0); // one giant must not hide the others
    const tall = Math.max(1, (plot.height / (plot.high - plot.low)) * row);
    c.fillStyle = faded("panel", 0.72);
    c.fillRect(left, plot.top, room, plot.height);
    for (const [at, lots] of rows) {
      const y = plot.y((Math.abs(at) + 0.5) * row);
      c.fillStyle = faded(at > 0 ? "bid" : "ask", 0.75);
      c.fillRect(left + 1, y - tall / 2, Math.min(1, lots / most) * (room - 2), Math.max(1, tall - 0.6));
    }
  }

  /** Own orders and the price of entry, as lines with what is ahead of them. @param {CanvasRenderingContext2D} c @param {Plot} plot @param {number} width */
  drawOwn(c, plot, width) {
    const { own, units } = this.desk;
    if (!own || !units) return;
    c.font = font(11, 500);
    c.textBaseline = "middle";
    c.textAlign = "left";
    /** @type {[number|null|undefined, string, import("./theme.js").Colour][]} */
    const lines = own.orders.filter((one) => one.price !== null).map((one) => [one.price, `${one.side > 0 ? "buy" : "sell"} ${units.size(one.lots - one.filled)}${one.leg && one.leg !== "order" ? ` ${one.leg}` : ""}${one.ahead !== null ? ` · ${units.brief(one.ahead)} ahead` : ""}`, one.side > 0 ? "bid" : "ask"]);
    if (own.position && own.entry !== null) lines.push([own.entry, `${own.position > 0 ? "long" : "short"} ${units.size(Math.abs(own.position))}`, "own"]);
    /** Where words stand. @type {{y: number, right: number}[]} */
    const taken = [];
    for (const [price, text, colour] of lines) {
      if (price === null || price === undefined || price < plot.low || price > plot.high) continue;
      const y = Math.round(plot.y(price)) + 0.5;
      c.strokeStyle = theme.of(colour);
      c.lineWidth = 1;
      c.setLineDash(colour === "own" ? [] : [8, 4]);
      c.beginPath();
      c.moveTo(plot.left, y);
      c.lineTo(width, y);
      c.stroke();
      c.setLineDash([]);
      const wide = c.measureText(text).width + 10;
      const left = Math.max(plot.left + 8, ...taken.filter((one) => Math.abs(one.y - y) < 17).map((one) => one.right + 6));
      taken.push({ y, right: left + wide });
      c.fillStyle = theme.of("raised");
      c.fillRect(left, y - 8, wide, 16);
      c.fillStyle = theme.of(colour);
      c.fillText(text, left + 5, y + 0.5);
    }
  }

  cursorKey() {
    const { lane, view } = this.desk;
    return `${view.cursor_version}|${view.version}|${lane?.seen.heat}`;
  }

  /** @param {CanvasRenderingContext2D} c @param {number} width */
  drawCursor(c, width) {
    const { lane, units, view } = this.desk;
    if (!lane || !units) return;
    const { plot } = this;
    drawCross(c, plot, view.cursor, units, width);
    drawCursorTime(c, plot, view.cursor);
    if (view.cursor.t === null || view.cursor.price === null) return;
    const text = this.reading(view.cursor.t, view.cursor.price, lane, units);
    c.font = font(11.5, 500);
    c.textAlign = "left";
    c.textBaseline = "middle";
    const wide = c.measureText(text).width + 16;
    c.fillStyle = faded("raised", 0.94);
    c.fillRect(6, 6, wide, 20);
    c.fillStyle = theme.of("ink");
    c.fillText(text, 14, 16.5);
  }

  /** What the cell under the cursor holds, exactly. @param {number} t @param {number} price @param {import("./store.js").Lane} lane @param {import("./scales.js").Units} units */
  reading(t, price, lane, units) {
    const { row, pack } = this.texture;
    const low = row > 1 ? Math.floor(price / row) * row : Math.round(price);
    const high = low + row - 1;
    const column = lane.heat.columnAt(Math.min(t, lane.now));
    const place = row > 1 ? `${units.price(low)}–${units.price(high)}` : units.price(low);
    if (column < 0) return `${timeOfDay(t, 1)}  ${place}  nothing was recorded here`;
    let lots = 0;
    for (const [at, size] of lane.heat.bookAt(column)) if (at >= low && at <= high) lots += Math.abs(size);
    const flows = lane.heat.flowsIn(column - pack + 1, column + 1, low, high);
    const parts = [`${timeOfDay(t, 1)}  ${place}  resting ${units.size(lots)}`];
    if (flows.traded) parts.push(`traded ${units.size(flows.traded)}`);
    if (flows.pulled) parts.push(`pulled ${units.size(flows.pulled)}`);
    if (flows.added) parts.push(`added ${units.size(flows.added)}`);
    if (flows.hidden) parts.push(`hidden ${units.size(flows.hidden)}`);
    return parts.join("  ·  ");
  }

  /** @param {number} x @param {number} y @returns {boolean} whether something was hit */
  click(x, y) {
    const hit = this.spots.find((spot) => Math.hypot(spot.x - x, spot.y - y) < 9);
    if (hit) this.desk.goSignal(hit.signal);
    return hit !== undefined;
  }
}
