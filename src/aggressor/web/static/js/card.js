/**
 * The evidence card: what a signal means, what it rests on, what it lacked.
 *
 * Why: "why" must be answerable a week later. Every condition stands with its number and the
 * threshold that it was held against, both in one unit and both from the server; a near-miss marks
 * the condition that failed. What else was measured follows.
 */

import { WordPane, h } from "./dom.js";
import { worded } from "./desk.js";
import { compact, known, spanOf, timeOfDay } from "./scales.js";

/** @typedef {import("./protocol.js").Signal} Signal */
/** @typedef {import("./protocol.js").Rule} Rule */

const RELATIONS = { "at least": "≥", "at most": "≤", below: "<", above: ">" };

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
    this.body.replaceChildren(...[this.head(one), desk.signal ? null : h("p", { class: "faint" }, one.phase === "confirmed" ? "The newest; choose another in the list or on the heatmap." : "Nothing is confirmed yet; this is the newest near-miss."), h("p", { class: "means" }, means), this.life(one), this.rules(one), this.evidence(one), this.actions(one)].filter((part) => part !== null));
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

  /** Each condition with its numbers beside their thresholds; the one that failed is marked. @param {Signal} one */
  rules(one) {
    if (!one.rules?.length) return null;
    /** @type {Map<string, Rule[]>} */
    const by = new Map();
    for (const rule of one.rules) by.set(rule.condition, [...(by.get(rule.condition) ?? []), rule]);
    return h("table", { class: "rules", "aria-label": "Conditions with value and threshold" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "held against"), h("th", { scope: "col", class: "number" }, "value"), h("th", { scope: "col", class: "number" }, "threshold"))),
      ...[...by].map(([condition, rules]) => h("tbody", { class: rules[0].failed ? "failed" : "" }, ...this.condition(condition, rules))));
  }

  /** @param {string} condition @param {Rule[]} rules */
  condition(condition, rules) {
    const failed = rules[0].failed;
    const numbers = rules.filter((one) => one.measure !== null);
    const alone = numbers.length === 1 && worded(numbers[0].measure ?? "") === condition;
    const ways = new Set(rules.map((one) => one.way)).size > 1;
    const head = h("tr", { class: "condition" }, h("th", { scope: "row" }, verdict(failed ? false : alone ? rules[0].passed : together(rules)), condition, ways ? h("small", {}, "one way is enough") : null), ...(alone ? this.held(numbers[0]) : [h("td"), h("td")]));
    return alone ? [head] : [head, ...rules.filter((one) => one.measure !== null || one.way).map((one) =>
      h("tr", { class: one.passed === false ? "missed" : "" }, h("th", { scope: "row" }, one.measure === null ? one.way : worded(one.measure.replace(/_(seconds|ticks|lots)$/, "")), ways && one.measure !== null ? h("small", {}, one.way) : null), ...(one.measure === null ? [h("td"), h("td")] : this.held(one))))];
  }

  /** Value and threshold, in one unit. @param {Rule} rule */
  held(rule) {
    const name = rule.measure ?? "";
    const write = (/** @type {number|null} */ value) => (value === null ? "not known" : this.valued(name, value));
    return [h("td", { class: rule.passed === false ? "missed" : "" }, write(rule.value)), h("td", { class: "bound" }, `${RELATIONS[rule.relation ?? "at least"]} ${write(rule.threshold)}`)];
  }

  /** What else was measured. @param {Signal} one */
  evidence(one) {
    const held = new Set((one.rules ?? []).map((rule) => rule.measure));
    const entries = Object.entries(one.evidence).filter(([name, value]) => known(value) && !held.has(name));
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

/** Whether a condition holds by its numbers: all of one way; null where that is not known. @param {Rule[]} rules */
function together(rules) {
  const ways = [...new Set(rules.map((one) => one.way))].map((way) => rules.filter((one) => one.way === way).map((one) => one.passed));
  if (ways.some((passed) => passed.every((one) => one === true))) return true;
  return ways.every((passed) => passed.includes(false)) ? false : null;
}

/** A sign for what holds, does not, or is not known. @param {boolean|null} passed */
function verdict(passed) {
  const [sign, name] = passed === null ? ["·", "not known"] : passed ? ["✓", "holds"] : ["✗", "does not hold"];
  return h("span", { class: `verdict ${passed === null ? "" : passed ? "holds" : "fails"}`, role: "img", "aria-label": name }, sign);
}
