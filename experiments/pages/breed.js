"use strict";
// Nine melodies to hear and to choose from. The networks play in the run; this page asks for their generations.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = id => document.getElementById(id);
const nine = document.querySelector(".nine"), dialog = document.querySelector("dialog");
let shown = null; // the generation on the page
let cards = [], chosen = [], current = 0, inTurn = false, busy = false;

const say = (text, wrong = false) => { $("state").textContent = text; $("state").classList.toggle("wrong", wrong); };

async function ask(name, body) {
  const options = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  let answer;
  try {
    answer = await fetch(name, options);
  } catch {
    throw new Error("The run has ended: continue with kuznechik breed --resume.");
  }
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error);
  return content;
}

class Card {
  constructor(index, { notes, connections, hidden }) {
    this.index = index;
    this.notes = notes;
    this.player = new Player(data.steps, data.seconds);
    this.element = document.querySelector("template").content.firstElementChild.cloneNode(true);
    const find = name => this.element.querySelector(name);
    this.canvas = find("canvas");
    this.playButton = find(".play");
    this.likeButton = find(".like");
    this.playButton.textContent = index + 1;
    this.playButton.setAttribute("aria-label", `play network ${index + 1}`);
    this.likeButton.setAttribute("aria-label", `choose network ${index + 1}`);
    find(".star").setAttribute("aria-label", `star network ${index + 1}`);
    this.canvas.setAttribute("aria-label", `What network ${index + 1} plays: ${notes.length} notes`);
    this.canvas.title = `${notes.length} notes, ${connections} connections, ${hidden} hidden nodes`;
    this.midi = find(".midi");
    this.midi.href = `midi?generation=${shown.number}&index=${index}`;
    this.midi.setAttribute("aria-label", `save network ${index + 1} as MIDI`);
    this.playButton.addEventListener("click", () => this.toggle());
    this.likeButton.addEventListener("click", () => like(index));
    find(".star").addEventListener("click", () => star(index));
    this.canvas.addEventListener("click", event => {
      const step = (event.offsetX / this.canvas.clientWidth) * data.steps;
      if (this.player.playing) this.player.seek(step, this.notes);
      else { this.player.place = Math.floor(step / data.bar) * data.bar; this.toggle(); }
    });
  }

  async toggle() {
    const playing = this.player.playing;
    inTurn = false;
    quiet();
    if (!playing) await this.play();
  }

  async play() {
    setCurrent(this.index);
    await this.player.play(this.notes);
    requestAnimationFrame(tick);
    this.draw();
  }

  draw() {
    const { canvas, player } = this, width = canvas.clientWidth, height = canvas.clientHeight, scale = window.devicePixelRatio || 1;
    const look = getComputedStyle(document.documentElement), colour = name => look.getPropertyValue("--" + name).trim();
    canvas.width = width * scale;
    canvas.height = height * scale;
    const pen = canvas.getContext("2d"), cell = width / data.steps, row = height / data.keys, now = player.now;
    pen.scale(scale, scale);
    pen.fillStyle = colour("line");
    pen.globalAlpha = 0.35;
    for (const key of data.black) pen.fillRect(0, (data.keys - 1 - key) * row, width, row);
    pen.globalAlpha = 1;
    for (let step = data.bar; step < data.steps; step += data.bar) pen.fillRect(step * cell, 0, 1, height);
    for (const [step, key, length] of this.notes) {
      const sounding = player.playing && step <= now && now < step + length;
      pen.fillStyle = colour(sounding ? "right" : "played");
      pen.beginPath();
      pen.roundRect(step * cell + 0.5, (data.keys - 1 - (key + 60 - data.lowest)) * row + 0.5, Math.max(length * cell - 1.5, 2), Math.max(row - 1, 2), 2);
      pen.fill();
    }
    if (now > 0 && now < data.steps) {
      pen.fillStyle = colour("ink");
      pen.fillRect(now * cell, 0, 1.5, height);
    }
    this.playButton.setAttribute("aria-pressed", player.playing);
  }
}

function setCurrent(index) {
  current = index;
  for (const card of cards) card.element.classList.toggle("current", card.index === index);
}

function quiet() {
  for (const { player } of cards) { player.pause(); player.place = 0; }
  for (const card of cards) card.draw();
}

// Draws what plays, and lets the next one begin where all play in turn.
function tick() {
  const playing = cards.find(({ player }) => player.playing);
  if (!playing) return;
  if (playing.player.now >= data.steps) {
    quiet();
    if (inTurn && playing.index + 1 < cards.length) cards[playing.index + 1].play();
    return;
  }
  playing.draw();
  requestAnimationFrame(tick);
}

