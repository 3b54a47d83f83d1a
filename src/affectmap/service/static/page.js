// The page: takes recordings, shows what the server says of them, one player and one result at a time.

/* global Flags */

import { startLive } from "./live.js";
import { AffectMap, hasPlace, placeWords, UTTERANCE } from "./map.js";
import { Overview } from "./overview.js";
import { Recordings } from "./recordings.js";
import { ask, useToken } from "./server.js";
import { canRecord, startRecording } from "./sound.js";
import { clock, counts, isNumber, TrackChart } from "./track.js";
import { Waveform } from "./waveform.js";
import { answerWords, captionOf, csvOf, element, fillTable, flagLines, silenceOf } from "./words.js";

const MAX_RECORDING_S = 600;
const MAX_AT_ONCE = 4;
/** Points of the way that a voice came: the last half minute. */
const TRAIL = 60;
/** What the bar of loudness spans, in dB below full scale. */
const LEVEL_DB = 60;

const find = (id) => document.getElementById(id);
const state = { shown: null, track: null, finishRecording: null, csvUrls: {}, stopLive: null, trail: [] };
const recordings = new Recordings(changed);
const maps = { utterance: new AffectMap(find("utterance-map")), live: new AffectMap(find("live-map")) };
const waveform = new Waveform(find("waveform"), find("player"), play);
const overview = new Overview(recordings, { play, offer });

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
  overview.show();
  if (recordings.chosen !== state.shown) show(recordings.chosen);
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

// What is shown

function show(each) {
  const isFirst = !state.shown;
  state.shown = each;
  find("result").hidden = !each;
  if (!each) {
    waveform.clear();
    return;
  }
  const { answer } = each;
  waveform.show(each.file, each.url, answer.duration_s);
  find("result-title").textContent = each.name;
  find("words").replaceChildren(...answerWords(answer));
  find("caption").textContent = captionOf(answer);
  find("shown").classList.toggle("side", !answer.isTrack);
  find("flags").replaceChildren(...flagLines(answer).map((line) => element("li", line)));
  fillTable(answer.rows);
  offer("download", each.name, answer.rows);
  draw();
  if (isFirst || recordings.all.length < 2) {
    find("result-title").focus({ preventScroll: true });
    find("result").scrollIntoView({ block: "start" });
  }
}

function draw() {
  const { shown } = state;
  state.track?.destroy();
  state.track = null;
  if (!shown) return;
  const { answer } = shown;
  const drawable = answer.rows.some((row) => isNumber(row.activation));
  find("track-box").hidden = !drawable || !answer.isTrack;
  find("utterance-map").hidden = !drawable || answer.isTrack;
  if (!find("track-box").hidden) {
    state.track = new TrackChart(find("track"), answer, (seconds) => {
      find("player").currentTime = seconds;
      play();
    });
  } else if (drawable) showUtterance(shown.name, answer);
}

function play() {
  find("player").play().catch(() => {}); // a browser that cannot play it says so in its player
}

function showUtterance(name, answer) {
  const [[row], silence] = [answer.rows, silenceOf(answer)];
  const box = !silence && isNumber(row.activation_low) && isNumber(row.valence_low) ? {
    activation: [row.activation_low, row.activation_high], valence: [row.valence_low, row.valence_high],
  } : null;
  const words = hasPlace(row) ? `${placeWords(row)}, both on 1 to 5` : "no place";
  maps.utterance.show(name, silence || words, [{ ...row, name, mark: UTTERANCE, silence }], { box });
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
    drawLive(true);
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

function drawLive(isHeard) {
  const last = state.trail.findLast((each) => each);
  const told = last ? `${isHeard ? "Now" : "Nobody speaks; before"}: ${placeWords(last)}` : "Nothing heard yet";
  const points = last ? [{ ...last, name: "now", mark: UTTERANCE, silence: isHeard ? "" : "nobody speaks" }] : [];
  maps.live.show("Now", told, points, { trail: state.trail });
}

function showLive(row) {
  const heard = counts(row);
  const last = state.trail[state.trail.length - 1];
  const place = heard ? { activation: row.activation, valence: row.valence } : null;
  if (place || last) state.trail = [...state.trail, place].slice(-TRAIL); // where nobody speaks the way is broken
  drawLive(heard);
  const silence = Flags.silence(Flags.of(row)) || "no values";
  find("live-words").textContent = heard ? `Activation ${row.activation.toFixed(1)}, valence ${row.valence.toFixed(1)}` : silence.charAt(0).toUpperCase() + silence.slice(1);
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
find("player").addEventListener("timeupdate", () => state.track?.move(find("player").currentTime));
if (!canRecord()) {
  find("record").disabled = true;
  find("go-live").disabled = true;
  find("record-hint").textContent += " Browsers let a page record only on this machine (localhost) or over https.";
}
aboutModel().catch(complain);
