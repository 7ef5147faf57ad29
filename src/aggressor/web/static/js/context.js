/**
 * The strip of context: bias, liquidity, open interest, cascade, health; every blank says why.
 *
 * Why: a number without its circumstances misleads, and an empty place without a reason looks like
 * "nothing happens". Young values are dashed; what is not known shows its sentence.
 */

import { h, mark, say } from "./dom.js";
import { compact, known, spanOf } from "./scales.js";

/** @typedef {import("./protocol.js").Fact} Fact */

export class ContextStrip {
  /** @param {import("./desk.js").Desk} desk @param {HTMLElement} host */
  constructor(desk, host) {
    this.desk = desk;
    this.host = host;
    host.setAttribute("role", "list");
    host.setAttribute("aria-label", "Context");
    /** @type {Map<string, {box: HTMLElement, value: HTMLElement, why: HTMLElement}>} */
    this.chips = new Map();
    this.last = 0;
  }

  /** @param {number} at */
  frame(at) {
    if (at - this.last < 250) return;
    this.last = at;
    const state = this.desk.lane?.state;
    if (!state) return;
    this.health();
    for (const fact of state.facts) this.chip(`${fact.topic} ${fact.name}`, fact.name, this.valued(fact), fact.value === null ? (fact.why ?? "no reason was given") : (fact.why ?? ""), fact.value === null, fact.young);
  }

  health() {
    const data = this.desk.lane?.state?.data;
    if (!data) return;
    const good = data.valid && data.faults.length === 0;
    const words = good ? "good" : data.faults.length ? data.faults.join(", ") : "book not valid";
    const { box } = this.chip("data", "Data", words, good ? `Book ${known(data.book_age_ms) ? `${spanOf(data.book_age_ms)} old` : "of unknown age"}` : "What is measured from bad data is marked as such.", false, false);
    mark(box, "bad", !good);
  }

  /** @param {string} key @param {string} name @param {string} value @param {string} why @param {boolean} blank @param {boolean} young */
  chip(key, name, value, why, blank, young) {
    let chip = this.chips.get(key);
    if (!chip) {
      const parts = { value: h("span", { class: "value" }), why: h("span", { class: "reason" }) };
      const box = h("div", { class: "fact", role: "listitem", tabindex: 0 }, h("span", { class: "name" }, name), parts.value, parts.why);
      chip = { box, ...parts };
      this.chips.set(key, chip);
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

  /** @param {Fact} fact */
  valued(fact) {
    const { value, unit } = fact;
    if (value === null) return "–";
    if (typeof value === "string") return value;
    const units = this.desk.units;
    if (unit === "lots" && units) return units.brief(value);
    if (unit === "ticks" && units) return `${compact(value)} t`;
    if (unit === "ms") return spanOf(value);
    if (unit === "ns") return spanOf(value / 1e6);
    if (unit === "s" || unit === "seconds") return spanOf(value * 1000);
    const text = Number.isInteger(value) ? String(value) : Math.abs(value) < 0.01 ? value.toPrecision(2) : compact(value);
    return unit && unit !== "1" ? `${text} ${unit}` : text;
  }

  /** Other instrument, other facts. */
  clear() {
    this.chips.clear();
    this.host.replaceChildren();
    this.last = 0;
  }
}
