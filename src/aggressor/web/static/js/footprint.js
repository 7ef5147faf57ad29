/**
 * The footprint chart: what was bought and sold at each price of each bar.
 *
 * Why: bars stand side by side at a width of their own, so that cells can be read; the cursor's
 * second lights up its bar, and the cursor's price is the same line as everywhere.
 */

import { PRICE_AXIS, Plot, TIME_AXIS, drawPlate } from "./axes.js";
import { BarPictures, MODES, drawBar } from "./footprint_bar.js";
import { CanvasPane } from "./pane.js";
import { faded, font, theme } from "./theme.js";
import { priceMarks, spanOf, timeOfDay } from "./scales.js";

/** @typedef {import("./bars.js").Bar} Bar */

const FOOT = 32; // delta and volume under the bars
const QUALITY = ["", "inferred", "partial", "stale"];

export class FootprintPane extends CanvasPane {
  /** @param {import("./desk.js").Desk} desk */
  constructor(desk) {
    super("footprint", "Footprint", desk);
    this.mode = this.choice("mode", "What cells show", MODES, "bid × ask");
    this.scale = this.choice("scale", "Shade cells by the largest of", ["bar", "view"], "bar");
    this.on = { levels: this.toggle("levels", "Zones", "Stacked zones, naked points of control and unfinished auctions, until they are traded through", true) };
    this.wide = 104;
    this.row = 14;
    this.row_set = false;
    this.wide_set = false;
    this.middle = NaN;
    this.right = 0; // bars that lie right of what is shown
    this.follow = true;
    this.turns = 0;
    this.pictures_of = new BarPictures();
    this.plot = new Plot(0, 0, 1, 1);
    /** Bars drawn and where, for the pointer and for tests. @type {{bar: Bar, x: number}[]} */
    this.placed = [];
    this.attach();
  }

  key() {
    const { desk } = this;
    const selected = desk.view.selected?.id ?? "";
    return `${desk.shown}|${desk.store.seen.hello}|${desk.lane?.seen.bars}|${desk.lane?.seen.state}|${theme.version}|${this.turns}|${this.mode.value}|${this.scale.value}|${selected}|${desk.view.follow}|${desk.view.follow ? 0 : desk.view.t1}`;
  }

  why() {
    const { lane } = this.desk;
    if (!lane) return "Waiting for the server to say what it shows.";
    if (lane.bars.list.length) return "";
    return lane.state?.blank["bars"] ?? `The first bar of ${spanOf(lane.one.bar_ms)} is not open yet: nothing has traded.`;
  }

  words() {
    const { lane, units } = this.desk;
    const bar = lane?.bars.list.at(-1);
    if (!lane || !units || !bar) return this.why();
    return `${this.placed.length} bars of ${spanOf(bar.period_ms)}; the last from ${timeOfDay(bar.open_ms)}: close ${units.price(bar.close)}, volume ${units.brief(bar.volume)}, delta ${units.signed(bar.delta)}.`;
  }

  /** @param {CanvasRenderingContext2D} c @param {number} width @param {number} height */
  draw(c, width, height) {
    c.fillStyle = theme.of("panel");
    c.fillRect(0, 0, width, height);
    const { lane, units, view } = this.desk;
    this.placed = [];
    if (!lane || !units || !lane.bars.list.length) return;
    const { list } = lane.bars;
    const plot = new Plot(0, 0, width - PRICE_AXIS, height - FOOT - TIME_AXIS);
    const ticks = list[list.length - 1].row;
    if (!this.wide_set) this.wide = Math.round(Math.min(168, Math.max(100, plot.width / Math.min(10, Math.max(5, list.length)))));
    if (!view.follow && this.follow) {
      const at = lane.bars.indexAt(view.t1 - view.span / 2);
      if (at >= 0) this.right = Math.max(0, list.length - 1 - at - Math.floor(plot.width / this.wide / 2));
    } else if (this.follow) this.right = 0;
    const stop = Math.max(1, list.length - Math.floor(this.right));
    const first = Math.max(0, stop - Math.ceil(plot.width / this.wide) - 1);
    const seen = list.slice(first, stop);
    if (this.follow && !this.row_set) this.fit(seen, plot.height, ticks);
    const rows = plot.height / this.row;
    if (this.follow) this.middle = this.centre(seen[seen.length - 1], rows * ticks);
    plot.high = this.middle + (rows * ticks) / 2;
    plot.low = this.middle - (rows * ticks) / 2;
    this.plot = plot;
    this.grid(c, plot, units, width);
    c.save();
    c.beginPath();
    c.rect(plot.left, plot.top, plot.width, plot.height);
    c.clip();
    if (this.on.levels.on) this.zones(c, plot, lane);
    const largest = Math.max(...seen.map((bar) => bar.largest));
    /** @type {import("./footprint_bar.js").Look} */
    const look = { mode: /** @type {any} */ (this.mode.value), width: Math.round(this.wide), row: this.row, ticks, scale: this.scale.value === "bar" ? "bar" : "view", largest };
    const dpr = window.devicePixelRatio || 1;
    seen.forEach((bar, i) => {
      const x = Math.round(plot.right - (seen.length - i) * this.wide);
      if (x + this.wide < 0) return;
      this.placed.push({ bar, x });
      if (view.selected && view.selected.t >= bar.open_ms && view.selected.t < bar.open_ms + bar.period_ms) {
        c.fillStyle = faded("call", 0.07);
        c.fillRect(x, plot.top, this.wide, plot.height);
      }
      if (bar.is_open) drawBar(c, bar, x, plot.y, look, units);
      else {
        const { canvas, top } = this.pictures_of.of(bar, look, units);
        c.drawImage(canvas, x, Math.round(plot.y(top)), canvas.width / dpr, canvas.height / dpr);
      }
    });
    c.restore();
    this.beyond(c, plot, units);
    for (const { bar, x } of this.placed) this.foot(c, bar, x, plot.bottom, units);
    c.fillStyle = theme.of("panel");
    c.fillRect(plot.right, plot.bottom, PRICE_AXIS, height - plot.bottom);
    const last = list[list.length - 1];
    drawPlate(c, width, plot.y(last.close), units.price(last.close), theme.of(last.close >= last.open ? "bid-wash" : "ask-wash"), theme.of(last.close >= last.open ? "bid" : "ask"));
  }