function like(index) {
  if (!cards[index]) return;
  chosen = chosen.includes(index) ? chosen.filter(each => each !== index) : [...chosen, index];
  showChosen();
}

function showChosen() {
  for (const { index, element, likeButton } of cards) {
    const order = chosen.indexOf(index);
    element.classList.toggle("liked", order >= 0);
    likeButton.setAttribute("aria-pressed", order >= 0);
    likeButton.textContent = order < 0 ? "choose" : order ? "chosen" : "first";
  }
  $("breed").disabled = busy || !chosen.length;
  if (!busy) say(chosen.length ? `${chosen.length} of ${cards.length} chosen` : "Nothing is chosen yet.");
}

function show(generation) {
  quiet();
  shown = generation;
  chosen = [];
  cards = generation.melodies.map((melody, index) => new Card(index, melody));
  nine.replaceChildren(...cards.map(card => card.element));
  const numbers = Array.from({ length: generation.count }, (_, number) => {
    const item = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    button.textContent = number;
    button.setAttribute("aria-label", `generation ${number}`);
    button.setAttribute("aria-current", number === generation.number);
    button.addEventListener("click", () => visit(number));
    item.append(button);
    return item;
  });
  document.querySelector(".generations").replaceChildren(...numbers);
  const strip = document.querySelector(".generations"), here = numbers[generation.number];
  strip.scrollLeft = here.offsetLeft - strip.offsetLeft - strip.clientWidth / 2;
  const parents = generation.parents, names = parents && parents.chosen.map(index => index + 1).join(", ");
  $("family").textContent = parents
    ? `Generation ${generation.number}, bred from ${parents.chosen.length > 1 ? "networks" : "network"} ${names} of generation ${parents.generation}${parents.kept ? `; network 1 is its network ${parents.chosen[0] + 1}, unchanged` : ""}.`
    : "Generation 0, the first generation.";
  setCurrent(0);
  showChosen();
  for (const card of cards) card.draw();
}

async function during(text, work) {
  if (busy) return;
  busy = true;
  $("breed").disabled = true;
  say(text);
  try {
    await work();
    busy = false;
    showChosen();
  } catch (error) {
    busy = false;
    showChosen();
    say(error.message, true);
  }
}

const breed = () => chosen.length && during("Breeding ...", async () => {
  show(await ask("choose", { generation: shown.number, chosen, keep: $("keep").checked }));
  scrollTo({ top: 0 });
});

const visit = number => number >= 0 && number < shown.count && during("", async () => {
  const generation = await ask(`generation?number=${number}`);
  show(generation);
});

function star(index) {
  setCurrent(index);
  $("wrong").textContent = "";
  $("name").value = "";
  dialog.showModal();
}

dialog.querySelector("form").addEventListener("submit", async event => {
  event.preventDefault();
  try {
    const { name } = await ask("star", { generation: shown.number, index: current, name: $("name").value });
    dialog.close();
    listStar(name);
    say(`Starred: ${name}`);
  } catch (error) {
    $("wrong").textContent = error.message;
  }
});

$("cancel").addEventListener("click", () => dialog.close());

function listStar(name) {
  const item = document.createElement("li"), link = document.createElement("a"), command = document.createElement("code");
  link.href = `duet?name=${encodeURIComponent(name)}`;
  link.target = "_blank";
  link.textContent = "play a duet with it";
  command.textContent = `kuznechik play ${data.run}/starred/${name}`;
  item.append(`${name}: `, link, ", or ", command);
  $("starred").append(item);
  document.querySelector("main h2").hidden = false;
}

const keys = {
  l: () => like(current),
  s: () => star(current),
  m: () => cards[current].midi.click(),
  b: breed,
  k: () => $("keep").click(),
  a: () => { quiet(); inTurn = true; cards[0].play(); },
  escape: () => { inTurn = false; quiet(); },
  ",": () => visit(shown.number - 1),
  ".": () => visit(shown.number + 1),
};
addEventListener("keydown", event => {
  if (dialog.open || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code);
  if (digit) {
    event.preventDefault();
    if (event.shiftKey) like(digit[1] - 1);
    else cards[digit[1] - 1]?.toggle();
  } else if (keys[event.key.toLowerCase()]) {
    event.preventDefault();
    keys[event.key.toLowerCase()]();
  }
});
$("breed").addEventListener("click", breed);
$("end").addEventListener("click", () => during("", async () => {
  await ask("end", {});
  quiet();
  document.querySelector("main").inert = true;
  throw new Error("The run has ended. You may close this page.");
}));
addEventListener("resize", () => cards.forEach(card => card.draw()));
data.starred.forEach(listStar);
show(data.newest);
