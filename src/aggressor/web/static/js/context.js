/**
 * The strip of context: bias, liquidity, open interest, cascade, health; every blank says why.
 *
 * Why: a number without its circumstances misleads, and an empty place without a reason looks like
 * "nothing happens". A few facts stand in the strip, all of them with their reasons in the dialog
 * behind it. What rests on a young baseline is dotted.
 */

import { h, mark, say } from "./dom.js";
import { compact, known, spanOf } from "./scales.js";

/** @typedef {import("./protocol.js").Fact} Fact */

/** Facts of the strip: topic, name, how they are called here. @type {[string, string, string][]} */
const STRIP = [
  ["bias", "4 h bars", "Bias 4 h"],
  ["bias", "1 h bars", "Bias 1 h"],
  ["liquidity", "regime", "Liquidity"],
  ["open interest", "regime of 5 min", "OI 5 min"],
  ["open interest", "regime of 30 min", "OI 30 min"],
  ["volatility", "range of a minute", "Range 1 min"],
  ["volatility", "median spread", "Spread, median"],
  ["funding", "rate of the coming settlement", "Funding"],
  ["funding", "settles in", "Settles in"],
];

export class ContextStrip {
  /** @param {import("./desk.js").Desk} desk @param {HTMLElement} host */
  constructor(desk, host) {
    this.desk = desk;
    this.host = host;
    host.setAttribute("role", "list");
    host.setAttribute("aria-label", "Context");
    this.dialog = /** @type {HTMLDialogElement} */ (document.getElementById("facts"));
    this.table = /** @type {HTMLElement} */ (this.dialog.querySelector(".all-facts"));
    this.lines = h("p", { class: "faint" });
    this.table.before(this.lines);
    /** @type {Map<string, {box: HTMLElement, value: HTMLElement, why: HTMLElement}>} */
    this.chips = new Map();
    this.last = 0;
    host.addEventListener("click", () => this.open());
  }

  open() {
    this.dialog.showModal();
    this.writeAll();
  }

  /** @param {number} at */
  frame(at) {
    if (at - this.last < 250) return;
    this.last = at;
    const state = this.desk.lane?.state;
    if (!state) return;
    this.health();
    this.cascade(state.cascade);
    for (const [topic, name, called] of STRIP) {
      const fact = state.facts.find((one) => one.topic === topic && one.name === name);
      if (fact) this.fact(called, fact);
    }
    if (!this.chips.size || state.facts.every((one) => !STRIP.some(([topic, name]) => one.topic === topic && one.name === name))) {
      for (const fact of state.facts.slice(0, 8)) this.fact(fact.name, fact);
    }
    if (this.dialog.open) this.writeAll();
  }

  /** @param {string} called @param {Fact} fact */
  fact(called, fact) {
    this.chip(called, this.valued(fact), fact.value === null ? (fact.why ?? "no reason was given") : (fact.why ?? ""), fact.value === null, fact.young);
  }

  /** @param {string|null|undefined} cascade */
  cascade(cascade) {
    if (cascade === undefined) return;
    const { box } = this.chip("Cascade", cascade ?? "–", cascade === null ? "velocity is not known yet" : "", cascade === null, false);
    mark(box, "bad", cascade === "cascade" || cascade === "watch");
  }

  health() {
    const data = this.desk.lane?.state?.data;
    if (!data) return;
    const good = data.valid && data.faults.length === 0;
    const words = good ? "sound" : data.faults.length ? data.faults.join(", ") : "book not valid";
    const age = known(data.book_age_ms) ? `the book is ${spanOf(data.book_age_ms)} old` : "the age of the book is not known";
    const { box } = this.chip("Data", words, good ? age : "what is measured from bad data is marked as such", false, false);
    mark(box, "bad", !good);
  }

  /** @param {string} name @param {string} value @param {string} why @param {boolean} blank @param {boolean} young */
  chip(name, value, why, blank, young) {
    let chip = this.chips.get(name);
    if (!chip) {
      const parts = { value: h("span", { class: "value" }), why: h("span", { class: "reason" }) };
      const box = h("div", { class: "fact", role: "listitem", tabindex: 0, onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && this.open() }, h("span", { class: "name" }, name), parts.value, parts.why);
      chip = { box, ...parts };
      this.chips.set(name, chip);
      this.host.append(box);
    }
    say(chip.value, blank ? "–" : value);
    say(chip.why, blank ? why : "");
    mark(chip.box, "is-blank", blank);
    mark(chip.box, "young", young && !blank);
    const title = [why, young ? "its baseline is young" : ""].filter(Boolean).join("; ");
    if (chip.box.title !== title) chip.box.title = title;
    return chip;
  }

  /** Every fact with its reason. */
  writeAll() {
    const facts = this.desk.lane?.state?.facts ?? [];
    let topic = "";
    const lines = this.desk.store.account?.lines ?? [];
    say(this.lines, lines.map((one) => `${one.venue}: ${one.aligned ? "aligned" : "not aligned"}, ${one.rows} rows, ${known(one.lag_ms) ? `${one.lag_ms.toFixed(0)} ms behind the venue's clock` : "lag not known"}, ${one.gaps} gaps, ${one.losses} lines lost, ${one.bad_messages} bad messages`).join(" · "));
    this.table.replaceChildren(h("tbody", {}, ...facts.map((fact) => {
      const first = fact.topic !== topic;
      topic = fact.topic;
      const words = [fact.why, fact.young ? "young baseline" : "", known(fact.age_seconds) ? `${spanOf(fact.age_seconds * 1000)} old` : ""].filter(Boolean).join("; ");
      return h("tr", { class: first ? "first" : "" }, h("th", { scope: "row" }, first ? fact.topic : ""), h("td", { class: "name" }, fact.name), h("td", { class: "value" }, this.valued(fact)), h("td", { class: "why" }, words));
    })));
  }

  /** @param {Fact} fact */
  valued(fact) {
    const { value, unit } = fact;
    if (value === null) return "–";
    const number = Number(value);
    if (!Number.isFinite(number) || value === "") return String(value);
    const units = this.desk.units;
    if (unit === "lots" && units) return units.brief(number);
    if (unit === "ms") return spanOf(number);
    if (unit === "s") return spanOf(number * 1000);
    if (unit === "%") return `${String(value)} %`;
    if (unit === "price" || unit === "size" || unit === "") return typeof value === "string" && value.length < 10 ? value : compact(number);
    return `${Math.abs(number) < 0.01 && number !== 0 ? number.toPrecision(2) : compact(number)} ${unit}`;
  }

  /** Other instrument, other facts. */
  clear() {
    this.chips.clear();
    this.host.replaceChildren();
    this.last = 0;
  }
}
