// The page: takes recordings, shows what the server says of them, one player and one result at a time.

import { drawLive, drawMap, drawOverview, isNumber } from "./charts.js";
import { startLive } from "./live.js";
import { Recordings } from "./recordings.js";
import { ask, useToken } from "./server.js";
import { canRecord, startRecording } from "./sound.js";
import { clock, counts, drawTrack } from "./track.js";
import { answerWords, captionOf, csvOf, element, fillTable, flagLines, placeOf } from "./words.js";

const MAX_RECORDING_S = 600;
const MAX_AT_ONCE = 4;
/** Points of the way that a voice came: the last half minute. */
const TRAIL = 60;
/** What the bar of loudness spans, in dB below full scale. */
const LEVEL_DB = 60;
const STATES = { waiting: "waits", measuring: "is measured", done: "", failed: "failed", cancelled: "cancelled" };

const find = (id) => document.getElementById(id);
const state = { shown: null, moveMark: () => {}, finishRecording: null, csvUrls: {}, lines: new Map(), stopLive: null, trail: [] };
const recordings = new Recordings(changed);

// Telling

function say(text) {
  find("status").textContent = text;
}

function complain(error) {
  const unreachable = error instanceof TypeError;
  find("error").textContent = unreachable ? "The server cannot be reached, or closed the connection." : error.message;
  find("error").hidden = false;
  if (error.status === 401) {
    find("token-form").hidden = false;
    find("token").focus();
  }
}

async function aboutModel() {
  const { metadata, limits } = await ask("/model");
  const level = metadata.intervals?.level;
  if (level) find("level").textContent = `${Math.round(100 * level)} times in 100`;
  find("model").textContent =
    `Model: ${metadata.name}. At most ${limits.max_mb} MB and ${limits.max_minutes} minutes a recording.`;
  recordings.atOnce = Math.max(1, Math.min(MAX_AT_ONCE, limits.concurrency));
  find("token-form").hidden = true;
}

// What is measured

function changed(each) {
  if (each?.state === "failed" && !each.isTold) {
    each.isTold = true;
    complain(each.error);
  }
  showProgress();
  showList();
  if (recordings.chosen !== state.shown) show(recordings.chosen);
  else showOverview();
}

function showProgress() {
  const { all, open, done } = recordings;
  find("cancel").hidden = !open.length;
  find("progress").hidden = !open.length;
  if (open.length) {
    const now = open.find((each) => each.state === "measuring") ?? open[0];
    const several = all.length > 1 ? `${all.length - open.length} of ${all.length} done; ` : "";
    const share = now.share ? `, ${Math.round(100 * now.share)} %` : "";
    say(`${several ? `${several}measuring` : "Measuring"} ${now.name} …${share}`);
    const whole = all.reduce((sum, each) => sum + (open.includes(each) ? each.share : 1), 0);
    if (whole > 0) find("progress").value = whole / all.length;
    else find("progress").removeAttribute("value");
  } else if (recordings.isCancelled) say("Cancelled.");
  else if (all.some((each) => each.state === "failed")) say(done.length ? `Done, but for ${all.length - done.length} of ${all.length}.` : "");
  else say(all.length ? "Done." : "");
}

function showList() {
  const { all, chosen } = recordings;
  find("overview").hidden = all.length < 2;
  [...state.lines].filter(([each]) => !all.includes(each)).forEach(([each, { line }]) => {
    line.remove();
    state.lines.delete(each);
  });
  all.forEach((each) => {
    if (!state.lines.has(each)) state.lines.set(each, listLine(each));
    const { pick, told } = state.lines.get(each);
    pick.disabled = each.state !== "done";
    pick.setAttribute("aria-pressed", each === chosen);
    const share = each.state === "measuring" && each.share ? ` (${Math.round(100 * each.share)} %)` : "";
    const place = each.answer ? placeOf(each.answer) : null;
    const values = place ? `${place.activation.toFixed(1)} / ${place.valence.toFixed(1)}` : "no values";
    told.textContent = each.state === "done" ? values : each.state === "failed" ? each.error.message : STATES[each.state] + share;
  });
}

function listLine(each) {
  const line = document.createElement("li");
  const pick = element("button", each.name, { type: "button", class: "pick" });
  const told = element("span", "", { class: "hint" });
  const remove = element("button", "×", { type: "button", class: "remove", "aria-label": `Remove ${each.name}` });
  pick.addEventListener("click", () => recordings.choose(each));
  remove.addEventListener("click", () => {
    recordings.remove(each);
    find("list").querySelector("button:not(:disabled)")?.focus();
  });
  line.append(pick, told, remove);
  find("list").append(line);
  return { line, pick, told };
}

function showOverview() {
  const placed = recordings.done.map((each) => [each, placeOf(each.answer)]).filter(([, place]) => place);
  if (recordings.all.length < 2 || !placed.length) {
    find("overview-map").replaceChildren();
    return;
  }
  const points = placed.map(([each, place]) => ({
    ...place, name: each.name, isTrack: each.isTrack, isChosen: each === recordings.chosen,
  }));
  drawOverview(find("overview-map"), points, (i) => recordings.choose(placed[i][0]));
  offer("download-all", "recordings", placed.map(([each]) => each).flatMap((each) => each.answer.rows));
}

// What is shown

