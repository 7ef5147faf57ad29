/**
 * The evidence card: what a signal means, what it rests on, what it lacked.
 *
 * Why: "why" must be answerable a week later. Every number that the detector used is written out in
 * its own unit; a near-miss names the condition that failed.
 */

import { WordPane, h } from "./dom.js";
import { worded } from "./desk.js";
import { compact, known, spanOf, timeOfDay } from "./scales.js";

/** @typedef {import("./protocol.js").Signal} Signal */

/** Names of evidence that are sizes, and that are prices (`EVIDENCE` of the detectors). */
const LOTS = /_lots$|^(lots|traded|cancelled|peak|peak_estimate|added|refilled|hit|delta|delta_peak|delta_now|run_delta|run_volume|turnover|largest_cell|usual_size|left|opposite_before|opposite_after|induced_delta|hidden_executed|top_row_\d)$|_quantile$/;
const PRICES = /^(price|level|p0|p1|extreme|mid|price_before|behind_early|behind_last|location_low|location_high)$/;

export class CardPane extends WordPane {
  /** @param {import("./desk.js").Desk} desk */
  constructor(desk) {
    super("card", "Evidence", desk, 120);
  }

  key() {
    const { desk } = this;
    const one = this.one;
    return `${desk.shown}|${desk.store.seen.hello}|${one?.number}|${one?.phase}|${desk.signal === null}`;
  }

  /** The signal that was chosen, else the newest that was confirmed. @returns {Signal|null} */
  get one() {
    const { desk } = this;
    const all = desk.lane?.signals ?? [];
    return desk.signal ?? all.findLast((one) => one.phase === "confirmed" && one.kind !== "wall") ?? all.findLast((one) => one.phase !== "armed" && one.kind !== "wall") ?? null;
  }

  draw() {
    const { desk } = this;
    const { one } = this;
    if (!one) {
      this.body.replaceChildren(h("p", { class: "blank" }, "Choose a signal, in the list or on the heatmap: its evidence is written here, and every pane goes to its second. n and p walk through them."));
      return;
    }
    const means = desk.store.hello?.signals.find(({ kind }) => kind === one.kind)?.means ?? "";
    this.body.replaceChildren(...[this.head(one), desk.signal ? null : h("p", { class: "faint" }, one.phase === "confirmed" ? "The newest; choose another in the list or on the heatmap." : "Nothing is confirmed yet; this is the newest near-miss."), h("p", { class: "means" }, means), this.life(one), this.evidence(one), this.actions(one)].filter((part) => part !== null));
  }

  /** @param {Signal} one */
  head(one) {
    const way = one.direction > 0 ? "argues up" : one.direction < 0 ? "argues down" : "argues for no side";
    const about = one.side > 0 ? "about bids or buyers" : one.side < 0 ? "about asks or sellers" : "";
    return h("header", { class: `card-head ${one.phase}` },
      h("h2", {}, worded(one.kind)),
      h("span", { class: `badge ${one.phase}` }, one.phase),
      h("span", { class: `way ${one.direction > 0 ? "up" : one.direction < 0 ? "down" : ""}` }, [way, about].filter(Boolean).join(" · ")));
  }

  /** When and where. @param {Signal} one */
  life(one) {
    const units = this.desk.units;
    const place = units ? (one.low === one.high ? units.price(one.low) : `${units.price(one.low)} – ${units.price(one.high)}`) : "";
    const rows = [
      ["zone", place],
      ["armed", `${timeOfDay(one.armed_ms, 3)} venue time`],
      ["known", `${timeOfDay(one.known_ms, 3)}, ${spanOf(Math.max(0, one.known_ms - one.armed_ms))} after it was armed`],
      ["score", one.score === null ? "none" : `${one.score.toFixed(3)} (0.5 at the thresholds, 1 at twice them)`],
    ];
    if (one.phase !== "confirmed") rows.push(["failed", worded(one.failed) || "nothing is named"]);
    if (one.provisional) rows.push(["provisional", one.provisional]);
    return h("dl", { class: "pairs" }, ...rows.flatMap(([term, text]) => [h("dt", {}, term), h("dd", { class: term === "failed" ? "failed" : "" }, text)]));
  }

  /** @param {Signal} one */
  evidence(one) {
    const entries = Object.entries(one.evidence).filter(([, value]) => known(value));
    const unknown = Object.entries(one.evidence).filter(([, value]) => !known(value)).map(([name]) => worded(name));
    return h("div", {},
      h("table", { class: "evidence", "aria-label": "Evidence" },
        h("tbody", {}, ...entries.map(([name, value]) => h("tr", {}, h("th", { scope: "row" }, worded(name.replace(/_seconds$/, ""))), h("td", {}, this.valued(name, /** @type {number} */ (value))))))),
      unknown.length ? h("p", { class: "faint" }, `not known: ${unknown.join(", ")}`) : null);
  }

  /** Write a value by what its name says of its unit. @param {string} name @param {number} value */
  valued(name, value) {
    const units = this.desk.units;
    if (units && LOTS.test(name)) return `${value < 0 ? "−" : ""}${units.size(Math.abs(value))}`;
    if (units && PRICES.test(name)) return units.price(Math.round(value));
    if (/_?seconds(_apart)?$/.test(name)) return spanOf(value * 1000);
    if (/(_share|_ratio|^z|^ratio)$/.test(name)) return value.toFixed(3);
    if (Number.isInteger(value)) return Math.abs(value) < 1e7 ? String(value) : compact(value);
    return Math.abs(value) >= 100 ? value.toFixed(1) : value.toPrecision(4).replace(/\.?0+$/, "");
  }

  /** @param {Signal} one */
  actions(one) {
    const { desk } = this;
    const buttons = [h("button", { type: "button", class: "quiet", onclick: () => desk.goSignal(one) }, "Show this second")];
    if (desk.store.hello?.abilities.seek) buttons.push(h("button", { type: "button", class: "quiet", title: "Run the market to this second again", onclick: () => void desk.command("seek", { signal: one.number, lane: desk.shown }) }, "Run the replay to here"));
    return h("div", { class: "actions" }, ...buttons);
  }
}
