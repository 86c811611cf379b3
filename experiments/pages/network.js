"use strict";
// The champion in the page: the keys it presses, given its memory, exactly as in Python.
const ACTIVATIONS = {
  tanh: z => Math.tanh(Math.max(-60, Math.min(60, 2.5 * z))),
  sigmoid: z => 1 / (1 + Math.exp(-Math.max(-60, Math.min(60, 5 * z)))),
  identity: z => z,
  relu: z => Math.max(z, 0),
  clamped: z => Math.max(-1, Math.min(1, z)),
  sin: z => Math.sin(Math.max(-60, Math.min(60, 5 * z))),
  gauss: z => Math.exp(-5 * Math.max(-3.4, Math.min(3.4, z)) ** 2),
  abs: z => Math.abs(z),
};

// A neat-python network: inputs are the nodes -1, -2, ..., outputs 0, 1, ..., one a key. A key is pressed where its sum is above 0, of one voice that with the highest.
function graph({ nodes, links }, keys, one_voice) {
  const known = new Map(nodes.map(node => [node.key, node])), into = new Map(nodes.map(node => [node.key, []]));
  for (const [source, sink, weight] of links) into.get(sink).push([source, weight]);
  return inputs => {
    const sums = new Map();
    const value = key => (key < 0 ? inputs[-1 - key] : ACTIVATIONS[known.get(key).activation](sum(key)));
    function sum(key) {
      if (!sums.has(key)) {
        const { bias, response } = known.get(key);
        sums.set(key, bias + response * into.get(key).reduce((total, [source, weight]) => total + weight * value(source), 0));
      }
      return sums.get(key);
    }
    const sums_of_keys = Array.from({ length: keys }, (_, key) => sum(key)), best = one_voice ? sums_of_keys.indexOf(Math.max(...sums_of_keys)) : -1;
    return sums_of_keys.map((total, key) => total > 0 && (!one_voice || key === best));
  };
}

// A Q-network: leaky layers, and for every key the more valued of released and pressed, or one key of all.
function layers({ body, choices, leak }, keys) {
  const apply = ({ weights, biases }, values) =>
    weights.map((row, unit) => row.reduce((total, weight, place) => total + weight * values[place], biases[unit]));
  return inputs => {
    let values = inputs;
    for (const layer of body.slice(0, -1)) values = apply(layer, values).map(z => (z > 0 ? z : leak * z));
    values = apply(body.at(-1), values);
    if (choices === 2) return Array.from({ length: keys }, (_, key) => values[2 * key + 1] > values[2 * key]);
    const best = values.indexOf(Math.max(...values));
    return Array.from({ length: keys }, (_, key) => key === best - 1);
  };
}

// Returns a function from what was played, a list of steps of a boolean for each key, to the keys of the next step.
function performer({ network, lags, mode_bit, keys, bar_bits, one_voice, bar }) {
  const answer = network.kind === "graph" ? graph(network, keys, one_voice) : layers(network, keys);
  return (played, improvise = false) => {
    const inputs = new Array(lags.length * keys + (mode_bit ? 1 : 0)).fill(0);
    lags.forEach((back, row) => {
      if (back <= played.length) played.at(-back).forEach((pressed, key) => { inputs[row * keys + key] = pressed ? 1 : 0; });
    });
    if (bar_bits) { // the step of the bar, and the number of the bar in binary, as in agents/neat/metre_player.py
      const step = played.length, number = Math.floor(step / bar);
      for (let position = 0; position < bar; position++) inputs.push(step % bar === position ? 1 : 0);
      for (let bit = 0; bit < bar_bits; bit++) inputs.push((number >> bit) & 1);
    }
    if (mode_bit) inputs[lags.length * keys] = improvise ? 0 : 1;
    return answer(inputs);
  };
}
