/**
 * Layout: panes in a tree of splits and tab sets, resized by pointer or keyboard, kept by name.
 *
 * Why: traders arrange their desk once and expect it the next morning. A layout is plain data
 * ({row|column, at, a, b} or {tabs, shown}), so keeping, sharing and testing it is one JSON text.
 * A pane that is not shown is not drawn.
 */

/** @typedef {{split: "row"|"column", at: number, a: Node, b: Node}} Split */
/** @typedef {{tabs: string[], shown: string}} Tabs */
/** @typedef {Split|Tabs} Node */
/** @typedef {{id: string, title: string, element: HTMLElement, shown: (visible: boolean) => void}} Leaf */

/** @param {"row"|"column"} split @param {number} at @param {Node} a @param {Node} b @returns {Split} */
const cut = (split, at, a, b) => ({ split, at, a, b });
/** @param {...string} tabs @returns {Tabs} */
const set = (...tabs) => ({ tabs, shown: tabs[0] });

/** Layouts that come with the desk. @type {Record<string, () => Node>} */
export const LAYOUTS = {
  desk: () =>
    cut("row", 0.79,
      cut("column", 0.655,
        cut("row", 0.735, cut("row", 0.885, cut("column", 0.79, set("heat"), set("delta", "interest")), set("profile")), set("ladder")),
        cut("row", 0.56, set("footprint"), cut("row", 0.47, set("tape", "venues"), set("account")))),
      cut("column", 0.42, set("signals"), set("card"))),
  flow: () =>
    cut("row", 0.72,
      cut("row", 0.88, cut("column", 0.76, set("heat"), set("delta", "interest")), set("profile")),
      cut("row", 0.52, set("ladder"), cut("column", 0.5, set("signals", "card"), set("tape", "venues", "account")))),
  footprint: () =>
    cut("row", 0.74,
      cut("column", 0.74, set("footprint"), set("delta", "interest")),
      cut("column", 0.58, set("ladder", "profile", "heat"), set("tape", "signals", "card", "venues", "account"))),
  scalp: () =>
    cut("row", 0.44, cut("column", 0.62, set("heat", "footprint"), set("delta", "interest", "profile")),
      cut("row", 0.62, set("ladder"), cut("column", 0.5, set("tape", "venues"), set("account", "signals", "card")))),
  narrow: () =>
    cut("row", 0.66,
      cut("column", 0.68, set("heat", "footprint", "profile"), set("delta", "interest")),
      cut("column", 0.62, set("ladder", "card", "account"), set("signals", "tape", "venues"))),
  phone: () => cut("column", 0.56, set("heat", "footprint", "ladder", "profile"), set("signals", "card", "tape", "delta", "interest", "venues", "account")),
};

export class Layout {
  /** @param {HTMLElement} host @param {Map<string, Leaf>} leaves */
  constructor(host, leaves) {
    this.host = host;
    this.leaves = leaves;
    this.name = "desk";
    /** @type {Node} */
    this.root = LAYOUTS.desk();
    /** @type {string|null} */
    this.alone = null;
  }

  /** Take a layout by name: what was kept under it, or as it comes. @param {string} name */
  take(name) {
    const fresh = LAYOUTS[name] ?? LAYOUTS.desk;
    this.name = name in LAYOUTS ? name : "desk";
    this.root = this.kept() ?? fresh();
    this.alone = null;
    this.build();
  }

  /** Forget what was kept of this layout. */
  reset() {
    localStorage.removeItem(`desk.layout.${this.name}`);
    this.take(this.name);
  }

  /** @returns {Node|null} */
  kept() {
    try {
      const node = JSON.parse(localStorage.getItem(`desk.layout.${this.name}`) ?? "null");
      const ids = /** @type {string[]} */ ([]);
      if (!node || !whole(node, ids)) return null;
      const wanted = /** @type {string[]} */ ([]);
      whole(LAYOUTS[this.name](), wanted);
      return ids.sort().join() === wanted.sort().join() ? node : null;
    } catch {
      return null;
    }
  }

  keep() {
    localStorage.setItem(`desk.layout.${this.name}`, JSON.stringify(this.root));
  }

  /** Show a pane wherever it stands. @param {string} id */
  show(id) {
    const tabs = find(this.root, id);
    if (!tabs) return;
    if (tabs.shown !== id) {
      tabs.shown = id;
      this.keep();
      this.build();
    }
  }

  /** Give the whole desk to one pane, or take it back. @param {string|null} id */
  enlarge(id) {
    this.alone = this.alone === id ? null : id;
    this.build();
  }

  build() {
    for (const leaf of this.leaves.values()) leaf.shown(false);
    const node = this.alone ? set(this.alone) : this.root;
    this.host.replaceChildren(this.element(node));
  }

