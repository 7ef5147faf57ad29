/**
 * The composite book of one underlying by venue: who takes part, who is left out and why.
 *
 * Why: one price of many venues is only as good as those that are in it; a venue that is left out
 * says why instead of vanishing.
 */

import { WordPane, h } from "./dom.js";
import { compact, known } from "./scales.js";

const COLUMNS = ["Venue", "Mid", "Basis", "Off, bp", "Bids", "Asks", ""];

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
    const book = desk.lane?.state?.composite ?? null;
    if (!book || !book.venues.length) {
      const why = desk.lane?.state?.blank["composite"] ?? "One venue is watched: name several of one underlying (aggressor desk A:X B:Y) for the book they make together.";
      this.body.replaceChildren(h("p", { class: "blank" }, why));
      return;
    }
    const most = Math.max(...book.venues.map((one) => (one.bid_base ?? 0) + (one.ask_base ?? 0)));
    this.body.replaceChildren(
      h("table", { class: "venues" },
        h("thead", {}, h("tr", {}, ...COLUMNS.map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, ...book.venues.map((one) =>
          h("tr", { class: one.live ? "" : "out", tabindex: 0, onclick: () => desk.watch(one.lane), onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && desk.watch(one.lane) },
            h("th", { scope: "row" }, one.venue),
            h("td", {}, this.price(one.mid)),
            h("td", {}, known(one.basis) ? one.basis.toFixed(2) : "–"),
            h("td", {}, known(one.deviation_bp) ? one.deviation_bp.toFixed(1) : "–"),
            h("td", { class: "bid" }, known(one.bid_base) ? compact(one.bid_base) : "–"),
            h("td", { class: "ask" }, known(one.ask_base) ? compact(one.ask_base) : "–"),
            h("td", { class: "why" }, one.live ? share(one.bid_base, one.ask_base, most) : (one.why ?? "left out")))),
          h("tr", { class: "sum" }, h("th", { scope: "row" }, `together, ${book.base}`), h("td", {}, this.price(book.mid)), h("td"), h("td"),
            h("td", { class: "bid" }, known(book.bid_base) ? compact(book.bid_base) : "–"), h("td", { class: "ask" }, known(book.ask_base) ? compact(book.ask_base) : "–"), h("td")))),
      joined(book),
      h("p", { class: "faint" }, known(book.cvd) ? `Bought ${compact(book.bought ?? 0)}, sold ${compact(book.sold ?? 0)}: CVD ${compact(book.cvd)} ${book.base} over all venues.` : ""));
  }

  /** @param {number|null} value */
  price(value) {
    return known(value) ? value.toFixed(this.desk.units?.price_decimals ?? 2) : "–";
  }
}

/**
 * What rests at all live venues together, by distance from their common mid, bids left and asks right.
 * @param {import("./protocol.js").Composite} book
 */
function joined(book) {
  const { depth } = book;
  if (!depth) return h("p", { class: "blank" }, "No joined depth: no venue is in that could give a mid.");
  const most = Math.max(...depth.bids, ...depth.asks) || 1;
  return h("table", { class: "joined" },
    h("caption", {}, `Joined depth, ${book.base} by distance from the mid${depth.truncated ? "; a book ends within" : ""}`),
    h("tbody", {}, ...depth.bids.map((bids, i) =>
      h("tr", {},
        h("td", { class: "bid" }, compact(bids)),
        h("td", { class: "bid" }, bar(bids / most)),
        h("th", { scope: "row" }, `${distance(i, depth.bucket_bp)} bp`),
        h("td", { class: "ask" }, bar((depth.asks[i] ?? 0) / most)),
        h("td", { class: "ask" }, compact(depth.asks[i] ?? 0))))));
}

/** @param {number} i @param {number} bucket_bp */
function distance(i, bucket_bp) {
  const digits = bucket_bp < 1 ? 1 : Number.isInteger(bucket_bp) ? 0 : 1;
  return `${(i * bucket_bp).toFixed(digits)}–${((i + 1) * bucket_bp).toFixed(digits)}`;
}

/** A bar of a share of the width. @param {number} part */
function bar(part) {
  const element = h("i", {});
  element.style.width = `${Math.round(100 * part)}%`;
  return element;
}

/** A bar of text: how much of the most a venue shows. @param {number|null} bids @param {number|null} asks @param {number} most */
function share(bids, asks, most) {
  return most > 0 ? "▪".repeat(Math.max(1, Math.round((((bids ?? 0) + (asks ?? 0)) / most) * 6))) : "";
}
