"use strict";
// Plays pairs of melodies and records the answers.
const test = JSON.parse(document.getElementById("test").textContent);
const $ = id => document.getElementById(id);
const plays = [...document.querySelectorAll("[data-side]")];
const says = [...document.querySelectorAll("[data-answer]")];
const answers = [];
let players = [], listened = [false, false], shown = 0;

function show() {
  players.forEach(player => player.pause());
  const pair = test.pairs[answers.length];
  $("pair").hidden = !pair;
  $("end").hidden = !!pair;
  if (!pair) return finish();
  players = pair.melodies.map(melody => new Player(melody.steps, test.seconds));
  listened = [false, false];
  shown = performance.now();
  $("state").textContent = `Pair ${answers.length + 1} of ${test.pairs.length}`;
  label();
}

function label() {
  plays.forEach((button, side) => button.setAttribute("aria-pressed", players[side].playing));
  says.forEach(button => { button.disabled = !listened.every(Boolean); });
}

async function play(side) {
  const player = players[side], playing = player.playing;
  players.forEach(player => player.pause());
  if (!playing) {
    await player.play(test.pairs[answers.length].melodies[side].notes);
    listened[side] = true;
  }
  label();
  watch(player);
}

function watch(player) {
  if (player.now >= player.steps) {
    player.pause();
    player.place = 0;
    label();
  } else if (player.playing) {
    setTimeout(() => watch(player), 100);
  }
}

function answer(side) {
  const pair = test.pairs[answers.length];
  if (!pair || !listened.every(Boolean)) return;
  const seconds = Math.round(performance.now() - shown) / 1000;
  answers.push({ pair: answers.length, group: pair.group, human: pair.human, chosen: side, seconds });
  show();
}

function finish() {
  const right = answers.filter(one => one.human === one.chosen).length;
  $("state").textContent = "Thank you.";
  $("result").textContent = `You were right ${right} of ${answers.length} times; guessing gives ${answers.length / 2}.`;
}

const answersFile = () => JSON.stringify({ format: "kuznechik listening test", version: 1, test: test.name, answers }, null, 1);

plays.forEach((button, side) => button.addEventListener("click", () => play(side)));
says.forEach((button, side) => button.addEventListener("click", () => answer(side)));
addEventListener("keydown", event => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || $("pair").hidden) return;
  const side = "qw".indexOf(event.key.toLowerCase());
  if (side >= 0) play(side);
  if (event.key === "1" || event.key === "2") answer(Number(event.key) - 1);
});
$("save").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([answersFile()], { type: "application/json" }));
  link.download = `${test.name}-answers.json`;
  link.click();
  URL.revokeObjectURL(link.href);
});
show();
