"use strict";
// Draws the records of a run. Every number shown is one of theirs, or the product of two of them.

const RECORDS = JSON.parse(document.getElementById("records").textContent);
const NET = RECORDS.net, FIRST = RECORDS.first, KEPT = RECORDS.kept, SAMPLES = RECORDS.samples;
const LAST = Math.max(...NET.layers);
const INPUTS = NET.layers.filter((layer) => layer === 0).length;
const NEURONS = NET.layers.map((_, i) => i);
const MOST = 8; // rows of a table; what is smaller is added up in one

const chosen = { sample: Math.min(1, SAMPLES.length - 1), neuron: INPUTS, wire: 0, kept: KEPT.length - 1 };

// ---------------------------------------------------------------- words

const SUPERSCRIPTS = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const superscript = (n) => [...String(n)].map((c) => SUPERSCRIPTS[c]).join("");

function number(value) {
  const size = Math.abs(value), sign = value < 0 ? "−" : "";
  if (Number.isInteger(size) && size < 10000) return sign + size;
  if (size < 0.0005 || size >= 10000) {
    const [mantissa, exponent] = size.toExponential(1).split("e");
    return `${sign}${mantissa}·10${superscript(Number(exponent))}`;
  }
  return sign + size.toFixed(3);
}

const bracketed = (value) => (value < 0 ? `(${number(value)})` : number(value));
const sign = (value) => (value < 0 ? "minus" : "plus");
const name = (neuron) => NET.names[neuron];

// ---------------------------------------------------------------- elements

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}
const html = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
const show = (id, ...children) => document.getElementById(id)?.replaceChildren(...children.flat(Infinity).filter(Boolean));

const figure = (drawing, caption) =>
  html("figure", { class: "drawn" }, drawing, caption ? html("figcaption", {}, caption) : null);

const drawing = (width, height, label, ...children) =>
  svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "drawing", role: "img", "aria-label": label }, ...children);

function table(heads, rows, caption) {
  // A row is its cells; cells that hold numbers stand right. A row may have a class.
  const cell = (value, column) => {
    if (column === 0) return html("th", { scope: "row" }, value);
    if (typeof value === "number") return html("td", { class: "number" }, number(value));
    return html("td", { class: /^[×=−]$/.test(value) ? "op" : "number" }, value);
  };
  return html("table", { class: "sum" },
    caption ? html("caption", {}, caption) : null,
    html("thead", {}, html("tr", {}, heads.map((head, i) => html("th", { scope: "col", class: i ? "number" : null }, head)))),
    html("tbody", {}, rows.map((row) => html("tr", { class: row.kind || null }, (row.cells || row).map(cell)))));
}

// ---------------------------------------------------------------- what the records say

const pass = () => FIRST.passes[chosen.sample];
const outputOf = (neuron, sample = chosen.sample) => (neuron < 0 ? 1 : FIRST.passes[sample].outputs[neuron]);
const deltaOf = (neuron, sample = chosen.sample) => FIRST.passes[sample].deltas[neuron];
const incoming = (neuron) => NET.wires.filter((wire) => wire[1] === neuron);
const fromPixels = (neuron) => incoming(neuron).filter((wire) => NET.layers[wire[0]] === 0);
const outgoing = (neuron) => NET.wires.filter((wire) => wire[0] === neuron);
const isOutput = (neuron) => NET.layers[neuron] === LAST;
const activation = (neuron) => (isOutput(neuron) ? NET.output : "tanh");
const layerOf = (layer) => NEURONS.filter((i) => NET.layers[i] === layer);

function sourceOf(wire) {
  if (wire[0] >= 0) return name(wire[0]);
  const biases = incoming(wire[1]).filter((other) => other[0] < 0);
  return biases.length === 1 ? "bias" : ["bias", "loop's bias"][biases.indexOf(wire)];
}
const wireName = (wire) => `${sourceOf(wire)} → ${name(wire[1])}`;

function largest(terms) {
  // All of a few; of many the largest, and what the others come to.
  if (terms.length <= MOST) return [terms, null];
  const ordered = [...terms].sort((a, b) => Math.abs(b[3]) - Math.abs(a[3]));
  const others = ordered.slice(MOST - 1);
  return [ordered.slice(0, MOST - 1), [others.length, others.reduce((sum, term) => sum + term[3], 0)]];
}

function termRows(terms) {
  const [rows, rest] = largest(terms);
  const cells = rows.map(([label, a, b, product]) => [label, a, "×", b, "=", product]);
  if (rest) cells.push([`${rest[0]} smaller`, "", "", "", "=", rest[1]]);
  return cells;
}

// ---------------------------------------------------------------- colours and pictures

