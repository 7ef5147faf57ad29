/**
 * Position, profit and loss, risk used, working orders, and the ticket for the next one.
 *
 * Why: what may be lost stands beside what is done. The ticket gives the same commands as the
 * ladder and the keys; refusals stay readable in the list of what happened.
 */

import { WordPane, h, mark, say } from "./dom.js";
import { compact, known, timeOfDay } from "./scales.js";

/** @typedef {import("./protocol.js").OwnOrder} OwnOrder */

const EVENTS = 40;

export class AccountPane extends WordPane {
  /** @param {import("./desk.js").Desk} desk */
  constructor(desk) {
    super("account", "Account", desk, 150);
    this.figures = h("dl", { class: "figures" });
    this.orders = h("div", { class: "orders", role: "list", "aria-label": "Working orders" });
    this.risk = h("div", { class: "risk", role: "list", "aria-label": "Risk used" });
    this.events = h("div", { class: "events", role: "log", "aria-label": "Fills, answers and refusals" });
    this.note = h("p", { class: "blank" });
    this.size = /** @type {HTMLInputElement} */ (h("input", { id: "order-size", type: "number", min: 0, step: "any", oninput: () => this.sized() }));
    this.form = this.ticket();
    this.body.append(this.note, this.figures, this.form, this.orders, this.risk, this.events);
    this.hello = -1;
    this.told = -1;
  }

  /** The next order: size, bracket, cap. */
  ticket() {
    const { desk } = this;
    /** @param {string} label @param {string} id @param {string} hint @param {(value: number) => void} take @param {string} value */
    const field = (label, id, hint, take, value) =>
      h("label", { title: hint }, h("span", {}, label),
        h("input", { id, type: "number", min: 0, step: "any", value, oninput: (/** @type {any} */ event) => take(Number(event.target.value) || 0) }));
    /** @param {string} id @param {string} label @param {string} title @param {() => void} act @param {string} [kind] */
    const button = (id, label, title, act, kind) => h("button", { type: "button", id, title, class: kind, onclick: act }, label);
    const buttons = h("div", { class: "sides" },
      button("buy-market", "Buy market", "Buy now, up to the cap beyond the touch", () => void desk.order(1, "market", null), "buy"),
      button("buy-limit", "Join bid", "Rest at the best bid", () => void desk.order(1, "limit", desk.lane?.book.bid ?? NaN), "buy"),
      button("cancel-order", "Cancel", "Cancel everything that is not filled on this instrument", () => void desk.command("cancel", { lane: desk.shown })),
      button("flatten", "Flatten", "Give up what works and close what is held", () => void desk.command("flatten", { lane: desk.shown })),
      button("sell-market", "Sell market", "Sell now, down to the cap beyond the touch", () => void desk.order(-1, "market", null), "sell"),
      button("sell-limit", "Join ask", "Rest at the best ask", () => void desk.order(-1, "limit", desk.lane?.book.ask ?? NaN), "sell"),
      button("protect", "Stop to entry", "The stop of the bracket to the price of entry: a stop may only come nearer", () => this.protect()));
    return h("div", { class: "ticket" },
      h("div", { class: "fields" },
        h("label", { title: "Size of the next order" }, h("span", { id: "order-size-unit" }, "Size"), this.size),
        field("Stop", "order-stop", "Ticks from the entry to the stop; 0: no bracket", (v) => (desk.stop_ticks = v), "0"),
        field("Target", "order-target", "Ticks from the entry to the target; 0: none", (v) => (desk.target_ticks = v), "0"),
        field("Cap", "order-cap", "Ticks beyond the touch that a market order may pay", (v) => (desk.cap_ticks = v), "10"),
        h("label", { class: "check", title: "Only ever makes the position smaller" },
          h("input", { type: "checkbox", id: "order-reduce", onchange: (/** @type {any} */ event) => (desk.reduce_only = event.target.checked) }), h("span", {}, "reduce only"))),
      buttons);
  }

