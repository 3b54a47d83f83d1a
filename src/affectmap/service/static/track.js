// A recording over time: two lines with their bands, where nobody speaks, and a strip of speech and flags.

import { add, HIGH, isNumber, LOW, round, sheet } from "./charts.js";

/** Seconds without speech that interrupt a line, and are drawn as silence. */
const SILENCE_S = 2;
const [LEFT, RIGHT, PANEL, GAP, LANE] = [26, 12, 140, 34, 28];
const FLAGS = {
  silent: "silent", not_speech: "no speech", too_short: "too short", clipped: "clipped", quiet: "quiet",
  narrow_band: "narrow band", unfamiliar: "unfamiliar", mostly_pause: "mostly pause",
};

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

/** Stretches of `SILENCE_S` or more in which no segment counts. */
export function silences(rows, duration) {
  const found = [];
  let end = 0;
  rows.filter(counts).sort((one, other) => one.start - other.start).forEach((row) => {
    if (row.start - end >= SILENCE_S) found.push([end, row.start]);
    end = Math.max(end, row.end);
  });
  if (duration - end >= SILENCE_S) found.push([end, duration]);
  return found;
}

/** The segment at a moment, and the one before it where there is none. */
export function segmentAt(rows, seconds) {
  return rows.find((row) => row.start <= seconds && seconds < row.end) ?? null;
}

/** Say what is known of a moment. */
export function wordsAt(result, seconds) {
  const row = segmentAt(result.rows, seconds);
  const flags = row ? Object.entries(FLAGS).filter(([flag]) => row[flag]).map(([, words]) => words) : [];
  if (!row || !counts(row)) return `${clock(seconds)}: ${flags.join(", ") || "no speech"}`;
  const values = ["activation", "valence"].filter((label) => isNumber(row[label])).map((label) => {
    const level = row[`${label}_level`];
    return `${label} ${row[label].toFixed(1)}${isNumber(level) ? ` (level ${level.toFixed(1)})` : ""}`;
  });
  return `${clock(seconds)}: ${[...values, ...flags].join(", ")}`;
}

/** Draw a track; gives what `hear` needs to move the mark of the moment, and where things are. */
export function drawTrack(place, result, hear) {
  const width = Math.max(280, place.clientWidth);
  const duration = Math.max(result.duration_s, 0.1);
  const span = width - LEFT - RIGHT;
  const x = (seconds) => round(LEFT + (Math.min(Math.max(seconds, 0), duration) / duration) * span);
  const lanes = lanesOf(result.rows);
  const below = 2 * (PANEL + GAP) + 4;
  const height = below + lanes.length * LANE + 26;
  const svg = sheet(place, width, height, trackLabel(result.rows), "group");
  ["activation", "valence"].forEach((label, number) => {
    const top = GAP + number * (PANEL + GAP) - 8;
    drawPanel(svg, label, result, { x, y: (value) => round(top + ((HIGH - value) / (HIGH - LOW)) * PANEL), span, top, duration });
  });
  lanes.forEach(([name, kind, rows], lane) => drawLane(svg, name, kind, rows, { x, y: below + lane * LANE, span }));
  const bottom = height - 20;
  const step = timeStep(duration, Math.max(2, Math.floor(span / 64)));
  for (let at = 0; at <= duration; at += step) {
    add(svg, "text", { class: "faint", x: x(at), y: bottom + 14, "text-anchor": at ? "middle" : "start" }, clock(at));
  }
  const now = add(svg, "line", { class: "now", x1: LEFT, x2: LEFT, y1: GAP - 8, y2: bottom });
  const move = (seconds) => ["x1", "x2"].forEach((end) => now.setAttribute(end, x(seconds)));
  listen(place, svg, result, { x, span, width, height, duration, bottom, hear });
  return move;
}

function lanesOf(rows) {
  const flagged = Object.entries(FLAGS).map(([flag, name]) => [name, "flagged", rows.filter((row) => row[flag])]);
  return [["speech", "speech", rows.filter(counts)], ...flagged.filter(([, , some]) => some.length)];
}

function drawLane(svg, name, kind, rows, { x, y, span }) {
  add(svg, "text", { class: "lane-name", x: LEFT, y: y + 11 }, `${name} (${rows.length})`);
  add(svg, "rect", { class: "lane", x: LEFT, y: y + 15, width: span, height: 9 });
  rows.forEach((row) => {
    const wide = Math.max(1.5, round(x(row.end) - x(row.start)));
    add(svg, "rect", { class: kind, x: x(row.start), y: y + 15, width: wide, height: 9 });
  });
}

