"use strict";
// Plays pairs of melodies and records the answers: at once in the browser, and in a file when the listener saves them.
const test = JSON.parse(document.getElementById("test").textContent);
const $ = id => document.getElementById(id);
const plays = [...document.querySelectorAll("[data-side]")];
const says = [...document.querySelectorAll("[data-answer]")];
const place = `kuznechik-listening-test-${test.id}`;
let session = remembered() || begun(), kept = true;
let players = [], listened = [false, false], shown = 0;

function begun() {
  const name = [...crypto.getRandomValues(new Uint32Array(4))].map(part => part.toString(16)).join("-");
  return { name, experience: null, answers: [] };
}

// A browser may have no storage, or refuse it to pages opened from disk.
function remembered() {
  try {
    const found = JSON.parse(localStorage.getItem(place));
    return found && typeof found.name === "string" && Array.isArray(found.answers) ? found : null;
  } catch {
    return null;
  }
}

function remember() {
  try {
    localStorage.setItem(place, JSON.stringify(session));
    kept = true;
  } catch {
    kept = false;
  }
}

function show() {
  players.forEach(player => player.pause());
  const { answers, experience } = session, pair = test.pairs[answers.length];
  $("begin").hidden = !!experience;
  $("pair").hidden = !experience || !pair;
  $("keep").hidden = !answers.length;
  $("anew").hidden = !!pair;
  $("result").hidden = !!pair;
  $("kept").hidden = !answers.length;
  $("kept").textContent = kept ? "Every answer is kept in this browser: you may close the page and continue later."
    : "This browser does not keep answers: save them before you close the page.";
  $("state").hidden = !experience;
  $("state").textContent = !experience ? "" : pair ? `Pair ${answers.length + 1} of ${test.pairs.length}` : "Thank you.";
  if (!pair) return finish();
  players = pair.melodies.map(melody => new Player(melody.steps, test.seconds));
  listened = [false, false];
  shown = performance.now();
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
    await player.play(test.pairs[session.answers.length].melodies[side].notes);
    listened[side] = true;
  }
  label();
  watch(player);
}

function watch(player) {
  if (player.now >= player.steps) {
    player.pause();
    player.place = 0;
    if (players.includes(player)) label();
  } else if (player.playing) {
    setTimeout(() => watch(player), 100);
  }
}

function answer(side) {
  const number = session.answers.length, pair = test.pairs[number];
  if (!pair || !session.experience || !listened.every(Boolean)) return;
  const { group, human, groups } = pair, seconds = Math.round(performance.now() - shown) / 1000;
  session.answers.push({ pair: number, group, human, groups, chosen: side, seconds });
  remember();
  show();
}

function finish() {
  const { answers } = session, right = answers.filter(one => one.human === one.chosen).length;
  $("result").textContent = test.question === "human"
    ? `You were right ${right} of ${answers.length} times; guessing gives ${answers.length / 2}. Save your answers, and give the file to whoever made this test.`
    : `You compared ${answers.length} pairs. Save your answers: a taste can be learned from them.`;
}

// The file includes the melodies if a taste can be learned from them.
function answersFile() {
  const better = test.question === "better";
  const answers = session.answers.map(one => better ? { ...one, melodies: test.pairs[one.pair].melodies } : one);
  const { name, experience } = session;
  return JSON.stringify({ format: "kuznechik listening test", version: 2, test: test.name, id: test.id,
    question: test.question, session: name, experience, answers }, null, 1);
}

document.querySelectorAll("[data-experience]").forEach(button => button.addEventListener("click", () => {
  session.experience = button.dataset.experience;
  remember();
  show();
}));
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
$("anew").addEventListener("click", () => {
  session = begun();
  remember();
  show();
});
show();
