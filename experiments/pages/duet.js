"use strict";
// The visitor and the network share one clock: the network answers, takes turns, or plays along.
const duet = JSON.parse(document.getElementById("duet").textContent);
const respond = performer(duet);
const keys = [...document.querySelectorAll(".piano button")];
const canvas = document.querySelector("canvas");
const $ = id => document.getElementById(id);
const YOURS = 1, ITS = 2; // bits of a key at a step
const SHOWN = 16 * duet.bar; // steps on the canvas; a piece ends this long after your last key
const CLICK_SECONDS = 0.04;
let roll = []; // steps of a number for each key; a step is added half a step before its time
let song = []; // steps that the page plays for you at the beginning
let began = null; // time of the context at step 0; null while nobody plays
let timer = null, clicks = 0, last = 0; // clicks: step of the next one; last: step of your last key
let low = 0; // key of the first letter

const seconds = () => 60 / duet.per_quarter / Number($("tempo").value); // a step
const heard = () => piano.context.currentTime - (piano.context.outputLatency || 0); // people play in time with what they hear
const position = () => (heard() - began) / seconds(); // in steps
const time = step => began + step * seconds();
const rest = () => new Array(duet.keys).fill(0);
const say = text => { if ($("state").textContent !== text) $("state").textContent = text; };

// Returns true if the network plays at a step, which it does only after you have played a prompt.
const PLAYS = {
  alone: () => true,
  turns: (step, own) => Math.floor((step - own) / duet.bar) % 2 === 0,
  together: () => true,
};
function plays(step) {
  const own = song.length || duet.prompt;
  return step >= own && PLAYS[$("mode").value](step, own);
}

function light(key, name, when) {
  const wait = 1000 * Math.max(0, when - piano.context.currentTime);
  setTimeout(() => keys[key].classList.add(name), wait);
  setTimeout(() => keys[key].classList.remove(name), wait + 160);
}

function strike(key, when) {
  if (midi.output) midi.send(duet.lowest + key, when - piano.context.currentTime, seconds());
  else piano.strike(duet.lowest + key - 60, when);
}

function click(step) {
  if (step % duet.beat || !(step < 0 || $("metronome").checked)) return;
  const source = piano.context.createOscillator(), volume = piano.context.createGain();
  source.frequency.value = step % duet.bar ? 1000 : 1500;
  volume.gain.setValueAtTime(0.2, time(step));
  volume.gain.linearRampToValueAtTime(0, time(step) + CLICK_SECONDS);
  source.connect(volume).connect(piano.context.destination);
  source.start(Math.max(0, time(step)));
  source.stop(time(step) + CLICK_SECONDS);
}

async function press(key, loudness = 1, sounds = true) {
  await piano.open();
  if (sounds) piano.strike(duet.lowest + key - 60, piano.context.currentTime, loudness);
  light(key, "yours", 0);
  if (began === null) start(heard());
  const step = tick();
  if (step < 0 || (plays(step) && $("mode").value !== "together")) return;
  roll[step][key] |= YOURS;
  last = step;
}

// Starts a piece with step 0 at a time of the context, and clicks from a given step.
function start(when, from = 0, opening = []) {
  stop();
  [roll, song, began, last, clicks] = [[], opening, when, 0, from];
  timer = setInterval(tick, 10);
  draw();
}

async function countIn() {
  await piano.open();
  start(heard() + 0.1 + duet.bar * seconds(), -duet.bar);
  say("Wait for one bar.");
}

// Returns the step that your key counts for now. Steps are decided half a step early, so no key counts for an earlier one.
function tick() {
  const now = Math.round(position());
  while (clicks <= now) click(clicks++);
  while (roll.length <= now) decide(roll.length);
  if (now - last >= SHOWN) stop();
  return now;
}

function decide(step) {
  const its = plays(step), given = step < song.length;
  const pressed = given ? song[step] : its ? respond(roll, $("improvise")?.checked) : rest();
  roll.push(pressed.map(down => (down ? (given ? YOURS : ITS) : 0)));
  pressed.forEach((down, key) => {
    if (!down) return;
    strike(key, time(step));
    light(key, given ? "yours" : "its", time(step));
  });
  if (given) say("The first bar of the song, then the network.");
  else say(!its ? "You are playing." : $("mode").value === "together" ? "You and the network are playing." : "The network is playing.");
}

