"use strict";
// Draws every melody's roll in rows of bars, plays it, and moves a playhead over it. Pictures grow on a small screen.
const players = [];

for (const section of document.querySelectorAll(".melody")) {
  const roll = JSON.parse(section.querySelector("script").textContent);
  const canvas = section.querySelector("canvas");
  const buttons = [...section.querySelectorAll("[data-part]")];
  const tiles = [...section.querySelectorAll("button.tile")];
  const player = new Player(roll.steps, roll.seconds, roll.starts);
  players.push(player);
  const part = roll.part || Infinity; // length of each melody, if several follow each other
  const head = roll.titles ? 14 : 0;
  const links = section.querySelector(".links"), slider = section.querySelector("input");
  const champion = buttons[0].textContent;
  let current = buttons[0];

  const notes = button => roll.notes[button.dataset.part];

  function layout() {
    const width = canvas.clientWidth, perRow = Math.min((width < 600 ? 4 : 8) * roll.bar, part);
    const rows = Math.ceil(roll.steps / perRow), cell = (width - 34) / perRow;
    const height = roll.names.length > 13 ? Math.max(3, 130 / roll.names.length) : Math.max(6, Math.min(cell * 0.6, 12));
    return { width, perRow, rows, cell, height, row: height * roll.names.length + 16 + head };
  }

  function draw() {
    const { width, perRow, rows, cell, height, row } = layout(), scale = window.devicePixelRatio || 1;
    const look = getComputedStyle(document.documentElement);
    const colour = name => look.getPropertyValue("--" + name).trim();
    const x = step => 30 + (step % perRow) * cell;
    const y = (step, key) => Math.floor(step / perRow) * row + 8 + head + (roll.names.length - 1 - key) * height;
    const highest = roll.names.length - 1, all = height * roll.names.length;
    canvas.style.height = rows * row + 8 + "px";
    canvas.width = width * scale;
    canvas.height = (rows * row + 8) * scale;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    pen.font = "10px system-ui, sans-serif";
    for (let step = 0; step < roll.steps; step++) {
      const top = y(step, highest);
      if (step < roll.prompt) {
        pen.globalAlpha = 0.25;
        pen.fillStyle = colour("prompt");
        pen.fillRect(x(step), top, cell, all);
        pen.globalAlpha = 1;
      }
      if (step % roll.bar === 0) {
        pen.fillStyle = colour("line");
        pen.fillRect(x(step), top, 1, all);
        pen.fillStyle = colour("quiet");
        const bar = (step % part) / roll.bar + 1;
        pen.fillText(step % perRow ? bar : "bar " + bar, x(step) + 2, top + all + 10);
      }
      if (step % perRow === 0) {
        pen.fillStyle = colour("quiet");
        pen.fillText(roll.names[0], 2, top + all - 1);
        if (all >= 20) pen.fillText(roll.names[highest], 2, top + 9);
      }
      if (roll.titles && step % part === 0) {
        pen.fillStyle = colour("ink");
        pen.fillText(roll.titles[step / part], x(step) + 2, top - 4);
      }
    }
    for (const [step, key, kind, length = 1] of roll.cells) {
      const name = roll.kinds[kind], wide = Math.max(cell * length - 1, 1);
      const place = [x(step) + 0.5, y(step, key) + 0.5, wide, height - 1];
      pen.fillStyle = pen.strokeStyle = colour(name);
      if (name === "missed") {
        pen.setLineDash([2, 2]);
        pen.strokeRect(...place);
        pen.setLineDash([]);
      } else {
        pen.fillRect(...place);
      }
    }
    const now = player.now;
    if (now > 0 && now < roll.steps) {
      pen.fillStyle = colour("ink");
      pen.fillRect(x(Math.floor(now)) + (now % 1) * cell, y(Math.floor(now), highest), 2, all);
    }
  }

  function redraw() {
    draw();
    if (links) drawLinks(links, roll.stages[slider.value].links);
  }

  function show(stage) {
    const last = slider.value === slider.max;
    roll.cells = stage.cells;
    roll.notes.played = stage.played;
    section.querySelector("output").textContent = stage.label;
    section.querySelector(".text").hidden = !last;
    slider.setAttribute("aria-valuetext", stage.label);
    buttons[0].textContent = last ? champion : stage.label.split(",")[0];
    for (const kind in stage.legend) section.querySelector(`.legend .${kind}`).textContent = stage.legend[kind];
    player.seek(player.now, notes(current));
    redraw();
  }

  function choose(tile) {
    const stage = roll.cells_of_map[tile.dataset.stage], pause = player.playing && tile.getAttribute("aria-pressed") === "true";
    for (const other of tiles) other.setAttribute("aria-pressed", other === tile);
    section.querySelector(".text").textContent = tile.title;
    player.pause();
    roll.cells = stage.cells;
    roll.notes.played = stage.played;
    if (!pause) player.place = 0;
    redraw();
    if (pause) label();
    else toggle(current);
  }

  function label() {
    for (const button of buttons) button.setAttribute("aria-pressed", player.playing && button === current);
  }

  function follow() {
    if (player.now >= roll.steps) player.pause();
    draw();
    if (player.playing) requestAnimationFrame(follow);
    else label();
  }

  async function toggle(button) {
    const pause = player.playing && button === current;
    for (const other of players) other.pause();
    current = button;
    if (!pause) await player.play(notes(button));
    label();
    follow();
  }

  function seek(step) {
    player.seek(step, notes(current));
    draw();
  }

  for (const button of buttons) button.addEventListener("click", () => toggle(button));
  for (const tile of tiles) tile.addEventListener("click", () => choose(tile));
  canvas.addEventListener("click", event => {
    const { perRow, cell, row } = layout();
    seek(Math.floor(event.offsetY / row) * perRow + Math.floor((event.offsetX - 30) / cell));
  });
  canvas.addEventListener("keydown", event => {
    const by = { ArrowRight: roll.bar, ArrowLeft: -roll.bar }[event.key];
    if (by) seek(Math.floor(player.now) + by);
    else if (event.key === " ") toggle(current);
    else return;
    event.preventDefault();
  });
  if (slider) slider.addEventListener("input", () => show(roll.stages[slider.value]));
  addEventListener("resize", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  redraw();
}

for (const picture of document.querySelectorAll(".frame img")) {
  picture.tabIndex = 0;
  const zoom = () => picture.classList.toggle("large");
  picture.addEventListener("click", zoom);
  picture.addEventListener("keydown", event => {
    if (event.key === "Enter") zoom();
  });
}