  protect() {
    const { desk } = this;
    const entry = desk.own?.entry;
    if (!known(entry)) desk.say("Nothing is held: there is no stop to move.", "warn");
    else void desk.command("protect", { lane: desk.shown, stop: Math.round(entry) });
  }

  sized() {
    const units = this.desk.units;
    if (units) this.desk.sizes.set(this.desk.shown, Math.round(Number(this.size.value) / units.lot));
  }

  /** Make the next order larger or smaller. @param {number} factor */
  scaled(factor) {
    const lots = Math.max(1, Math.round(this.desk.size * factor));
    this.desk.sizes.set(this.desk.shown, lots === this.desk.size && factor > 1 ? lots + 1 : lots);
    this.writeSize();
  }

  writeSize() {
    const units = this.desk.units;
    if (!units) return;
    if (document.activeElement !== this.size) this.size.value = units.size(this.desk.size);
    say(this.body.querySelector("#order-size-unit"), `Size, ${this.desk.lane?.one.base ?? ""}`);
  }

  key() {
    const { desk } = this;
    return `${desk.shown}|${desk.store.seen.hello}|${desk.store.seen.account}|${desk.store.seen.reports}|${desk.size}`;
  }

  draw() {
    const { desk } = this;
    const { account, hello } = desk.store;
    const orders = hello?.abilities.orders ?? false;
    this.note.textContent = !account ? "No account has been told yet." : hello?.read_only ? "Read only: orders are refused." : !orders ? "Orders are not to be given here." : "";
    mark(this.form, "gone", !orders || Boolean(hello?.read_only));
    mark(this.form, "armed", desk.armed);
    if (!account) return;
    if (this.hello !== desk.store.seen.hello || !desk.sizes.has(desk.shown)) {
      this.hello = desk.store.seen.hello;
      if (!desk.sizes.has(desk.shown)) desk.sizes.set(desk.shown, Math.max(1, Math.round(0.01 / (desk.units?.lot ?? 1))));
    }
    this.writeSize();
    this.drawFigures();
    this.drawOrders();
    this.drawRisk();
    this.drawEvents();
  }

  drawFigures() {
    const { own, units, store } = this.desk;
    const money = store.account?.money ?? null;
    const lots = own?.position ?? 0;
    /** @type {[string, string, string][]} */
    const rows = [
      ["Position", units ? (lots === 0 ? "flat" : `${lots > 0 ? "long" : "short"} ${units.size(Math.abs(lots))}`) : "–", lots > 0 ? "up" : lots < 0 ? "down" : ""],
      ["Entry", units && own && known(own.entry) ? (own.entry * units.tick).toFixed(units.price_decimals + 1) : "–", ""],
      ["Unrealised", amount(money?.unrealised), toned(money?.unrealised)],
      ["Realised", amount(money?.realised), toned(money?.realised)],
      ["Profit", amount(money?.profit), toned(money?.profit)],
      ["Fees", amount(money?.fees), ""],
      ["Equity", money && known(money.equity) ? `${money.equity.toFixed(2)} ${money.currency}` : "–", ""],
    ];
    if (own?.trade) rows.push(["Trade", `${own.trade.policy} ${own.trade.state}${units && own.trade.stop !== null ? `, stop ${units.price(own.trade.stop)}` : ""}${units && own.trade.targets.length ? `, target ${own.trade.targets.map((one) => units.price(one)).join(" ")}` : ""}`, ""]);
    for (const one of own?.worked ?? []) if (one.policy !== "join") rows.push(["Worked", `${one.policy} ${one.side > 0 ? "buy" : "sell"} ${units?.size(one.filled)} of ${units?.size(one.lots)}`, ""]);
    if (this.figures.children.length !== rows.length * 2) this.figures.replaceChildren(...rows.flatMap(([name]) => [h("dt", {}, name), h("dd", {})]));
    rows.forEach(([name, text, tone], i) => {
      const [term, value] = [this.figures.children[2 * i], this.figures.children[2 * i + 1]];
      say(term, name);
      say(value, text);
      value.className = tone;
    });
  }

