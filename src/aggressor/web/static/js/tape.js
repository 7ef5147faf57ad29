/**
 * The tape: taker orders as they were, newest above, sweeps and large ones marked.
 *
 * Why: prints of one order belong together; a list of fragments hides who is in a hurry. The list
 * stands still while the pointer is on it and says how many came since.
 */

import { CanvasPane } from "./pane.js";
import { faded, font, theme } from "./theme.js";
import { timeOfDay } from "./scales.js";

const ROW = 18;
const HEAD = 20;
const CLASSES = ["", "", "large", "huge"];

export class TapePane extends CanvasPane {
  /** @param {import("./desk.js").Desk} desk */
  constructor(desk) {
    super("tape", "Tape", desk);
    this.calm = 30;
    this.only = this.choice("only", "Which orders", ["all", "large", "huge", "sweeps"], "all");
    this.least = this.field();
    this.held = -1; // number behind the newest shown while the pointer is here
    /** Numbers of the orders shown, newest first, for tests and the pointer. @type {number[]} */
    this.rows = [];
    this.element.addEventListener("pointerenter", (event) => {
      if (event.pointerType === "mouse") this.held = desk.view.back === null ? (desk.lane?.orders.stop ?? -1) : -1;
    });
    this.element.addEventListener("pointerleave", () => {
      this.held = -1;
      this.drawn = "";
      desk.view.point(null, null, this.id);
    });
    this.element.addEventListener("pointermove", (event) => {
      const at = this.rowAt(event);
      const ring = desk.lane?.orders;
      if (ring && at !== undefined) desk.view.point(ring.at("ts", at), ring.at("to", at), this.id);
    });
    this.element.addEventListener("click", (event) => {
      const at = this.rowAt(event);
      const ring = desk.lane?.orders;
      if (ring && at !== undefined) desk.view.goTo(ring.at("ts", at), desk.now);
    });
  }

  /** Least size shown, in the unit of the instrument. */
  field() {
    const input = document.createElement("input");
    input.type = "number";
    input.min = "0";
    input.step = "any";
    input.placeholder = "min size";
    input.setAttribute("aria-label", "Least size shown");
    input.value = localStorage.getItem("desk.tape.least") ?? "";
    const state = { value: Number(input.value) || 0 };
    input.addEventListener("input", () => {
      state.value = Number(input.value) || 0;
      localStorage.setItem("desk.tape.least", input.value);
      this.drawn = "";
    });
    this.tools.append(input);
    return state;
  }

  /** @param {MouseEvent} event @returns {number|undefined} */
  rowAt(event) {
    const y = event.clientY - this.element.getBoundingClientRect().top - HEAD;
    return this.rows[Math.floor(y / ROW)];
  }

  key() {
    const { desk } = this;
    if (desk.view.back !== null) return `back ${desk.shown}|${desk.view.back}|${theme.version}|${this.only.value}|${this.least.value}`;
    return `${desk.shown}|${desk.store.seen.hello}|${this.held < 0 ? desk.lane?.seen.orders : `held ${Math.floor((desk.lane?.orders.stop ?? 0) / 5)}`}|${theme.version}|${this.only.value}|${this.least.value}`;
  }

  why() {
    const { lane } = this.desk;
    if (!lane) return "Waiting for the server to say what it shows.";
    return lane.orders.size ? "" : (lane.state?.blank["tape"] ?? "Nothing has traded yet.");
  }

  words() {
    const { lane, units } = this.desk;
    const at = this.rows[0];
    if (!lane || !units || at === undefined) return this.why() || "no order passes the filter.";
    const ring = lane.orders;
    return `${this.rows.length} orders shown; the newest ${ring.at("side", at) > 0 ? "bought" : "sold"} ${units.size(ring.at("lots", at))} at ${units.price(ring.at("to", at))}.`;
  }

  /** Whether an order passes the filter. @param {import("./rings.js").Ring} ring @param {number} n @param {number} least */
  passes(ring, n, least) {
    if (ring.at("lots", n) < least) return false;
    const kind = this.only.value;
    if (kind === "large") return ring.at("class", n) >= 2;
    if (kind === "huge") return ring.at("class", n) >= 3;
    if (kind === "sweeps") return ring.at("first", n) !== ring.at("to", n);
    return true;
  }

