// Drawing: one point on the map, or two lines over time. Colours are in page.css.

const LOW = 1;
const HIGH = 5;
const NAMESPACE = "http://www.w3.org/2000/svg";

function add(parent, name, attributes, text) {
  const element = document.createElementNS(NAMESPACE, name);
  Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

function sheet(place, width, height, label) {
  const svg = document.createElementNS(NAMESPACE, "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  place.replaceChildren(svg);
  return svg;
}

const isNumber = (value) => typeof value === "number";
const round = (value) => Math.round(value * 10) / 10;

/** Draw one utterance's place, with the box of its intervals. */
export function drawMap(place, row) {
  const size = Math.max(260, Math.min(416, place.clientWidth));
  const label = `Activation ${row.activation.toFixed(1)}, valence ${row.valence.toFixed(1)}, both on 1 to 5`;
  const svg = sheet(place, size, size, label);
  const [left, top, side] = [44, 8, size - 56];
  const x = (valence) => round(left + ((valence - LOW) / (HIGH - LOW)) * side);
  const y = (activation) => round(top + ((HIGH - activation) / (HIGH - LOW)) * side);
  const bottom = top + side;
  add(svg, "rect", { class: "frame", x: left, y: top, width: side, height: side });
  add(svg, "line", { class: "middle", x1: x(3), x2: x(3), y1: top, y2: bottom });
  add(svg, "line", { class: "middle", x1: left, x2: left + side, y1: y(3), y2: y(3) });
  for (let value = LOW; value <= HIGH; value += 1) {
    add(svg, "text", { class: "faint", x: x(value), y: bottom + 16, "text-anchor": "middle" }, value);
    add(svg, "text", { class: "faint", x: left - 8, y: y(value) + 4, "text-anchor": "end" }, value);
  }
  add(svg, "text", { x: left + side / 2, y: bottom + 36, "text-anchor": "middle" }, "unpleasant – valence – pleasant");
  const turned = `translate(14 ${top + side / 2}) rotate(-90)`;
  add(svg, "text", { transform: turned, "text-anchor": "middle" }, "calm – activation – excited");
  const corners = [["tense", 0, 0], ["lively", 1, 0], ["dull", 0, 1], ["relaxed", 1, 1]];
  corners.forEach(([word, right, low]) => {
    const at = { x: right ? left + side - 12 : left + 12, y: low ? bottom - 14 : top + 22 };
    add(svg, "text", { class: "faint", ...at, "text-anchor": right ? "end" : "start" }, word);
  });
  if (isNumber(row.activation_low) && isNumber(row.valence_low)) {
    const [x1, x2, y1, y2] = [x(row.valence_low), x(row.valence_high), y(row.activation_high), y(row.activation_low)];
    add(svg, "rect", { class: "box", x: x1, y: y1, width: round(x2 - x1), height: round(y2 - y1) });
  }
  add(svg, "circle", { class: "point", cx: x(row.valence), cy: y(row.activation), r: 7 });
}

/** Minutes and seconds. */
export function clock(seconds) {
  const whole = Math.floor(seconds);
  const rest = String(whole % 60).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

function timeStep(duration, n) {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
  return steps.find((step) => duration / step <= n) ?? 14400;
}

/** Whether a segment has a part in the lines. */
export function counts(row) {
  return isNumber(row.activation) && !row.silent && !row.too_short && !row.not_speech;
}

/** Draw activation and valence over time; gives a function that moves the mark of the moment that is heard. */
export function drawTrack(place, result, seek) {
  const width = Math.max(280, place.clientWidth);
  const [left, right, panel, gap] = [24, 12, 150, 34];
  const height = 2 * panel + 2 * gap + 16;
  const span = width - left - right;
  const duration = Math.max(result.duration_s, 0.1);
  const x = (seconds) => round(left + (seconds / duration) * span);
  const svg = sheet(place, width, height, trackLabel(result.rows));
  ["activation", "valence"].forEach((label, number) => {
    const top = gap + number * (panel + gap) - 8;
    drawPanel(svg, label, result, { x, y: (value) => round(top + ((HIGH - value) / (HIGH - LOW)) * panel), left, span, top, panel });
  });
  const bottom = height - 18;
  const step = timeStep(duration, Math.max(2, Math.floor(span / 64)));
  for (let at = 0; at <= duration; at += step) {
    add(svg, "text", { class: "faint", x: x(at), y: bottom + 14, "text-anchor": at ? "middle" : "start" }, clock(at));
  }
  const now = add(svg, "line", { class: "now", x1: left, x2: left, y1: gap - 8, y2: bottom });
  const hit = add(svg, "rect", { class: "hit", x: left, y: 0, width: span, height });
  hit.addEventListener("click", (event) => {
    const box = hit.getBoundingClientRect();
    seek(((event.clientX - box.left) / box.width) * duration);
  });
  return (seconds) => ["x1", "x2"].forEach((end) => now.setAttribute(end, x(Math.min(seconds, duration))));
}

function drawPanel(svg, label, result, { x, y, left, span, top, panel }) {
  const words = { activation: "activation: 1 calm, 5 excited", valence: "valence: 1 unpleasant, 5 pleasant" };
  add(svg, "text", { x: left + 6, y: top - 6 }, words[label]);
  add(svg, "rect", { class: "frame", x: left, y: top, width: span, height: panel });
  add(svg, "line", { class: "middle", x1: left, x2: left + span, y1: y(3), y2: y(3) });
  [1, 3, 5].forEach((value) => add(svg, "text", { class: "faint", x: left - 8, y: y(value) + 4, "text-anchor": "end" }, value));
  runs(result, label).forEach((rows) => {
    const at = (row) => x((row.start + row.end) / 2);
    const known = rows.filter((row) => isNumber(row[`${label}_level_low`]));
    const upper = known.map((row) => `${at(row)},${y(row[`${label}_level_high`])}`);
    const lower = known.map((row) => `${at(row)},${y(row[`${label}_level_low`])}`).reverse();
    if (known.length > 1) add(svg, "polygon", { class: `${label} band`, points: [...upper, ...lower].join(" ") });
    const points = rows.map((row) => `${at(row)},${y(row[`${label}_level`])}`);
    if (points.length > 1) add(svg, "polyline", { class: `${label} line`, points: points.join(" ") });
  });
  result.rows.filter((row) => isNumber(row[label])).forEach((row) => {
    const kind = counts(row) ? `${label} dot` : `${label} dot aside`;
    add(svg, "circle", { class: kind, cx: x((row.start + row.end) / 2), cy: y(Math.max(LOW, Math.min(HIGH, row[label]))), r: 3 });
  });
}

/** Rows with a level, parted where nothing is known for long. */
function runs(result, label) {
  const longest = Math.max(10, 2 * result.smoothing_s);
  const parts = [];
  let end = -Infinity;
  result.rows.filter((row) => counts(row) && isNumber(row[`${label}_level`])).forEach((row) => {
    if (row.start - end > longest) parts.push([]);
    parts[parts.length - 1].push(row);
    end = row.end;
  });
  return parts;
}

function trackLabel(rows) {
  const told = ["activation", "valence"].map((label) => {
    const levels = rows.filter(counts).map((row) => row[`${label}_level`]).filter(isNumber);
    if (!levels.length) return `${label}: no values`;
    return `${label} between ${Math.min(...levels).toFixed(1)} and ${Math.max(...levels).toFixed(1)}`;
  });
  return `Over time: ${told.join(", ")}`;
}
