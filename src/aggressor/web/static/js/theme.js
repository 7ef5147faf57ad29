/**
 * Colours and fonts for canvases, read from theme.css once per theme; ramps of the heatmap.
 *
 * Why: a canvas knows no CSS variables, and a colour that stands in two files is wrong in one.
 * Ramps run in lightness only from the panel's own ground, so that "nothing rests here" is the
 * ground itself and the few colours with a meaning stay free for what they mean.
 */

/** @typedef {"ground"|"panel"|"raised"|"line"|"grid"|"faint"|"muted"|"ink"|"strong"|"bid"|"ask"|"bid-wash"|"ask-wash"|"gone"|"hidden"|"call"|"own"|"alarm"|"alarm-wash"|"shade"} Colour */

/** @type {Colour[]} */
const NAMES = [
  "ground", "panel", "raised", "line", "grid", "faint", "muted", "ink", "strong", "bid", "ask",
  "bid-wash", "ask-wash", "gone", "hidden", "call", "own", "alarm", "alarm-wash", "shade",
];

/** Stops of each ramp from "nothing" to "most", in each light. @type {Record<string, Record<string, string[]>>} */
const RAMPS = {
  slate: {
    dark: ["#10141a", "#16202b", "#1e3242", "#2f5065", "#5a7887", "#9aa59f", "#dccfa8", "#fff3cf"],
    light: ["#fbfbf9", "#e9edef", "#cfd8de", "#a9bac5", "#7c95a6", "#4f6c82", "#2a4459", "#0f2233"],
  },
  cividis: {
    dark: ["#10141a", "#08254c", "#223b6d", "#4b546c", "#6e6e73", "#938b76", "#c2b15e", "#fde737"],
    light: ["#fbfbf9", "#e8e3c2", "#c9bd84", "#a39875", "#7c7b78", "#575d6d", "#2c4170", "#00204d"],
  },
  viridis: {
    dark: ["#10141a", "#3b1a52", "#433e85", "#33638d", "#26828e", "#1fa088", "#7ad151", "#fde725"],
    light: ["#fbfbf9", "#dfe9a8", "#9bd85d", "#44bf70", "#21918c", "#31688e", "#443983", "#3b0f50"],
  },
};

export const RAMP_NAMES = Object.keys(RAMPS);

/** Fonts of canvases; figures are of one width each in Plex, so columns of numbers stand. */
export const FIGURES = '"Plex Condensed", "Roboto Condensed", system-ui, sans-serif';

/** @param {string} hex @returns {[number, number, number]} */
export function rgb(hex) {
  const n = parseInt(hex.slice(1), 16);
  return [n >> 16, (n >> 8) & 255, n & 255];
}

class Theme {
  constructor() {
    /** @type {"dark"|"light"} */
    this.name = "dark";
    this.ramp_name = "slate";
    /** @type {Record<string, string>} */
    this.colours = {};
    /** 256 colours as ABGR words, ready for an ImageData. */
    this.ramp = new Uint32Array(256);
    /** The same ramp for cells of which most was pulled. */
    this.gone = new Uint32Array(256);
    this.version = 0;
    /** Colours with an opacity that were asked for. @type {Map<string, string[]>} */
    this.made = new Map();
  }

  /** Take a theme and a ramp; remembered in this browser. @param {"dark"|"light"} name @param {string} [ramp] */
  set(name, ramp = this.ramp_name) {
    this.name = name;
    this.ramp_name = ramp in RAMPS ? ramp : "slate";
    document.documentElement.dataset.theme = name;
    const style = getComputedStyle(document.documentElement);
    for (const colour of NAMES) this.colours[colour] = style.getPropertyValue(`--${colour}`).trim();
    const stops = RAMPS[this.ramp_name][name];
    paint(this.ramp, stops);
    paint(this.gone, [stops[0], mixed(stops[0], this.colours["gone"], 0.55), this.colours["gone"]]);
    this.version += 1;
    this.made.clear();
    localStorage.setItem("desk.theme", JSON.stringify([name, this.ramp_name]));
  }

  /** Take what this browser remembers, else dark: a desk is looked at for hours. */
  recall() {
    /** @type {["dark"|"light", string]} */
    let kept = ["dark", "slate"];
    try {
      kept = JSON.parse(localStorage.getItem("desk.theme") ?? "") ?? kept;
    } catch {
      // nothing was kept, or not by us
    }
    this.set(kept[0] === "light" ? "light" : "dark", kept[1]);
  }

  /** @param {Colour} colour */
  of(colour) {
    return this.colours[colour];
  }
}

/** @param {Uint32Array} out @param {string[]} stops */
function paint(out, stops) {
  const parts = stops.map(rgb);
  for (let i = 0; i < out.length; i++) {
    const at = (i / (out.length - 1)) * (parts.length - 1);
    const k = Math.min(parts.length - 2, Math.floor(at));
    const f = at - k;
    const mix = parts[k].map((part, j) => Math.round(part + f * (parts[k + 1][j] - part)));
    out[i] = (0xff000000 | (mix[2] << 16) | (mix[1] << 8) | mix[0]) >>> 0;
  }
}

/** @param {string} a @param {string} b @param {number} f */
function mixed(a, b, f) {
  const [x, y] = [rgb(a), rgb(b)];
  const parts = x.map((part, j) => Math.round(part + f * (y[j] - part)));
  return `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

export const theme = new Theme();

/** @param {number} size @param {number} [weight] */
export function font(size, weight = 400) {
  return `${weight} ${size}px ${FIGURES}`;
}

/** Return a colour of the theme with an opacity, in steps of 1/64. @param {Colour} name @param {number} alpha */
export function faded(name, alpha) {
  const step = Math.min(64, Math.round(alpha * 64));
  let made = theme.made.get(name);
  if (!made) theme.made.set(name, (made = []));
  const found = made[step];
  if (found !== undefined) return found;
  const [r, g, b] = rgb(theme.of(name));
  return (made[step] = `rgba(${r},${g},${b},${step / 64})`);
}