function show(each) {
  const isFirst = !state.shown;
  state.shown = each;
  find("result").hidden = !each;
  if (!each) {
    find("player").removeAttribute("src");
    find("player").load();
    return;
  }
  const { answer } = each;
  find("player").src = each.url;
  find("result-title").textContent = each.name;
  find("words").replaceChildren(...answerWords(answer));
  find("caption").textContent = captionOf(answer);
  find("shown").classList.toggle("side", !answer.isTrack);
  find("flags").replaceChildren(...flagLines(answer).map((line) => element("li", line)));
  fillTable(answer.rows);
  offer("download", each.name, answer.rows);
  draw();
  showOverview();
  if (isFirst || recordings.all.length < 2) {
    find("result-title").focus({ preventScroll: true });
    find("result").scrollIntoView({ block: "start" });
  }
}

function draw() {
  const { shown } = state;
  state.moveMark = () => {};
  if (!shown) return;
  const [place, { answer }] = [find("chart"), shown];
  const drawable = answer.rows.some((row) => isNumber(row.activation));
  if (!drawable) place.replaceChildren();
  else if (answer.isTrack) {
    state.moveMark = drawTrack(place, answer, (seconds) => {
      find("player").currentTime = seconds;
      find("player").play().catch(() => {}); // a browser that cannot play it says so in its player
    });
  } else drawMap(place, answer.rows[0]);
}

function offer(id, name, rows) {
  if (state.csvUrls[id]) URL.revokeObjectURL(state.csvUrls[id]);
  state.csvUrls[id] = URL.createObjectURL(new Blob([csvOf(rows)], { type: "text/csv" }));
  find(id).href = state.csvUrls[id];
  find(id).download = `${name.replace(/\.[^.]*$/, "")}.csv`;
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
    complain(microphoneError(error));
  } finally {
    button.disabled = false;
  }
}

function microphoneError(error) {
  const told = error.name === "NotAllowedError" ? new Error("The microphone was not allowed.") : error;
  return error.name === "NotFoundError" ? new Error("There is no microphone.") : told;
}

async function endRecording() {
  const finish = state.finishRecording;
  if (!finish) return;
  state.finishRecording = null;
  state.stopClock();
  find("record").classList.remove("recording");
  find("record").textContent = "Record";
  recordings.add([await finish()], find("mode").value);
}

async function toggleLive() {
  const button = find("go-live");
  find("error").hidden = true;
  if (state.stopLive) {
    endLive();
    return;
  }
  button.disabled = true;
  try {
    state.trail = [];
    const fail = (error) => {
      endLive();
      complain(error);
    };
    state.stopLive = await startLive({ tell: showLive, level: showLevel, fail });
    if (!state.stopLive) return;
    button.textContent = "Stop live";
    button.classList.add("recording");
    find("record").disabled = true;
    find("live").hidden = false;
    find("live-words").textContent = "Listening …";
    find("live-flags").replaceChildren();
    drawLive(find("live-map"), [], true);
  } catch (error) {
    complain(microphoneError(error));
  } finally {
    button.disabled = false;
  }
}

function endLive() {
  state.stopLive?.();
  state.stopLive = null;
  find("go-live").textContent = "Live";
  find("go-live").classList.remove("recording");
  find("record").disabled = false;
  find("live-words").textContent += " (stopped)";
  showLevel(-Infinity);
}

function showLevel(decibels) {
  find("live-level").value = Math.max(0, 1 + decibels / LEVEL_DB);
}

function showLive(row) {
  const heard = counts(row);
  const last = state.trail[state.trail.length - 1];
  const place = heard ? { activation: row.activation, valence: row.valence } : null;
  if (place || last) state.trail = [...state.trail, place].slice(-TRAIL); // where nobody speaks the way is broken
  drawLive(find("live-map"), state.trail, heard);
  const silence = row.silent ? "Silence" : "No speech";
  find("live-words").textContent = heard ? `Activation ${row.activation.toFixed(1)}, valence ${row.valence.toFixed(1)}` : silence;
  const lines = flagLines({ rows: [row], notes: [], isTrack: false });
  find("live-flags").replaceChildren(...lines.map((line) => element("li", line)));
}

// Wiring

function take(files) {
  if (!files.length) return;
  find("error").hidden = true;
  recordings.add([...files], find("mode").value);
}

find("file").addEventListener("change", (event) => {
  const files = [...event.target.files];
  event.target.value = ""; // so that the same file can be chosen again
  take(files);
});
find("cancel").addEventListener("click", () => recordings.cancel());
find("record").addEventListener("click", toggleRecording);
find("go-live").addEventListener("click", toggleLive);
find("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  useToken(find("token").value.trim());
  find("error").hidden = true;
  aboutModel().then(() => recordings.again((each) => each.error?.status === 401)).catch(complain);
});
const drop = find("drop");
["dragenter", "dragover"].forEach((kind) => drop.addEventListener(kind, (event) => {
  event.preventDefault();
  drop.classList.add("over");
}));
["dragleave", "drop"].forEach((kind) => drop.addEventListener(kind, () => drop.classList.remove("over")));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  take([...event.dataTransfer.files]);
});
find("player").addEventListener("timeupdate", () => state.moveMark(find("player").currentTime));
let width = window.innerWidth;
window.addEventListener("resize", () => {
  if (window.innerWidth !== width) {
    draw();
    showOverview();
  }
  width = window.innerWidth;
});
if (!canRecord()) {
  find("record").disabled = true;
  find("go-live").disabled = true;
  find("record-hint").textContent += " Browsers let a page record only on this machine (localhost) or over https.";
}
aboutModel().catch(complain);
