/**
 * The server's frames as typed arrays on the received buffer (docs/DESK.md, version 1).
 *
 * Why: a column arrives ten times a second, at twenty times the pace two hundred times; nothing is
 * copied or turned into objects before it is known to be wanted.
 */

export const VERSION = 1;
export const SUBPROTOCOL = "aggressor.desk.1";

export const HELLO = 1;
export const HEAT = 2;
export const BOOK = 3;
export const PRINTS = 4;
export const ORDERS = 5;
export const BAR = 6;
export const SIGNAL = 7;
export const STATE = 8;
export const CURVE = 9;
export const LABEL = 10;
export const ACCOUNT = 11;
export const ANSWER = 12;
export const MISSED = 13;
export const RESET = 14;
export const BYE = 15;
export const FORCED = 16;
export const CAUGHT_UP = 17;
export const PROFILE = 18;
export const REPORT = 19;
export const NOTICE = 20;

export const WHOLE_DESK = 255;
export const NO_PRICE = -2147483648;
const HEADER = 32;

/** @type {Record<number, string>} */
export const KIND_NAMES = {
  1: "hello", 2: "heat", 3: "book", 4: "prints", 5: "orders", 6: "bar", 7: "signal", 8: "state",
  9: "curve", 10: "label", 11: "account", 12: "answer", 13: "missed", 14: "reset", 15: "bye",
  16: "forced", 17: "caught up", 18: "profile", 19: "report", 20: "notice",
};

/** One frame; its body is read in the order in which the page on the protocol names its arrays. */
export class Frame {
  /** @param {ArrayBuffer} buffer @param {number} at */
  constructor(buffer, at) {
    const view = new DataView(buffer, at, HEADER);
    this.buffer = buffer;
    this.version = view.getUint8(0);
    this.kind = view.getUint8(1);
    this.lane = view.getUint8(2);
    this.flags = view.getUint8(3);
    this.bytes = view.getUint32(4, true);
    this.count = view.getUint32(8, true);
    this.aux = view.getUint32(12, true);
    this.number = view.getUint32(16, true);
    this.epoch = view.getUint32(20, true);
    this.ts = view.getFloat64(24, true);
    this.start = at + HEADER;
    this.next = at + HEADER;
  }

  /** @param {number} n @param {number} width @returns {number} */
  step(n, width) {
    const at = this.next;
    this.next = at + ((n * width + 7) & ~7);
    return at;
  }

  /** @param {number} [n] */
  f64(n = this.count) {
    return new Float64Array(this.buffer, this.step(n, 8), n);
  }

  /** @param {number} [n] */
  i32(n = this.count) {
    return new Int32Array(this.buffer, this.step(n, 4), n);
  }

  /** @param {number} [n] */
  i8(n = this.count) {
    return new Int8Array(this.buffer, this.step(n, 1), n);
  }

  /** @param {number} [n] */
  u8(n = this.count) {
    return new Uint8Array(this.buffer, this.step(n, 1), n);
  }

  /** @returns {any} */
  json() {
    return JSON.parse(TEXT.decode(new Uint8Array(this.buffer, this.start, this.count)));
  }
}

const TEXT = new TextDecoder();

/** Give each frame of a message to `take`. @param {ArrayBuffer} buffer @param {(frame: Frame) => void} take */
export function eachFrame(buffer, take) {
  for (let at = 0; at < buffer.byteLength; ) {
    const frame = new Frame(buffer, at);
    if (frame.version !== VERSION) throw new Error(`the server speaks version ${frame.version} of the desk's protocol, this page ${VERSION}: reload`);
    if (frame.bytes < HEADER) throw new Error("a frame shorter than its own header");
    take(frame);
    at += frame.bytes;
  }
}

