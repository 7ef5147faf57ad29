/**
 * The page: makes the desk, its panes and its line, and draws one picture after the other.
 *
 * Why one loop: what came is used, what changed is drawn, nothing else runs between pictures.
 */

import { AccountPane } from "./account.js";
import { CardPane } from "./card.js";
import { ContextStrip } from "./context.js";
import { CurvesPane } from "./curves.js";
import { Desk } from "./desk.js";
import { say } from "./dom.js";
import { FootprintPane } from "./footprint.js";
import { HeatPane } from "./heat.js";
import { hotkeys } from "./hotkeys.js";
import { LadderPane } from "./ladder.js";
import { LAYOUTS, Layout } from "./layout.js";
import { ProfilePane } from "./profile.js";
import { Scenes } from "./scenes.js";
import { SignalsPane } from "./signals.js";
import { Line } from "./socket.js";
import { TapePane } from "./tape.js";
import { theme } from "./theme.js";
import { TimeBar } from "./time.js";
import { TopLine } from "./topline.js";
import { VenuesPane } from "./venues.js";

const BUDGET_MS = 9;

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

class Page {
  constructor() {
    theme.recall();
    this.desk = new Desk();
    const { desk } = this;
    this.heat = new HeatPane(desk);
    this.footprint = new FootprintPane(desk);
    this.ladder = new LadderPane(desk);
    this.signals = new SignalsPane(desk);
    this.account = new AccountPane(desk);
    this.panes = [
      this.heat, this.footprint, this.ladder, this.signals, this.account, new TapePane(desk), new ProfilePane(desk), new CardPane(desk), new VenuesPane(desk),
      new CurvesPane("delta", "Delta & CVD", desk, (group) => /cvd|delta/i.test(group), { bars: true, divergences: true }),
      new CurvesPane("interest", "Interest & funding", desk, (group) => !/cvd|delta|price|time/i.test(group), { forced: true }),
    ];
    this.layout = new Layout(byId("desk"), new Map(this.panes.map((pane) => [pane.id, pane])));
    this.context = new ContextStrip(desk, byId("context"));
    this.time = new TimeBar(desk, byId("time"));
    this.scenes = new Scenes(desk, byId("scene"));
    this.top = new TopLine(this);
    this.keys = hotkeys(this);
    /** Measurements of the loop: ms of script of the last pictures. */
    this.script = new Float64Array(1024);
    this.gaps = new Float64Array(1024);
    this.pictures = 0;
    this.last_at = 0;
    this.lane_seen = -1;
    /** Whether the prices were fitted to what has been since the page has all of it. */
    this.fitted = false;
    this.fitted_at = 0;
    desk.say = (text, level) => this.toast(text, level);
    desk.showPane = (pane) => this.layout.show(pane);
    desk.heatHeight = (pane) => {
      const { element, visible, plot } = this.heat;
      return visible && Math.abs(element.getBoundingClientRect().top - pane.getBoundingClientRect().top) < 2 ? plot.height : null;
    };
    desk.store.told = (event) => this.told(event);
    this.take(this.layoutName());
    window.addEventListener("resize", () => this.resized());
  }

  layoutName() {
    if (window.innerWidth <= 700) return "phone";
    const kept = localStorage.getItem("desk.layout");
    return kept && kept in LAYOUTS ? kept : window.innerWidth < 1500 ? "narrow" : "desk";
  }

  resized() {
    const name = this.layoutName();
    if ((name === "phone") !== (this.layout.name === "phone")) this.take(name);
  }

  /** Lay the panes out, and say which way. @param {string} name */
  take(name) {
    this.layout.take(name);
    /** @type {HTMLSelectElement} */ (byId("layout")).value = this.layout.name;
  }

  start() {
    const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
    if (!token) {
      this.banner("This page needs the token of its desk: open the address that `aggressor desk` printed.", false);
      return;
    }
    this.desk.line = new Line(token, { take: (frame) => this.desk.store.take(frame), state: (state, words) => this.line(state, words) });
    this.desk.line.connect();
    requestAnimationFrame((at) => this.picture(at));
  }

