/**
 * The demo's words: what the synthetic market is made to do, while it does it.
 *
 * Why: someone who has never seen an iceberg learns it by seeing one with its name on. The card
 * says what is happening, and afterwards whether a detector found it.
 */

import { h, say } from "./dom.js";
import { worded } from "./desk.js";
import { timeOfDay } from "./scales.js";

const AFTER_MS = 20e3;

export class Scenes {
  /** @param {import("./desk.js").Desk} desk @param {HTMLElement} host */
  constructor(desk, host) {
    this.desk = desk;
    this.title = h("h2");
    this.text = h("p");
    this.foot = h("p", { class: "faint" });
    this.box = host;
    this.box.setAttribute("role", "status");
    this.box.append(
      h("button", { type: "button", class: "close", "aria-label": "Hide the words of the demo", onclick: () => this.hide() }, "×"),
      h("span", { class: "eyebrow" }, "Happening now, by design"), this.title, this.text, this.foot);
    this.hidden_number = -1;
    this.shown_number = -1;
    this.box.hidden = true;
    this.last = 0;
  }

  hide() {
    this.hidden_number = this.shown_number;
    this.box.hidden = true;
  }

  /** @param {number} at */
  frame(at) {
    if (at - this.last < 250) return;
    this.last = at;
    const { desk } = this;
    if (desk.store.hello?.mode !== "synthetic") {
      this.box.hidden = true;
      return;
    }
    const labels = desk.lane?.labels ?? [];
    const middle = desk.view.follow ? desk.now : (desk.view.t0 + desk.view.t1) / 2;
    const label = labels.findLast((one) => one.start_ms <= middle && middle <= (one.stop_ms ?? Infinity)) ?? labels.findLast((one) => one.stop_ms !== null && one.stop_ms <= middle && middle - one.stop_ms < AFTER_MS);
    if (!label || label.number === this.hidden_number) {
      this.box.hidden = true;
      return;
    }
    this.shown_number = label.number;
    this.box.hidden = false;
    const over = label.stop_ms !== null && label.stop_ms < middle;
    say(this.box.querySelector(".eyebrow"), over ? "Just over" : "Happening now, by design");
    say(this.title, worded(label.kind));
    say(this.text, label.means || (desk.store.hello.scenarios.find(({ kind }) => kind === label.kind)?.means ?? ""));
    const units = desk.units;
    const place = units ? `${units.price(label.low)}${label.high !== label.low ? ` – ${units.price(label.high)}` : ""}` : "";
    const found = label.found === null ? "" : label.found ? " · a detector confirmed it" : " · no detector confirmed it";
    say(this.foot, `${place}, since ${timeOfDay(label.start_ms)}${over ? ` until ${timeOfDay(label.stop_ms ?? NaN)}` : ""}${found}`);
  }
}
