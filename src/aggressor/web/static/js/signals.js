/**
 * The list of signals, newest above: what was said, when, where; near-misses on demand.
 *
 * Why: a signal that cannot be looked at cannot be believed. Enter or a click shows its second in
 * every pane and its evidence in the card.
 */

import { WordPane, h } from "./dom.js";
import { worded } from "./desk.js";
import { timeOfDay } from "./scales.js";

/** @typedef {import("./protocol.js").Signal} Signal */

const SHOWN = 160;
const ALL = "all kinds";
const NO_WALLS = "all but walls"; // walls are many, and lines on the heatmap
const ARROWS = /** @type {Record<string, string>} */ ({ "1": "▲", "-1": "▼", "0": "◆" });

export class SignalsPane extends WordPane {
  /** @param {import("./desk.js").Desk} desk */
  constructor(desk) {
    super("signals", "Signals", desk, 30);
    this.misses = localStorage.getItem("desk.signals.misses") === "1";
    this.kind = NO_WALLS;
    this.kinds = h("select", { "aria-label": "Kind of signal", onchange: () => this.choose() });
    this.button = h("button", { type: "button", class: "chip", "aria-pressed": String(this.misses), title: "Signals that were rejected or expired, with the condition that failed", onclick: () => this.flip() }, "Near-misses");
    this.tools.append(this.button, this.kinds);
    this.list = h("div", { class: "list", role: "listbox", "aria-label": "Signals, newest first", tabindex: 0, onkeydown: (/** @type {KeyboardEvent} */ event) => this.walk(event) });
    this.empty = h("p", { class: "blank" });
    this.body.append(this.empty, this.list);
    this.hello = -1;
    /** Signals as listed. @type {Signal[]} */
    this.listed = [];
  }

  flip() {
    this.misses = !this.misses;
    localStorage.setItem("desk.signals.misses", this.misses ? "1" : "0");
    this.button.setAttribute("aria-pressed", String(this.misses));
    this.drawn = "";
  }

  choose() {
    this.kind = /** @type {HTMLSelectElement} */ (this.kinds).value;
    this.drawn = "";
  }

  key() {
    const { desk } = this;
    return `${desk.shown}|${desk.store.seen.hello}|${desk.lane?.seen.signals}|${desk.signal?.number}|${this.misses}|${this.kind}`;
  }

  draw() {
    const { desk } = this;
    if (this.hello !== desk.store.seen.hello) this.fillKinds();
    const all = desk.lane?.signals ?? [];
    this.listed = [];
    for (let i = all.length - 1; i >= 0 && this.listed.length < SHOWN; i--) if (this.wanted(all[i])) this.listed.push(all[i]);
    this.empty.textContent = this.listed.length ? "" : this.why();
    if (!this.listed.length) for (let i = all.length - 1; i >= 0 && this.listed.length < SHOWN; i--) if (this.wanted(all[i], true)) this.listed.push(all[i]);
    this.renew();
  }

  /** Put the newest on top; the others are left as they stand. */
  renew() {
    const { list, desk } = this;
    /** @type {Map<string, Element>} */
    const kept = new Map();
    for (const child of list.children) kept.set(child.id, child);
    const elements = this.listed.map((one) => kept.get(`signal-${one.number}`) ?? this.item(one));
    for (const element of elements) element.setAttribute("aria-selected", String(element.id === `signal-${desk.signal?.number}`));
    if (elements.length !== list.children.length || elements.some((element, i) => list.children[i] !== element)) list.replaceChildren(...elements);
    list.setAttribute("aria-activedescendant", desk.signal ? `signal-${desk.signal.number}` : "");
  }

  /** @param {Signal} one @param {boolean} [misses] */
  wanted(one, misses = this.misses) {
    if (this.kind === NO_WALLS ? one.kind === "wall" : this.kind !== ALL && one.kind !== this.kind) return false;
    return one.phase === "confirmed" || (misses && one.phase !== "armed");
  }

  why() {
    const blank = this.desk.lane?.state?.blank["signals"];
    if (blank) return blank.charAt(0).toUpperCase() + blank.slice(1);
    const misses = (this.desk.lane?.signals ?? []).some((one) => this.wanted(one, true));
    return misses ? "Nothing is confirmed yet. Near-misses, with the condition that failed:" : "No detector has said anything yet.";
  }

  fillKinds() {
    this.hello = this.desk.store.seen.hello;
    const kinds = [NO_WALLS, ALL, ...(this.desk.store.hello?.signals ?? []).map(({ kind }) => kind)];
    this.kinds.replaceChildren(...kinds.map((kind) => h("option", { value: kind }, worded(kind))));
    this.kind = NO_WALLS;
  }

  /** @param {Signal} one */
  item(one) {
    const { desk } = this;
    const units = desk.units;
    const up = one.direction > 0 ? "up" : one.direction < 0 ? "down" : "flat";
    const place = units ? (one.low === one.high ? units.price(one.low) : `${units.price(one.low)} – ${units.price(one.high)}`) : "";
    const why = one.phase === "confirmed" ? (one.provisional ? `provisional: ${one.provisional}` : "") : `${one.phase}: ${worded(one.failed)}`;
    return h("div", { class: `item signal ${one.phase}`, role: "option", id: `signal-${one.number}`, "data-number": one.number, onclick: () => desk.goSignal(one), ondblclick: () => void desk.command("seek", { signal: one.number, lane: desk.shown }) },
      h("span", { class: `arrow ${up}`, "aria-label": `argues ${up}` }, ARROWS[String(one.direction)] ?? "◆"),
      h("span", { class: "kind" }, worded(one.kind)),
      h("time", {}, timeOfDay(one.known_ms, 1)),
      h("span", { class: "place" }, place),
      h("span", { class: "why" }, why || (one.score !== null ? `score ${one.score.toFixed(2)}` : "")));
  }

  /** Up and down choose; Enter shows. @param {KeyboardEvent} event */
  walk(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.key === "Enter" && this.desk.signal) this.desk.goSignal(this.desk.signal);
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    this.step(step);
  }

  /** Go to the next older (+1) or newer (-1) signal of the list. @param {number} step */
  step(step) {
    const at = this.listed.findIndex((one) => one.number === this.desk.signal?.number);
    const next = this.listed[at < 0 ? 0 : Math.min(this.listed.length - 1, Math.max(0, at + step))];
    if (!next) return;
    this.desk.goSignal(next);
    this.drawn = "";
    this.last = 0;
    this.list.querySelector(`#signal-${next.number}`)?.scrollIntoView({ block: "nearest" });
  }
}