  /** @param {Node} node @returns {HTMLElement} */
  element(node) {
    return "split" in node ? this.splitElement(node) : this.tabsElement(node);
  }

  /** @param {Split} node */
  splitElement(node) {
    const box = document.createElement("div");
    box.className = `split ${node.split}`;
    const a = this.element(node.a);
    const b = this.element(node.b);
    const bar = document.createElement("div");
    bar.className = "splitter";
    bar.tabIndex = 0;
    bar.setAttribute("role", "separator");
    bar.setAttribute("aria-orientation", node.split === "row" ? "vertical" : "horizontal");
    bar.setAttribute("aria-label", "Resize panes");
    const apply = () => {
      a.style.flex = `${node.at} 1 0`;
      b.style.flex = `${1 - node.at} 1 0`;
      bar.setAttribute("aria-valuenow", String(Math.round(node.at * 100)));
    };
    /** @param {number} at */
    const move = (at) => {
      node.at = Math.min(0.94, Math.max(0.06, at));
      apply();
    };
    bar.addEventListener("pointerdown", (down) => {
      bar.setPointerCapture(down.pointerId);
      const area = box.getBoundingClientRect();
      /** @param {PointerEvent} event */
      const drag = (event) =>
        move(node.split === "row" ? (event.clientX - area.left) / area.width : (event.clientY - area.top) / area.height);
      bar.addEventListener("pointermove", drag);
      bar.addEventListener("pointerup", () => {
        bar.removeEventListener("pointermove", drag);
        this.keep();
      }, { once: true });
    });
    bar.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -0.02, ArrowUp: -0.02, ArrowRight: 0.02, ArrowDown: 0.02 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      move(node.at + step);
      this.keep();
    });
    bar.addEventListener("dblclick", () => {
      move(0.5);
      this.keep();
    });
    apply();
    box.append(a, bar, b);
    return box;
  }

  /** @param {Tabs} node */
  tabsElement(node) {
    const box = document.createElement("section");
    box.className = "pane";
    const head = document.createElement("div");
    head.className = "pane-head";
    const list = document.createElement("div");
    list.className = "tabs";
    list.setAttribute("role", "tablist");
    const body = document.createElement("div");
    body.className = "pane-body";
    for (const id of node.tabs) {
      const leaf = this.leaves.get(id);
      if (!leaf) continue;
      const tab = document.createElement("button");
      tab.type = "button";
      tab.className = "tab";
      tab.textContent = leaf.title;
      tab.dataset.pane = id;
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-selected", String(id === node.shown));
      tab.addEventListener("click", () => this.show(id));
      tab.addEventListener("dblclick", () => this.enlarge(id));
      tab.addEventListener("keydown", (event) => this.walk(event, node));
      list.append(tab);
      if (id !== node.shown) continue;
      body.setAttribute("role", "tabpanel");
      body.setAttribute("aria-label", leaf.title);
      body.append(leaf.element);
    }
    head.append(list);
    const leaf = this.leaves.get(node.shown);
    const tools = leaf?.element.querySelector(":scope > .pane-tools");
    if (leaf && tools) head.append(tools);
    else if (leaf && leaf.element.dataset.tools) {
      const kept = toolsOf.get(leaf.id);
      if (kept) head.append(kept);
    }
    if (tools && leaf) {
      toolsOf.set(leaf.id, tools);
      leaf.element.dataset.tools = "1";
    }
    box.append(head, body);
    leaf?.shown(true);
    return box;
  }

  /** Left and right go from tab to tab. @param {KeyboardEvent} event @param {Tabs} node */
  walk(event, node) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const next = node.tabs[(node.tabs.indexOf(node.shown) + step + node.tabs.length) % node.tabs.length];
    this.show(next);
    /** @type {HTMLElement|null} */ (this.host.querySelector(`.tab[data-pane="${next}"]`))?.focus();
  }
}

/** Tools of a pane stand in its head; the head is rebuilt with the layout, they are not. @type {Map<string, Element>} */
const toolsOf = new Map();

/** Whether a node is well formed; its panes go into `ids`. @param {any} node @param {string[]} ids @returns {boolean} */
function whole(node, ids) {
  if (Array.isArray(node?.tabs)) {
    ids.push(...node.tabs);
    return node.tabs.includes(node.shown);
  }
  const cutWell = (node?.split === "row" || node?.split === "column") && node.at > 0 && node.at < 1;
  return cutWell && whole(node.a, ids) && whole(node.b, ids);
}

/** @param {Node} node @param {string} id @returns {Tabs|null} */
function find(node, id) {
  if ("tabs" in node) return node.tabs.includes(id) ? node : null;
  return find(node.a, id) ?? find(node.b, id);
}
