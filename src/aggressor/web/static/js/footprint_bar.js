/**
 * One footprint bar as a picture: cells, imbalances, stacks, point of control, value area.
 *
 * Why: a closed bar never changes, so it is drawn once for a size and a mode and copied from then
 * on; only the open bar costs anything.
 */

import { BUY_IMBALANCE, BUY_STACK, POINT_OF_CONTROL, SELL_IMBALANCE, SELL_STACK, VALUE_AREA } from "./bars.js";
import { faded, font, theme } from "./theme.js";

/** @typedef {import("./bars.js").Bar} Bar */
/** @typedef {"bid × ask"|"delta"|"volume"} Mode */
/** @typedef {{mode: Mode, width: number, row: number, ticks: number, scale: "bar"|"view", largest: number}} Look */

export const MODES = /** @type {Mode[]} */ (["bid × ask", "delta", "volume"]);
const CANDLE = 7;

/** Draw a bar with its left edge at x; `y` gives the middle of a price. @param {CanvasRenderingContext2D|OffscreenCanvasRenderingContext2D} c @param {Bar} bar @param {number} x @param {(price: number) => number} y @param {Look} look @param {import("./scales.js").Units} units */
export function drawBar(c, bar, x, y, look, units) {
  const tall = Math.max(1, look.row * (bar.row / look.ticks));
  const cells = x + CANDLE + 3;
  const room = look.width - CANDLE - 8;
  const written = tall >= 10 && room >= 56;
  const largest = look.scale === "bar" ? bar.largest : look.largest;
  for (let i = 0; i < bar.price.length; i++) {
    const top = y(bar.price[i] + bar.row - 1) - tickHalf(look);
    const share = (bar.bought[i] + bar.sold[i]) / (largest || 1);
    wash(c, bar, i, cells, top, room, tall, share, look.mode, written);
    if (bar.marks[i] & VALUE_AREA) {
      c.fillStyle = faded("muted", 0.6);
      c.fillRect(cells - 2, top, 1, tall);
    }
    if (written) write(c, bar, i, cells, top, room, tall, look.mode, units);
    if (bar.marks[i] & POINT_OF_CONTROL) {
      c.strokeStyle = theme.of("ink");
      c.lineWidth = 1;
      c.strokeRect(Math.round(cells) + 0.5, Math.round(top) + 0.5, room - 1, Math.max(1, Math.round(tall) - 1));
    }
  }
  stacks(c, bar, cells, room, y, look, tall);
  candle(c, bar, x, y, look);
}

/** Half of a tick in pixels: from the middle of a price to its edge. @param {Look} look */
function tickHalf(look) {
  return look.row / look.ticks / 2;
}

/** Shade a cell by its share of the largest. @param {CanvasRenderingContext2D|OffscreenCanvasRenderingContext2D} c @param {Bar} bar @param {number} i @param {number} x @param {number} top @param {number} room @param {number} tall @param {number} share @param {Mode} mode @param {boolean} written */
function wash(c, bar, i, x, top, room, tall, share, mode, written) {
  const [bought, sold] = [bar.bought[i], bar.sold[i]];
  const h = Math.max(0.6, tall - (tall > 4 ? 1 : 0));
  if (mode === "delta") {
    const delta = bought - sold;
    const lean = Math.min(1, Math.abs(delta) / (bar.largest || 1));
    c.fillStyle = faded(delta >= 0 ? "bid" : "ask", 0.1 + 0.6 * lean);
    c.fillRect(x, top, room, h);
    return;
  }
  if (mode === "volume") {
    const wide = room * Math.min(1, share);
    const part = bought + sold > 0 ? sold / (bought + sold) : 0;
    c.fillStyle = faded("ask", written ? 0.42 : 0.75);
    c.fillRect(x, top, wide * part, h);
    c.fillStyle = faded("bid", written ? 0.42 : 0.75);
    c.fillRect(x + wide * part, top, wide * (1 - part), h);
    return;
  }
  const half = room / 2;
  const most = bar.largest || 1;
  c.fillStyle = faded("ask", written ? 0.3 : 0.75);
  const left = half * Math.min(1, (sold / most) * 1.35);
  c.fillRect(x + half - left, top, left, h);
  c.fillStyle = faded("bid", written ? 0.3 : 0.75);
  c.fillRect(x + half, top, half * Math.min(1, (bought / most) * 1.35), h);
}

