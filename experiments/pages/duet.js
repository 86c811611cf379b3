"use strict";
// The visitor plays a bar, the network goes on.
const duet = JSON.parse(document.getElementById("duet").textContent);
const respond = performer(duet);
const keys = [...document.querySelectorAll(".piano button")];
const canvas = document.querySelector("canvas");
const $ = id => document.getElementById(id);
const LONGEST = 16 * duet.bar; // steps of a piece
let roll = []; // steps of a boolean for each key
let began = null; // time of the context at step 0; null while nobody plays
let timer = null;
let own = duet.prompt; // steps that are the visitor's

const seconds = () => 60 / duet.per_quarter / Number($("tempo").value); // a step
const rest = () => new Array(duet.keys).fill(false);
const say = text => { $("state").textContent = text; };

function light(key, name, milliseconds = 160) {
  keys[key].classList.add(name);
  setTimeout(() => keys[key].classList.remove(name), milliseconds);
}

function sound(key) {
  piano.strike(key + duet.lowest - 60, piano.context.currentTime);
}

async function press(key) {
  await piano.open();
  sound(key);
  light(key, "yours");
  if (began === null) start([rest()], duet.prompt);
  const step = Math.round((piano.context.currentTime - began) / seconds());
  if (step >= own) return; // the network is playing
  while (roll.length <= step) roll.push(rest());
  roll[step][key] = true;
  draw();
}

function start(first, steps) {
  stop();
  roll = first;
  own = steps;
  began = piano.context.currentTime - (first.length - 1) * seconds();
  timer = setInterval(tick, 10);
  say("You are playing.");
}

// Called often: whenever the time of a step has come, the network plays it.
function tick() {
  const step = Math.floor((piano.context.currentTime - began) / seconds() + 1e-6);
  while (roll.length <= Math.min(step, own - 1)) roll.push(rest());
  if (step >= own && roll.length <= step) {
    const pressed = respond(roll, $("improvise")?.checked);
    roll.push(pressed);
    pressed.forEach((down, key) => { if (down) { sound(key); light(key, "its"); } });
    say("The network is playing.");
  }
  if (roll.length >= LONGEST) stop();
  draw();
}

function stop() {
  clearInterval(timer);
  if (began !== null) say("Your turn again.");
  began = null;
  $("save").disabled = !roll.length;
}

function draw() {
  const width = canvas.clientWidth, scale = window.devicePixelRatio || 1, height = duet.keys * 7 + 10;
  const look = getComputedStyle(document.documentElement), colour = name => look.getPropertyValue("--" + name).trim();
  canvas.style.height = height + "px";
  canvas.width = width * scale;
  canvas.height = height * scale;
  const pen = canvas.getContext("2d"), cell = (width - 4) / LONGEST;
  pen.scale(scale, scale);
  for (let step = 0; step <= LONGEST; step += duet.bar) {
    pen.fillStyle = colour("line");
    pen.fillRect(2 + step * cell, 4, 1, duet.keys * 7);
  }
  roll.forEach((pressed, step) => pressed.forEach((down, key) => {
    pen.fillStyle = colour(step < own ? "prompt" : "right");
    if (down) pen.fillRect(2 + step * cell, 4 + (duet.keys - 1 - key) * 7, Math.max(cell - 1, 2), 6);
  }));
}

// A MIDI file of one track: a note lasts a step, 480 ticks to the quarter.
function midi() {
  const bytes = [], number = value => {
    const parts = [value & 127];
    while ((value >>= 7)) parts.unshift((value & 127) | 128);
    return parts;
  };
  const tempo = Math.round(60e6 / Number($("tempo").value));
  bytes.push(0, 0xff, 0x51, 3, tempo >> 16, (tempo >> 8) & 255, tempo & 255);
  let waited = 0;
  for (const pressed of roll) {
    const down = pressed.flatMap((on, key) => (on ? [key] : []));
    for (const key of down) { bytes.push(...number(waited), 0x90, duet.lowest + key, 80); waited = 0; }
    waited += 480 / duet.per_quarter;
    for (const key of down) { bytes.push(...number(waited), 0x80, duet.lowest + key, 0); waited = 0; }
  }
  bytes.push(...number(waited), 0xff, 0x2f, 0);
  const size = bytes.length;
  const head = [77, 84, 104, 100, 0, 0, 0, 6, 0, 0, 0, 1, 1, 224, 77, 84, 114, 107];
  return new Uint8Array([...head, size >>> 24, (size >> 16) & 255, (size >> 8) & 255, size & 255, ...bytes]);
}

keys.forEach((button, key) => button.addEventListener("pointerdown", event => { event.preventDefault(); press(key); }));
keys.forEach((button, key) => button.addEventListener("keydown", event => {
  if ((event.key === "Enter" || event.key === " ") && !event.repeat) { event.preventDefault(); press(key); }
}));
addEventListener("keydown", event => {
  const key = duet.letters.indexOf(event.key.toLowerCase());
  if (key >= 0 && !event.repeat && !event.ctrlKey && !event.metaKey && !event.altKey) press(key);
});
$("stop").addEventListener("click", stop);
$("begin").addEventListener("click", async () => {
  await piano.open();
  start([], 0);
  const opening = duet.opening.map(pressed => pressed.map(Boolean));
  began = piano.context.currentTime + 0.1;
  own = opening.length;
  roll = opening;
  opening.forEach((pressed, step) => pressed.forEach((down, key) => { if (down) piano.strike(key + duet.lowest - 60, began + step * seconds()); }));
  say("The first bar of the song, then the network.");
});
$("save").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([midi()], { type: "audio/midi" }));
  link.download = "duet.mid";
  link.click();
  URL.revokeObjectURL(link.href);
});
$("tempo").addEventListener("input", () => { document.querySelector("output").value = $("tempo").value; stop(); });
navigator.requestMIDIAccess?.().then(access => {
  for (const input of access.inputs.values()) {
    input.onmidimessage = ({ data: [status, pitch, velocity] }) => {
      if ((status & 0xf0) === 0x90 && velocity && pitch >= duet.lowest && pitch < duet.lowest + duet.keys) press(pitch - duet.lowest);
    };
  }
}, () => {}); // not allowed: the page works without
addEventListener("resize", draw);
draw();
