"use strict";
// The piano of the project's synthesiser: the page contains some of its tones as samples, and its reverb.
const piano = {
  context: null,
  tones: [],

  // Browsers only let a page make sound after the visitor has interacted with it.
  async open() {
    if (!this.context) {
      this.context = new AudioContext();
      Object.assign(this, JSON.parse(document.getElementById("sounds").textContent));
      this.keys = this.tones.map(([key]) => key);
      this.tones = await Promise.all(this.tones.map(([, text]) => this.context.decodeAudioData(bytes(text))));
      this.walls = this.context.createConvolver();
      this.walls.normalize = false;
      this.walls.buffer = this.reflections();
      this.walls.connect(this.context.destination);
    }
    await this.context.resume();
  },

  // The reverb of a click, without the click itself.
  reflections() {
    const rate = this.context.sampleRate, last = this.room[this.room.length - 1][0];
    const buffer = this.context.createBuffer(2, Math.ceil(last * rate) + 1, rate);
    for (const [seconds, ...gains] of this.room)
      gains.forEach((gain, side) => { buffer.getChannelData(side)[Math.round(seconds * rate)] = gain; });
    return buffer;
  },

  // Plays a key at a time of the context; returns the sound, so that it can be stopped.
  // The nearest tone is played, sped up or slowed down by a semitone per key of distance.
  strike(key, when, loudness = 1) {
    const source = this.context.createBufferSource(), volume = this.context.createGain();
    const place = this.context.createStereoPanner();
    const nearest = this.keys.reduce((best, each, index) => Math.abs(each - key) < Math.abs(this.keys[best] - key) ? index : best, 0);
    source.buffer = this.tones[nearest];
    source.playbackRate.value = 2 ** ((key - this.keys[nearest]) / 12);
    volume.gain.value = loudness;
    place.pan.value = Math.max(-1, Math.min(1, (key - 6) / this.panorama));
    source.connect(volume).connect(place).connect(this.context.destination);
    volume.connect(this.walls);
    source.start(when);
    return { source, volume, loudness };
  },

  // A struck string is damped, not cut: a cut would click.
  damp({ source, volume, loudness }, when) {
    volume.gain.setValueAtTime(loudness, when);
    volume.gain.linearRampToValueAtTime(0, when + this.release);
    source.stop(when + this.release);
  },
};

function bytes(base64) {
  return Uint8Array.from(atob(base64), character => character.charCodeAt(0)).buffer;
}

// Plays a melody: notes are [step, key] by step, or [step, key, steps held, loudness]; without a length a note is held
// until the next step with notes. It continues from where it was paused.
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
    this.began = piano.context.currentTime + 0.05 - this.time(this.place);
    const following = step => (notes.find(note => note[0] > step) || [this.steps])[0] - step;
    for (const [step, key, held = following(step), loudness] of notes) {
      if (step < this.place) continue;
      const struck = piano.strike(key, this.began + this.time(step), loudness);
      piano.damp(struck, this.began + this.time(step + held));
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
