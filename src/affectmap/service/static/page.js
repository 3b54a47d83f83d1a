// The page: takes a recording, asks the server, shows the answer.

import { clock, counts, drawMap, drawTrack } from "./charts.js";
import { canRecord, durationOf, startRecording, toWave } from "./sound.js";

const MAX_TABLE_ROWS = 500;
const MAX_RECORDING_S = 600;
const AT_ONCE_S = 10;
const CLASSES = ["neutral", "sad", "happy", "angry"];
const FLAGS = {
  too_short: "Too short to measure.",
  silent: "Silent: there is nothing to measure, and the values mean nothing.",
  quiet: "Very quiet: pitch and timbre are found in part at best; record it louder.",
  clipped: "Clipped: the microphone was too loud, so loudness and timbre are distorted.",
  narrow_band: "Narrow band, as over the telephone: what lies higher is missing, so be careful with the values.",
  uneven_channels: "The channels differ: not all of them count, or several voices were added.",
  mostly_pause: "Most of it is pause, which moves the values: cut silence away before and after the speech.",
  rumble: "Its offset moves, or it holds much below 20 Hz that nobody hears: take it out with a high-pass filter.",
  not_speech: "This does not sound like speech; the values mean little.",
  unfamiliar: "Unlike anything the model was trained on (voice, room or microphone); be careful with the values.",
};

const find = (id) => document.getElementById(id);
const state = { token: "", asking: null, shown: null, moveMark: () => {}, finishRecording: null, url: "", csvUrl: "" };

// Asking the server

function authorised() {
  return state.token ? { Authorization: `Bearer ${state.token}` } : {};
}

async function reasonOf(response) {
  try {
    return (await response.json()).detail;
  } catch {
    return `the server answered ${response.status}`;
  }
}

class Refused extends Error {
  constructor(status, reason) {
    super(reason);
    this.status = status;
  }
}

async function ask(address, options = {}) {
  const response = await fetch(address, { ...options, headers: authorised() });
  if (response.ok) return response.json();
  if (response.status === 401) {
    find("token-form").hidden = false;
    find("token").focus();
  }
  throw new Refused(response.status, await reasonOf(response));
}

async function aboutModel() {
  try {
    const { metadata, limits } = await ask("/model");
    const level = metadata.intervals?.level;
    if (level) find("level").textContent = `${Math.round(100 * level)} times in 100`;
    find("model").textContent =
      `Model: ${metadata.name}. At most ${limits.max_mb} MB and ${limits.max_minutes} minutes a recording.`;
    say("");
  } catch (error) {
    if (error.status !== 401) complain(error);
  }
}

// Telling

function say(text) {
  find("status").textContent = text;
}

function complain(error) {
  const unreachable = error instanceof TypeError;
  find("error").textContent = unreachable ? "The server cannot be reached, or closed the connection." : error.message;
  find("error").hidden = false;
  say("");
}

// Measuring

async function addressFor(file) {
  const mode = find("mode").value;
  if (state.url) URL.revokeObjectURL(state.url);
  state.url = URL.createObjectURL(file);
  const known = durationOf(find("player"));
  find("player").src = state.url;
  if (mode === "embed" || mode === "track") return `/${mode}`;
  if (mode === "windows") return "/track?windows=3";
  return (await known) > AT_ONCE_S ? "/track" : "/embed";
}

async function send(address, file, signal) {
  const form = new FormData();
  form.append("file", file, file.name);
  return ask(address, { method: "POST", body: form, signal });
}

async function measure(file) {
  state.asking?.abort();
  const asking = new AbortController();
  state.asking = asking;
  find("error").hidden = true;
  find("cancel").hidden = false;
  say(`Measuring ${file.name} …`);
  try {
    const address = await addressFor(file);
    const [answer, notes] = await sendOrConvert(address, file, asking.signal);
    show(file.name, { ...answer, notes: [...notes, ...answer.notes], isTrack: address.startsWith("/track") });
    say("Done.");
  } catch (error) {
    if (asking !== state.asking) return;
    if (error.name === "AbortError") say("Cancelled.");
    else complain(error);
  } finally {
    if (asking === state.asking) find("cancel").hidden = true;
  }
}