  drawOrders() {
    const { desk } = this;
    const { own, units } = desk;
    const orders = [...(own?.orders ?? [])].sort((a, b) => (b.price ?? 0) - (a.price ?? 0));
    const key = orders.map((one) => `${one.id}|${one.price}|${one.lots}|${one.filled}|${one.state}|${one.ahead}`).join();
    if (this.orders.dataset.key === key) return;
    this.orders.dataset.key = key;
    this.orders.replaceChildren(...(orders.length ? orders.map((one) =>
      h("div", { class: "order", role: "listitem" },
        h("span", { class: one.side > 0 ? "up" : "down" }, `${one.side > 0 ? "Buy" : "Sell"} ${units?.size(one.lots - one.filled)} @ ${units?.price(one.price)}`),
        protects(one) ? h("span") : h("button", { type: "button", class: "quiet", "aria-label": `Cancel order ${one.id}`, onclick: () => void desk.command("cancel", { lane: desk.shown, order: one.id }) }, "Cancel"),
        h("span", { class: "faint" }, [one.ahead === null ? one.ahead_why : `${units?.brief(one.ahead)} ahead`, one.leg === "order" ? "" : one.leg, one.type, one.state, one.by === "hand" ? "" : one.by].filter(Boolean).join(" · ")))) : [h("p", { class: "faint" }, "No working orders.")]));
  }

  drawRisk() {
    const rows = (this.desk.store.account?.risk ?? []).filter((one) => one.limit !== null && (one.lane === null || one.lane === this.desk.shown));
    if (this.risk.children.length !== rows.length) {
      this.risk.replaceChildren(...rows.map(() => h("div", { class: "limit", role: "listitem" }, h("span", { class: "name" }), h("meter", { min: 0, max: 1 }), h("span", { class: "value" }))));
    }
    rows.forEach((one, i) => {
      const [name, meter, value] = this.risk.children[i].children;
      say(name, one.name.replaceAll("_", " "));
      const share = known(one.used) && one.limit ? one.used / one.limit : 0;
      meter.setAttribute("value", String(Math.min(1, Math.max(0, share))));
      meter.setAttribute("aria-label", `${one.name}: ${one.used} of ${one.limit} ${one.unit}`);
      mark(this.risk.children[i], "near", share > 0.8);
      say(value, `${known(one.used) ? compact(one.used) : "–"} / ${compact(one.limit ?? 0)} ${one.unit}`);
    });
  }

  drawEvents() {
    const { desk } = this;
    if (this.told === desk.store.seen.reports) return;
    this.told = desk.store.seen.reports;
    const units = (/** @type {number} */ lane) => desk.store.lanes[lane]?.units;
    this.events.replaceChildren(...desk.store.reports.slice(-EVENTS).reverse().map((one) => {
      const u = units(one.lane);
      const side = one.side === null ? "" : one.side > 0 ? "buy" : "sell";
      const what = `${one.what} ${side} ${u && one.lots !== null ? u.size(one.lots) : ""}${u && one.price !== null ? ` @ ${u.price(one.price)}` : ""}${one.what === "fill" && one.maker !== null ? (one.maker ? ", resting" : ", taking") : ""}`;
      return h("div", { class: `event ${one.what}` },
        h("time", {}, timeOfDay(one.ms, 1)),
        h("span", { class: one.side === null ? "" : one.side > 0 ? "up" : "down" }, what.trim()),
        h("span", { class: "why" }, one.reason ?? ""),
        h("span", { class: "faint" }, one.by ?? ""));
    }));
  }
}

/** Whether an order protects what is held: it is moved or goes with the position, and is never cancelled by itself. @param {OwnOrder} one */
function protects(one) {
  return /^(stop|target|exit)/.test(one.leg ?? "");
}

/** @param {number|null|undefined} value */
function amount(value) {
  return known(value) ? `${value < 0 ? "−" : value > 0 ? "+" : ""}${Math.abs(value).toFixed(2)}` : "–";
}

/** @param {number|null|undefined} value */
function toned(value) {
  return known(value) && value !== 0 ? (value > 0 ? "up" : "down") : "";
}
