"use strict";
// Instruments at the browser's MIDI ports, if it has any, and MIDI files.
const midi = {
  output: null, // where the network's notes go; null: to the page

  // Shows the button that asks for the ports, or why it is missing. play(pitch, loudness) is called for incoming notes.
  offer(play) {
    const button = document.getElementById("midi");
    const tell = text => { document.getElementById("ports").textContent = text; };
    if (!navigator.requestMIDIAccess) {
      button.hidden = true;
      return tell("This browser has no Web MIDI. Chrome, Edge, Opera and Firefox do.");
    }
    button.addEventListener("click", async () => {
      try {
        const access = await navigator.requestMIDIAccess();
        access.onstatechange = () => this.list(access, play, tell);
        this.list(access, play, tell);
        button.hidden = true;
      } catch {
        tell("The browser did not allow MIDI.");
      }
    });
  },

  list(access, play, tell) {
    const inputs = [...access.inputs.values()], outputs = [...access.outputs.values()], choice = document.getElementById("output");
    for (const input of inputs) {
      input.onmidimessage = ({ data: [status, pitch, velocity] }) => {
        if ((status & 0xf0) === 0x90 && velocity) play(pitch, velocity / 100);
      };
    }
    tell(inputs.length ? `You can play on ${inputs.map(({ name }) => name).join(", ")}.` : "No MIDI keyboard is connected.");
    const kept = this.output?.id;
    choice.replaceChildren(new Option("this page", ""), ...outputs.map(({ name, id }) => new Option(name, id, id === kept, id === kept)));
    choice.onchange = () => { this.output = outputs.find(({ id }) => id === choice.value) || null; };
    choice.onchange();
    choice.parentElement.hidden = !outputs.length;
  },

  // Sends a note with a delay and a duration in seconds.
  send(pitch, wait, seconds) {
    const when = performance.now() + 1000 * wait;
    this.output.send([0x90, pitch, 80], when);
    this.output.send([0x80, pitch, 0], when + 1000 * seconds);
  },
};

// A MIDI file of one track, yours on channel 1, the network's on 2: a note lasts a step, 480 ticks are a quarter.
function midiFile(roll, { lowest, per_quarter }, tempo_bpm) {
  const number = value => (value < 128 ? [value] : [...number(value >> 7).map(byte => byte | 128), value & 127]);
  const tempo = Math.round(60e6 / tempo_bpm), bytes = [0, 0xff, 0x51, 3, tempo >> 16, (tempo >> 8) & 255, tempo & 255];
  let waited = 0;
  const event = (...message) => { bytes.push(...number(waited), ...message); waited = 0; };
  for (const pressed of roll) {
    const notes = [0, 1].flatMap(channel => pressed.flatMap((by, key) => (by & (1 << channel) ? [[channel, lowest + key]] : [])));
    for (const [channel, pitch] of notes) event(0x90 | channel, pitch, 80);
    waited += 480 / per_quarter;
    for (const [channel, pitch] of notes) event(0x80 | channel, pitch, 0);
  }
  event(0xff, 0x2f, 0);
  const size = bytes.length;
  const head = [77, 84, 104, 100, 0, 0, 0, 6, 0, 0, 0, 1, 1, 224, 77, 84, 114, 107];
  return new Uint8Array([...head, size >>> 24, (size >> 16) & 255, (size >> 8) & 255, size & 255, ...bytes]);
}