function drawPanel(svg, label, result, { x, y, span, top, duration }) {
  const words = { activation: "activation: 1 calm, 5 excited", valence: "valence: 1 unpleasant, 5 pleasant" };
  add(svg, "text", { class: `${label} name`, x: LEFT + 6, y: top - 6 }, words[label]);
  silences(result.rows, duration).forEach(([from, to]) => {
    add(svg, "rect", { class: "silence", x: x(from), y: top, width: round(x(to) - x(from)), height: PANEL });
  });
  add(svg, "rect", { class: "frame", x: LEFT, y: top, width: span, height: PANEL });
  add(svg, "line", { class: "middle", x1: LEFT, x2: LEFT + span, y1: y(3), y2: y(3) });
  [1, 3, 5].forEach((value) => add(svg, "text", { class: "faint", x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, value));
  runs(result, label).forEach((rows) => {
    // From the beginning of the first segment to the end of the last: one alone is a short line, too.
    const ends = [rows[0].start, ...rows.map((row) => (row.start + row.end) / 2), rows[rows.length - 1].end];
    const along = [rows[0], ...rows, rows[rows.length - 1]].map((row, i) => [row, x(ends[i])]);
    const known = along.filter(([row]) => isNumber(row[`${label}_level_low`]));
    const upper = known.map(([row, at]) => `${at},${y(row[`${label}_level_high`])}`);
    const lower = known.map(([row, at]) => `${at},${y(row[`${label}_level_low`])}`).reverse();
    if (known.length) add(svg, "polygon", { class: `${label} band`, points: [...upper, ...lower].join(" ") });
    const points = along.map(([row, at]) => `${at},${y(row[`${label}_level`])}`);
    add(svg, "polyline", { class: `${label} line`, points: points.join(" ") });
  });
  result.rows.filter((row) => isNumber(row[label])).forEach((row) => {
    const kind = counts(row) ? `${label} dot` : `${label} dot aside`;
    add(svg, "circle", { class: kind, cx: x((row.start + row.end) / 2), cy: y(Math.max(LOW, Math.min(HIGH, row[label]))), r: 3 });
  });
}

/** Rows with a level, parted where nobody speaks. */
function runs(result, label) {
  const parts = [];
  let end = -Infinity;
  result.rows.filter((row) => counts(row) && isNumber(row[`${label}_level`])).forEach((row) => {
    if (row.start - end >= SILENCE_S) parts.push([]);
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

/** Let pointer and keys go to a moment: hover and arrow keys tell its values, a click, Enter and space play it. */
function listen(place, svg, result, { x, span, width, height, duration, bottom, hear }) {
  const mark = add(svg, "line", { class: "looked-at", x1: LEFT, x2: LEFT, y1: GAP - 8, y2: bottom, visibility: "hidden" });
  const hit = add(svg, "rect", {
    class: "hit", x: LEFT, y: 0, width: span, height, tabindex: 0, role: "slider", "aria-label": "Moment of the recording",
    "aria-valuemin": 0, "aria-valuemax": round(duration),
  });
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  place.append(tip);
  let moment = 0;
  const look = (seconds) => {
    moment = Math.min(Math.max(seconds, 0), duration);
    const words = wordsAt(result, moment);
    hit.setAttribute("aria-valuenow", round(moment));
    hit.setAttribute("aria-valuetext", words);
    ["x1", "x2"].forEach((end) => mark.setAttribute(end, x(moment)));
    mark.setAttribute("visibility", "visible");
    tip.textContent = words;
    tip.hidden = false;
    const share = x(moment) / width;
    tip.classList.toggle("to-left", share > 0.5);
    tip.style.left = `${100 * share}%`;
  };
  const leave = () => {
    if (document.activeElement === hit) return;
    mark.setAttribute("visibility", "hidden");
    tip.hidden = true;
  };
  const momentOf = (event) => {
    const box = hit.getBoundingClientRect();
    return ((event.clientX - box.left) / box.width) * duration;
  };
  hit.addEventListener("pointermove", (event) => look(momentOf(event)));
  hit.addEventListener("pointerleave", leave);
  hit.addEventListener("focus", () => look(moment));
  hit.addEventListener("blur", leave);
  hit.addEventListener("click", (event) => {
    look(momentOf(event));
    hear(moment);
  });
  hit.addEventListener("keydown", (event) => {
    const goal = goalOf(event.key, result.rows, moment, duration);
    if (goal === null && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    if (goal === null) hear(moment);
    else look(goal);
  });
  look(0);
  leave();
}

/** Where a key leads: the next segment or the one before, ten seconds on, or an end. */
function goalOf(key, rows, moment, duration) {
  const starts = rows.map((row) => row.start);
  if (key === "ArrowRight" || key === "ArrowUp") return starts.find((start) => start > moment + 0.01) ?? duration;
  if (key === "ArrowLeft" || key === "ArrowDown") return starts.filter((start) => start < moment - 0.01).pop() ?? 0;
  if (key === "PageUp") return moment + 10;
  if (key === "PageDown") return moment - 10;
  if (key === "Home") return 0;
  return key === "End" ? duration : null;
}
