/**
 * Marks over the heatmap: trades, what was pulled, walls, icebergs, signals, scenarios, own orders.
 *
 * Why: each kind of mark has one colour and one shape: round is traded, a dash is pulled, a line is
 * a wall, a dotted line hidden size, a triangle a signal. Small trades are dots, so a busy minute
 * stays readable and quick to draw.
 */

import { NO_PRICE } from "./protocol.js";
import { faded, theme } from "./theme.js";
import { compact, known } from "./scales.js";
import { worded } from "./desk.js";
import { divergences } from "./divergences.js";

/** @typedef {import("./axes.js").Plot} Plot */
/** @typedef {import("./store.js").Lane} Lane */
/** @typedef {CanvasRenderingContext2D} C */
/** @typedef {import("./marks_text.js").MarkTexts} Texts */

/** Pixels of time and of price within which trades are one bubble. */
const PLACE = 5;

/** Best bid and ask as steps. @param {C} c @param {Plot} plot @param {import("./heat_store.js").HeatStore} heat */
export function drawTop(c, plot, heat) {
  const first = Math.max(heat.start, heat.since(plot.t0) - 1);
  const stop = Math.min(heat.stop, heat.since(plot.t1) + 1);
  const stride = Math.max(1, Math.floor((stop - first) / (plot.width * 2)));
  c.lineWidth = 1;
  for (const [prices, colour] of /** @type {[Int32Array, string][]} */ ([[heat.bid, faded("bid", 0.85)], [heat.ask, faded("ask", 0.85)]])) {
    c.strokeStyle = colour;
    c.beginPath();
    let pen = false;
    let y = 0;
    for (let n = first; n < stop; n += stride) {
      const price = prices[n & heat.mask];
      if (price === NO_PRICE || !heat.valid(n)) {
        pen = false;
        continue;
      }
      const x = plot.x(heat.ts[n & heat.mask]);
      if (heat.brokenBefore(n)) pen = false;
      const next = plot.y(price);
      if (pen) {
        c.lineTo(x, y);
        if (next !== y) c.lineTo(x, next);
      } else c.moveTo(x, next);
      y = next;
      pen = true;
    }
    c.stroke();
  }
}

/** Taker orders: area by size, those of one place on the screen as one; a bar over the prices a sweep went through. @param {C} c @param {Plot} plot @param {Lane} lane @param {number} row ticks */
export function drawTrades(c, plot, lane, row) {
  const ring = lane.orders;
  const { ts, side, lots, first, to } = ring.columns;
  const from = ring.since(plot.t0 - 1000);
  const stop = ring.since(plot.t1);
  /** @type {Map<number, {x: number, y: number, lots: number, side: number}>} */
  const places = new Map();
  const tall = Math.max(row, Math.ceil(((plot.high - plot.low) / plot.height) * PLACE));
  for (let n = from; n < stop; n++) {
    const i = n & ring.mask;
    const x = plot.x(ts[i]);
    const level = Math.floor(to[i] / tall);
    const key = (Math.floor(x / PLACE) * 65536 + (level & 65535)) * 3 + side[i] + 1;
    const place = places.get(key);
    if (place) place.lots += lots[i];
    else places.set(key, { x, y: plot.y(to[i]), lots: lots[i], side: side[i] });
    if (Math.abs(to[i] - first[i]) > 2 * row) {
      c.fillStyle = faded(side[i] > 0 ? "bid" : "ask", 0.8);
      c.fillRect(x - 1, Math.min(plot.y(first[i]), plot.y(to[i])), 2, Math.abs(plot.y(first[i]) - plot.y(to[i])));
    }
  }
  const all = [...places.values()].sort((a, b) => b.lots - a.lots);
  if (!all.length) return 0;
  const big = Math.max(1, all[Math.floor(all.length * 0.006)].lots);
  const size = Math.max(8, Math.min(16, plot.height / 32));
  let bubbles = 0;
  c.lineWidth = 1;
  c.strokeStyle = faded("panel", 0.9);
  for (const { x, y, lots: sum, side: way } of all) {
    const r = size * Math.sqrt(Math.min(1.7, sum / big));
    const colour = way > 0 ? "bid" : way < 0 ? "ask" : "muted";
    if (r < 2.4) {
      const s = r < 1.3 ? 1.5 : 2.5;
      c.fillStyle = faded(colour, 0.85);
      c.fillRect(x - s / 2, y - s / 2, s, s);
      continue;
    }
    bubbles += 1;
    c.fillStyle = faded(colour, 0.66);
    c.beginPath();
    c.arc(x, y, r, 0, 2 * Math.PI);
    c.fill();
    if (r > 4) c.stroke();
  }
  return bubbles;
}