function colour(variable) {
  const hex = getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

// A picture of values in [-1, 1]: blue above 0, orange below, clear at 0.
function picture(values, side, scale = 1) {
  const canvas = html("canvas", { width: side, height: side });
  const context = canvas.getContext("2d"), image = context.createImageData(side, side);
  const plus = colour("--plus"), minus = colour("--minus");
  values.forEach((value, i) => {
    const share = Math.max(-1, Math.min(1, value / scale));
    image.data.set([...(share < 0 ? minus : plus), Math.round(225 * Math.abs(share))], 4 * i);
  });
  context.putImageData(image, 0, 0);
  return canvas.toDataURL();
}

const ink = (pixels) => {
  const canvas = html("canvas", { width: 8, height: 8 });
  const context = canvas.getContext("2d"), image = context.createImageData(8, 8);
  const dark = colour("--mark");
  pixels.forEach((value, i) => image.data.set([...dark, Math.round(255 * value)], 4 * i));
  context.putImageData(image, 0, 0);
  return canvas.toDataURL();
};

const bytes = (text) => Array.from(atob(text), (c) => c.charCodeAt(0));

// ---------------------------------------------------------------- the net

const WIDE = 400, MIDDLE = 46;

function places() {
  // Where each neuron stands; a picture stands for inputs that are its pixels.
  const drawn = NET.layers.map((layer, i) => (NET.pictured && layer === 0 ? null : i));
  const most = Math.max(...[...Array(LAST + 1).keys()].map((layer) => (NET.pictured && !layer ? 0 : layerOf(layer).length)));
  const gap = most <= 5 ? 88 : 25, radius = most <= 5 ? 23 : 10;
  const height = most * gap + MIDDLE + 22;
  const middle = MIDDLE + (most * gap) / 2 - (most <= 5 ? 0 : 6);
  const left = NET.pictured ? 62 : 46, step = (WIDE - left - 56) / LAST;
  const at = drawn.map((i) => {
    if (i === null) return null;
    const layer = layerOf(NET.layers[i]);
    return [left + NET.layers[i] * step, middle + (layer.indexOf(i) - (layer.length - 1) / 2) * gap * Math.min(3, (most / layer.length) ** 0.5)];
  });
  return { at, radius, height, middle, left, step };
}

function path([x1, y1], [x2, y2], within, radius) {
  if (!within) return `M${x1} ${y1}L${x2} ${y2}`;
  const r = radius;
  if (y1 === y2) return `M${x1 - 0.5 * r} ${y1 - 0.85 * r}C${x1 - 1.3 * r} ${y1 - 2.1 * r} ${x1 + 1.3 * r} ${y1 - 2.1 * r} ${x1 + 0.5 * r} ${y1 - 0.85 * r}`;
  const side = y2 > y1 ? 1 : -1, bend = 0.42 * Math.abs(y2 - y1) + 8;
  return `M${x1} ${y1}Q${x1 + side * bend} ${(y1 + y2) / 2} ${x2} ${y2}`;
}

function labelAt([x1, y1], [x2, y2], within, radius, share) {
  if (!within) return [x1 + share * (x2 - x1), y1 + share * (y2 - y1) + 4];
  if (y1 === y2) return [x1, y1 - 1.9 * radius];
  const side = y2 > y1 ? 1 : -1, bend = 0.42 * Math.abs(y2 - y1) + 8;
  return [x1 + (side * bend) / 2, (y1 + y2) / 2 + 4];
}

// values: a number for each neuron, in its circle; lit, labelled: wire -> bool
function drawNet({ weights, values, tint, lit = () => true, labelled = () => false, direction = "", label }) {
  const back = direction === "back";
  const { at, radius, height, middle, left, step } = places();
  const real = NET.wires.filter((wire) => wire[0] >= 0 && at[wire[0]]);
  const size = Math.max(...real.map((wire) => Math.abs(weights[wire[2]])), 1e-9);
  const thick = (wire) => 0.5 + (real.length > 60 ? 2.6 : 5) * (Math.abs(weights[wire[2]]) / size);
  const within = (wire) => NET.layers[wire[0]] === NET.layers[wire[1]];
  const lines = [], labels = [], crowded = real.length > 60;
  for (const wire of [...real].sort((a, b) => lit(a) - lit(b))) {
    const on = lit(wire);
    if (within(wire) && crowded && !(on && (wire[1] === chosen.neuron || back))) continue;
    const weight = weights[wire[2]], ends = [at[wire[0]], at[wire[1]], within(wire), radius];
    lines.push(svg("path", { d: path(...ends), class: `wire ${sign(weight)}`, "stroke-width": thick(wire).toFixed(2), opacity: on ? (crowded ? 0.75 : 0.9) : crowded ? 0.1 : 0.22 }));
    if (!labelled(wire)) continue;
    const share = layerOf(NET.layers[wire[1]]).length > layerOf(NET.layers[wire[0]]).length ? 0.7 : 0.36;
    const [x, y] = labelAt(...ends, share);
    labels.push(svg("text", { x, y, "text-anchor": "middle", class: "halo" }, number(weight)));
  }
  if (NET.pictured) {
    const source = [left + 36, middle];
    for (const i of layerOf(1)) {
      lines.unshift(svg("path", { d: path(source, at[i]), class: i === chosen.neuron ? "line mark" : "rule" }));
    }
    labels.push(svg("image", { x: left - 46, y: middle - 41, width: 82, height: 82, href: ink(SAMPLES[chosen.sample].inputs), style: "image-rendering:pixelated" }));
    labels.push(svg("rect", { x: left - 46, y: middle - 41, width: 82, height: 82, fill: "none", class: "axis" }));
    labels.push(svg("text", { x: left - 5, y: middle + 58, "text-anchor": "middle", class: "faint" }, "64 pixels"));
  }
  const most = Math.max(...(tint || []).map(Math.abs), 1e-9);
  const circles = NEURONS.filter((i) => at[i]).map((i) => {
    const [x, y] = at[i], input = NET.layers[i] === 0, big = radius > 15;
    const title = values ? `${name(i)}: ${number(values[i])}` : name(i);
    const side = input ? "end" : isOutput(i) ? "start" : "middle";
    const off = side === "middle" ? 0 : (side === "end" ? -1 : 1) * (radius + 5);
    const named = big || side !== "middle";
    return svg("g", { class: `neuron${input ? " input" : ""}${i === chosen.neuron ? " chosen" : ""}`, "data-neuron": i, onclick: input ? () => {} : () => choose({ neuron: i }) },
      svg("title", {}, title),
      svg("circle", { cx: x, cy: y, r: radius }),
      tint ? svg("circle", { cx: x, cy: y, r: radius, class: `tint ${sign(tint[i])}`, opacity: (0.6 * Math.abs(tint[i])) / most }) : null,
      svg("circle", { cx: x, cy: y, r: radius, class: "rim", fill: "none" }),
      big && values && !(back && input) ? svg("text", { x, y: y + 4, "text-anchor": "middle" }, number(values[i])) : null,
      big && !values ? svg("text", { x, y: y + 4, "text-anchor": "middle", class: "strong" }, name(i)) : null,
      named && (values || !big) ? svg("text", { x: x + off, y: side === "middle" ? y + radius + 14 : y + 4, "text-anchor": side, class: "strong halo" }, name(i)) : null);
  });
  const heads = [...Array(LAST + 1).keys()].map((layer) =>
    svg("text", { x: left + layer * step - (NET.pictured && !layer ? 5 : 0), y: 18, "text-anchor": "middle", class: "faint" }, layer === 0 ? "input" : layer === LAST ? "output" : LAST > 2 ? `hidden ${layer}` : "hidden"));
  const arrow = svg("text", { x: WIDE / 2, y: height - 8, "text-anchor": "middle", class: "faint" }, { back: "← ← back ← ←", forward: "→ → forward → →" }[direction] || "");
  return drawing(WIDE, height, label, lines, labels.filter((l) => l.tagName !== "text"), circles, labels.filter((l) => l.tagName === "text"), heads, arrow);
}

const small = () => !RECORDS.recurrent && NET.size <= 20;
const few = (wires) => wires.length <= 6 && NET.size < 60 && !RECORDS.recurrent;

// ---------------------------------------------------------------- charts

function powers(low, high, most = 6) {
  const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
  const every = Math.max(1, Math.ceil((last - first + 1) / most)), found = [];
  for (let e = first; e <= last; e += every) found.push(10 ** e);
  return found;
}

function evenly(low, high) {
  const raw = (high - low) / 4, unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * unit).find((s) => s >= raw) || raw;
  const found = [];
  for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + 1e-9 * step; v += step) found.push(Math.abs(v) < step / 1e6 ? 0 : v);
  return found;
}

