/**
 * A pane drawn on canvas: size, two layers, pointer, words for those who do not see it.
 *
 * Why: the picture and the cursor change at different times, so they lie on two canvases and moving
 * the pointer never redraws a chart. A pane is drawn only when what it shows has changed, and only
 * while it is shown. Every canvas says in words what it shows (aria-label, at most every 2 s).
 */

const WORDS_EVERY_MS = 2000;

export class CanvasPane {
  /** @param {string} id @param {string} title @param {import("./desk.js").Desk} desk */
  constructor(id, title, desk) {
    this.id = id;
    this.title = title;
    this.desk = desk;
    this.element = document.createElement("div");
    this.element.className = "canvas-pane";
    this.element.id = `pane-${id}`;
    this.tools = document.createElement("div");
    this.tools.className = "pane-tools";
    this.main = document.createElement("canvas");
    this.main.setAttribute("role", "img");
    this.main.tabIndex = 0;
    this.over = document.createElement("canvas");
    this.over.className = "over";
    this.over.setAttribute("aria-hidden", "true");
    this.blank = document.createElement("p");
    this.blank.className = "blank";
    this.element.append(this.tools, this.main, this.over, this.blank);
    this.context = /** @type {CanvasRenderingContext2D} */ (this.main.getContext("2d", { alpha: false }));
    this.over_context = /** @type {CanvasRenderingContext2D} */ (this.over.getContext("2d"));
    this.width = 0;
    this.height = 0;
    this.visible = false;
    this.drawn = "";
    this.drawn_cursor = "";
    /** Milliseconds between two pictures while the market alone moves them: what is read, not watched, need not flicker. */
    this.calm = 0;
    this.drawn_at = -Infinity;
    this.spoken = -Infinity;
    /** Pictures drawn and ms spent, for measurements. */
    this.pictures = 0;
    this.spent = 0;
    new ResizeObserver(() => this.resize()).observe(this.element);
  }

  /** @param {boolean} visible */
  shown(visible) {
    this.visible = visible;
    this.drawn = "";
  }

  resize() {
    const box = this.element.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) return;
    const dpr = window.devicePixelRatio || 1;
    this.width = Math.floor(box.width);
    this.height = Math.floor(box.height);
    for (const canvas of [this.main, this.over]) {
      canvas.width = Math.round(this.width * dpr);
      canvas.height = Math.round(this.height * dpr);
    }
    this.context.setTransform(dpr, 0, 0, dpr, 0, 0);
    this.over_context.setTransform(dpr, 0, 0, dpr, 0, 0);
    this.drawn = "";
    this.drawn_cursor = "";
    this.resized();
  }

  resized() {}

  /** Draw if there is a reason to; called once a picture. @param {number} at performance.now() */
  frame(at) {
    if (!this.visible || this.width === 0) return;
    const key = this.key();
    const moved = this.drawn === "" || !this.desk.view.follow;
    if (key !== this.drawn && (moved || at - this.drawn_at >= this.calm)) {
      const start = performance.now();
      this.drawn = key;
      this.drawn_at = at;
      const why = this.why();
      if (this.blank.textContent !== why) this.blank.textContent = why;
      this.draw(this.context, this.width, this.height);
      this.drawn_cursor = "";
      this.pictures += 1;
      this.spent += performance.now() - start;
    }
    const cursor = this.cursorKey();
    if (cursor !== this.drawn_cursor) {
      this.drawn_cursor = cursor;
      const { t, price } = this.desk.view.cursor;
      const idle = t === null && price === null && !this.desk.view.selected;
      if (this.over.hidden !== idle) this.over.hidden = idle; // a layer without a mark still costs its blending
      if (!idle) {
        this.over_context.clearRect(0, 0, this.width, this.height);
        this.drawCursor(this.over_context, this.width, this.height);
      }
    }
    if (at - this.spoken > WORDS_EVERY_MS) {
      this.spoken = at;
      const words = `${this.title}: ${this.words()}`;
      if (this.main.getAttribute("aria-label") !== words) this.main.setAttribute("aria-label", words);
    }
  }

  /** What the picture depends on, as text. @returns {string} */
  key() {
    return "";
  }

  cursorKey() {
    return String(this.desk.view.cursor_version);
  }

  /** Why there is nothing to draw; empty when there is. @returns {string} */
  why() {
    return "";
  }

  /** What the picture shows, in words. @returns {string} */
  words() {
    return this.why();
  }

  /** @param {CanvasRenderingContext2D} _context @param {number} _width @param {number} _height */
  draw(_context, _width, _height) {}

  /** @param {CanvasRenderingContext2D} _context @param {number} _width @param {number} _height */
  drawCursor(_context, _width, _height) {}

  /** A small switch in the pane's head, remembered. @param {string} name @param {string} label @param {string} hint @param {boolean} on */
  toggle(name, label, hint, on) {
    const key = `desk.${this.id}.${name}`;
    const kept = localStorage.getItem(key);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "chip";
    button.textContent = label;
    button.title = hint;
    const state = { on: kept === null ? on : kept === "1" };
    button.setAttribute("aria-pressed", String(state.on));
    button.addEventListener("click", () => {
      state.on = !state.on;
      button.setAttribute("aria-pressed", String(state.on));
      localStorage.setItem(key, state.on ? "1" : "0");
      this.drawn = "";
    });
    this.tools.append(button);
    return state;
  }

  /** A choice in the pane's head, remembered. @param {string} name @param {string} label @param {string[]} options @param {string} first @param {() => void} [changed] */
  choice(name, label, options, first, changed) {
    const key = `desk.${this.id}.${name}`;
    const kept = localStorage.getItem(key);
    const select = document.createElement("select");
    select.setAttribute("aria-label", label);
    select.title = label;
    for (const option of options) select.add(new Option(option, option));
    select.value = kept !== null && options.includes(kept) ? kept : first;
    const state = { value: select.value };
    select.addEventListener("change", () => {
      state.value = select.value;
      localStorage.setItem(key, select.value);
      this.drawn = "";
      changed?.();
    });
    this.tools.append(select);
    return state;
  }
}
