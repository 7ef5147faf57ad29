/**
 * Words on the heatmap, none upon another: asked for while marks are drawn, written when all stand.
 *
 * Why: in a busy market names would cover each other and bubbles would cover names. A word that
 * finds its place taken moves up or down to the next free line, with a thin line back to what it
 * names. What must be read (a scenario of the demo) is written wherever there is room; other words
 * are left out where there is none near by.
 */

import { faded, font, theme } from "./theme.js";

const LINE = 15;
const PAD = 4;
const NEAR_LINES = 2;

/** @typedef {{x: number, y: number, text: string, colour: import("./theme.js").Colour, must: boolean}} Word */
/** @typedef {{left: number, top: number, right: number, bottom: number}} Box */

export class MarkTexts {
  constructor() {
    /** @type {Word[]} */
    this.words = [];
    /** What was written where, for tests. @type {(Box & {text: string, must: boolean})[]} */
    this.written = [];
  }

  begin() {
    this.words.length = 0;
  }

  /** Ask for a word whose lower left end is at a place. @param {number} x @param {number} y @param {string} text @param {import("./theme.js").Colour} colour @param {boolean} [must] */
  add(x, y, text, colour, must = false) {
    this.words.push({ x, y, text, colour, must });
  }

  /** Write them: what must be read first, each where nothing stands. @param {CanvasRenderingContext2D} c @param {import("./axes.js").Plot} plot */
  draw(c, plot) {
    this.written = [];
    c.font = font(11, 500);
    c.textAlign = "left";
    c.textBaseline = "middle";
    c.lineWidth = 1;
    for (const word of [...this.words].sort((a, b) => Number(b.must) - Number(a.must))) {
      const box = this.place(word, c.measureText(word.text).width + 2 * PAD, plot);
      if (!box) continue;
      this.written.push({ ...box, text: word.text, must: word.must });
      const moved = Math.abs(box.bottom - word.y) > LINE;
      if (moved) {
        const [x, y] = [Math.max(box.left + 1, Math.min(box.right - 1, word.x)), box.top > word.y ? box.top : box.bottom];
        c.strokeStyle = faded(word.colour, 0.5);
        c.beginPath();
        c.moveTo(word.x, Math.max(plot.top, Math.min(plot.bottom, word.y)));
        c.lineTo(x, y);
        c.stroke();
      }
      c.fillStyle = faded("panel", 0.84);
      c.fillRect(box.left, box.top, box.right - box.left, box.bottom - box.top);
      c.fillStyle = theme.of(word.colour);
      c.fillText(word.text, box.left + PAD, (box.top + box.bottom) / 2 + 0.5);
    }
  }

  /** The free place nearest to the one that was asked for. @param {Word} word @param {number} width @param {import("./axes.js").Plot} plot @returns {Box|null} */
  place(word, width, plot) {
    const left = Math.max(plot.left + 1, Math.min(plot.right - width - 1, word.x));
    const lowest = Math.max(plot.top + LINE, Math.min(plot.bottom - 1, word.y));
    const lines = word.must ? Math.ceil(plot.height / LINE) : NEAR_LINES;
    for (let step = 0; step <= lines; step++) {
      for (const way of step ? [-1, 1] : [1]) {
        const bottom = lowest + way * step * LINE;
        if (bottom - LINE < plot.top || bottom > plot.bottom) continue;
        const box = { left, top: bottom - LINE + 1, right: left + width, bottom };
        if (!this.written.some((one) => one.left < box.right && one.right > box.left && one.top < box.bottom && one.bottom > box.top)) return box;
      }
    }
    return null;
  }
}
