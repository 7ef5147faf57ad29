/**
 * Marks with a beginning and an end: walls, icebergs, and large sizes that left untraded.
 *
 * Why: the server tells what stands now, several times a second; the picture of the past needs from
 * when to when. Each is told by price, side and first second, so nothing here guesses.
 */

/** @typedef {{price: number, side: number, since: number, until: number, standing: boolean, lots: number, hidden: number, sure: boolean}} Trail */
/** @typedef {{t: number, price: number, side: number, lots: number}} Pull */

const KEPT = 3000;
const PULLS = 1 << 13;

export class Trails {
  constructor() {
    /** @type {Map<string, Trail>} */
    this.walls = new Map();
    /** @type {Map<string, Trail>} */
    this.icebergs = new Map();
    /** Sizes that left without a trade, large ones, newest last. @type {Pull[]} */
    this.gone = [];
    /** Size that 0.2 % of withdrawals exceed, followed as they come. */
    this.large = 0;
  }

  /** @param {import("./protocol.js").State} state @param {number} ts */
  standing(state, ts) {
    follow(this.walls, state.walls, ts, (one) => [one.lots, 0, true]);
    follow(this.icebergs, state.icebergs, ts, (one) => [one.displayed, one.hidden, one.confirmed !== false]);
    for (const gone of state.walls_gone) {
      const key = `${gone.price}|${gone.side}|${gone.since_ms}`;
      const trail = this.walls.get(key);
      if (trail) [trail.until, trail.standing] = [gone.ended_ms, false];
      else keep(this.walls, key, { price: gone.price, side: gone.side, since: gone.since_ms, until: gone.ended_ms, standing: false, lots: gone.peak, hidden: 0, sure: true });
    }
  }

  /** Note the large withdrawals of the newest column. @param {import("./heat_store.js").HeatStore} heat */
  pulls(heat) {
    const column = heat.stop - 1;
    if (column < heat.start) return;
    const ts = heat.ts[column & heat.mask];
    const stop = heat.flowsStop(column);
    for (let i = heat.flow_at[column & heat.mask]; i < stop; i++) {
      const at = i & heat.flows_mask;
      const lots = heat.pulled[at] - heat.added[at];
      if (heat.pulled[at] < 0) this.took(heat.flow_price[at], -heat.pulled[at]);
      if (lots <= 0) continue;
      if (this.large === 0) this.large = lots;
      this.large *= lots > this.large ? 1 + 0.02 * 0.998 : 1 - 0.02 * 0.002;
      if (lots >= this.large) this.gone.push({ t: ts, price: heat.flow_price[at], side: heat.flow_side[at], lots });
    }
    if (this.gone.length > PULLS) this.gone.splice(0, this.gone.length - PULLS / 2);
  }

  /** What was called pulled turned out to be traded. @param {number} price @param {number} lots */
  took(price, lots) {
    for (let i = this.gone.length - 1; i >= Math.max(0, this.gone.length - 40); i--) {
      if (this.gone[i].price !== price) continue;
      this.gone[i].lots -= lots;
      if (this.gone[i].lots <= 0) this.gone.splice(i, 1);
      return;
    }
  }
}

/** @template {{price: number, side: number, since_ms: number}} T @param {Map<string, Trail>} trails @param {T[]} now @param {number} ts @param {(one: T) => [number, number, boolean]} sizes */
function follow(trails, now, ts, sizes) {
  const standing = new Set();
  for (const one of now) {
    const key = `${one.price}|${one.side}|${one.since_ms}`;
    standing.add(key);
    const [lots, hidden, sure] = sizes(one);
    const trail = trails.get(key);
    if (trail) [trail.until, trail.standing, trail.lots, trail.hidden, trail.sure] = [ts, true, Math.max(lots, trail.lots), Math.max(hidden, trail.hidden), trail.sure || sure];
    else keep(trails, key, { price: one.price, side: one.side, since: one.since_ms, until: ts, standing: true, lots, hidden, sure });
  }
  for (const [key, trail] of trails) if (trail.standing && !standing.has(key)) trail.standing = false;
}

/** @param {Map<string, Trail>} trails @param {string} key @param {Trail} trail */
function keep(trails, key, trail) {
  trails.set(key, trail);
  if (trails.size <= KEPT) return;
  const [oldest] = trails.keys();
  trails.delete(oldest);
}