  /** Say where bars are that lie beyond the prices shown. @param {CanvasRenderingContext2D} c @param {Plot} plot @param {import("./scales.js").Units} units */
  beyond(c, plot, units) {
    c.font = font(11, 500);
    c.textAlign = "center";
    c.textBaseline = "middle";
    c.fillStyle = theme.of("muted");
    for (const { bar, x } of this.placed) {
      const above = bar.low > plot.high;
      if (!above && bar.high >= plot.low) continue;
      c.fillText(above ? `↑ ${units.price(bar.low)}` : `↓ ${units.price(bar.high)}`, x + this.wide / 2, above ? plot.top + 12 : plot.bottom - 12, this.wide - 4);
    }
  }

  /** Height of a row so that the last bars fit, as far as they can still be read. @param {Bar[]} seen @param {number} height @param {number} ticks */
  fit(seen, height, ticks) {
    const last = seen.slice(-4);
    const span = Math.max(...last.map((bar) => bar.high)) - Math.min(...last.map((bar) => bar.low)) + 3 * ticks;
    const row = Math.min(17, Math.max(10, Math.floor((height / span) * ticks)));
    if (row < this.row || row > this.row + 2) this.row = row;
  }

  /** Middle price to show: where it was, until the last bar leaves it. @param {Bar} bar @param {number} span */
  centre(bar, span) {
    const away = Math.abs(bar.close - this.middle) / span;
    if (away < 0.36) return this.middle;
    const middle = (bar.high + bar.low) / 2;
    return Math.round(Math.abs(bar.close - middle) < span * 0.4 ? middle : bar.close);
  }

  /** @param {CanvasRenderingContext2D} c @param {Plot} plot @param {import("./scales.js").Units} units @param {number} width */
  grid(c, plot, units, width) {
    c.font = font(11);
    c.textAlign = "right";
    c.textBaseline = "middle";
    for (const p of priceMarks(plot.low, plot.high, plot.height, units.tick, 40)) {
      const y = Math.round(plot.y(p));
      c.fillStyle = theme.of("grid");
      c.fillRect(plot.left, y, plot.width, 1);
      c.fillStyle = theme.of("faint");
      c.fillText(units.price(p), width - 5, y);
    }
  }

  /** Zones, naked points of control and unfinished auctions that still stand. @param {CanvasRenderingContext2D} c @param {Plot} plot @param {import("./store.js").Lane} lane */
  zones(c, plot, lane) {
    const state = lane.state;
    if (!state) return;
    for (const zone of state.zones) {
      const [y0, y1] = [plot.y(zone.high + 0.5), plot.y(zone.low - 0.5)];
      c.fillStyle = faded(zone.side > 0 ? "bid" : "ask", 0.09);
      c.fillRect(plot.left, y0, plot.width, Math.max(2, y1 - y0));
    }
    c.lineWidth = 1;
    for (const poc of state.naked_pocs) {
      c.strokeStyle = faded("ink", 0.55);
      line(c, plot, plot.y((poc.low + poc.high) / 2), [7, 4]);
    }
    for (const one of state.auctions) {
      c.strokeStyle = faded("call", 0.5);
      line(c, plot, plot.y(one.price), [2, 4]);
    }
  }