/**
 * @typedef {{lane: number, id: string, venue: string, symbol: string, contract: string, base: string, quote: string, settle: string, tick: string, tick_size: number, price_digits: number, lot: string, lot_size: number, size_digits: number, row_ticks: number|null, bar_ms: number}} Instrument
 * @typedef {{version: number, mode: "live"|"replay"|"synthetic", read_only: boolean, title: string, heat_ms: number, book_levels: number, rings: Record<string, number>, curve: {name: string, unit: string, label: string, group: string}[], columns: {name: string, unit: string, meaning: string}[], instruments: Instrument[], signals: {kind: string, means: string, evidence?: string[], conditions?: string[]}[], scenarios: {kind: string, means: string}[], span: {start_ms: number, stop_ms: number}|null, abilities: {orders: boolean, pace: boolean, seek: boolean, step: boolean}, strategy: string|null, account: {currency: string, equity: number, paper?: boolean}}} Hello
 * @typedef {{number: number, kind: string, phase: "armed"|"confirmed"|"rejected"|"expired", side: number, direction: number, armed_ms: number, confirmed_ms: number|null, known_ms: number, low: number, high: number, score: number|null, provisional: string, episode: number, failed: string, said: string, evidence: Record<string, number|null>, rules: Rule[]}} Signal
 * @typedef {{condition: string, measure: string|null, value: number|null, relation: "at least"|"at most"|"below"|"above"|null, threshold: number|null, way: string, passed: boolean|null, failed: boolean}} Rule
 * @typedef {{topic: string, name: string, value: string|number|null, unit: string, young: boolean, age_seconds: number|null, why: string|null}} Fact
 * @typedef {{price: number, side: number, lots: number, z: number, since_ms: number}} Wall
 * @typedef {{price: number, side: number, peak: number, since_ms: number, ended_ms: number}} GoneWall
 * @typedef {{price: number, side: number, displayed: number, hidden: number, confirmed?: boolean, since_ms: number}} Iceberg
 * @typedef {{low: number, high: number, side: number, state: string, since_ms: number}} Zone
 * @typedef {{start_ms: number, open: number, high: number, low: number, close: number, volume: number, poc: number|null, val: number|null, vah: number|null, vwap: number|null, sigma: number|null, whole: boolean}} Session
 * @typedef {{start_ms: number, end_ms: number, high: number, low: number, close: number, poc: number|null, val: number|null, vah: number|null, vwap: number|null, whole: boolean}} PastSession
 * @typedef {{lane: number, venue: string, symbol: string, live: boolean, why: string|null, mid: number|null, basis: number|null, deviation_bp: number|null, bid_base: number|null, ask_base: number|null}} Venue
 * @typedef {{bucket_bp: number, bids: number[], asks: number[], truncated: boolean}} JoinedDepth
 * @typedef {{base: string, mid: number|null, bid_base: number|null, ask_base: number|null, bought: number|null, sold: number|null, cvd: number|null, depth: JoinedDepth|null, venues: Venue[]}} Composite
 * @typedef {{measures: Record<string, number|null>, facts: Fact[], blank: Record<string, string>, data: {valid: boolean, faults: string[], book_age_ms: number|null, [more: string]: any}, walls: Wall[], walls_gone: GoneWall[], icebergs: Iceberg[], zones: Zone[], auctions: {price: number, side: number, since_ms: number}[], naked_pocs: {low: number, high: number, since_ms: number}[], locations: {kind: string, low: number, high: number}[], session: Session|null, sessions?: PastSession[], composite: Composite|null, cascade?: string|null, events_per_second: number}} State
 * @typedef {{id: number, side: number, price: number|null, lots: number, filled: number, state: string, leg: string|null, type: string, ahead: number|null, ahead_why: string|null, age_ms: number|null, by?: string}} OwnOrder
 * @typedef {{lane: number, position: number, entry: number|null, unrealised: number|null, orders: OwnOrder[], trade: {side: number, lots: number, stop: number|null, targets: number[], policy: string, state: string}|null, worked: {side: number, lots: number, filled: number, policy: string, ending: string}[]}} AccountLane
 * @typedef {{venue: string, links: string[], aligned: boolean, rows: number, lag_ms: number|null, clock_offset_ms: number|null, gaps: number, losses: number, bad_messages: number}} VenueLine
 * @typedef {{clock: {now_ms: number, playing: boolean, speed: number, at_end: boolean, seeking: {to_ms: number, share: number}|null, behind_ms: number|null}, halt: {level: string, reason: string}|null, money: {currency: string, equity: number|null, profit: number|null, realised: number|null, unrealised: number|null, fees: number|null, funding: number|null}|null, lanes: AccountLane[], risk: {name: string, lane: number|null, used: number|null, limit: number|null, unit: string}[], lines?: VenueLine[], readers: number}} Account
 * @typedef {{what: string, ms: number, lane: number, order: string|number|null, side: number|null, price: number|null, lots: number|null, filled?: number, maker: boolean|null, fee: number|null, reason: string|null, by: string|null}} Report
 * @typedef {{number: number, kind: string, means: string, side: number, direction: number, low: number, high: number, start_ms: number, stop_ms: number|null, came_about?: boolean|null}} Label
 */