/** What left without being traded: dashes, longer for more. @param {C} c @param {Plot} plot @param {Lane} lane @param {number} full lots that the heatmap draws as most */
export function drawPulls(c, plot, lane, full) {
  const all = lane.trails.gone;
  let first = all.length;
  while (first > 0 && all[first - 1].t >= plot.t0) first -= 1;
  const shown = all.slice(first).filter((one) => one.lots >= full * 0.6 && one.t <= plot.t1 && one.price > plot.low && one.price < plot.high);
  shown.sort((a, b) => b.lots - a.lots);
  const most = shown.slice(0, 160);
  const big = most.length ? most[Math.floor(most.length * 0.1)].lots : 1;
  for (const one of most) {
    const share = Math.min(1.5, one.lots / big);
    const [x, y] = [plot.x(one.t), plot.y(one.price)];
    c.strokeStyle = faded("gone", 0.5 + 0.5 * Math.min(1, share));
    c.lineWidth = 1 + 1.6 * Math.min(1, share);
    const half = 3 + 7 * share;
    c.beginPath();
    c.moveTo(x - half, y);
    c.lineTo(x + half, y);
    c.moveTo(x, y - 3);
    c.lineTo(x, y + 3);
    c.stroke();
  }
}

/** Walls as lines from first to last second; icebergs dotted, with what was hidden. @param {C} c @param {Plot} plot @param {Lane} lane @param {Texts} texts */
export function drawStanding(c, plot, lane, texts) {
  for (const wall of lane.trails.walls.values()) {
    if (wall.until < plot.t0 || wall.since > plot.t1 || wall.price < plot.low || wall.price > plot.high) continue;
    const [x0, x1, y] = [Math.max(plot.left, plot.x(wall.since)), plot.x(wall.standing ? lane.now : wall.until), Math.round(plot.y(wall.price)) + 0.5];
    if (x1 - x0 < 1) continue;
    c.strokeStyle = faded(wall.side > 0 ? "bid" : "ask", wall.standing ? 0.95 : 0.5);
    c.lineWidth = 1;
    c.beginPath();
    c.moveTo(x0, y);
    c.lineTo(x1, y);
    c.moveTo(x1 + 0.5, y - 4);
    c.lineTo(x1 + 0.5, y + 4);
    c.stroke();
  }
  for (const berg of lane.trails.icebergs.values()) {
    if (berg.until < plot.t0 || berg.since > plot.t1 || berg.price < plot.low || berg.price > plot.high) continue;
    const [x0, x1, y] = [Math.max(plot.left, plot.x(berg.since)), Math.max(plot.x(berg.since) + 6, plot.x(berg.until)), Math.round(plot.y(berg.price)) + 0.5];
    c.strokeStyle = faded("hidden", berg.sure ? 1 : 0.45);
    c.lineWidth = berg.sure ? 2 : 1;
    c.setLineDash([2, 3]);
    c.beginPath();
    c.moveTo(x0, y);
    c.lineTo(x1, y);
    c.stroke();
    c.setLineDash([]);
    if (berg.sure && berg.hidden > 0) texts.add(x1 + 4, y + 6, `${compact(berg.hidden * lane.units.lot)} hidden`, "hidden");
  }
}

/** Where signals were drawn, for the pointer. @typedef {{x: number, y: number, signal: import("./protocol.js").Signal}} Spot */

/** Signals: filled and named when confirmed, hollow when near-misses; walls are lines of their own. @param {C} c @param {Plot} plot @param {Lane} lane @param {boolean} misses @param {number} chosen @param {Texts} texts @returns {Spot[]} */
export function drawSignals(c, plot, lane, misses, chosen, texts) {
  /** @type {Spot[]} */
  const spots = [];
  let first = lane.signals.length;
  while (first > 0 && lane.signals[first - 1].known_ms >= plot.t0) first -= 1;
  const near = lane.signals.slice(first).filter((one) => one.known_ms >= plot.t0 && one.known_ms <= plot.t1 && ((one.kind !== "wall" && (one.phase === "confirmed" || (misses && one.phase !== "armed"))) || one.number === chosen));
  const named = near.filter((one) => one.phase === "confirmed").length <= 14;
  for (const one of near.slice(-400)) {
    const confirmed = one.phase === "confirmed";
    const up = one.direction || one.side;
    const edge = up > 0 ? one.low : one.high;
    const x = plot.x(one.known_ms);
    const y = Math.min(plot.bottom - 8, Math.max(plot.top + 8, plot.y(edge) + up * 9));
    if (one.number === chosen) drawZone(c, plot, one);
    c.beginPath();
    if (one.direction === 0) c.arc(x, y, 4, 0, 2 * Math.PI);
    else {
      c.moveTo(x, y - up * 5.5);
      c.lineTo(x + 5, y + up * 4);
      c.lineTo(x - 5, y + up * 4);
      c.closePath();
    }
    if (confirmed) {
      c.fillStyle = theme.of("call");
      c.fill();
      c.strokeStyle = theme.of("panel");
      c.lineWidth = 1;
      c.stroke();
    } else {
      c.strokeStyle = faded("call", 0.55);
      c.lineWidth = 1;
      c.stroke();
    }
    if (confirmed && named && !spots.some((spot) => spot.signal.kind === one.kind && Math.abs(spot.x - x) < 70 && Math.abs(spot.y - y) < 12)) texts.add(x + 8, y + 6, worded(one.kind), "call");
    spots.push({ x, y, signal: one });
  }
  return spots;
}