const short = (value) => (value !== 0 && (Math.abs(value) < 0.001 || Math.abs(value) >= 1e5) ? `10${superscript(Math.round(Math.log10(Math.abs(value))))}` : String(Number(value.toPrecision(3))).replace("-", "−"));

// scale: {to: number -> number, ticks, low, high, label, text}
function chart({ x, y, series, marks = [], label, height = 230 }) {
  const left = 54, right = WIDE - 14, top = 30, bottom = height - 40;
  const px = (v) => left + ((x.to(v) - x.to(x.low)) / (x.to(x.high) - x.to(x.low) || 1)) * (right - left);
  const py = (v) => bottom - ((y.to(v) - y.to(y.low)) / (y.to(y.high) - y.to(y.low) || 1)) * (bottom - top);
  const grid = y.ticks.map((v) => [
    svg("line", { x1: left, x2: right, y1: py(v), y2: py(v), class: "rule" }),
    svg("text", { x: left - 6, y: py(v) + 4, "text-anchor": "end", class: "faint" }, (y.text || short)(v))]);
  const below = x.ticks.map((v) => svg("text", { x: px(v), y: bottom + 17, "text-anchor": "middle", class: "faint" }, (x.text || short)(v)));
  const lines = series.map((s) => {
    const points = s.points.map(([a, b]) => `${px(a).toFixed(1)},${py(Math.max(y.low, Math.min(y.high, b))).toFixed(1)}`);
    return [
      svg("polyline", { points: points.join(" "), class: `line ${s.kind || "plus"}` }),
      s.dots || points.length === 1 ? points.map((p) => svg("circle", { cx: p.split(",")[0], cy: p.split(",")[1], r: 3.5, class: `point ${s.kind || "plus"}` })) : null,
    ];
  });
  const named = series.filter((s) => s.name).map((s) => ({ text: s.name, x: px(s.points.at(-1)[0]) - 5, y: py(s.points.at(-1)[1]) - 8 })).sort((a, b) => a.y - b.y);
  named.forEach((n, i) => { n.y = Math.max(n.y, top + 8, i ? named[i - 1].y + 15 : 0); });
  lines.push(named.map((n) => svg("text", { x: n.x, y: n.y, "text-anchor": "end", class: "halo strong" }, n.text)));
  const marked = marks.map((m) => [
    svg("line", { x1: px(m[0]), x2: px(m[0]), y1: top, y2: bottom, class: "line mark" }),
    m.length > 1 ? svg("circle", { cx: px(m[0]), cy: py(Math.max(y.low, m[1])), r: 5, class: "point", style: "color:var(--mark)" }) : null]);
  return drawing(WIDE, height, label, grid, svg("line", { x1: left, x2: right, y1: bottom, y2: bottom, class: "axis" }), below, lines, marked,
    svg("text", { x: 8, y: 17, class: "faint" }, y.label), svg("text", { x: right, y: height - 7, "text-anchor": "end", class: "faint" }, x.label));
}

