// Sounds: short tones, made here.

/**
 * Notes: frequency in Hz, when it begins and how long it lasts, in seconds.
 * @type {Map<string, {wave: OscillatorType, notes: [number, number, number][]}>}
 */
const sounds = new Map([
  ["message", { wave: "sine", notes: [[784, 0, 0.12], [1047, 0.1, 0.22]] }],
  ["online", { wave: "triangle", notes: [[523, 0, 0.12], [659, 0.1, 0.12], [784, 0.2, 0.25]] }],
  ["nudge", { wave: "square", notes: [[110, 0, 0.08], [92, 0.1, 0.08], [110, 0.2, 0.08], [92, 0.3, 0.12]] }],
]);

const volume = 0.08;

/** Plays sounds, if somebody wants to hear them. */
export class Sounds {
  /** @type {AudioContext|null} */
  #context = null;
  on = false;

  /** @param {"message"|"online"|"nudge"} name */
  play(name) {
    const sound = sounds.get(name);
    if (!this.on || !sound) return;
    const context = (this.#context ??= new AudioContext());
    context.resume().catch(() => {}); // browsers are silent until something was pressed
    for (const [frequency, begin, length] of sound.notes) {
      const tone = context.createOscillator();
      const gain = context.createGain();
      const start = context.currentTime + begin;
      tone.type = sound.wave;
      tone.frequency.value = frequency;
      gain.gain.setValueAtTime(0, start);
      gain.gain.linearRampToValueAtTime(volume, start + 0.01);
      gain.gain.exponentialRampToValueAtTime(0.0001, start + length);
      tone.connect(gain).connect(context.destination);
      tone.start(start);
      tone.stop(start + length);
    }
  }
}
