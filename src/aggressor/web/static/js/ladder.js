/**
 * The price ladder: what rests, what was added, pulled and traded at each price, own orders in it.
 *
 * Why: it is where orders are given, so a row never moves under the pointer: the ladder keeps its
 * place until the market leaves the middle, and not at all while the pointer is on it. Only cells
 * that changed are drawn.
 */

import { CanvasPane } from "./pane.js";
import { BookRows } from "./ladder_rows.js";
import { LadderHands } from "./ladder_hands.js";
import { timeOfDay } from "./scales.js";
import { faded, font, theme } from "./theme.js";

/** @typedef {"own"|"bid_pulled"|"bid_added"|"bid"|"sold"|"price"|"bought"|"ask"|"ask_added"|"ask_pulled"} Name */
/** @typedef {{name: Name, title: string, hint: string, share: number, left: number, width: number}} LadderColumn */

export const ROW = 18;
export const HEAD = 20;

/** @type {Omit<LadderColumn, "left"|"width">[]} */
const COLUMNS = [
  { name: "own", title: "Own", hint: "own orders: size left, how many where several, + size ahead in the queue; a click cancels, dragging moves", share: 1.25 },
  { name: "bid_pulled", title: "Pulled", hint: "bids that left untraded since the level appeared", share: 0.95 },
  { name: "bid_added", title: "Added", hint: "bids added since the level appeared", share: 0.95 },
  { name: "bid", title: "Bids", hint: "size bid now", share: 1.3 },
  { name: "sold", title: "Sold", hint: "sold by takers at this price in the session", share: 1 },
  { name: "price", title: "Price", hint: "price", share: 1.45 },
  { name: "bought", title: "Bought", hint: "bought by takers at this price in the session", share: 1 },
  { name: "ask", title: "Asks", hint: "size offered now", share: 1.3 },
  { name: "ask_added", title: "Added", hint: "asks added since the level appeared", share: 0.95 },
  { name: "ask_pulled", title: "Pulled", hint: "asks that left untraded since the level appeared", share: 0.95 },
];

/** Columns that are left out where the ladder is narrow, first to last. @type {Name[][]} */
const SPARE = [["bid_added", "ask_added"], ["bid_pulled", "ask_pulled"], ["sold", "bought"]];
const COLUMN_LEAST = 36;

export class LadderPane extends CanvasPane {
  /** @param {import("./desk.js").Desk} desk */
  constructor(desk) {
    super("ladder", "Ladder", desk);
    this.group = this.choice("group", "Ticks a row", ["auto", "1", "2", "5", "10", "25", "50", "100", "250", "500"], "auto");
    this.rows = new BookRows();
    /** Price of the upper row, lowest tick of it. */
    this.top = NaN;
    /** @type {LadderColumn[]} */
    this.columns = [];
    /** What each cell shows. @type {Map<number, string>} */
    this.cells = new Map();
    this.cells_key = "";
    this.over_it = false;
    this.changed_cells = 0;
    /** The book of the second that was gone to. @type {{lane: import("./store.js").Lane, column: number, t: number, book: Map<number, number>, bid: number|null, ask: number|null}|null} */
    this.kept = null;
    this.hands = new LadderHands(this);
  }

  /** The second that was gone to, if its book is kept: then the ladder shows that one, and takes no orders. */
  past() {
    const { lane, view } = this.desk;
    const column = lane && view.back !== null ? lane.heat.columnAt(view.back) : -1;
    if (!lane || column < 0) return (this.kept = null);
    if (this.kept?.lane !== lane || this.kept.column !== column) {
      this.kept = { lane, column, t: lane.heat.ts[column & lane.heat.mask], book: lane.heat.bookAt(column), ...lane.heat.top(column) };
      this.top = NaN; // to that second's prices
    }
    return this.kept;
  }

  /** Ticks a row. */
  get step() {
    return this.group.value === "auto" ? this.rows.auto(this.desk.lane) : Number(this.group.value);
  }

  get count() {
    return Math.max(1, Math.floor((this.height - HEAD) / ROW));
  }