const later = (t) => Math.log10(1 + t);
const log = Math.log10;

// ---------------------------------------------------------------- the plane

function crossings(levels, side) {
  // Where the surface crosses one half, cell by cell: pieces of the border.
  const half = 127.5, pieces = [];
  for (let r = 0; r + 1 < side; r++) for (let c = 0; c + 1 < side; c++) {
    const corners = [[c, r], [c + 1, r], [c + 1, r + 1], [c, r + 1]].map(([a, b]) => [a, b, levels[b * side + a] - half]);
    const cut = corners.map((p, i) => [p, corners[(i + 1) % 4]]).filter(([p, q]) => p[2] < 0 !== q[2] < 0)
      .map(([p, q]) => { const s = p[2] / (p[2] - q[2]); return [p[0] + s * (q[0] - p[0]), p[1] + s * (q[1] - p[1])]; });
    for (let i = 0; i + 1 < cut.length; i += 2) pieces.push([cut[i], cut[i + 1]]);
  }
  return pieces;
}

function plane(surface, label) {
  const { low, high, side, points } = RECORDS.range, left = 38, top = 14, width = 330;
  const px = (v) => left + ((v - low) / (high - low)) * width, py = (v) => top + ((high - v) / (high - low)) * width;
  const parts = [];
  if (surface) {
    const levels = bytes(surface), half = width / (side - 1) / 2;
    const shares = levels.map((level) => (level / 127.5 - 1) * 0.62);
    parts.push(svg("image", { x: left - half, y: top - half, width: width + 2 * half, height: width + 2 * half, preserveAspectRatio: "none", href: picture(shares, side), style: `clip-path:inset(${50 / side}%)` }));
    const d = crossings(levels, side).map(([p, q]) => [p, q].map(([c, r]) => `${(left + (c / (side - 1)) * width).toFixed(1)} ${(top + (r / (side - 1)) * width).toFixed(1)}`).join("L")).map((piece) => `M${piece}`).join("");
    parts.push(svg("path", { d, class: "border" }));
  }
  parts.push(svg("rect", { x: left, y: top, width, height: width, fill: "none", class: "axis" }));
  const size = points.length > 20 ? 4 : 8;
  for (const [a, b, c] of points) {
    parts.push(c ? svg("rect", { x: px(a) - size, y: py(b) - size, width: 2 * size, height: 2 * size, class: "point plus" })
      : svg("circle", { cx: px(a), cy: py(b), r: size * 1.1, class: "point minus" }));
  }
  const [a, b] = SAMPLES[chosen.sample].inputs;
  parts.push(svg("circle", { cx: px(a), cy: py(b), r: size * 1.1 + 6, class: "ring" }));
  for (const v of points.length > 20 ? [-1, 0, 1] : [0, 1]) {
    parts.push(svg("text", { x: px(v), y: top + width + 16, "text-anchor": "middle", class: "faint" }, number(v)));
    parts.push(svg("text", { x: left - 7, y: py(v) + 4, "text-anchor": "end", class: "faint" }, number(v)));
  }
  parts.push(svg("text", { x: left + width, y: top + width + 16, "text-anchor": "end", class: "faint" }, name(0)));
  parts.push(svg("text", { x: left - 7, y: top + 10, "text-anchor": "end", class: "faint" }, name(1)));
  const drawn = drawing(left + width + 14, top + width + 26, label, parts);
  drawn.classList.toggle("compact", !surface);
  return drawn;
}

const planeKey = () => [html("span", { class: "minus" }, "● "), RECORDS.classes[0], "  ", html("span", { class: "plus" }, "■ "), RECORDS.classes[1]];

// ---------------------------------------------------------------- the steps

function stepInput() {
  const sample = SAMPLES[chosen.sample];
  if (NET.pictured) {
    show("input-picture", html("img", { class: "large", src: ink(sample.inputs), alt: `An 8×8 picture of ${sample.name}` }));
    show("input-table", html("p", {}, `64 pixels, each a number from 0 (paper) to 1 (ink). It shows ${sample.name}: the output “${sample.label}” should be 1, the others 0.`));
    return;
  }
  show("input-picture", figure(plane(null, `The training points; the sample ${sample.name} is ringed.`), planeKey()));
  show("input-table", table(["Input", "Value"], layerOf(0).map((i) => [name(i), sample.inputs[i]])),
    html("p", { class: "formula" }, `desired output: ${number(sample.desired[0])} (${sample.label})`));
}