/** What the server cannot read, a video for one, the browser often can. */
async function sendOrConvert(address, file, signal) {
  try {
    return [await send(address, file, signal), []];
  } catch (error) {
    if (error.status !== 422 || !/not audio|libsndfile cannot read/.test(error.message)) throw error;
    let wave;
    try {
      wave = await toWave(file, file.name);
    } catch {
      throw error;
    }
    return [await send(address, wave, signal), ["converted to 16 kHz mono by your browser"]];
  }
}

// Showing

function show(name, answer) {
  state.shown = answer;
  find("result").hidden = false;
  find("result-title").textContent = name;
  find("words").replaceChildren(...(answer.isTrack ? trackWords(answer) : utteranceWords(answer.rows[0])));
  find("caption").textContent = captionOf(answer);
  document.querySelector(".columns").classList.toggle("side", !answer.isTrack);
  find("flags").replaceChildren(...flagLines(answer).map((line) => element("li", line)));
  fillTable(answer.rows);
  offerCsv(name, answer.rows);
  draw();
  find("result-title").focus({ preventScroll: true });
  find("result").scrollIntoView({ block: "start" });
}

function draw() {
  const { shown } = state;
  state.moveMark = () => {};
  if (!shown) return;
  const place = find("chart");
  const drawable = shown.rows.some((row) => typeof row.activation === "number");
  if (!drawable) place.replaceChildren();
  else if (shown.isTrack) {
    state.moveMark = drawTrack(place, shown, (seconds) => {
      find("player").currentTime = seconds;
    });
  } else drawMap(place, shown.rows[0]);
}

function captionOf(answer) {
  if (!answer.rows.some((row) => typeof row.activation === "number")) {
    return "No activation and valence: see below why, or the model gives none.";
  }
  if (!answer.isTrack) return "The point is the estimate, the box its interval.";
  return (
    "Dots are segments, lines their smoothed level, bands its 95 % interval; hollow dots (no speech) have no part in " +
    "them. Press a place to hear it."
  );
}

function flagLines(answer) {
  const lines = answer.notes.map((note) => `${note.charAt(0).toUpperCase()}${note.slice(1)}.`);
  const n = answer.rows.length;
  Object.entries(FLAGS).forEach(([flag, words]) => {
    const n_flagged = answer.rows.filter((row) => row[flag]).length;
    if (!n_flagged) return;
    lines.push(answer.isTrack ? `${n_flagged} of ${n} segments: ${words.charAt(0).toLowerCase()}${words.slice(1)}` : words);
  });
  if (!answer.isTrack && answer.rows[0].problem) lines.push(`No values: ${answer.rows[0].problem}.`);
  return lines;
}

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  return made;
}

function utteranceWords(row) {
  const list = document.createElement("dl");
  ["activation", "valence"].filter((label) => typeof row[label] === "number").forEach((label) => {
    const low = row[`${label}_low`];
    const interval = typeof low === "number" ? ` (${low.toFixed(1)} to ${row[`${label}_high`].toFixed(1)})` : "";
    list.append(element("dt", label), element("dd", `${row[label].toFixed(2)}${interval}`));
  });
  CLASSES.filter((name) => typeof row[name] === "number").forEach((name) => {
    const value = element("dd", `${Math.round(100 * row[name])} %`);
    value.prepend(element("meter", "", { min: 0, max: 1, value: row[name], "aria-label": name }));
    list.append(element("dt", name), value);
  });
  const told = typeof row.neutral === "number";
  return [list, ...(told ? [element("p", "The four classes are shares of 100 %, as if all were equally frequent.", { class: "hint" })] : [])];
}