  /** @param {number} at */
  picture(at) {
    const start = performance.now();
    const { desk } = this;
    try {
      desk.line?.drain(BUDGET_MS);
      this.follow();
      this.fitAgain(at);
      for (const pane of this.panes) pane.frame(at);
      this.context.frame(at);
      this.time.frame(at);
      this.scenes.frame(at);
      this.top.frame(at);
    } catch (trouble) {
      this.banner(`This page failed: ${trouble instanceof Error ? trouble.message : trouble}. Reload it.`, false);
      console.error(trouble);
    }
    const slot = this.pictures % this.script.length;
    this.script[slot] = performance.now() - start;
    this.gaps[slot] = at - this.last_at;
    this.last_at = at;
    this.pictures += 1;
    requestAnimationFrame((next) => this.picture(next));
  }

  /** Let the shared span go with the market. */
  follow() {
    const { desk } = this;
    const { lane, view } = desk;
    if (!lane) return;
    if (this.lane_seen !== desk.shown + 1000 * desk.store.seen.hello) {
      this.lane_seen = desk.shown + 1000 * desk.store.seen.hello;
      view.low = view.high = 0;
      this.fitted = false;
      view.follow_price = true;
      this.context.clear();
      this.ladder.hands.home();
    }
    view.tick(lane.now);
    const { heat } = lane;
    const top = heat.stop > heat.start ? heat.top(heat.stop - 1) : { bid: null, ask: null };
    const middle = top.bid !== null && top.ask !== null ? (top.bid + top.ask) / 2 : NaN;
    if (view.high === view.low && Number.isFinite(middle)) this.firstPrices(middle);
    if (!this.fitted && lane.live && Number.isFinite(middle)) this.fitPrices();
    if (view.follow) view.keepInside(middle);
  }

  /** Prices to begin with: where the book is, as far as it is thick. @param {number} middle */
  firstPrices(middle) {
    const lane = /** @type {import("./store.js").Lane} */ (this.desk.lane);
    const half = Math.min((lane.heat.now_high - lane.heat.now_low) / 2, Math.max(24, this.bookReach() * 1.1));
    this.desk.view.prices(Math.round(middle - half), Math.round(middle + half));
    this.fitted = lane.live;
  }

  /** Lowest bid and highest ask of the span that is shown. @returns {[number, number]} */
  reach() {
    const { lane, view } = this.desk;
    let [low, high] = [Infinity, -Infinity];
    if (!lane) return [low, high];
    const { heat } = lane;
    const stop = heat.since(view.t1);
    for (let n = Math.max(heat.start, heat.since(view.t0)); n < stop; n++) {
      const { bid, ask } = heat.top(n);
      if (bid !== null && bid < low) low = bid;
      if (ask !== null && ask > high) high = ask;
    }
    return [low, high];
  }

  /** Show the prices of the span that is shown, with room above and below. */
  fitPrices() {
    const { view, lane } = this.desk;
    const [low, high] = this.reach();
    if (!lane || !(high >= low)) return;
    const least = Math.max(20, this.bookReach() * 1.1);
    const room = Math.max((high - low) * 0.16, least - (high - low) / 2, 8);
    view.prices(Math.round(low - room), Math.round(high + room));
    view.fit_price = true;
    this.fitted = true;
  }

  /** Fit again, now and then, when the prices of the span leave the picture or fill little of it. @param {number} at */
  fitAgain(at) {
    const { view, lane } = this.desk;
    if (!lane?.live || !view.follow || !view.follow_price || !view.fit_price || at - this.fitted_at < 5000) return;
    this.fitted_at = at;
    const [low, high] = this.reach();
    const span = view.high - view.low;
    const small = (high - low) * 1.32 < span * 0.6 && this.bookReach() * 2.2 < span * 0.6;
    if (low < view.low || high > view.high || small) this.fitPrices();
  }

