/**
 * The bar of time: live, or a replay with play, pause, step, pace and seek, over what is kept.
 *
 * Why: it must always be plain whether what is seen is now. The line shows the whole recording,
 * what of it was played, what is kept here, the span that is looked at, and every signal in it.
 */

import { h, mark, say } from "./dom.js";
import { faded, theme } from "./theme.js";
import { dayOf, spanOf, timeOfDay, clock } from "./scales.js";

/** Milliseconds between two pictures of a line on which a second is less than a pixel. */
const EVERY_MS = 45;
const PACES = [0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 50, 100];

export class TimeBar {
  /** @param {import("./desk.js").Desk} desk @param {HTMLElement} host */
  constructor(desk, host) {
    this.desk = desk;
    this.play = h("button", { type: "button", class: "icon", id: "play", onclick: () => this.toggle() }, "▶");
    this.step = h("button", { type: "button", class: "icon", id: "step", title: "One event further ( . ), with shift a hundred", "aria-label": "Step", onclick: (/** @type {MouseEvent} */ event) => this.stepOn(event.shiftKey ? 100 : 1) }, "▸|");
    this.pace = /** @type {HTMLSelectElement} */ (h("select", { id: "pace", "aria-label": "Pace", onchange: () => void desk.command("pace", { speed: Number(this.pace.value) }) }, ...PACES.map((one) => h("option", { value: one }, `${one}×`))));
    this.live = h("button", { type: "button", class: "chip", id: "follow", title: "Go with the market ( l )", onclick: () => desk.view.goLive(desk.now) }, "Follow");
    this.day = h("span", { class: "day" });
    this.hour = h("span");
    this.now = h("time", { class: "now", id: "now" }, this.day, this.hour);
    this.words = h("span", { class: "words-of-time" });
    this.canvas = /** @type {HTMLCanvasElement} */ (h("canvas", { class: "timeline", role: "slider", tabindex: 0, "aria-label": "Time line: click to go there", "aria-valuemin": 0, "aria-valuemax": 100 }));
    for (const control of [this.play, this.step, this.pace, this.live]) control.hidden = true;
    host.append(this.play, this.step, this.pace, this.live, this.now, this.canvas, this.words);
    this.context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    this.width = 0;
    this.height = 0;
    this.drawn = "";
    this.hover = NaN;
    this.hover_drawn = NaN;
    this.last = -Infinity;
    new ResizeObserver(() => this.resize()).observe(this.canvas);
    this.canvas.addEventListener("click", (event) => this.go(this.at(event)));
    this.canvas.addEventListener("pointermove", (event) => (this.hover = this.at(event)));
    this.canvas.addEventListener("pointerleave", () => (this.hover = NaN));
    this.canvas.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -0.25, ArrowRight: 0.25 }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      desk.view.pan(step * desk.view.span, desk.now);
    });
  }

  resize() {
    const box = this.canvas.getBoundingClientRect();
    const dpr = window.devicePixelRatio || 1;
    this.width = box.width;
    this.height = box.height;
    this.canvas.width = Math.max(1, Math.round(box.width * dpr));
    this.canvas.height = Math.max(1, Math.round(box.height * dpr));
    this.context.setTransform(dpr, 0, 0, dpr, 0, 0);
    this.drawn = "";
  }

  get paced() {
    return this.desk.store.hello?.abilities.pace ?? false;
  }

  /** First and last moment of the line. @returns {[number, number]} */
  get span() {
    const { desk } = this;
    const span = desk.store.hello?.span;
    if (span) return [span.start_ms, span.stop_ms];
    const heat = desk.lane?.heat;
    const now = desk.now;
    const first = heat && heat.stop > heat.start ? heat.ts[heat.start & heat.mask] : now;
    return [Math.min(first, now - 60e3), now];
  }

  /** @param {MouseEvent} event */
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    const [t0, t1] = this.span;
    return t0 + ((event.clientX - box.left) / box.width) * (t1 - t0);
  }

  /** Look at a moment if it is kept, else run the market there. @param {number} t */
  go(t) {
    const heat = this.desk.lane?.heat;
    const kept = heat && heat.stop > heat.start && t >= heat.ts[heat.start & heat.mask] && t <= this.desk.now;
    if (kept) this.desk.view.goTo(t, this.desk.now);
    else this.desk.seek(t);
  }

  toggle() {
    if (this.paced) void this.desk.command(this.desk.clock?.playing ? "pause" : "play");
  }

  /** @param {number} events */
  stepOn(events) {
    if (this.paced) void this.desk.command("step", { events });
  }

  /** Next pace up or down. @param {number} by */
  faster(by) {
    if (!this.paced) return;
    const speed = this.desk.clock?.speed ?? 1;
    const at = PACES.findIndex((one) => one >= speed - 1e-9);
    const next = PACES[Math.min(PACES.length - 1, Math.max(0, (at < 0 ? PACES.length - 1 : at) + by))];
    void this.desk.command("pace", { speed: next });
  }

  /** @param {number} at */
  frame(at) {
    if (at - this.last < EVERY_MS && Object.is(this.hover, this.hover_drawn)) return;
    this.last = at;
    this.hover_drawn = this.hover;
    const { desk } = this;
    const { hello, account } = desk.store;
    if (!hello) return;
    const clock_now = account?.clock;
    for (const control of [this.play, this.step, this.pace]) control.hidden = !this.paced;
    this.live.hidden = false;
    mark(this.live, "pressed", desk.view.follow);
    if (this.live.getAttribute("aria-pressed") !== String(desk.view.follow)) this.live.setAttribute("aria-pressed", String(desk.view.follow));
    say(this.live, hello.mode === "live" ? (desk.view.follow ? "Live" : "Go live") : "Follow");
    if (clock_now) {
      say(this.play, clock_now.playing ? "❚❚" : "▶");
      const label = clock_now.playing ? "Pause (space)" : "Play (space)";
      if (this.play.title !== label) {
        this.play.title = label;
        this.play.setAttribute("aria-label", label);
      }
      this.step.toggleAttribute("disabled", clock_now.playing);
      if (document.activeElement !== this.pace && Number(this.pace.value) !== clock_now.speed) this.pace.value = String(clock_now.speed);
      say(this.words, this.worded(clock_now));
    }
    const t = desk.now;
    say(this.day, Number.isFinite(t) ? `${dayOf(t)} ` : "");
    say(this.hour, Number.isFinite(t) ? `${timeOfDay(t, 1)} ${clock.zone}` : "");
    this.draw();
  }

  /** @param {import("./protocol.js").Account["clock"]} now */
  worded(now) {
    if (now.seeking) return `going to ${timeOfDay(now.seeking.to_ms)}: ${Math.round(now.seeking.share * 100)} %`;
    if (now.at_end) return "at the end of the recording";
    if (now.behind_ms !== null && now.behind_ms > 300) return `${spanOf(now.behind_ms)} behind ${this.paced ? "the pace asked for" : "the market"}`;
    return this.desk.store.hello?.mode === "live" ? "live" : "";
  }

  draw() {
    const { desk, context: c, width, height } = this;
    const { view } = desk;
    const [t0, t1] = this.span;
    const key = `${t0}|${t1}|${Math.round(desk.now / 500)}|${view.version}|${view.cursor_version}|${theme.version}|${desk.lane?.seen.signals}|${Math.round(this.hover / 100)}|${width}`;
    if (key === this.drawn || width < 4 || !(t1 > t0)) return;
    this.drawn = key;
    /** @param {number} t */
    const x = (t) => ((t - t0) / (t1 - t0)) * width;
    c.clearRect(0, 0, width, height);
    const y = height / 2;
    c.fillStyle = theme.of("line");
    c.fillRect(0, y - 2, width, 4);
    const heat = desk.lane?.heat;
    if (heat && heat.stop > heat.start) {
      c.fillStyle = theme.of("faint");
      const left = x(heat.ts[heat.start & heat.mask]);
      c.fillRect(left, y - 2, Math.max(1, x(desk.now) - left), 4);
    }
    for (const signal of desk.lane?.signals ?? []) {
      if (signal.phase !== "confirmed" || signal.kind === "wall") continue;
      c.fillStyle = faded("call", 0.8);
      c.fillRect(x(signal.known_ms), y - 7, 1, 4);
    }
    for (const label of desk.lane?.labels ?? []) {
      c.fillStyle = theme.of("muted");
      c.fillRect(x(label.start_ms), y + 4, Math.max(2, x(label.stop_ms ?? desk.now) - x(label.start_ms)), 2);
    }
    c.strokeStyle = theme.of("ink");
    c.lineWidth = 1;
    const [left, right] = [Math.max(0.5, x(view.t0)), Math.min(width - 0.5, x(view.t1))];
    if (right > left) c.strokeRect(Math.round(left) + 0.5, y - 6.5, Math.max(3, Math.round(right - left)), 13);
    c.fillStyle = theme.of("strong");
    c.fillRect(x(desk.now) - 1, y - 8, 2, 16);
    if (Number.isFinite(this.hover)) {
      c.fillStyle = theme.of("ink");
      c.font = '11px "Plex Condensed", sans-serif';
      const at = x(this.hover);
      c.textAlign = at > width - 80 ? "right" : "left";
      c.fillText(timeOfDay(this.hover), at + (at > width - 80 ? -6 : 6), 9);
      c.fillRect(at, y - 8, 1, 16);
    }
    const share = Math.round(((desk.now - t0) / (t1 - t0)) * 100);
    this.canvas.setAttribute("aria-valuenow", String(share));
    this.canvas.setAttribute("aria-valuetext", timeOfDay(desk.now));
  }
}