function weightPictures(weights, label) {
  const size = Math.max(...layerOf(1).flatMap((i) => fromPixels(i).map((w) => Math.abs(weights[w[2]]))));
  return [html("ul", { class: "pictures", "aria-label": label }, layerOf(1).map((i) =>
    html("li", { class: i === chosen.neuron ? "chosen" : null },
      html("img", { alt: `weights from the pixels to ${name(i)}`, src: picture(fromPixels(i).map((w) => weights[w[2]]), 8, size) }), name(i)))),
    html("p", { class: "note" }, `${label}: a net of ${NET.size.toLocaleString("en")} weights is too large to draw each as a line, so those from the 64 pixels to a hidden neuron are an 8×8 picture.`)];
}

function stepWeights() {
  const neuron = chosen.neuron, wires = incoming(neuron);
  const mine = (wire) => wire[1] === neuron;
  show("weights-net", drawNet({
    weights: FIRST.weights,
    labelled: (wire) => small() || (mine(wire) && few(wires)),
    label: `The net with its initial weights. ${wires.map((w) => `${wireName(w)} ${number(FIRST.weights[w[2]])}`).slice(0, MOST).join(", ")}` }));
  const rows = [...wires].sort((a, b) => (wires.length > MOST ? Math.abs(FIRST.weights[b[2]]) - Math.abs(FIRST.weights[a[2]]) : 0)).slice(0, MOST);
  show("weights-table", table(["From", "Weight"], rows.map((w) => [sourceOf(w), FIRST.weights[w[2]]]), `The weights into ${name(neuron)}`),
    wires.length > MOST ? html("p", { class: "note" }, `The ${MOST} largest of ${wires.length}.`) : null);
  if (NET.pictured) show("weights-pictures", ...weightPictures(FIRST.weights, "The weights of each hidden neuron"));
}

function stepForward() {
  const neuron = chosen.neuron, { sums, outputs } = pass(), wires = incoming(neuron);
  const mine = (wire) => wire[1] === neuron;
  show("forward-net", drawNet({
    weights: FIRST.weights, values: outputs, tint: outputs, lit: mine, labelled: (w) => mine(w) && few(wires), direction: "forward",
    label: `The net with each neuron's output for this sample: ${NEURONS.filter((i) => i >= INPUTS).slice(0, 12).map((i) => `${name(i)} ${number(outputs[i])}`).join(", ")}` }));
  const terms = wires.map((w) => [sourceOf(w), outputOf(w[0]), FIRST.weights[w[2]], outputOf(w[0]) * FIRST.weights[w[2]]]);
  const squashed = NET.output === "softmax" && isOutput(neuron) ? `e^sum ∕ Σ e^sums` : `${activation(neuron)}(${number(sums[neuron])})`;
  const written = terms.length <= 4
    ? html("p", { class: "formula" }, `${terms.map((t) => (t[0] === "bias" ? bracketed(t[2]) : `${bracketed(t[1])}·${bracketed(t[2])}`)).join(" + ")} = ${number(sums[neuron])}`, html("br"), html("b", {}, name(neuron)), ` = ${squashed} = `, html("b", {}, number(outputs[neuron])))
    : html("p", { class: "formula" }, html("b", {}, name(neuron)), ` = ${squashed} = `, html("b", {}, number(outputs[neuron])));
  show("forward-sum",
    table(["From", "Output", "", "Weight", "", "Product"], [...termRows(terms), { kind: "total", cells: ["sum", "", "", "", "=", sums[neuron]] }], `What ${name(neuron)} hears`), written);
  if (NET.pictured && NET.layers[neuron] === 1) {
    const weights = fromPixels(neuron).map((w) => FIRST.weights[w[2]]);
    const products = weights.map((w, i) => w * SAMPLES[chosen.sample].inputs[i]);
    const size = (values) => Math.max(...values.map(Math.abs));
    show("forward-pictures", html("ul", { class: "pictures three" },
      [["input", ink(SAMPLES[chosen.sample].inputs)], ["× weights", picture(weights, 8, size(weights))], ["= products, all added up", picture(products, 8, size(products))]]
        .map(([text, src]) => html("li", {}, html("img", { src, alt: `${text}, pixel by pixel` }), text))));
  } else show("forward-pictures");
  show("forward-all", table(["Neuron", "Sum", "Output"], NEURONS.filter((i) => i >= INPUTS).map((i) => ({ kind: i === neuron ? "chosen" : "", cells: [name(i), sums[i], outputs[i]] }))));
}

function stepError() {
  const desired = SAMPLES[chosen.sample].desired, outputs = layerOf(LAST);
  const right = desired.length === 1 ? (desired[0] ? outputOf(outputs[0]) : 1 - outputOf(outputs[0])) : outputOf(outputs[desired.indexOf(1)]);
  show("error-table",
    table(["Output", "Actual", "", "Desired", "", "Error"], outputs.map((i, k) => ({ kind: desired.length > 1 && desired[k] ? "chosen" : "", cells: [name(i), outputOf(i), "−", desired[k], "=", outputOf(i) - desired[k]] }))),
    html("p", { class: "formula" }, `loss of this sample = −log(${number(right)}) = `, html("b", {}, number(pass().loss)), html("br"), `mean over all ${RECORDS.batch.toLocaleString("en")} samples = ${number(FIRST.loss)}`));
}