/** Write a cell; an imbalance is in the colour of its side and heavy. @param {CanvasRenderingContext2D|OffscreenCanvasRenderingContext2D} c @param {Bar} bar @param {number} i @param {number} x @param {number} top @param {number} room @param {number} tall @param {Mode} mode @param {import("./scales.js").Units} units */
function write(c, bar, i, x, top, room, tall, mode, units) {
  const size = Math.min(12, Math.max(9, tall - 3));
  const middle = top + tall / 2 + 0.5;
  const marks = bar.marks[i];
  c.textBaseline = "middle";
  if (mode !== "bid × ask") {
    const delta = bar.bought[i] - bar.sold[i];
    c.font = font(size, marks & (BUY_IMBALANCE | SELL_IMBALANCE) ? 600 : 400);
    c.textAlign = "right";
    c.fillStyle = theme.of("ink");
    const text = mode === "delta" ? units.signed(delta) : units.brief(bar.bought[i] + bar.sold[i] + bar.unknown_lots[i]);
    c.fillText(text, x + room - 4, middle);
    return;
  }
  c.textAlign = "right";
  c.font = font(size, marks & SELL_IMBALANCE ? 600 : 400);
  c.fillStyle = marks & SELL_IMBALANCE ? theme.of("ask") : theme.of(bar.sold[i] ? "ink" : "faint");
  c.fillText(units.brief(bar.sold[i]), x + room / 2 - 6, middle);
  c.textAlign = "left";
  c.font = font(size, marks & BUY_IMBALANCE ? 600 : 400);
  c.fillStyle = marks & BUY_IMBALANCE ? theme.of("bid") : theme.of(bar.bought[i] ? "ink" : "faint");
  c.fillText(units.brief(bar.bought[i]), x + room / 2 + 6, middle);
}

/** Stacked imbalances: a bar along them at their side. @param {CanvasRenderingContext2D|OffscreenCanvasRenderingContext2D} c @param {Bar} bar @param {number} x @param {number} room @param {(price: number) => number} y @param {Look} look @param {number} tall */
function stacks(c, bar, x, room, y, look, tall) {
  for (let i = 0; i < bar.price.length; i++) {
    const top = y(bar.price[i] + bar.row - 1) - tickHalf(look);
    if (bar.marks[i] & BUY_STACK) {
      c.fillStyle = theme.of("bid");
      c.fillRect(x + room - 3, top, 3, tall);
    }
    if (bar.marks[i] & SELL_STACK) {
      c.fillStyle = theme.of("ask");
      c.fillRect(x, top, 3, tall);
    }
  }
}

/** Open, high, low, close as a slim candle; unfinished ends as open rings. @param {CanvasRenderingContext2D|OffscreenCanvasRenderingContext2D} c @param {Bar} bar @param {number} x @param {(price: number) => number} y @param {Look} look */
function candle(c, bar, x, y, look) {
  const up = bar.close >= bar.open;
  const middle = Math.round(x + CANDLE / 2);
  const half = tickHalf(look);
  c.fillStyle = theme.of(up ? "bid" : "ask");
  c.fillRect(middle, y(bar.high) - half, 1, Math.max(1, y(bar.low) - y(bar.high) + 2 * half));
  const [top, bottom] = [y(Math.max(bar.open, bar.close)), y(Math.min(bar.open, bar.close))];
  c.fillRect(middle - 2, top - 1, 5, Math.max(2, bottom - top + 2));
  c.strokeStyle = theme.of("call");
  c.lineWidth = 1.4;
  for (const [flag, at] of [[bar.unfinished_high, y(bar.high) - half - 5], [bar.unfinished_low, y(bar.low) + half + 5]]) {
    if (flag !== 1) continue;
    c.beginPath();
    c.arc(middle + 0.5, at, 2.6, 0, 2 * Math.PI);
    c.stroke();
  }
}

/** Pictures of closed bars, the most lately used kept. */
export class BarPictures {
  constructor() {
    /** @type {Map<string, {canvas: OffscreenCanvas, top: number}>} */
    this.kept = new Map();
    this.made = 0;
  }

  /** Picture of a closed bar and the price of its upper edge. @param {Bar} bar @param {Look} look @param {import("./scales.js").Units} units */
  of(bar, look, units) {
    const key = `${bar.number}|${bar.version}|${look.mode}|${look.width}|${look.row}|${look.ticks}|${look.scale === "view" ? look.largest : 0}|${theme.version}`;
    const found = this.kept.get(key);
    if (found) {
      this.kept.delete(key);
      this.kept.set(key, found);
      return found;
    }
    const dpr = window.devicePixelRatio || 1;
    const top = bar.high + Math.ceil((12 / look.row) * look.ticks) + bar.row;
    const bottom = bar.low - Math.ceil((12 / look.row) * look.ticks) - bar.row;
    const height = Math.max(4, ((top - bottom) / look.ticks) * look.row);
    const canvas = new OffscreenCanvas(Math.ceil(look.width * dpr), Math.ceil(Math.min(4000, height) * dpr));
    const c = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
    c.scale(dpr, dpr);
    drawBar(c, bar, 0, (price) => ((top - price) / look.ticks) * look.row, look, units);
    const made = { canvas, top };
    this.made += 1;
    this.kept.set(key, made);
    if (this.kept.size > 160) {
      const [oldest] = this.kept.keys();
      this.kept.delete(oldest);
    }
    return made;
  }
}