  /** Under each bar: delta, volume, time, and how good its data was. @param {CanvasRenderingContext2D} c @param {Bar} bar @param {number} x @param {number} top @param {import("./scales.js").Units} units */
  foot(c, bar, x, top, units) {
    const middle = x + this.wide / 2;
    c.fillStyle = theme.of("line");
    c.fillRect(x + 2, top, this.wide - 4, 1);
    c.textAlign = "center";
    c.textBaseline = "middle";
    if (this.wide >= 40) {
      c.font = font(11.5, 600);
      c.fillStyle = theme.of(bar.delta >= 0 ? "bid" : "ask");
      c.fillText(units.signed(bar.delta), middle, top + 10);
      c.font = font(11);
      c.fillStyle = theme.of("muted");
      c.fillText(units.brief(bar.volume), middle, top + 24);
    } else {
      c.fillStyle = theme.of(bar.delta >= 0 ? "bid" : "ask");
      c.fillRect(x + 2, top + 4, this.wide - 4, 8);
    }
    const every = Math.max(1, Math.ceil(62 / this.wide));
    if (bar.number % every) return;
    c.font = font(11);
    const note = bar.quality > 0 && !bar.is_open && this.wide > 70 ? ` ${QUALITY[bar.quality] ?? ""}` : "";
    c.fillStyle = theme.of(note ? "call" : "faint");
    c.fillText(timeOfDay(bar.open_ms, 0, bar.period_ms < 6e4) + note, middle, top + FOOT + TIME_AXIS / 2);
  }

  cursorKey() {
    return `${this.desk.view.cursor_version}|${this.drawn}`;
  }

  /** @param {CanvasRenderingContext2D} c @param {number} width */
  drawCursor(c, width) {
    const { cursor } = this.desk.view;
    const { plot } = this;
    const { units } = this.desk;
    if (!units) return;
    if (cursor.t !== null) {
      const found = this.placed.find(({ bar }) => /** @type {number} */ (cursor.t) >= bar.open_ms && /** @type {number} */ (cursor.t) < bar.open_ms + bar.period_ms);
      if (found) {
        c.strokeStyle = faded("ink", 0.5);
        c.lineWidth = 1;
        c.strokeRect(found.x + 0.5, plot.top + 0.5, this.wide - 1, plot.height + FOOT - 2);
      }
    }
    if (cursor.price === null || cursor.price > plot.high || cursor.price < plot.low) return;
    const y = Math.round(plot.y(cursor.price)) + 0.5;
    c.strokeStyle = faded("ink", 0.42);
    c.setLineDash([3, 3]);
    c.beginPath();
    c.moveTo(plot.left, y);
    c.lineTo(plot.right, y);
    c.stroke();
    c.setLineDash([]);
    drawPlate(c, width, y, units.price(Math.round(cursor.price)), theme.of("raised"), theme.of("strong"));
  }

  attach() {
    const { element, desk } = this;
    /** @type {{x: number, y: number}|null} */
    let held = null;
    element.addEventListener("pointerdown", (event) => {
      held = { x: event.clientX, y: event.clientY };
      element.setPointerCapture(event.pointerId);
    });
    element.addEventListener("pointerup", () => (held = null));
    element.addEventListener("pointermove", (event) => {
      const box = element.getBoundingClientRect();
      const [x, y] = [event.clientX - box.left, event.clientY - box.top];
      if (!held) {
        const over = this.placed.find((one) => x >= one.x && x < one.x + this.wide);
        desk.view.point(over ? over.bar.open_ms + ((x - over.x) / this.wide) * over.bar.period_ms : null, y < this.plot.bottom ? this.plot.v(y) : null, this.id);
        return;
      }
      this.follow = false;
      this.right = Math.max(0, Math.min(this.right + (event.clientX - held.x) / this.wide, (desk.lane?.bars.list.length ?? 1) - 1));
      this.middle += ((event.clientY - held.y) / this.row) * (desk.lane?.bars.list.at(-1)?.row ?? 1);
      held = { x: event.clientX, y: event.clientY };
      this.turns += 1;
    });
    element.addEventListener("pointerleave", () => desk.view.point(null, null, this.id));
    element.addEventListener("dblclick", () => this.home());
    element.addEventListener("wheel", (event) => {
      event.preventDefault();
      const factor = Math.exp(-Math.sign(event.deltaY || event.deltaX) * 0.14);
      if (event.shiftKey) this.setRow(this.row * factor);
      else this.setWide(this.wide * factor);
      this.turns += 1;
    }, { passive: false });
  }

  /** @param {number} wide */
  setWide(wide) {
    this.wide = Math.min(260, Math.max(10, wide));
    this.wide_set = true;
  }

  /** @param {number} row */
  setRow(row) {
    this.row = Math.min(26, Math.max(2, Math.round(row * 2) / 2));
    this.row_set = true;
  }

  /** Follow the last bar again. */
  home() {
    this.row_set = this.wide_set = false;
    this.follow = true;
    this.right = 0;
    this.turns += 1;
  }
}

/** @param {CanvasRenderingContext2D} c @param {Plot} plot @param {number} y @param {number[]} dash */
function line(c, plot, y, dash) {
  c.setLineDash(dash);
  c.beginPath();
  c.moveTo(plot.left, Math.round(y) + 0.5);
  c.lineTo(plot.right, Math.round(y) + 0.5);
  c.stroke();
  c.setLineDash([]);
}
