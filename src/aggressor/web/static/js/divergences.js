/**
 * Confirmed divergences of a span, with the times of their two swings.
 *
 * Why: the same line is drawn over price and over CVD; the swings are those the detector named.
 */

import { known } from "./scales.js";

/** @typedef {import("./protocol.js").Signal} Signal */

/** @param {Signal[]} signals @param {number} t0 @param {number} t1 @returns {{from: number, to: number, signal: Signal}[]} */
export function divergences(signals, t0, t1) {
  const found = [];
  for (const signal of signals) {
    const apart = signal.evidence["seconds_apart"];
    if (signal.kind !== "divergence" || signal.phase !== "confirmed" || !known(apart)) continue;
    const to = signal.armed_ms + signal.known_ms - (signal.confirmed_ms ?? signal.known_ms); // the swing, by the clock of receipt
    const from = to - apart * 1000;
    if (to >= t0 && from <= t1) found.push({ from, to, signal });
  }
  return found;
}