function stepBack() {
  const neuron = chosen.neuron, { deltas } = pass(), wire = NET.wires[chosen.wire];
  const heard = outgoing(neuron), output = isOutput(neuron);
  const mine = output ? (w) => w[1] === neuron : (w) => w[0] === neuron;
  show("back-net", drawNet({
    weights: FIRST.weights, values: deltas, tint: deltas, lit: (w) => mine(w) || w === wire, labelled: (w) => mine(w) && few(heard), direction: "back",
    label: `The net with the δ of each neuron for this sample: ${NEURONS.filter((i) => i >= INPUTS).slice(0, 12).map((i) => `${name(i)} ${number(deltas[i])}`).join(", ")}` }));
  const d = html("b", {}, number(deltas[neuron]));
  if (output) {
    const desired = SAMPLES[chosen.sample].desired[layerOf(LAST).indexOf(neuron)];
    show("back-delta", html("p", {}, `The δ of an output is its error, since ${NET.output} and this loss are made for each other: the slope of the one cancels in that of the other.`),
      html("p", { class: "formula" }, `δ of ${name(neuron)} = ${number(outputOf(neuron))} − ${number(desired)} = `, d));
  } else {
    const terms = heard.map((w) => [`δ of ${name(w[1])}`, deltas[w[1]], FIRST.weights[w[2]], deltas[w[1]] * FIRST.weights[w[2]]]);
    const returned = terms.reduce((sum, term) => sum + term[3], 0), a = outputOf(neuron);
    show("back-delta",
      table(["To", "δ", "", "Weight", "", "Product"], [...termRows(terms), { kind: "total", cells: ["Σ w δ", "", "", "", "=", returned] }], `What ${name(neuron)} is to blame for`),
      html("p", { class: "formula" }, `slope of tanh = 1 − a² = 1 − ${bracketed(a)}² = ${number(1 - a * a)}`, html("br"), `δ of `, html("b", {}, name(neuron)), ` = ${bracketed(returned)} · ${number(1 - a * a)} = `, d));
  }
  gradient(wire);
}

function gradient(wire) {
  const [source, target, place] = wire, delta = deltaOf(target), output = outputOf(source);
  show("back-wire", html("p", { class: "formula" }, html("b", {}, wireName(wire)), html("br"), `∂loss∕∂weight = ∂loss∕∂sum · ∂sum∕∂weight`, html("br"),
    `= δ of ${name(target)} · ${source < 0 ? "1, for a bias" : `output of ${name(source)}`} = ${bracketed(delta)} · ${bracketed(output)} = `, html("b", {}, number(delta * output))));
  const rows = SAMPLES.map((sample, s) => ({ kind: s === chosen.sample ? "chosen" : "", cells: [sample.name, deltaOf(target, s), "×", outputOf(source, s), "=", deltaOf(target, s) * outputOf(source, s)] }));
  const all = SAMPLES.length === RECORDS.batch ? `mean of the ${RECORDS.batch}` : `mean of all ${RECORDS.batch.toLocaleString("en")}`;
  const [before, change, after] = [FIRST.weights[place], FIRST.change[place], FIRST.after[place]];
  show("back-change",
    table(["Sample", `δ of ${name(target)}`, "", source < 0 ? "bias" : `${name(source)}`, "", "Gradient"], [...rows, { kind: "total", cells: [all, "", "", "", "", FIRST.gradient[place]] }]),
    html("p", { class: "formula" }, `change = −${RECORDS.learning_rate} · ${bracketed(FIRST.gradient[place])} = ${number(change)}`, html("br"), `new weight = ${number(before)} + ${bracketed(change)} = `, html("b", {}, number(after))));
  const wires = incoming(target), many = wires.length > 20;
  const listed = many ? [...wires].sort((a, b) => Math.abs(FIRST.gradient[b[2]]) - Math.abs(FIRST.gradient[a[2]])).slice(0, MOST) : wires;
  show("back-all", table(["Weight", "This sample", "Mean", "Change", "Before", "After"],
    listed.map((w) => ({ kind: w === wire ? "chosen" : "", cells: [wireName(w), deltaOf(w[1]) * outputOf(w[0]), FIRST.gradient[w[2]], FIRST.change[w[2]], FIRST.weights[w[2]], FIRST.after[w[2]]] }))),
    many ? html("p", { class: "note" }, `The ${MOST} with the largest mean gradient, of ${wires.length}.`) : null);
}

// ---------------------------------------------------------------- settling

