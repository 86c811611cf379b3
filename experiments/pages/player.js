"use strict";
// A piano of 13 keys: the tones of the project's own synthesiser, which the page carries as samples.
const piano = {
  context: null,
  tones: [],

  // Browsers let a page make sound only after a visitor has done something on it.
  async open() {
    if (!this.context) {
      this.context = new AudioContext();
      const samples = JSON.parse(document.getElementById("tones").textContent);
      this.tones = await Promise.all(samples.map(text => this.context.decodeAudioData(bytes(text))));
    }
    await this.context.resume();
  },

  // Plays a key at a time of the context; returns the sound, so that it can be stopped.
  // Beyond the 13 keys the nearest one sounds, faster or slower: a semitone for each key.
  strike(key, when) {
    const source = this.context.createBufferSource(), volume = this.context.createGain();
    const nearest = Math.max(0, Math.min(key, this.tones.length - 1));
    source.buffer = this.tones[nearest];
    source.playbackRate.value = 2 ** ((key - nearest) / 12);
    source.connect(volume).connect(this.context.destination);
    source.start(when);
    return { source, volume };
  },

  // A struck string is damped, not cut: a cut would click.
  damp({ source, volume }, when) {
    volume.gain.setValueAtTime(1, when);
    volume.gain.linearRampToValueAtTime(0, when + 0.008);
    source.stop(when + 0.01);
  },
};

function bytes(base64) {
  return Uint8Array.from(atob(base64), character => character.charCodeAt(0)).buffer;
}

// Plays a melody: notes are [step, key] by step, or [step, key, steps held]. It continues from where it was paused.
class Player {
  constructor(steps, seconds, starts) {
    this.steps = steps;
    this.starts = starts || Array.from({ length: steps + 1 }, (_, step) => step * seconds); // of the steps, and the end
    this.place = 0; // in steps
    this.sounding = [];
    this.began = null; // time of the context at which step 0 was or would have been
  }

  get playing() {
    return this.began !== null;
  }

  get now() {
    if (!this.playing) return this.place;
    const time = Math.max(0, piano.context.currentTime - this.began), next = this.starts.findIndex(start => start > time);
    if (next < 0) return this.steps;
    return next - 1 + (time - this.starts[next - 1]) / (this.starts[next] - this.starts[next - 1]);
  }

  time(step) {
    const whole = Math.min(Math.floor(step), this.steps - 1), start = this.starts[whole];
    return start + (step - whole) * (this.starts[whole + 1] - start);
  }

  async play(notes) {
    await piano.open();
    this.pause();
    if (this.place >= this.steps) this.place = 0;
    const ready = piano.context.currentTime + 0.05, last = new Map();
    this.began = ready - this.time(this.place);
    for (const [step, key, held] of notes) {
      if (step < this.place) continue;
      const when = this.began + this.time(step);
      if (last.has(key)) piano.damp(last.get(key), when);
      const struck = piano.strike(key, when);
      if (held) piano.damp(struck, this.began + this.time(step + held));
      else last.set(key, struck);
      this.sounding.push(struck);
    }
  }

  pause() {
    if (!this.playing) return;
    this.place = Math.min(this.now, this.steps);
    this.began = null;
    for (const { source, volume } of this.sounding) {
      volume.disconnect();
      source.stop();
    }
    this.sounding = [];
  }

  seek(step, notes) {
    const playing = this.playing;
    this.pause();
    this.place = Math.max(0, Math.min(step, this.steps - 1));
    if (playing) this.play(notes);
  }
}
