/**
 * Alert sounds, made by WebAudio and off until asked for.
 *
 * Why: a trader looks elsewhere. Up is a rising pair of notes, down a falling one, an alarm one
 * low note three times; no recording is fetched from anywhere. At most three a second.
 */

/** Notes in Hz with when they start, s. @type {Record<string, [number, number][]>} */
const TUNES = {
  up: [[587, 0], [880, 0.09]],
  down: [[587, 0], [392, 0.09]],
  level: [[659, 0]],
  fill: [[1175, 0], [1175, 0.07]],
  alarm: [[220, 0], [220, 0.16], [220, 0.32]],
};

export class Sound {
  constructor() {
    this.on = false;
    /** What was played last, for tests and for the eye. @type {string[]} */
    this.played = [];
    /** @type {AudioContext|null} */
    this.context = null;
    this.last = 0;
  }

  /** @param {boolean} on */
  set(on) {
    this.on = on;
    if (on && !this.context) this.context = new AudioContext();
    if (on) void this.context?.resume();
    localStorage.setItem("desk.sound", on ? "1" : "0");
  }

  /** @param {string} tune */
  play(tune) {
    const at = performance.now();
    if (!this.on || !this.context || at - this.last < 333) return;
    this.last = at;
    this.played = [...this.played.slice(-20), tune];
    const { context } = this;
    for (const [hertz, start] of TUNES[tune] ?? TUNES.level) {
      const [tone, gain] = [context.createOscillator(), context.createGain()];
      const from = context.currentTime + start;
      tone.frequency.value = hertz;
      gain.gain.setValueAtTime(0.0001, from);
      gain.gain.exponentialRampToValueAtTime(0.09, from + 0.012);
      gain.gain.exponentialRampToValueAtTime(0.0001, from + 0.16);
      tone.connect(gain).connect(context.destination);
      tone.start(from);
      tone.stop(from + 0.18);
    }
  }
}
