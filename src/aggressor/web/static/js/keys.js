/**
 * Hotkeys: one table, from which the keys act and the help on `?` is written.
 *
 * Why: help that is written by hand is wrong after the first change. A key that sends an order is
 * marked `armed`, and the table itself refuses it while the desk is not armed.
 */

/** @typedef {{keys: string[], does: string, group: string, act: (event: KeyboardEvent) => void, armed?: boolean}} Hotkey */

/** @type {Record<string, string>} */
const CAPS = { " ": "space", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc" };

export class Keys {
  /** @param {() => boolean} armed @param {() => void} refused */
  constructor(armed, refused) {
    this.armed = armed;
    this.refused = refused;
    /** @type {Hotkey[]} */
    this.table = [];
    /** @type {Map<string, Hotkey>} */
    this.by_key = new Map();
    window.addEventListener("keydown", (event) => this.pressed(event));
  }

  /** @param {string} group @param {string[]} keys @param {string} does @param {(event: KeyboardEvent) => void} act @param {boolean} [armed] */
  add(group, keys, does, act, armed = false) {
    const hotkey = { keys, does, group, act, armed };
    this.table.push(hotkey);
    for (const key of keys) this.by_key.set(key, hotkey);
  }

  /** Name keys that a pane answers by itself while it has the focus. @param {string} group @param {string} keys @param {string} does */
  note(group, keys, does) {
    this.table.push({ keys: keys.split(" "), does, group, act: () => {}, armed: true });
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (event.altKey || event.metaKey) return;
    const target = event.target instanceof HTMLElement ? event.target : null;
    if (target?.matches("input, select, textarea")) {
      if (event.key === "Escape") target.blur();
      return;
    }
    if (target?.matches("button, a, [role=option], [role=tab]") && (event.key === " " || event.key === "Enter")) return;
    const hotkey = this.by_key.get(named(event));
    if (!hotkey) return;
    event.preventDefault();
    if (event.repeat && hotkey.armed) return;
    if (hotkey.armed && !this.armed()) this.refused();
    else hotkey.act(event);
  }

  /** Write the table into an element. @param {HTMLElement} into */
  write(into) {
    const groups = [...new Set(this.table.map((one) => one.group))];
    into.replaceChildren(
      ...groups.map((group) => {
        const box = document.createElement("section");
        const title = document.createElement("h3");
        title.textContent = group;
        const list = document.createElement("dl");
        for (const one of this.table.filter((hotkey) => hotkey.group === group)) {
          const term = document.createElement("dt");
          for (const key of one.keys) {
            const cap = document.createElement("kbd");
            cap.textContent = CAPS[key] ?? key;
            term.append(cap);
          }
          const does = document.createElement("dd");
          does.textContent = one.does;
          if (one.armed) does.dataset.armed = "1";
          list.append(term, does);
        }
        box.append(title, list);
        return box;
      }),
    );
  }
}

/** @param {KeyboardEvent} event */
function named(event) {
  const shifted = event.shiftKey && event.key.length > 1 ? "shift+" : "";
  const control = event.ctrlKey ? "ctrl+" : "";
  return control + shifted + event.key;
}