function stop() {
  clearInterval(timer);
  if (began !== null) say("Your turn again.");
  began = null;
  $("save").disabled = !roll.length;
}

function draw() {
  const width = canvas.clientWidth, scale = window.devicePixelRatio || 1, row = Math.max(3, Math.min(7, 240 / duet.keys));
  const look = getComputedStyle(document.documentElement), colour = name => look.getPropertyValue("--" + name).trim();
  const height = duet.keys * row + 10, first = SHOWN * Math.floor(Math.max(0, roll.length - 1) / SHOWN);
  canvas.style.height = height + "px";
  canvas.width = width * scale;
  canvas.height = height * scale;
  const pen = canvas.getContext("2d"), cell = (width - 4) / SHOWN, left = step => 2 + (step - first) * cell;
  pen.scale(scale, scale);
  pen.fillStyle = colour("line");
  for (let step = first; step <= first + SHOWN; step += duet.bar) pen.fillRect(left(step), 4, 1, height - 9);
  roll.slice(first).forEach((pressed, step) => pressed.forEach((by, key) => {
    pen.fillStyle = colour(by & YOURS ? "prompt" : "right");
    if (by) pen.fillRect(left(first + step), 4 + (duet.keys - 1 - key) * row, Math.max(cell - 1, 2), row - 1);
  }));
  if (began === null) return;
  pen.fillStyle = colour("ink");
  pen.fillRect(left(Math.max(first, position())), 4, 1.5, height - 9);
  requestAnimationFrame(draw);
}

// Puts the letters on the octave that starts at a key; the C below the keyboard's lowest key is below 0.
function letter(from) {
  const [least, most] = [-(duet.lowest % 12), duet.keys - 1];
  if (from < least || from > most) return;
  low = from;
  keys.forEach((button, key) => {
    const text = (duet.letters[key - low] || "").toUpperCase();
    button.firstElementChild.textContent = text;
    button.setAttribute("aria-label", duet.names[key] + (text && `, letter ${text}`));
  });
  const board = keys[0].parentElement.parentElement, middle = keys[Math.max(0, Math.min(most, low + 6))];
  board.scrollLeft = middle.offsetLeft + middle.offsetWidth / 2 - board.clientWidth / 2;
}

keys.forEach((button, key) => {
  button.addEventListener("pointerdown", event => { event.preventDefault(); press(key); });
  button.addEventListener("keydown", event => {
    if ((event.key !== "Enter" && event.key !== " ") || event.repeat) return;
    event.preventDefault();
    press(key);
  });
});
addEventListener("keydown", event => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const name = event.key.toLowerCase(), place = name.length === 1 ? duet.letters.indexOf(name) : -1;
  if (place >= 0 && keys[low + place]) press(low + place);
  else if (name === "z" || name === "x") letter(low + (name === "z" ? -12 : 12));
  else if (name === " " && event.target === document.body) began === null ? countIn() : stop();
  else if (name === "escape") stop();
  else return;
  event.preventDefault();
});
$("stop").addEventListener("click", stop);
$("count").addEventListener("click", countIn);
$("begin").addEventListener("click", async () => {
  await piano.open();
  start(heard() + 0.1, 0, duet.opening);
});
$("save").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([midiFile(roll, duet, Number($("tempo").value))], { type: "audio/midi" }));
  link.download = "duet.mid";
  link.click();
  URL.revokeObjectURL(link.href);
});
let tempo = $("tempo").value;
$("tempo").addEventListener("input", () => {
  document.querySelector("output").value = $("tempo").value;
  if (began !== null) began = heard() - ((heard() - began) * tempo) / $("tempo").value; // the same step now
  tempo = $("tempo").value;
});
midi.offer((pitch, loudness) => {
  const key = pitch - duet.lowest;
  if (keys[key]) press(key, loudness, !midi.output);
});
addEventListener("resize", () => { if (began === null) draw(); });
letter(-(duet.lowest % 12));
letter(60 - duet.lowest); // C4, if it is near the keys
draw();