function trackWords(answer) {
  const spoken = answer.rows.filter(counts);
  const seconds = spoken.reduce((sum, row) => sum + row.end - row.start, 0);
  const list = document.createElement("dl");
  list.append(element("dt", "length"), element("dd", clock(answer.duration_s)));
  list.append(element("dt", "segments"), element("dd", `${answer.rows.length}, ${spoken.length} of them speech (${Math.round(seconds)} s)`));
  ["activation", "valence"].forEach((label) => {
    const levels = spoken.map((row) => row[`${label}_level`]).filter((value) => typeof value === "number");
    if (!levels.length) return;
    const least = levels.reduce((a, b) => Math.min(a, b));
    const most = levels.reduce((a, b) => Math.max(a, b));
    list.append(element("dt", `${label}, line`), element("dd", `${least.toFixed(1)} to ${most.toFixed(1)}`));
  });
  return [list];
}

function fillTable(rows) {
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

function offerCsv(name, rows) {
  const names = Object.keys(rows[0] ?? {});
  const cell = (value) => {
    const text = value === null ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [names, ...rows.map((row) => names.map((key) => row[key]))].map((cells) => cells.map(cell).join(","));
  if (state.csvUrl) URL.revokeObjectURL(state.csvUrl);
  state.csvUrl = URL.createObjectURL(new Blob([`${lines.join("\n")}\n`], { type: "text/csv" }));
  find("download").href = state.csvUrl;
  find("download").download = `${name.replace(/\.[^.]*$/, "")}.csv`;
}

// Recording

async function toggleRecording() {
  const button = find("record");
  find("error").hidden = true;
  try {
    if (state.finishRecording) {
      await endRecording();
      return;
    }
    button.disabled = true;
    state.finishRecording = await startRecording();
    const start = performance.now();
    button.classList.add("recording");
    const tick = setInterval(() => {
      const seconds = (performance.now() - start) / 1000;
      button.textContent = `Stop (${clock(seconds)})`;
      if (seconds > MAX_RECORDING_S) endRecording().catch(complain);
    }, 250);
    state.stopClock = () => clearInterval(tick);
    button.textContent = "Stop (0:00)";
    say("Recording. Press Stop when done.");
  } catch (error) {
    const told = error.name === "NotAllowedError" ? new Error("The microphone was not allowed.") : error;
    complain(error.name === "NotFoundError" ? new Error("There is no microphone.") : told);
  } finally {
    button.disabled = false;
  }
}

async function endRecording() {
  const finish = state.finishRecording;
  if (!finish) return;
  state.finishRecording = null;
  state.stopClock();
  find("record").classList.remove("recording");
  find("record").textContent = "Record";
  await measure(await finish());
}

// Wiring

find("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  event.target.value = ""; // so that the same file can be chosen again
  if (file) measure(file);
});
find("cancel").addEventListener("click", () => state.asking?.abort());
find("record").addEventListener("click", toggleRecording);
find("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  state.token = find("token").value.trim();
  find("error").hidden = true;
  ask("/model").then(() => {
    find("token-form").hidden = true;
    return aboutModel();
  }).catch(complain);
});
const drop = find("drop");
["dragenter", "dragover"].forEach((kind) => drop.addEventListener(kind, (event) => {
  event.preventDefault();
  drop.classList.add("over");
}));
["dragleave", "drop"].forEach((kind) => drop.addEventListener(kind, () => drop.classList.remove("over")));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  const [file] = event.dataTransfer.files;
  if (file) measure(file);
});
find("player").addEventListener("timeupdate", () => state.moveMark(find("player").currentTime));
let width = window.innerWidth;
window.addEventListener("resize", () => {
  if (window.innerWidth !== width) draw();
  width = window.innerWidth;
});
if (!canRecord()) {
  find("record").disabled = true;
  find("record-hint").textContent += " Browsers let a page record only on this machine (localhost) or over https.";
}
aboutModel();
