/**
 * Elements in one expression, and panes made of them, renewed a few times a second at most.
 *
 * Why: tables of words belong to the page and not to a canvas: they can be selected, read aloud and
 * reached by keyboard. Text is only written where it changed.
 */

/** @typedef {Record<string, string|number|boolean|((event: any) => void)|undefined>} Properties */

/** Make an element. @param {string} tag @param {Properties} [properties] @param {...(Node|string|null|undefined)} children @returns {HTMLElement} */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = String(value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((one) => one !== null && one !== undefined));
  return element;
}

/** Write text where it changed. @param {Element|null} element @param {string} text */
export function say(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/** Set a class where it changed. @param {Element} element @param {string} name @param {boolean} on */
export function mark(element, name, on) {
  if (element.classList.contains(name) !== on) element.classList.toggle(name, on);
}

/** A pane of elements. */
export class WordPane {
  /** @param {string} id @param {string} title @param {import("./desk.js").Desk} desk @param {number} [every_ms] */
  constructor(id, title, desk, every_ms = 200) {
    this.id = id;
    this.title = title;
    this.desk = desk;
    this.every = every_ms;
    this.tools = h("div", { class: "pane-tools" });
    this.body = h("div", { class: "words" });
    this.element = h("div", { class: "word-pane", id: `pane-${id}` }, this.tools, this.body);
    this.visible = false;
    this.last = 0;
    this.drawn = "";
    this.pictures = 0;
    this.spent = 0;
  }

  /** @param {boolean} visible */
  shown(visible) {
    this.visible = visible;
    this.drawn = "";
    this.last = 0;
  }

  /** @param {number} at */
  frame(at) {
    if (!this.visible || at - this.last < this.every) return;
    const key = this.key();
    if (key === this.drawn) return;
    this.last = at;
    this.drawn = key;
    const start = performance.now();
    this.draw();
    this.pictures += 1;
    this.spent += performance.now() - start;
  }

  /** @returns {string} */
  key() {
    return "";
  }

  draw() {}
}
