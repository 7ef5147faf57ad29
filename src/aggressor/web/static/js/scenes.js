/**
 * The demo's words: what the synthetic market is made to do, while it does it.
 *
 * Why: someone who has never seen an iceberg learns it by seeing one with its name on. The strip
 * stands above the panes and covers none of them; a click goes to where it happened. Its button
 * lists every scenario so far, each with what it is.
 */

import { h, say } from "./dom.js";
import { worded } from "./desk.js";
import { timeOfDay } from "./scales.js";

const AFTER_MS = 15e3;

export class Scenes {
  /** @param {import("./desk.js").Desk} desk @param {HTMLElement} host */
  constructor(desk, host) {
    this.desk = desk;
    this.eyebrow = h("span", { class: "eyebrow" });
    this.title = h("strong");
    this.text = h("span", { class: "means" });
    this.foot = h("span", { class: "faint" });
    this.box = host;
    this.box.setAttribute("role", "status");
    this.all = h("button", { type: "button", class: "quiet", title: "Every scenario so far, and what each is", "aria-haspopup": "dialog", onclick: (/** @type {Event} */ event) => this.list(event) }, "All");
    this.dialog = /** @type {HTMLDialogElement} */ (document.getElementById("scenes"));
    this.rows = h("div", { class: "scenes" });
    this.dialog.append(this.rows);
    this.box.append(this.eyebrow, this.title, this.text, this.foot, this.all);
    this.box.addEventListener("click", () => this.label && desk.goLabel(this.label));
    /** @type {import("./protocol.js").Label|null} */
    this.label = null;
    this.box.hidden = true;
    this.last = 0;
  }

  /** @param {number} at */
  frame(at) {
    if (at - this.last < 250) return;
    this.last = at;
    const { desk } = this;
    this.box.hidden = desk.store.hello?.mode !== "synthetic";
    if (this.box.hidden) return;
    const labels = desk.lane?.labels ?? [];
    say(this.all, labels.length ? `All ${labels.length}` : "All");
    const moment = desk.view.follow ? desk.now : desk.view.selected?.t ?? (desk.view.t0 + desk.view.t1) / 2;
    const under_way = labels.findLast((one) => one.start_ms <= moment && moment <= (one.stop_ms ?? Infinity));
    const before = labels.findLast((one) => one.stop_ms !== null && one.stop_ms <= moment);
    this.label = under_way ?? before ?? null;
    this.box.classList.toggle("now", Boolean(under_way));
    if (!this.label) {
      say(this.eyebrow, "A synthetic market");
      say(this.title, "");
      say(this.text, "What it is made to do is named here while it does it.");
      say(this.foot, "");
      return;
    }
    this.write(this.label, under_way !== undefined, moment);
  }

  /** What is told of a kind. @param {import("./protocol.js").Label} label */
  means(label) {
    return label.means || (this.desk.store.hello?.scenarios.find(({ kind }) => kind === label.kind)?.means ?? "");
  }

  /** Where and when. @param {import("./protocol.js").Label} label @param {boolean} now */
  place(label, now) {
    const units = this.desk.units;
    const place = units ? `${units.price(label.low)}${label.high !== label.low ? ` – ${units.price(label.high)}` : ""}` : "";
    return `${place}, ${timeOfDay(label.start_ms)}${label.stop_ms !== null && !now ? ` to ${timeOfDay(label.stop_ms)}` : ""}`;
  }

  /** List every scenario so far, newest first, grouped by nothing: as they came. @param {Event} event */
  list(event) {
    event.stopPropagation();
    const labels = [...(this.desk.lane?.labels ?? [])].reverse();
    this.rows.replaceChildren(...(labels.length ? labels.map((one) => {
      const done = one.stop_ms === null ? "under way" : one.came_about === false ? "did not come about" : "";
      return h("button", { type: "button", class: "scene-row", onclick: () => this.show(one) },
        h("strong", {}, worded(one.kind)), h("span", { class: "faint" }, this.place(one, one.stop_ms === null)), h("span", { class: "state" }, done), h("span", { class: "means" }, this.means(one)));
    }) : [h("p", { class: "faint" }, "Nothing yet: the first scenario comes within a minute or two.")]));
    this.dialog.showModal();
  }

  /** @param {import("./protocol.js").Label} label */
  show(label) {
    this.dialog.close();
    this.desk.goLabel(label);
  }

  /** @param {import("./protocol.js").Label} label @param {boolean} now @param {number} moment */
  write(label, now, moment) {
    const ago = moment - (label.stop_ms ?? moment);
    say(this.eyebrow, now ? "Happening now, by design" : ago < AFTER_MS ? "Just over" : "Last scenario");
    say(this.title, worded(label.kind));
    say(this.text, this.means(label));
    const done = label.came_about === false ? " · did not come about" : "";
    say(this.foot, `${this.place(label, now)}${done}`);
  }
}
