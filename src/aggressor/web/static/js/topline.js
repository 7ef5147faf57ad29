/**
 * The top line: instrument, price, what is held, arming, kill switch, habits; help and legend.
 *
 * Why: whether orders are armed and whether trading is stopped is seen from across the room.
 */

import { h, mark, say } from "./dom.js";
import { LAYOUTS } from "./layout.js";
import { theme } from "./theme.js";
import { clock, known } from "./scales.js";

/** @param {string} id */
const byId = (id) => /** @type {any} */ (document.getElementById(id));

/** The title belongs to the window, outside of the page: each change of it wakes another process. */
const TITLE_EVERY_MS = 1000;

/** What colours mean, for the help. @type {[string, string][]} */
const LEGEND = [
  ["bid", "bids, bought, up, long"], ["ask", "asks, sold, down, short"], ["gone", "pulled: left the book untraded"],
  ["hidden", "hidden: traded but never shown"], ["call", "signals and what is selected"], ["alarm", "something is wrong or irrevocable"],
];

export class TopLine {
  /** @param {any} page */
  constructor(page) {
    this.page = page;
    /** @type {import("./desk.js").Desk} */
    this.desk = page.desk;
    this.last = 0;
    this.titled = -Infinity;
    this.before = NaN;
    byId("arm").addEventListener("click", () => this.arm());
    byId("kill").addEventListener("click", () => this.killDialog());
    byId("light").addEventListener("click", () => this.flipTheme());
    byId("zone").addEventListener("click", () => this.flipZone());
    byId("sound").addEventListener("click", () => this.flipSound());
    byId("help-button").addEventListener("click", () => this.help());
    byId("instrument").addEventListener("change", () => this.watch(Number(byId("instrument").value)));
    const layouts = byId("layout");
    for (const name of Object.keys(LAYOUTS)) if (name !== "phone") layouts.add(new Option(`layout: ${name}`, name));
    layouts.addEventListener("change", () => this.setLayout(layouts.value));
    for (const dialog of document.querySelectorAll("dialog")) dialog.querySelector(".close")?.addEventListener("click", () => dialog.close());
    for (const button of document.querySelectorAll(".degrees button")) button.addEventListener("click", () => this.kill(/** @type {HTMLElement} */ (button).dataset.level ?? "flatten"));
    byId("arm-not").addEventListener("click", () => byId("arm-dialog").close());
    byId("arm-real").addEventListener("click", () => {
      byId("arm-dialog").close();
      void this.desk.command("arm", { on: true });
    });
    byId("resume").addEventListener("click", () => this.resume());
    byId("legend").append(...LEGEND.map(([name, means]) => h("span", { class: name }, means)));
    say(byId("zone"), clock.zone);
  }

  /** Whether orders go to a venue. */
  get real() {
    const { hello } = this.desk.store;
    return hello?.mode === "live" && hello.account.paper === false && !hello.read_only;
  }

  hello() {
    const { hello } = this.desk.store;
    if (!hello) return;
    if (this.desk.shown >= hello.instruments.length) this.desk.shown = 0;
    byId("instrument").replaceChildren(...hello.instruments.map((one) => new Option(`${one.symbol} · ${one.venue}`, String(one.lane))));
    byId("instrument").value = String(this.desk.shown);
    byId("instrument").hidden = false;
    const badge = byId("mode");
    const money = hello.account.paper === undefined ? "" : hello.account.paper ? " · paper money" : " · real money";
    say(badge, `${hello.mode}${hello.mode === "live" ? money : ""}${hello.read_only ? " · read only" : ""}`);
    badge.className = `badge ${hello.mode}`;
    badge.classList.toggle("real", this.real);
    mark(document.body, "real", this.real);
    badge.title = hello.title;
    byId("arm").hidden = hello.read_only || !hello.abilities.orders;
    byId("kill").hidden = hello.read_only || !hello.abilities.orders;
    if (this.desk.shown !== 0) void this.desk.command("watch", { lanes: [0, this.desk.shown] });
  }

