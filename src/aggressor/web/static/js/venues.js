/**
 * The composite book by venue: who quotes what, who is left out and why.
 *
 * Why: one price of many venues is only as good as those that are in it; a venue that is left out
 * says why instead of vanishing.
 */

import { WordPane, h } from "./dom.js";
import { known } from "./scales.js";

export class VenuesPane extends WordPane {
  /** @param {import("./desk.js").Desk} desk */
  constructor(desk) {
    super("venues", "Venues", desk, 400);
  }

  key() {
    const { desk } = this;
    return `${desk.shown}|${desk.store.seen.hello}|${desk.lane?.seen.state}`;
  }

  draw() {
    const { desk } = this;
    const rows = desk.lane?.state?.composite ?? null;
    if (!rows || rows.length < 2) {
      const why = desk.lane?.state?.blank["composite"] ?? "One venue is watched: name several of one underlying (aggressor desk A:X B:Y) for the book they make together.";
      this.body.replaceChildren(h("p", { class: "blank" }, why));
      return;
    }
    const best_bid = Math.max(...rows.filter((one) => one.live).map((one) => this.real(one.lane, one.bid)));
    const best_ask = Math.min(...rows.filter((one) => one.live).map((one) => this.real(one.lane, one.ask, Infinity)));
    this.body.replaceChildren(
      h("table", { class: "venues" },
        h("thead", {}, h("tr", {}, ...["Venue", "Bid", "Ask", "Share", "Basis", ""].map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, ...rows.map((one) => {
          const units = desk.store.lanes[one.lane]?.units;
          const price = (/** @type {number|null} */ ticks) => (units ? units.price(ticks) : "–");
          return h("tr", { class: one.live ? "" : "out", tabindex: 0, onclick: () => this.watch(one.lane), onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && this.watch(one.lane) },
            h("th", { scope: "row" }, one.venue),
            h("td", { class: one.live && this.real(one.lane, one.bid) === best_bid ? "best bid" : "" }, price(one.bid)),
            h("td", { class: one.live && this.real(one.lane, one.ask, Infinity) === best_ask ? "best ask" : "" }, price(one.ask)),
            h("td", {}, known(one.share) ? `${(one.share * 100).toFixed(0)} %` : "–"),
            h("td", {}, known(one.basis) ? one.basis.toFixed(2) : "–"),
            h("td", { class: "why" }, one.live ? "" : (one.why ?? "left out")));
        }))));
  }

  /** A price of another venue in money, so that venues compare. @param {number} lane @param {number|null} ticks @param {number} [none] */
  real(lane, ticks, none = -Infinity) {
    const units = this.desk.store.lanes[lane]?.units;
    return units && ticks !== null ? ticks * units.tick : none;
  }

  /** @param {number} lane */
  watch(lane) {
    this.desk.shown = lane;
    void this.desk.command("watch", { lanes: [...new Set([0, lane])] });
  }
}