function settling(id, direction, letter) {
  const host = document.getElementById(id);
  if (!host || !FIRST.settling) return;
  const { values, residuals } = FIRST.settling[chosen.sample][direction], steps = values.length - 1;
  const hidden = layerOf(1), slider = `${id}-step`;
  const t0 = Math.min(Number(document.getElementById(slider)?.value ?? 1e9), steps);
  const charts = html("div", { class: "beside even" }), text = html("p", { class: "readout", "aria-live": "polite" });
  const draw = (t) => {
    const flat = values.flat(), low = Math.min(0, ...flat), high = Math.max(0, ...flat), pad = 0.08 * (high - low || 1);
    const x = { to: (v) => v, low: 0, high: Math.max(1, steps), ticks: evenly(0, Math.max(1, steps)).filter(Number.isInteger), label: "step" };
    const least = Math.max(1e-12, Math.min(...residuals.filter((r) => r > 0), 1)), most = Math.max(...residuals, 10 * least);
    charts.replaceChildren(
      chart({ x, y: { to: (v) => v, low: low - pad, high: high + pad, ticks: evenly(low, high), label: `${letter} of each hidden neuron` }, marks: [[t]],
        series: hidden.map((i, k) => ({ points: values.map((v, s) => [s, v[k]]), kind: `${hidden.length > 5 ? (i === chosen.neuron ? "plus" : "soft thin") : ["plus", "minus second", "soft third", "plus second", "minus"][k]}${i === chosen.neuron ? " thick" : ""}`, name: hidden.length <= 5 ? name(i) : i === chosen.neuron ? name(i) : "" })),
        label: `The ${letter} of each hidden neuron over ${steps} steps; at the end ${hidden.slice(0, 6).map((i, k) => `${name(i)} ${number(values[steps][k])}`).join(", ")}` }),
      chart({ x, y: { to: log, low: least, high: most, ticks: powers(least, most), label: "still moving by (relative)" }, marks: [[t, residuals[t]]],
        series: [{ points: residuals.map((r, s) => [s, Math.max(r, least)]), kind: "minus" }],
        label: `The relative change from step to step, on a logarithmic axis: from ${number(residuals[0])} to ${number(residuals[steps])}` }));
    const shown = hidden.length <= 5 ? hidden : [chosen.neuron].filter((i) => NET.layers[i] === 1);
    text.textContent = `Step ${t} of ${steps}: ${shown.map((i) => `${letter} of ${name(i)} ${number(values[t][hidden.indexOf(i)])}`).join(", ")}${shown.length ? "; " : ""}still moving by ${number(residuals[t])}.`;
  };
  draw(t0);
  const range = html("input", { type: "range", id: slider, min: 0, max: steps, step: 1, value: t0, disabled: steps === 0 || null, oninput: (event) => draw(Number(event.target.value)) });
  range.value = t0;
  host.className = "settling";
  host.replaceChildren(charts, html("form", { class: "slider", autocomplete: "off" }, html("label", { for: slider }, direction === "forward" ? "Step of the activations settling" : "Step of the error settling back"), html("div", { class: "row" }, range), text));
}

// ---------------------------------------------------------------- iterations

function stepIterate() {
  const record = KEPT[chosen.kept], sample = SAMPLES[chosen.sample], losses = RECORDS.losses, total = losses.length - 1;
  document.getElementById("kept-number").textContent = record.iteration.toLocaleString("en");
  document.getElementById("kept").setAttribute("aria-valuetext", `iteration ${record.iteration}, loss ${number(record.loss)}`);
  const outputs = record.outputs[chosen.sample];
  const answer = outputs.length === 1 ? `${name(NEURONS.at(-1))} for ${sample.name}: ${number(outputs[0])}, desired ${number(sample.desired[0])}` : `“${sample.label}” for ${sample.name}: ${number(outputs[sample.desired.indexOf(1)])}, desired 1`;
  const unseen = RECORDS.unseen ? `; of ${RECORDS.unseen} unseen, ${record.unseen_right}` : "";
  const settled = record.settled_in ? ` Settles in ${record.settled_in} steps.` : "";
  document.getElementById("kept-text").textContent = `Loss ${number(record.loss)}; ${record.right} of ${RECORDS.batch} right${unseen}; ${answer}.${settled}`;
  const high = Math.max(...losses);
  const every = losses.map((loss, t) => [t, loss]).filter(([t]) => t < 60 || t % Math.ceil(total / 400) === 0 || t === total);
  const lossChart = chart({
    x: { to: later, low: 0, high: total, ticks: [0, ...powers(1, total)], label: "iteration" },
    y: { to: (v) => v, low: 0, high: 1.05 * high, ticks: evenly(0, high), label: "loss" },
    series: [{ points: every }], marks: [[record.iteration, record.loss]], height: 250,
    label: `The loss falls from ${number(losses[0])} to ${number(losses[total])} in ${total} iterations; at iteration ${record.iteration} it is ${number(record.loss)}` });
  show("kept-loss", figure(lossChart, "The loss, over iterations on a logarithmic axis."));
  if (record.surface) {
    show("kept-answers", figure(plane(record.surface, `What the net answers over the plane at iteration ${record.iteration}: ${record.right} of ${RECORDS.batch} points on the right side`),
      ["What the net answers: ", ...planeKey(), "; it is undecided on the dotted line."]));
  } else {
    show("kept-answers", html("table", { class: "bars" }, html("caption", {}, `Probabilities for ${sample.name}`), html("tbody", {}, outputs.map((p, k) =>
      html("tr", { class: sample.desired[k] ? "desired" : null }, html("th", { scope: "row" }, name(layerOf(LAST)[k])), html("td", { class: "bar" }, html("div", { style: `width:${Math.max(0.5, 100 * p)}%` })), html("td", { class: "number" }, number(p)))))));
  }
  const mine = (wire) => wire[1] === chosen.neuron, wires = incoming(chosen.neuron);
  show("kept-net", figure(drawNet({
    weights: record.weights, labelled: (w) => small() || (mine(w) && few(wires)),
    label: `The net with its weights at iteration ${record.iteration}` }), `The weights at iteration ${record.iteration.toLocaleString("en")}.`));
  if (NET.pictured) show("kept-pictures", ...weightPictures(record.weights, `The weights of each hidden neuron at iteration ${record.iteration.toLocaleString("en")}`));
  else show("kept-pictures", table(["Weight", "At first", "Now"], wires.slice(0, MOST + 2).map((w) => [wireName(w), FIRST.weights[w[2]], record.weights[w[2]]]), `The weights into ${name(chosen.neuron)}`), wires.length > MOST + 2 ? html("p", { class: "note" }, `The first ${MOST + 2} of ${wires.length}.`) : null);
}