  /** @param {number} at */
  frame(at) {
    if (at - this.last < 100) return;
    this.last = at;
    const { desk } = this;
    const { lane, units } = desk;
    if (!lane || !units) return;
    const { orders, book } = lane;
    const price = orders.size ? orders.at("to", orders.stop - 1) : NaN;
    const out = byId("last");
    say(out, units.price(price));
    if (price !== this.before && known(this.before)) out.className = price > this.before ? "up" : "down";
    this.before = price;
    const spread = book.ask - book.bid;
    say(byId("spread"), book.valid && known(spread) ? `${units.price(book.bid)} | ${units.price(book.ask)}   spread ${spread} ${spread === 1 ? "tick" : "ticks"}` : "no valid book");
    if (at - this.titled >= TITLE_EVERY_MS) {
      this.titled = at;
      document.title = `${units.price(price)} ${lane.one.symbol} · Aggressor`;
    }
    this.account();
  }

  account() {
    const { desk } = this;
    const { account } = desk.store;
    const armed = desk.armed;
    mark(document.body, "armed", armed);
    const arm = byId("arm");
    if (arm.getAttribute("aria-pressed") !== String(armed)) arm.setAttribute("aria-pressed", String(armed));
    say(arm, `${armed ? "" : "Arm "}${this.real ? "real " : ""}orders${armed ? " armed" : ""}`.replace(/^./, (first) => first.toUpperCase()));
    const halted = account?.halt && !["open", "none", ""].includes(account.halt.level) ? account.halt : null;
    mark(document.body, "killed", halted !== null);
    mark(byId("kill"), "pulled", halted !== null);
    say(byId("kill"), halted ? `Stopped: ${halted.level.replace("_", " ")}` : "Kill");
    say(byId("kill-state"), halted ? `Trading is stopped (${halted.level.replace("_", " ")}): ${halted.reason}` : "Trading is not stopped. Each degree only ever reduces risk and needs no arming.");
    const own = desk.own;
    const units = desk.units;
    if (!units) return;
    const lots = own?.position ?? 0;
    const money = account?.money;
    const parts = [lots === 0 ? "flat" : `${lots > 0 ? "long" : "short"} ${units.size(Math.abs(lots))}`];
    const gain = own?.unrealised ?? money?.unrealised;
    if (lots !== 0 && known(gain)) parts.push(`${gain < 0 ? "−" : "+"}${Math.abs(gain).toFixed(2)} ${money?.currency ?? ""}`);
    const holding = byId("holding");
    say(holding, account ? parts.join("  ") : "");
    holding.classList.toggle("up", lots > 0);
    holding.classList.toggle("down", lots < 0);
  }

  arm() {
    const { hello } = this.desk.store;
    if (hello?.read_only || !hello?.abilities.orders) this.desk.say("This desk is read only: orders are refused.", "warn");
    else if (this.real && !this.desk.armed) {
      byId("arm-dialog").showModal(); // asked twice: "leave it" has the focus
      byId("arm-not").focus();
    } else void this.desk.command("arm", { on: !this.desk.armed });
  }

  killDialog() {
    const dialog = byId("kill-dialog");
    if (byId("kill").hidden || dialog.open) return;
    dialog.showModal();
    dialog.querySelector(".degrees button").focus();
  }

  /** @param {string} level */
  async kill(level) {
    const answer = await this.desk.command("kill", { level, reason: "by hand, at the desk" });
    if (answer.ok) {
      this.desk.sound.play("alarm");
      byId("kill-dialog").close();
    }
  }

  async resume() {
    const answer = await this.desk.command("resume", { reason: byId("resume-reason").value || "by hand, at the desk" });
    if (answer.ok) byId("kill-dialog").close();
  }

  flipTheme() {
    theme.set(theme.name === "dark" ? "light" : "dark");
  }

  flipZone() {
    clock.set(!clock.local);
    say(byId("zone"), clock.zone);
    theme.version += 1;
  }

  flipSound() {
    this.desk.sound.set(!this.desk.sound.on);
    byId("sound").setAttribute("aria-pressed", String(this.desk.sound.on));
  }

  help() {
    const dialog = byId("help");
    if (dialog.open) dialog.close();
    else {
      this.page.keys.write(byId("keys"));
      dialog.showModal();
    }
  }

  /** @param {string} name */
  setLayout(name) {
    localStorage.setItem("desk.layout", name);
    byId("layout").value = name;
    this.page.layout.take(name);
  }

  nextInstrument() {
    const count = this.desk.store.lanes.length;
    if (count > 1) this.watch((this.desk.shown + 1) % count);
  }

  /** @param {number} lane */
  watch(lane) {
    byId("instrument").value = String(lane);
    this.desk.watch(lane);
  }
}