  key() {
    const { desk } = this;
    const s = desk.lane?.seen;
    return `${desk.shown}|${desk.store.seen.hello}|${s?.book}|${s?.profile}|${desk.store.seen.account}|${theme.version}|${this.group.value}|${this.top}|${this.desk.view.back}`;
  }

  why() {
    const { lane } = this.desk;
    if (!lane) return "Waiting for the server to say what it shows.";
    if (!lane.book.price.length) return lane.state?.blank["book"] ?? "No book has come yet.";
    return "";
  }

  words() {
    const { lane, units } = this.desk;
    if (!lane || !units || this.why()) return this.why();
    const { book } = lane;
    const own = this.desk.own?.orders.length ?? 0;
    return `${book.valid ? "" : "the book is not valid; "}best bid ${units.price(book.bid)} for ${units.size(book.of.lots[0])}, best ask ${units.price(book.ask)} for ${units.size(book.of.lots[book.bids])}; ${own} own orders.`;
  }

  resized() {
    this.cells_key = "";
  }

  /** Row of a price, 0 the upper one. @param {number} price */
  rowOf(price) {
    return Math.floor((this.top + this.step - 1 - price) / this.step);
  }

  /** Lowest tick of a row. @param {number} row */
  priceOf(row) {
    return this.top - row * this.step;
  }

  /** Best bid and ask of what is shown, NaN where there is none. */
  touch() {
    const { lane } = this.desk;
    if (this.kept) return { bid: this.kept.bid ?? NaN, ask: this.kept.ask ?? NaN };
    return { bid: lane?.book.bid ?? NaN, ask: lane?.book.ask ?? NaN };
  }

  /** Put the market into the middle. */
  recentre() {
    const { lane } = this.desk;
    if (!lane) return;
    const { bid, ask } = this.touch();
    const middle = Number.isFinite(bid) && Number.isFinite(ask) ? (bid + ask) / 2 : Number.isFinite(bid) ? bid : ask;
    if (!Number.isFinite(middle)) return;
    const step = this.step;
    this.top = Math.floor(middle / step + this.count / 2) * step;
  }

  follow() {
    const { lane } = this.desk;
    if (!lane) return;
    if (!Number.isFinite(this.top) || this.top % this.step) this.recentre();
    if (this.over_it || this.hands.scrolled) return;
    const row = this.rowOf(this.touch().bid);
    if (row < this.count * 0.2 || row > this.count * 0.8) this.recentre();
  }

  layColumns() {
    /** @type {Set<Name>} */
    const without = new Set();
    const wide = () => COLUMNS.filter((one) => !without.has(one.name)).length * COLUMN_LEAST;
    for (const names of SPARE) if (wide() > this.width) for (const name of names) without.add(name);
    const shown = COLUMNS.filter((one) => !without.has(one.name));
    const sum = shown.reduce((all, one) => all + one.share, 0);
    let left = 0;
    this.columns = shown.map((one) => {
      const width = (one.share / sum) * this.width;
      const column = { ...one, left: Math.round(left), width: Math.round(left + width) - Math.round(left) };
      left += width;
      return column;
    });
  }

  /** @param {CanvasRenderingContext2D} c @param {number} width @param {number} height */
  draw(c, width, height) {
    const { lane, units } = this.desk;
    if (!lane || !units || this.why()) {
      c.fillStyle = theme.of("panel");
      c.fillRect(0, 0, width, height);
      this.cells_key = "";
      return;
    }
    const was = this.kept;
    const past = this.past();
    if (was && !past) this.recentre();
    this.follow();
    const key = `${width}|${height}|${theme.version}|${this.desk.shown}|${past?.column ?? ""}`;
    if (key !== this.cells_key) {
      this.cells_key = key;
      this.cells.clear();
      this.layColumns();
      this.drawHead(c, width, height);
    }
    this.rows.fill(lane, this.desk.own, this.top, this.step, this.count, past);
    this.changed_cells = 0;
    for (let row = 0; row < this.count; row++) {
      for (let k = 0; k < this.columns.length; k++) this.cell(c, row, k, units);
    }
  }

