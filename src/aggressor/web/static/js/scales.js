/**
 * Scales: from ticks, lots and times to pixels and text, and the marks of an axis.
 *
 * Why: every pane writes prices, sizes and times in the same way, so the same number never looks
 * like two. Prices are integer ticks and sizes lots until the last moment; times are milliseconds
 * since the epoch, UTC, with their fraction.
 */

/** How an instrument writes prices and sizes. */
export class Units {
  /** @param {{tick: string, lot: string}} one */
  constructor(one) {
    this.tick = Number(one.tick);
    this.lot = Number(one.lot);
    this.price_decimals = decimals(one.tick);
    this.size_decimals = decimals(one.lot);
  }

  /** @param {number|null|undefined} ticks */
  price(ticks) {
    return known(ticks) ? (ticks * this.tick).toFixed(this.price_decimals) : "–";
  }

  /** Every digit of a size. @param {number|null|undefined} lots */
  size(lots) {
    return known(lots) ? trimmed((lots * this.lot).toFixed(this.size_decimals)) : "–";
  }

  /** A size in at most five characters. @param {number} lots */
  brief(lots) {
    return compact(lots * this.lot);
  }

  /** A size with its sign, briefly. @param {number} lots */
  signed(lots) {
    return (lots > 0 ? "+" : lots < 0 ? "−" : "") + compact(Math.abs(lots) * this.lot);
  }
}

/** @param {unknown} value @returns {value is number} */
export function known(value) {
  return typeof value === "number" && Number.isFinite(value);
}

/** @param {string} step */
function decimals(step) {
  const plain = step.includes("e") ? Number(step).toFixed(12).replace(/0+$/, "") : step;
  const point = plain.indexOf(".");
  return point < 0 ? 0 : plain.slice(point + 1).replace(/0+$/, "").length;
}

/** @param {string} text */
function trimmed(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** Write a number in at most five characters. @param {number} value */
export function compact(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 999.5e6) return `${(value / 1e9).toFixed(size < 9.95e9 ? 1 : 0)}B`;
  if (size >= 999.5e3) return `${(value / 1e6).toFixed(size < 9.95e6 ? 1 : 0)}M`;
  if (size >= 9995) return `${(value / 1e3).toFixed(size < 99.5e3 ? 1 : 0)}k`;
  if (size >= 99.95) return value.toFixed(0);
  if (size >= 9.995) return trimmed(value.toFixed(1));
  if (size >= 0.0995) return trimmed(value.toFixed(2));
  return trimmed(value.toFixed(3));
}

/** Smallest of 1, 2, 5 times a power of ten not below `least`. @param {number} least */
export function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1e-12)));
  for (const m of [1, 2, 5, 10]) if (m * power >= least * (1 - 1e-9)) return m * power;
  return 10 * power;
}

/** Marks of a value axis. @param {number} low @param {number} high @param {number} count @returns {number[]} */
export function valueMarks(low, high, count) {
  const step = niceStep((high - low) / Math.max(1, count));
  const out = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step * 1e-9; v += step) out.push(Math.abs(v) < step * 1e-9 ? 0 : v);
  return out;
}

/** Prices (ticks) to mark so that labels stand `apart` pixels from each other. @param {number} low @param {number} high @param {number} height @param {number} tick @param {number} [apart] */
export function priceMarks(low, high, height, tick, apart = 46) {
  const step = Math.max(1, Math.round(niceStep(((high - low) * tick * apart) / Math.max(1, height)) / tick));
  const out = [];
  for (let p = Math.ceil(low / step) * step; p <= high; p += step) out.push(p);
  return out;
}

const STEPS_MS = [
  100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1.5e4, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 144e5, 432e5, 864e5,
];

/** Times to mark so that labels stand `apart` pixels from each other. @param {number} t0 @param {number} t1 @param {number} width @param {number} [apart] @returns {{step: number, times: number[]}} */
export function timeMarks(t0, t1, width, apart = 92) {
  const least = ((t1 - t0) * apart) / Math.max(1, width);
  const step = STEPS_MS.find((one) => one >= least) ?? Math.ceil(least / 864e5) * 864e5;
  const shift = clock.local ? new Date(t0).getTimezoneOffset() * 60e3 : 0;
  const times = [];
  for (let t = Math.ceil((t0 - shift) / step) * step + shift; t <= t1; t += step) times.push(t);
  return { step, times };
}

/** How times are written: UTC, or as this computer's clock has it. */
export const clock = {
  local: localStorage.getItem("desk.local") === "1",
  /** @param {boolean} local */
  set(local) {
    this.local = local;
    localStorage.setItem("desk.local", local ? "1" : "0");
  },
  get zone() {
    return this.local ? "local" : "UTC";
  },
};

/** Write a time of day; `digits` of the second's fraction. @param {number} ms @param {number} [digits] @param {boolean} [seconds] */
export function timeOfDay(ms, digits = 0, seconds = true) {
  if (!Number.isFinite(ms)) return "–";
  const shifted = clock.local ? ms - new Date(ms).getTimezoneOffset() * 60e3 : ms;
  const text = new Date(Math.floor(shifted)).toISOString();
  if (!seconds) return text.slice(11, 16);
  return digits ? text.slice(11, 20 + Math.min(3, digits)) : text.slice(11, 19);
}

/** @param {number} ms */
export function dayOf(ms) {
  const shifted = clock.local ? ms - new Date(ms).getTimezoneOffset() * 60e3 : ms;
  return new Date(shifted).toISOString().slice(0, 10);
}

/** Write a span shortly: "3.2 s", "4 min", "1 h 20 min". @param {number} ms */
export function spanOf(ms) {
  if (ms < 950) return `${Math.round(ms)} ms`;
  if (ms < 59.5e3) return `${(ms / 1e3).toFixed(ms < 9.95e3 ? 1 : 0)} s`;
  if (ms < 3570e3) return `${Math.round(ms / 6e4)} min`;
  const minutes = Math.round(ms / 6e4);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