  /** @param {CanvasRenderingContext2D} c @param {number} width @param {number} height */
  draw(c, width, height) {
    c.fillStyle = theme.of("panel");
    c.fillRect(0, 0, width, height);
    const { lane, units } = this.desk;
    this.rows = [];
    if (!lane || !units || !lane.orders.size) return;
    const ring = lane.orders;
    const room = Math.floor((height - HEAD) / ROW);
    const { back } = this.desk.view;
    const newest = back !== null ? ring.since(back + 1e-3) : this.held >= 0 ? this.held : ring.stop;
    const least = this.least.value / units.lot;
    for (let n = newest - 1; n >= ring.start && this.rows.length < room && n > newest - 20000; n--) if (this.passes(ring, n, least)) this.rows.push(n);
    const marks = width >= 260;
    const columns = { time: 8, price: width * (marks ? 0.44 : 0.58), size: width * (marks ? 0.64 : 0.86), marks: width * 0.67 };
    this.head(c, columns, width, back !== null ? `until ${timeOfDay(back, 1)}` : this.held >= 0 && ring.stop > this.held ? `held · ${ring.stop - this.held} newer` : "", marks);
    let most = 1;
    for (const n of this.rows) most = Math.max(most, ring.at("lots", n));
    c.textBaseline = "middle";
    this.rows.forEach((n, i) => this.row(c, ring, n, HEAD + i * ROW, width, columns, most, marks, units));
  }

  /** @param {CanvasRenderingContext2D} c @param {{time: number, price: number, size: number, marks: number}} columns @param {number} width @param {string} words what is shown, where that is not the newest @param {boolean} marks */
  head(c, columns, width, words, marks) {
    c.font = font(10.5, 500);
    c.fillStyle = theme.of("faint");
    c.textBaseline = "middle";
    c.textAlign = "left";
    c.fillText("Time", columns.time, HEAD / 2);
    c.textAlign = "right";
    c.fillText("Price", columns.price, HEAD / 2);
    c.fillText("Size", columns.size, HEAD / 2);
    if (words && marks) {
      c.fillStyle = theme.of("call");
      c.fillText(words, width - 8, HEAD / 2);
    }
    c.fillStyle = theme.of("line");
    c.fillRect(0, HEAD - 1, width, 1);
  }

  /** @param {CanvasRenderingContext2D} c @param {import("./rings.js").Ring} ring @param {number} n @param {number} top @param {number} width @param {{time: number, price: number, size: number, marks: number}} columns @param {number} most @param {boolean} marks @param {import("./scales.js").Units} units */
  row(c, ring, n, top, width, columns, most, marks, units) {
    const side = ring.at("side", n);
    const lots = ring.at("lots", n);
    const kind = ring.at("class", n);
    const swept = Math.abs(ring.at("to", n) - ring.at("first", n));
    const colour = side > 0 ? "bid" : side < 0 ? "ask" : "muted";
    if (kind >= 2) {
      c.fillStyle = faded(colour, kind >= 3 ? 0.26 : 0.14);
      c.fillRect(0, top, width, ROW - 1);
    }
    c.fillStyle = theme.of(colour);
    c.fillRect(0, top + 2, 2, ROW - 5);
    const middle = top + ROW / 2;
    c.font = font(12);
    c.textAlign = "left";
    c.fillStyle = theme.of("faint");
    c.fillText(timeOfDay(ring.at("ts", n), width > 230 ? 2 : 0), columns.time, middle);
    c.textAlign = "right";
    c.fillStyle = theme.of(colour);
    c.fillText(units.price(ring.at("to", n)), columns.price, middle);
    c.font = font(12, kind >= 2 ? 600 : 400);
    c.fillStyle = theme.of(kind >= 2 ? "strong" : "ink");
    c.fillText(units.size(lots), columns.size, middle);
    if (!marks) return;
    c.fillStyle = faded(colour, 0.5);
    const room = width - columns.marks - 8;
    c.fillRect(columns.marks, middle - 2, Math.max(1, room * 0.4 * Math.min(1, lots / most)), 4);
    const prints = ring.at("prints", n);
    const words = room < 90 && swept > 0 ? `↕ ${swept}` : [swept > 0 ? `sweep ${swept} ${swept === 1 ? "tick" : "ticks"}` : "", CLASSES[kind] ?? "", prints > 3 && !swept ? `${prints} prints` : ""].filter(Boolean).join(" · ");
    if (!words || room < 40) return;
    c.font = font(11);
    c.textAlign = "right";
    c.fillStyle = theme.of("muted");
    c.fillText(words, width - 8, middle);
  }
}
