/**
 * Rings: the last so many records of a kind, as columns of typed arrays.
 *
 * Why: history is kept in the browser so that panning never waits for the server, and an hour of a
 * fast market must not grow the heap. A record is known by its number; numbers only go up. Memory is
 * taken with the first record: instruments that are never watched cost nothing.
 */

/** @typedef {Float64Array|Float32Array|Int32Array|Int8Array|Uint8Array|Uint32Array} Column */

export class Ring {
  /** @param {number} room a power of two @param {Record<string, new (n: number) => Column>} columns */
  constructor(room, columns) {
    this.room = room;
    this.mask = room - 1;
    this.stop = 0;
    this.makes = columns;
    /** @type {Record<string, Column>} */
    this.columns = {};
    this.time = /** @type {Column} */ (new Float64Array(0));
  }

  make() {
    for (const [name, make] of Object.entries(this.makes)) this.columns[name] = new make(this.room);
    this.time = this.columns["ts"];
  }

  get start() {
    return Math.max(0, this.stop - this.room);
  }

  get size() {
    return this.stop - this.start;
  }

  clear() {
    this.stop = 0;
  }

  /** Append `count` records given as arrays by name. @param {number} count @param {Record<string, ArrayLike<number>>} given */
  extend(count, given) {
    if (this.time.length === 0) this.make();
    for (const name in this.columns) {
      const [to, from] = [this.columns[name], given[name]];
      for (let i = 0; i < count; i++) to[(this.stop + i) & this.mask] = from[i];
    }
    this.stop += count;
  }

  /** A value of a record; NaN before the first. @param {string} name @param {number} number */
  at(name, number) {
    if (this.time.length === 0) return NaN;
    return this.columns[name][number & this.mask];
  }

  /** First record at or after a time; records stand in order of time. @param {number} t */
  since(t) {
    let [low, high] = [this.start, this.stop];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.time[middle & this.mask] < t) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