  /** @param {CanvasRenderingContext2D} c @param {number} width @param {number} height */
  drawHead(c, width, height) {
    c.fillStyle = theme.of("panel");
    c.fillRect(0, 0, width, height);
    c.font = font(10.5, 400);
    c.fillStyle = theme.of("faint");
    c.textBaseline = "middle";
    c.textAlign = "center";
    if (this.kept) {
      c.fillStyle = theme.of("call");
      c.fillText(`the book at ${timeOfDay(this.kept.t, 1)} · l goes back to now`, width / 2, HEAD / 2, width - 8);
    } else for (const column of this.columns) c.fillText(column.title, column.left + column.width / 2, HEAD / 2, column.width - 2);
    c.fillStyle = theme.of("line");
    c.fillRect(0, HEAD - 1, width, 1);
  }

  /** Draw a cell if it shows something else than before. @param {CanvasRenderingContext2D} c @param {number} row @param {number} k @param {import("./scales.js").Units} units */
  cell(c, row, k, units) {
    const column = this.columns[k];
    const look = this.rows.look(column.name, row, units, column.width);
    const at = row * 16 + k;
    const text = `${look.text}|${look.bar.toFixed(3)}|${look.tone}|${look.wash}|${look.mark}`;
    if (this.cells.get(at) === text) return;
    this.cells.set(at, text);
    this.changed_cells += 1;
    const { left, width } = column;
    const top = HEAD + row * ROW;
    c.fillStyle = look.wash ? theme.of(look.wash) : theme.of("panel");
    c.fillRect(left, top, width, ROW);
    if (look.bar > 0) {
      c.fillStyle = look.bar_colour;
      const wide = Math.max(1, Math.min(1, look.bar) * (width - 2));
      c.fillRect(look.right ? left + width - wide - 1 : left + 1, top + 1, wide, ROW - 2);
    }
    if (look.mark) {
      c.fillStyle = theme.of(look.mark);
      c.fillRect(look.right ? left + width - 3 : left, top + 1, 3, ROW - 2);
    }
    c.fillStyle = theme.of("grid");
    c.fillRect(left, top + ROW - 1, width, 1);
    if (!look.text) return;
    c.font = font(12, look.heavy ? 600 : 400);
    c.fillStyle = theme.of(look.tone);
    c.textBaseline = "middle";
    c.textAlign = column.name === "price" ? "center" : "right";
    const x = column.name === "price" ? left + width / 2 : left + width - 5;
    c.fillText(look.text, x, top + ROW / 2 + 0.5, width - 5);
  }

  cursorKey() {
    return `${this.desk.view.cursor_version}|${this.top}|${this.step}|${this.desk.armed}|${this.hands.version}`;
  }

  /** @param {CanvasRenderingContext2D} c @param {number} width */
  drawCursor(c, width) {
    const { cursor, selected } = this.desk.view;
    if (selected) {
      const [first, last] = [this.rowOf(selected.high), this.rowOf(selected.low)];
      c.fillStyle = faded("call", 0.1);
      c.fillRect(0, HEAD + first * ROW, width, (last - first + 1) * ROW);
    }
    if (cursor.price === null) return;
    const row = this.rowOf(Math.round(cursor.price));
    if (row < 0 || row >= this.count) return;
    const top = HEAD + row * ROW;
    c.strokeStyle = faded("ink", 0.55);
    c.lineWidth = 1;
    c.strokeRect(0.5, top + 0.5, width - 1, ROW - 2);
    if (!this.desk.armed || cursor.from !== "ladder") return;
    const hit = this.hands.target;
    if (!hit) return;
    const column = this.columns.find((one) => one.name === hit.name);
    if (!column) return;
    c.strokeStyle = theme.of(hit.name === "bid" ? "bid" : hit.name === "ask" ? "ask" : "own");
    c.lineWidth = 2;
    c.strokeRect(column.left + 1, top + 1, column.width - 2, ROW - 3);
  }
}
