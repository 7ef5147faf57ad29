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
    return desk.signal ?? desk.lane?.signals.findLast((one) => one.phase === "confirmed" && one.kind !== "wall") ?? null;
  }

  draw() {
    const { desk } = this;
    const { one } = this;
    if (!one) {
      this.body.replaceChildren(h("p", { class: "blank" }, "Choose a signal, in the list or on the heatmap: its evidence is written here, and every pane goes to its second. n and p walk through them."));
      return;
    }
    const means = desk.store.hello?.signals.find(({ kind }) => kind === one.kind)?.means ?? "";
    this.body.replaceChildren(...[this.head(one), desk.signal ? null : h("p", { class: "faint" }, "The newest; choose another in the list or on the heatmap."), h("p", { class: "means" }, means), this.life(one), this.evidence(one), this.actions(one)].filter((part) => part !== null));
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
        h("tbody", {}, ...entries.map(([name, value]) => h("tr", {}, h("th", { scope: "row" }, worded(name)), h("td", {}, this.valued(name, /** @type {number} */ (value))))))),
      unknown.length ? h("p", { class: "faint" }, `not known: ${unknown.join(", ")}`) : null);
  }

  /** Write a value by what its name says of its unit. @param {string} name @param {number} value */
  valued(name, value) {
    const units = this.desk.units;
    if (units && /(_lots|_size)$|^(lots|size|volume|traded|pulled|added|hidden|displayed|resting)$/.test(name)) return units.size(value);
    if (units && /(^|_)price$|_level$/.test(name)) return units.price(Math.round(value));
    if (/_ns$/.test(name)) return spanOf(value / 1e6);
    if (/_ms$/.test(name)) return spanOf(value);
    if (/(_share|_ratio|_fraction)$/.test(name)) return value.toFixed(3);
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
