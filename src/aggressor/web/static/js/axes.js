/**
 * Axes, gaps and the cursor, drawn alike in every pane.
 *
 * Why: the eye must find the same second and the same price in two panes without reading. What is
 * missing is hatched, never bridged by a line.
 */

import { faded, font, theme } from "./theme.js";
import { dayOf, priceMarks, timeMarks, timeOfDay } from "./scales.js";

export const PRICE_AXIS = 62;
export const TIME_AXIS = 18;

/** Map of a plot: time and price (or any value) to pixels. */
export class Plot {
  /** @param {number} left @param {number} top @param {number} width @param {number} height */
  constructor(left, top, width, height) {
    this.left = left;
    this.top = top;
    this.width = width;
    this.height = height;
    this.t0 = 0;
    this.t1 = 1;
    this.low = 0;
    this.high = 1;
    /** @param {number} t */
    this.x = (t) => this.left + ((t - this.t0) / (this.t1 - this.t0)) * this.width;
    /** @param {number} v */
    this.y = (v) => this.top + ((this.high - v) / (this.high - this.low)) * this.height;
  }

  get right() {
    return this.left + this.width;
  }

  get bottom() {
    return this.top + this.height;
  }

  /** @param {number} x */
  t(x) {
    return this.t0 + ((x - this.left) / this.width) * (this.t1 - this.t0);
  }

  /** @param {number} y */
  v(y) {
    return this.high - ((y - this.top) / this.height) * (this.high - this.low);
  }

  /** @param {number} x @param {number} y */
  holds(x, y) {
    return x >= this.left && x < this.right && y >= this.top && y < this.bottom;
  }
}

/** @param {CanvasRenderingContext2D} c @param {Plot} plot @param {boolean} labels @param {boolean} [lines] */
export function drawTimeAxis(c, plot, labels, lines = true) {
  const { step, times } = timeMarks(plot.t0, plot.t1, plot.width);
  c.fillStyle = theme.of("grid");
  if (lines) for (const t of times) c.fillRect(Math.round(plot.x(t)), plot.top, 1, plot.height);
  if (!labels) return;
  c.font = font(11);
  c.textAlign = "center";
  c.textBaseline = "middle";
  const digits = step < 1000 ? 1 : 0;
  for (const t of times) {
    const x = plot.x(t);
    if (x < plot.left + 22 || x > plot.right - 22) continue;
    const midnight = step >= 36e5 && timeOfDay(t, 0, false) === "00:00";
    c.fillStyle = theme.of(midnight ? "muted" : "faint");
    c.fillText(midnight ? dayOf(t) : timeOfDay(t, digits, step < 6e4), x, plot.bottom + TIME_AXIS / 2 + 0.5);
  }
}

/** @param {CanvasRenderingContext2D} c @param {Plot} plot @param {import("./scales.js").Units} units @param {number} right @param {boolean} [lines] */
export function drawPriceAxis(c, plot, units, right, lines = true) {
  const marks = priceMarks(plot.low, plot.high, plot.height, units.tick);
  if (lines) {
    c.fillStyle = theme.of("grid");
    for (const p of marks) c.fillRect(plot.left, Math.round(plot.y(p)), plot.width, 1);
  }
  c.font = font(11);
  c.textAlign = "right";
  c.textBaseline = "middle";
  c.fillStyle = theme.of("faint");
  for (const p of marks) {
    const y = plot.y(p);
    if (y > plot.top + 6 && y < plot.bottom - 6) c.fillText(units.price(p), right - 5, y);
  }
}

/** A value on the price axis, on a plate of its colour. @param {CanvasRenderingContext2D} c @param {number} right @param {number} y @param {string} text @param {string} plate @param {string} ink @param {number} [width] */
export function drawPlate(c, right, y, text, plate, ink, width = PRICE_AXIS) {
  c.fillStyle = plate;
  c.fillRect(right - width, Math.round(y) - 8, width, 16);
  c.font = font(11, 600);
  c.textAlign = "right";
  c.textBaseline = "middle";
  c.fillStyle = ink;
  c.fillText(text, right - 5, y + 0.5);
}

/** Say in the free space before the first column when it began. @param {CanvasRenderingContext2D} c @param {Plot} plot @param {number} first */
export function drawBefore(c, plot, first) {
  const right = Math.min(plot.right, plot.x(first));
  const text = `kept here since ${timeOfDay(first)}`;
  c.font = font(11.5, 400);
  if (right - plot.left < c.measureText(text).width + 24) return;
  c.fillStyle = theme.of("faint");
  c.textAlign = "center";
  c.textBaseline = "bottom";
  c.fillText(text, (plot.left + right) / 2, plot.bottom - 8);
}

