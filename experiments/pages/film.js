"use strict";
// Draws the connections of a network, lists of x, y, x, y from 0 to 1 and weight: blue ones are positive, orange ones negative.
function drawLinks(canvas, links) {
  const scale = window.devicePixelRatio || 1, wide = canvas.clientWidth - 12, high = 128;
  const look = getComputedStyle(document.documentElement);
  const largest = Math.max(...links.map(link => Math.abs(link[4])));
  canvas.width = canvas.clientWidth * scale;
  canvas.height = (high + 12) * scale;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  for (const [x, y, toX, toY, weight] of links) {
    pen.strokeStyle = pen.fillStyle = look.getPropertyValue(weight > 0 ? "--played" : "--wrong");
    pen.globalAlpha = 0.15 + 0.85 * Math.abs(weight) / largest;
    pen.beginPath();
    pen.moveTo(6 + x * wide, 6 + (1 - y) * high);
    pen.lineTo(6 + toX * wide, 6 + (1 - toY) * high);
    pen.stroke();
    for (const [a, b] of [[x, y], [toX, toY]]) pen.fillRect(4 + a * wide, 4 + (1 - b) * high, 4, 4);
  }
}