  /** How far the thick of the book reaches from the touch, ticks. */
  bookReach() {
    const lane = /** @type {import("./store.js").Lane} */ (this.desk.lane);
    const { price, bids } = lane.book;
    const n = Math.min(60, bids, price.length - bids);
    return n > 4 ? Math.max(price[0] - price[n - 1], price[bids + n - 1] - price[bids]) : 12 * (lane.one.row_ticks ?? 1);
  }

  /** @param {"open"|"broken"|"refused"|"ended"} state @param {string} words */
  line(state, words) {
    document.body.classList.toggle("offline", state !== "open");
    if (state !== "open") this.desk.armed_here = false;
    if (state === "open") this.banner("", false);
    else this.banner(state === "ended" ? `The desk has ended: ${words}. Start it again and open the address that it prints.` : words, false);
  }

  /** @param {string} words @param {boolean} note */
  banner(words, note) {
    const banner = byId("banner");
    banner.hidden = words === "";
    banner.classList.toggle("note", note);
    say(banner, words);
  }

  /** @param {{type: string, lane: import("./store.js").Lane|null, detail: any}} event */
  told(event) {
    const { desk } = this;
    if (event.type === "hello") {
      this.banner("", false);
      this.top.hello();
    }
    else if (event.type === "reset") {
      desk.armed_here = false; // the server has let go of it
      this.toast(event.detail.why || "The market begins anew.", "info");
    }
    else if (event.type === "bye") desk.line?.bye(event.detail.why);
    else if (event.type === "report") this.reported(event.detail);
    else if (event.type === "notice" && !desk.store.hello) this.banner(`Starting: ${event.detail.text}`, true);
    else if (event.type === "notice" && event.detail.level !== "info") this.toast(event.detail.text, event.detail.level);
    else if (event.type === "missed" && event.lane === desk.lane) this.toast(`This page did not keep up: ${event.detail} columns of the book were skipped and are hatched.`, "warn");
    else if (event.type === "signal" && event.lane?.live && event.lane === desk.lane) {
      for (const one of event.detail) if (one.phase === "confirmed") desk.sound.play(one.direction > 0 ? "up" : one.direction < 0 ? "down" : "level");
    }
  }

  /** @param {import("./protocol.js").Report} report */
  reported(report) {
    if (report.what === "fill") this.desk.sound.play("fill");
    if (report.what === "refused" || report.what === "rejected") {
      this.toast(`${report.what}: ${report.reason ?? "no reason was given"}`, "error");
      this.desk.sound.play("alarm");
    } else if (cameToNothing(report)) this.toast(`${named(report, this.desk.store.lanes)} was not filled: ${report.reason}`, "warn");
  }

  /** @param {string} text @param {"info"|"warn"|"error"} level */
  toast(text, level) {
    const toast = document.createElement("div");
    toast.className = `toast ${level}`;
    toast.textContent = text;
    const host = byId("toasts");
    host.append(toast);
    while (host.children.length > 4) host.firstChild?.remove();
    setTimeout(() => toast.remove(), level === "error" ? 9000 : 5000);
  }
}

/** Whether an order by hand ended unfilled for a reason that nobody on this desk asked for, and that is not shown yet. @param {import("./protocol.js").Report} report */
function cameToNothing(report) {
  return report.what === "ended" && report.by === "hand" && report.filled === 0 && !/^(refused: |flatten$|cancelled by hand$)/.test(report.reason ?? "");
}

/** @param {import("./protocol.js").Report} report @param {import("./store.js").Lane[]} lanes */
function named(report, lanes) {
  return `${(report.side ?? 0) > 0 ? "Buy" : "Sell"} ${lanes[report.lane]?.units.size(report.lots ?? 0) ?? ""}`;
}

const page = new Page();
page.start();

/** For tests and measurements: what is known and what was drawn. */
Object.assign(window, { desk: { page, desk: page.desk, store: page.desk.store, view: page.desk.view, theme, pane: Object.fromEntries(page.panes.map((pane) => [pane.id, pane])) } });