/** Divergences in price: from swing to swing. @param {C} c @param {Plot} plot @param {Lane} lane */
export function drawDivergences(c, plot, lane) {
  for (const { from, to, signal } of divergences(lane.signals, plot.t0, plot.t1)) {
    const { price_before, price } = signal.evidence;
    if (!known(price_before) || !known(price)) continue;
    c.strokeStyle = theme.of("call");
    c.lineWidth = 1.6;
    c.beginPath();
    c.moveTo(plot.x(from), plot.y(price_before));
    c.lineTo(plot.x(to), plot.y(price));
    c.stroke();
  }
}

/** The zone and the life of the signal that is looked at. @param {C} c @param {Plot} plot @param {import("./protocol.js").Signal} one */
function drawZone(c, plot, one) {
  const [x0, x1] = [plot.x(one.armed_ms), plot.x(one.known_ms)];
  const [y0, y1] = [plot.y(one.high + 0.5), plot.y(one.low - 0.5)];
  c.fillStyle = faded("call", 0.1);
  c.fillRect(x0, y0, Math.max(2, x1 - x0), Math.max(2, y1 - y0));
  c.strokeStyle = faded("call", 0.8);
  c.lineWidth = 1;
  c.strokeRect(Math.round(x0) + 0.5, Math.round(y0) + 0.5, Math.max(2, Math.round(x1 - x0)), Math.max(2, Math.round(y1 - y0)));
}

/** Forced orders as published: lozenges in the colour of their side. @param {C} c @param {Plot} plot @param {Lane} lane */
export function drawForced(c, plot, lane) {
  const ring = lane.forced;
  const { ts, price, side } = ring.columns;
  for (let n = ring.since(plot.t0); n < ring.since(plot.t1); n++) {
    const i = n & ring.mask;
    const [x, y] = [plot.x(ts[i]), plot.y(price[i])];
    c.beginPath();
    c.moveTo(x, y - 6);
    c.lineTo(x + 4.5, y);
    c.lineTo(x, y + 6);
    c.lineTo(x - 4.5, y);
    c.closePath();
    c.fillStyle = theme.of("panel");
    c.fill();
    c.strokeStyle = theme.of(side[i] > 0 ? "bid" : "ask");
    c.lineWidth = 1.6;
    c.stroke();
  }
}

/** Scenarios of a synthetic market: a bracket around what is made to happen, and its name; an arrow where it lies beyond the prices shown. @param {C} c @param {Plot} plot @param {Lane} lane @param {Texts} texts */
export function drawLabels(c, plot, lane, texts) {
  for (const one of lane.labels) {
    const stop = one.stop_ms ?? lane.now;
    if (stop < plot.t0 || one.start_ms > plot.t1) continue;
    const [x0, x1] = [Math.max(plot.left, plot.x(one.start_ms)), Math.min(plot.right, plot.x(stop))];
    const [y0, y1] = [plot.y(one.high + 0.5) - 3, plot.y(one.low - 0.5) + 3];
    const beyond = y1 < plot.top ? "↑ " : y0 > plot.bottom ? "↓ " : "";
    if (!beyond) {
      const [top, bottom] = [Math.max(plot.top + 1, y0), Math.min(plot.bottom - 1, y1)];
      c.strokeStyle = faded("muted", 0.85);
      c.lineWidth = 1;
      c.setLineDash([1, 3]);
      c.strokeRect(Math.round(x0) + 0.5, Math.round(top) + 0.5, Math.max(3, x1 - x0), Math.max(4, bottom - top));
      c.setLineDash([]);
    }
    texts.add(x0, y0 - 2, `${beyond}${worded(one.kind)}`, "ink", true);
  }
}

/** Own fills of the span shown. @param {C} c @param {Plot} plot @param {import("./protocol.js").Report[]} reports @param {number} lane */
export function drawFills(c, plot, reports, lane) {
  for (const one of reports) {
    if (one.what !== "fill" || one.lane !== lane || one.price === null || one.ms < plot.t0 || one.ms > plot.t1) continue;
    const [x, y] = [plot.x(one.ms), plot.y(one.price)];
    const up = one.side ?? 1;
    c.beginPath();
    c.moveTo(x, y);
    c.lineTo(x + 7, y + up * 9);
    c.lineTo(x - 7, y + up * 9);
    c.closePath();
    c.fillStyle = theme.of(up > 0 ? "bid" : "ask");
    c.fill();
    c.strokeStyle = theme.of("own");
    c.lineWidth = 1.5;
    c.stroke();
  }
}
