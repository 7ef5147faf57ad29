/**
 * Hands on the ladder: click to rest an order, drag to move it, wheel to look further.
 *
 * Why: one click sends an order, but only while orders are armed; otherwise it says so. A click on
 * bids buys at that price, on asks sells; on own orders it cancels those of that row and no others;
 * dragging them moves them.
 */

import { HEAD, ROW } from "./ladder.js";
import { timeOfDay } from "./scales.js";

export class LadderHands {
  /** @param {import("./ladder.js").LadderPane} pane */
  constructor(pane) {
    this.pane = pane;
    this.scrolled = false;
    this.version = 0;
    /** Column and row under the pointer. @type {{name: import("./ladder.js").Name, row: number}|null} */
    this.target = null;
    /** Row from which an own order is dragged. */
    this.from = -1;
    const { element } = pane;
    element.addEventListener("pointermove", (event) => this.moved(event));
    element.addEventListener("pointerleave", () => this.left());
    element.addEventListener("pointerdown", (event) => this.pressed(event));
    element.addEventListener("pointerup", (event) => this.released(event));
    element.addEventListener("wheel", (event) => this.wheeled(event), { passive: false });
    element.addEventListener("dblclick", (event) => event.preventDefault());
    element.addEventListener("keydown", (event) => this.keyed(event));
  }

  /** With the ladder in focus: up and down choose a price, Enter rests an order there. @param {KeyboardEvent} event */
  keyed(event) {
    const { pane } = this;
    const { view, lane } = pane.desk;
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!lane || (!by && event.key !== "Enter")) return;
    event.preventDefault();
    event.stopPropagation();
    const { bid, ask } = lane.book;
    if (by) {
      const from = view.cursor.price === null ? bid : Math.round(view.cursor.price) + by * pane.step;
      view.point(null, pane.priceOf(pane.rowOf(from)), "ladder");
    } else if (view.cursor.price !== null && !this.looksBack()) {
      const row = pane.rowOf(Math.round(view.cursor.price));
      const side = view.cursor.price <= bid ? 1 : view.cursor.price >= ask ? -1 : 0;
      if (side !== 0) void pane.desk.order(side, "limit", this.priceFor(row, side));
    }
  }

  /** @param {PointerEvent} event */
  place(event) {
    const box = this.pane.element.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const column = this.pane.columns.find((one) => x >= one.left && x < one.left + one.width);
    const row = Math.floor((y - HEAD) / ROW);
    return column && row >= 0 && row < this.pane.count ? { name: column.name, row } : null;
  }

  /** @param {PointerEvent} event */
  moved(event) {
    const { pane } = this;
    pane.over_it = event.pointerType === "mouse";
    const target = this.place(event);
    if (target?.name !== this.target?.name || target?.row !== this.target?.row) this.version += 1;
    this.target = target;
    pane.desk.view.point(null, target ? pane.priceOf(target.row) : null, "ladder");
    const column = target && pane.columns.find((one) => one.name === target.name);
    const hint = column?.hint ?? "";
    if (pane.main.title !== hint) pane.main.title = hint;
  }

  left() {
    this.pane.over_it = false;
    this.target = null;
    this.from = -1;
    this.version += 1;
    this.pane.desk.view.point(null, null, "ladder");
  }

  /** @param {PointerEvent} event */
  pressed(event) {
    const target = this.place(event);
    this.from = target?.name === "own" && this.pane.rows.own.has(target.row) ? target.row : -1;
  }

  /** @param {PointerEvent} event */
  released(event) {
    const { pane, from } = this;
    const { desk } = pane;
    const target = this.place(event);
    this.from = -1;
    if (event.button !== 0 || !target || this.looksBack()) return;
    if (from >= 0) {
      for (const { id, side } of pane.rows.own.get(from)?.orders ?? []) {
        if (target.row === from) void desk.command("cancel", { lane: desk.shown, order: id });
        else void desk.command("move", { lane: desk.shown, order: id, price: this.priceFor(target.row, side) });
      }
    } else if (target.name === "bid" || target.name === "ask") {
      const side = target.name === "bid" ? 1 : -1;
      void desk.order(side, "limit", this.priceFor(target.row, side));
    }
  }

  /** Whether the ladder shows a past second, where no order can be given; says so. */
  looksBack() {
    const past = this.pane.past();
    if (past) this.pane.desk.say(`The ladder shows ${timeOfDay(past.t)}: press l to go back to now.`, "warn");
    return past !== null;
  }

  /** The tick of a row nearest to the other side's touch: the row's price where a row is one tick. @param {number} row @param {number} side */
  priceFor(row, side) {
    const low = this.pane.priceOf(row);
    return side > 0 ? low + this.pane.step - 1 : low;
  }

  /** @param {WheelEvent} event */
  wheeled(event) {
    event.preventDefault();
    this.scrolled = true;
    this.pane.top -= Math.sign(event.deltaY) * 3 * this.pane.step;
    this.pane.drawn = "";
  }

  /** Follow the market again. */
  home() {
    this.scrolled = false;
    this.pane.recentre();
    this.pane.drawn = "";
  }
}