/** Hatch what is missing between two times, with a word where there is room. @param {CanvasRenderingContext2D} c @param {Plot} plot @param {number} t0 @param {number} t1 @param {string} words */
export function drawGap(c, plot, t0, t1, words) {
  const left = Math.max(plot.left, plot.x(t0));
  const right = Math.min(plot.right, plot.x(t1));
  if (right - left < 0.5) return;
  hatch(c, left, plot.top, Math.max(2, right - left), plot.height, 0.55, words, plot.top + 35);
}

/** Hatch prices that were not told between two times: a book is told around the market only. @param {CanvasRenderingContext2D} c @param {Plot} plot @param {number} t0 @param {number} t1 @param {number} low @param {number} high */
export function drawBeyond(c, plot, t0, t1, low, high) {
  const [left, right] = [Math.max(plot.left, plot.x(t0)), Math.min(plot.right, plot.x(t1))];
  const [top, bottom] = [Math.max(plot.top, plot.y(high)), Math.min(plot.bottom, plot.y(low))];
  if (right - left < 1 || bottom - top < 2) return;
  hatch(c, left, top, right - left, bottom - top, 0.22, bottom - top > 24 ? "too far from the price to be kept" : "", (top + bottom) / 2);
}

/** Lines from corner to corner, with words where there is room. @param {CanvasRenderingContext2D} c @param {number} left @param {number} top @param {number} width @param {number} height @param {number} alpha @param {string} words @param {number} middle */
function hatch(c, left, top, width, height, alpha, words, middle) {
  c.save();
  c.beginPath();
  c.rect(left, top, width, height);
  c.clip();
  c.fillStyle = theme.of("panel");
  c.fillRect(left, top, width, height);
  c.strokeStyle = faded("faint", alpha);
  c.lineWidth = 1;
  c.beginPath();
  const base = top + height;
  for (let x = left - height; x < left + width; x += 7) {
    c.moveTo(x, base);
    c.lineTo(x + height, top);
  }
  c.stroke();
  c.font = font(11, 500);
  const wide = words && width > 64 ? c.measureText(words).width + 12 : Infinity;
  if (wide <= Math.max(width, 150)) {
    c.fillStyle = theme.of("panel");
    c.fillRect(left + width / 2 - wide / 2, middle - 9, wide, 18);
    c.fillStyle = theme.of("muted");
    c.textAlign = "center";
    c.textBaseline = "middle";
    c.fillText(words, left + width / 2, middle);
  }
  c.restore();
}

/** The linked cursor: its second and its price. @param {CanvasRenderingContext2D} c @param {Plot} plot @param {import("./view.js").Cursor} cursor @param {import("./scales.js").Units|null} units @param {number} right */
export function drawCross(c, plot, cursor, units, right) {
  c.strokeStyle = faded("ink", 0.42);
  c.lineWidth = 1;
  c.setLineDash([3, 3]);
  c.beginPath();
  if (cursor.t !== null && cursor.t >= plot.t0 && cursor.t <= plot.t1) {
    const x = Math.round(plot.x(cursor.t)) + 0.5;
    c.moveTo(x, plot.top);
    c.lineTo(x, plot.bottom);
  }
  const priced = units !== null && cursor.price !== null && cursor.price >= plot.low && cursor.price <= plot.high;
  if (priced) {
    const y = Math.round(plot.y(/** @type {number} */ (cursor.price))) + 0.5;
    c.moveTo(plot.left, y);
    c.lineTo(plot.right, y);
  }
  c.stroke();
  c.setLineDash([]);
  if (priced && units) {
    const price = /** @type {number} */ (cursor.price);
    drawPlate(c, right, plot.y(price), units.price(Math.round(price)), theme.of("raised"), theme.of("strong"));
  }
}

/** The second of the cursor on the time axis. @param {CanvasRenderingContext2D} c @param {Plot} plot @param {import("./view.js").Cursor} cursor */
export function drawCursorTime(c, plot, cursor) {
  if (cursor.t === null || cursor.t < plot.t0 || cursor.t > plot.t1) return;
  const text = timeOfDay(cursor.t, 1);
  c.font = font(11, 600);
  const wide = c.measureText(text).width + 10;
  const x = Math.min(plot.right - wide, Math.max(plot.left, plot.x(cursor.t) - wide / 2));
  c.fillStyle = theme.of("raised");
  c.fillRect(x, plot.bottom + 1, wide, TIME_AXIS - 2);
  c.fillStyle = theme.of("strong");
  c.textAlign = "left";
  c.textBaseline = "middle";
  c.fillText(text, x + 5, plot.bottom + TIME_AXIS / 2 + 0.5);
}