let playing = null;
function play() {
  const button = document.getElementById("play"), range = document.getElementById("kept");
  const stop = () => { clearInterval(playing); playing = null; button.textContent = "Play"; button.setAttribute("aria-pressed", "false"); };
  if (playing) return stop();
  if (chosen.kept === KEPT.length - 1) choose({ kept: 0 });
  button.textContent = "Pause";
  button.setAttribute("aria-pressed", "true");
  playing = setInterval(() => {
    if (chosen.kept === KEPT.length - 1) return stop();
    range.value = chosen.kept + 1;
    choose({ kept: chosen.kept + 1 });
  }, 180);
}

function stepDirections() {
  const rows = RECORDS.directions, weights = rows.map((r) => r.weights), times = rows.flatMap((r) => [r.backpropagation, r.differences]);
  const low = Math.min(...times) / 2, high = Math.max(...times) * 3, last = rows.at(-1);
  const unit = (v) => (v >= 1 ? `${short(v)} s` : v >= 1e-3 ? `${short(v * 1e3)} ms` : `${short(v * 1e6)} µs`);
  show("directions-chart", figure(chart({
    x: { to: log, low: Math.min(...weights) / 1.3, high: Math.max(...weights) * 1.3, ticks: powers(Math.min(...weights) / 1.3, Math.max(...weights) * 1.3), label: "weights", text: (v) => v.toLocaleString("en") },
    y: { to: log, low, high, ticks: powers(low, high), label: "time for one gradient", text: unit },
    series: [
      { points: rows.map((r) => [r.weights, r.differences]), kind: "minus second", name: "each weight by itself", dots: true },
      { points: rows.map((r) => [r.weights, r.backpropagation]), name: "backpropagation", dots: true }],
    height: 260, label: `Seconds for one gradient by number of weights, both axes logarithmic. At ${last.weights} weights: backpropagation ${unit(last.backpropagation)}, each weight by itself ${unit(last.differences)}` }),
    "Both axes are logarithmic."));
}

// ---------------------------------------------------------------- choosing

function options(select, entries, value) {
  select.replaceChildren(...entries.map(([key, text]) => html("option", { value: key, selected: String(key) === String(value) || null }, text)));
}

function choose(change) {
  Object.assign(chosen, change);
  if ("neuron" in change) chosen.wire = NET.wires.indexOf(incoming(chosen.neuron).find((w) => outputOf(w[0]) !== 0) || incoming(chosen.neuron)[0]);
  if ("neuron" in change) {
    document.getElementById("neuron").value = chosen.neuron;
    options(document.getElementById("wire"), incoming(chosen.neuron).map((w) => [NET.wires.indexOf(w), wireName(w)]), chosen.wire);
  }
  draw("kept" in change ? ["kept"] : "wire" in change ? ["wire"] : ["all"]);
}

function draw([what]) {
  if (what === "wire") return stepBack();
  if (what === "all") {
    stepInput();
    stepWeights();
    settling("forward-settling", "forward", "sum");
    stepForward();
    stepError();
    settling("back-settling", "backward", "δ");
    stepBack();
  }
  stepIterate();
}

options(document.getElementById("sample"), SAMPLES.map((s, i) => [i, NET.pictured ? s.name : `${s.name}`]), chosen.sample);
options(document.getElementById("neuron"), NEURONS.filter((i) => i >= INPUTS).map((i) => [i, isOutput(i) ? `${name(i)} (output)` : name(i)]), chosen.neuron);
document.getElementById("sample").addEventListener("change", (event) => choose({ sample: Number(event.target.value) }));
document.getElementById("neuron").addEventListener("change", (event) => choose({ neuron: Number(event.target.value) }));
document.getElementById("wire").addEventListener("change", (event) => choose({ wire: Number(event.target.value) }));
document.getElementById("kept").addEventListener("input", (event) => choose({ kept: Number(event.target.value) }));
document.getElementById("play").addEventListener("click", play);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(["all"]));
choose({ neuron: INPUTS });
stepDirections();
