// An answer in words, as a table, and as CSV.

/* global Flags */

import { clock, counts, isNumber } from "./track.js";

const MAX_TABLE_ROWS = 500;
const CLASSES = ["neutral", "sad", "happy", "angry"];

const find = (id) => document.getElementById(id);

export function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  return made;
}

/**
 * Say why the values of an utterance tell nothing of a voice; empty if they do, without
 * values, and over time, where silence has no part.
 */
export function silenceOf(answer) {
  const [row] = answer.rows;
  return answer.isTrack || !isNumber(row.activation) ? "" : Flags.silence(Flags.of(row));
}

/** Say below the drawing what is seen. */
export function captionOf(answer) {
  if (!answer.rows.some((row) => typeof row.activation === "number")) {
    return "No activation and valence: see below why, or the model gives none.";
  }
  if (silenceOf(answer)) return "Nobody speaks: where the crossed ring lies says nothing of a voice.";
  if (!answer.isTrack) return "The point is the estimate, the box its interval.";
  return (
    "Dots are segments, lines their smoothed level, bands its 95 % interval; grey: nobody speaks. Hollow dots (no " +
    "speech) have no part in the lines. Press a place, or go there by arrow keys and press Enter, to play from there."
  );
}

/** Say what speaks against the values. */
export function flagLines(answer) {
  const lines = answer.notes.map((note) => `${note.charAt(0).toUpperCase()}${note.slice(1)}.`);
  const n = answer.rows.length;
  Flags.names.forEach((name) => {
    const n_flagged = answer.rows.filter((row) => row[name]).length;
    if (!n_flagged) return;
    const words = Flags.advice(name);
    lines.push(answer.isTrack ? `${n_flagged} of ${n} segments: ${words.charAt(0).toLowerCase()}${words.slice(1)}` : words);
  });
  if (!answer.isTrack && answer.rows[0].problem) lines.push(`No values: ${answer.rows[0].problem}.`);
  return lines;
}

/** Give what is known as a list of terms. */
export function answerWords(answer) {
  return answer.isTrack ? trackWords(answer) : utteranceWords(answer.rows[0], !silenceOf(answer));
}

function utteranceWords(row, hasClass) {
  const list = document.createElement("dl");
  ["activation", "valence"].filter((label) => typeof row[label] === "number").forEach((label) => {
    const low = row[`${label}_low`];
    const interval = typeof low === "number" ? ` (${low.toFixed(1)} to ${row[`${label}_high`].toFixed(1)})` : "";
    list.append(element("dt", label), element("dd", `${row[label].toFixed(2)}${interval}`));
  });
  const classes = CLASSES.filter((name) => hasClass && typeof row[name] === "number");
  classes.forEach((name) => {
    const value = element("dd", `${Math.round(100 * row[name])} %`);
    value.prepend(element("meter", "", { min: 0, max: 1, value: row[name], "aria-label": name }));
    list.append(element("dt", name), value);
  });
  return [list, ...(classes.length ? [element("p", "The four classes are shares of 100 %, as if all were equally frequent.", { class: "hint" })] : [])];
}

function trackWords(answer) {
  const spoken = answer.rows.filter(counts);
  const seconds = spoken.reduce((sum, row) => sum + row.end - row.start, 0);
  const list = document.createElement("dl");
  list.append(element("dt", "length"), element("dd", clock(answer.duration_s)));
  list.append(element("dt", "segments"), element("dd", String(answer.rows.length)));
  list.append(element("dt", "of them speech"), element("dd", `${spoken.length} (${Math.round(seconds)} s)`));
  ["activation", "valence"].forEach((label) => {
    const levels = spoken.map((row) => row[`${label}_level`]).filter((value) => typeof value === "number");
    if (!levels.length) return;
    const least = levels.reduce((a, b) => Math.min(a, b));
    const most = levels.reduce((a, b) => Math.max(a, b));
    list.append(element("dt", `${label}, line`), element("dd", `${least.toFixed(1)} to ${most.toFixed(1)}`));
  });
  return [list];
}

/** Fill the table of all numbers. */
export function fillTable(rows) {
  const names = Object.keys(rows[0] ?? {});
  const head = document.createElement("tr");
  head.append(...names.map((name) => element("th", name.replaceAll("_", " "), { scope: "col" })));
  find("head").replaceChildren(head);
  find("body").replaceChildren(
    ...rows.slice(0, MAX_TABLE_ROWS).map((row) => {
      const line = document.createElement("tr");
      line.append(...names.map((name) => element("td", cellText(row[name]))));
      return line;
    }),
  );
  find("more").textContent =
    rows.length > MAX_TABLE_ROWS ? `The first ${MAX_TABLE_ROWS} of ${rows.length} rows; the CSV has all.` : "";
}

function cellText(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "number" ? String(Math.round(value * 1000) / 1000) : value;
}

/** Write rows as CSV, with every column that any of them has. */
export function csvOf(rows) {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cell = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [names, ...rows.map((row) => names.map((key) => row[key]))].map((cells) => cells.map(cell).join(","));
  return `${lines.join("\n")}\n`;
}

/** Give where a recording lies on the map: its values, or their mean over what is spoken; null without any. */
export function placeOf(answer) {
  if (!answer.isTrack) {
    const [row] = answer.rows;
    return isNumber(row.activation) && isNumber(row.valence) ? { activation: row.activation, valence: row.valence } : null;
  }
  const rows = answer.rows.filter((row) => counts(row) && isNumber(row.valence));
  const seconds = rows.reduce((sum, row) => sum + row.end - row.start, 0);
  if (!(seconds > 0)) return null;
  const mean = (label) => rows.reduce((sum, row) => sum + row[label] * (row.end - row.start), 0) / seconds;
  return { activation: mean("activation"), valence: mean("valence") };
}
