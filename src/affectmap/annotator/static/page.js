// The page's way from one recording to the next: what the rater does, what the server says, and what follows.

import { Client } from "./client.js";
import { keepDraft, keepLanguage, keptDraft, keptLanguage } from "./kept.js";
import { actionOf } from "./keys.js";
import { Outbox } from "./outbox.js";
import { Player, Sounds } from "./sound.js";
import { Square } from "./square.js";
import { find, makeEmotions, openHelp, render, showSpeed } from "./view.js";
import { firstKnown, readLanguages, speak } from "./words.js";

const SLOW_MS = 4000;
const POLL_S = 5;
const N_PACES = 20;
const token = window.location.pathname.split("/").filter(Boolean).pop();
const blank = () => ({ activation: null, valence: null, emotion: null, cannot_tell: false, comment: "" });

const state = {
  phase: "loading", // one of view.js's panels, or practice, rating, saving
  session: null, begun: false, item: null, ready: false, ahead: [], previous: null, n_done: 0, n_items: 0,
  choice: blank(), commenting: false, correcting: null, may_undo: false,
  practice: -1, compared: false, note: null, trouble: "", since: 0, paces: [],
};
const client = new Client(token);
const sounds = new Sounds();
const player = new Player(find("player"), find("wave"), { blocked: () => note("press_play") });
const outbox = new Outbox(client, token, { stored, trouble });
let square = null;

function show() {
  const resting = ["rating", "done"].includes(state.phase) && state.correcting === null;
  state.may_undo = resting && state.previous !== null && !outbox.entries().length;
  render(state, square);
}

function enterPhase(phase) {
  state.phase = phase;
  show();
}

function note(kind, values = {}) {
  state.note = kind ? { kind, ...values } : null;
  show();
}

const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

async function patiently(ask) {
  for (let wait = 1; ; wait = Math.min(15, 2 * wait)) {
    try {
      const answer = await ask();
      state.trouble = "";
      return answer;
    } catch (error) {
      if (error.kind === "link") throw error;
      state.trouble = "unreachable";
      show();
    }
    await sleep(wait);
  }
}

// Recordings

const draftOf = (item) => keptDraft(token, item.id) ?? blank();

async function present(item, { phase = "rating", choice = draftOf(item), correcting = null } = {}) {
  Object.assign(state, { item, phase, choice, correcting, ready: false, compared: false, commenting: false });
  player.take(null);
  const sound = sounds.ready.get(item.audio) ?? (await hear(item));
  if (state.item !== item) return;
  Object.assign(state, { ready: true, since: performance.now() });
  player.take(sound);
  showSpeed(player.speed);
  show();
  preload();
}

async function hear(item) {
  show();
  for (let wait = 1; state.item === item; wait = Math.min(15, 2 * wait)) {
    try {
      const sound = await sounds.get(item.audio);
      if (state.note?.kind === "unheard") state.note = null;
      return sound;
    } catch {
      if (state.item === item) note("unheard");
      if (state.phase === "rating" && state.correcting === null) await skipIfGone(item);
    }
    await sleep(wait);
  }
  return null;
}

/** The server takes damaged recordings off the list. */
async function skipIfGone(item) {
  const next = await client.next().catch(() => null);
  if (next && state.item === item && next.item?.id !== item.id && !outbox.entries().length) stored(next, []);
}

function preload() {
  const items = state.phase === "practice" ? [state.session.training[state.practice + 1]] : state.ahead;
  items.filter(Boolean).forEach((item) => sounds.get(item.audio).catch(() => {}));
}

// What the server says

function stored(next, notes) {
  const { item, following, previous, n_done, n_items } = next;
  Object.assign(state, { ahead: [item, following].filter(Boolean), previous, n_done, n_items, trouble: "" });
  state.note = notes.length ? notes[notes.length - 1] : null;
  if (state.phase === "rating" && (state.correcting !== null || state.item.id === item?.id)) {
    show();
    preload();
  } else if (item) present(item);
  else finish();
}

function finish() {
  player.take(null);
  Object.assign(state, { item: null, correcting: null });
  enterPhase("done");
}

function trouble({ kind }) {
  if (kind === "link") enterPhase("unknown");
  else if (kind === "conflict") pause();
  else {
    const known = ["network", "full", "away"].includes(kind) ? kind : "away";
    state.trouble = outbox.entries().length ? `unsaved_${known}` : "unreachable";
    if (state.phase === "saving") goOn();
    else show();
  }
}

/** Go on without an answer, as far as recordings are here. */
function goOn() {
  const [item] = state.ahead;
  if (item && sounds.ready.has(item.audio)) present(item);
  else {
    player.take(null);
    enterPhase("waiting");
  }
}

async function pause() {
  if (state.phase === "paused") return;
  player.take(null);
  enterPhase("paused");
  while (state.phase === "paused") {
    await sleep(POLL_S);
    const session = await client.session().catch(() => ({ paused: true }));
    if (state.phase === "paused" && !session.paused) resume();
  }
}

function resume() {
  if (state.begun) proceed();
  else welcome();
}

function proceed() {
  enterPhase("loading");
  outbox.deliver();
}

// What the rater does

function choose(change) {
  if (!["practice", "rating"].includes(state.phase) || state.compared) return;
  Object.assign(state.choice, change);
  if (change.cannot_tell) Object.assign(state.choice, { activation: null, valence: null, emotion: null });
  else if (change.activation || change.emotion) state.choice.cannot_tell = false;
  state.note = null;
  if (state.phase === "rating" && state.correcting === null) keepDraft(token, state.item.id, state.choice);
  show();
}

function confirm() {
  const { choice, phase } = state;
  if (!["practice", "rating"].includes(phase)) return;
  if (!choice.cannot_tell && choice.activation === null) note("choose_first");
  else if (!state.ready && !choice.cannot_tell) note("unheard");
  else if (phase === "practice") compare();
  else send();
}

function send() {
  const seconds = state.ready ? Math.round((performance.now() - state.since) / 10) / 100 : 0;
  const rating = { item: state.item.id, ...state.choice, comment: state.choice.comment.trim(), seconds };
  if (state.correcting !== null) rating.corrects = state.correcting;
  else {
    state.ahead = state.ahead.filter((item) => item.id !== state.item.id);
    state.n_done += 1;
    state.paces = [...state.paces, seconds].slice(-N_PACES);
  }
  state.note = null;
  enterPhase("saving");
  const { item } = state;
  setTimeout(() => state.phase === "saving" && state.item === item && trouble({ kind: "away" }), SLOW_MS);
  outbox.add(rating);
}

function undo() {
  if (state.correcting !== null) {
    state.note = null;
    if (state.ahead.length) present(state.ahead[0]);
    else finish();
  } else if (state.may_undo) {
    const { rating, ...item } = state.previous;
    const choice = Object.fromEntries(Object.entries(blank()).map(([key, value]) => [key, rating[key] ?? value]));
    state.note = null;
    present(item, { choice, correcting: rating.revision });
  }
}

function comment() {
  if (!state.session.settings.comment || !["practice", "rating"].includes(state.phase)) return;
  state.commenting = find("comment").hidden;
  show();
  if (state.commenting) find("comment").focus();
}

// From the first word to the first recording

function begin() {
  player.unlock();
  const { trained, training } = state.session;
  const practising = !state.begun && !trained && training.length > 0;
  state.begun = true;
  if (practising) practise(0);
  else proceed();
}

function welcome() {
  enterPhase("welcome");
  if (state.session.trained || !state.session.training.length) fetchAhead();
  else sounds.get(state.session.training[0].audio).catch(() => {});
}

function practise(n) {
  state.practice = n;
  if (n < state.session.training.length) {
    present({ id: `practice ${n}`, ...state.session.training[n] }, { phase: "practice", choice: blank() });
    return;
  }
  player.take(null);
  state.item = null;
  patiently(() => client.trained()).catch(() => {}); // a link that is gone is told by what comes next
  fetchAhead();
  enterPhase("between");
}

function compare() {
  if (state.compared) practise(state.practice + 1);
  else {
    state.compared = true;
    show();
  }
}

function fetchAhead() {
  client.next().then(({ item, following }) => [item, following].filter(Boolean).forEach((each) => {
    sounds.get(each.audio).catch(() => {});
  })).catch(() => {}); // it is asked again when it is needed
}

async function start() {
  const languages = await patiently(readLanguages);
  find("language").replaceChildren(...languages.map(({ code, name }) => new Option(name, code)));
  const chosen = keptLanguage();
  await useLanguage(firstKnown([chosen, ...navigator.languages]));
  try {
    state.session = await patiently(() => client.session());
  } catch {
    enterPhase("unknown");
    return;
  }
  const { session } = state;
  Object.assign(state, { n_done: session.n_done, n_items: session.n_items });
  square = new Square(find("square"), { continuous: session.settings.continuous, changed: choose });
  makeEmotions(session.settings.emotions, (emotion) => {
    choose({ emotion: state.choice.emotion === emotion ? null : emotion });
  });
  await useLanguage(firstKnown([chosen, session.language, ...navigator.languages]));
  if (session.paused) pause();
  else welcome();
}

async function useLanguage(code) {
  await patiently(() => speak(code));
  find("language").value = code;
  showSpeed(player.speed);
  show();
}

const ACTIONS = {
  play: () => player.playFrom(0),
  confirm,
  undo,
  comment,
  help: () => state.session && openHelp(state.session.settings),
  up: (large) => square.move(1, 0, large),
  down: (large) => square.move(-1, 0, large),
  left: (large) => square.move(0, -1, large),
  right: (large) => square.move(0, 1, large),
  "cannot-tell": () => choose({ cannot_tell: !state.choice.cannot_tell }),
  speed: () => {
    player.nextSpeed();
    showSpeed(player.speed);
  },
};

function pressed(event) {
  const { target, key } = event;
  if (target.matches("select")) return;
  if (find("help").open) {
    if (!target.matches("button") && ["help", "confirm"].includes(actionOf(event)?.name)) find("help").close();
    return;
  }
  if (target.matches("input[type=text]")) {
    if (key === "Enter" || key === "Escape") {
      event.preventDefault();
      state.commenting = false;
      show();
      square.focus();
    }
    return;
  }
  if (target.matches("button") && [" ", "Enter"].includes(key)) return; // the button's own
  const action = actionOf(event);
  if (!action) return;
  if (find("rating").hidden) {
    if (action.name === "help") ACTIONS.help();
    if (action.name === "confirm" && !find("panel-button").hidden) begin();
    return;
  }
  if (event.repeat && ["confirm", "undo"].includes(action.name)) return; // a key held down confirms once
  event.preventDefault();
  const emotion = state.session.settings.emotions[action.value - 1];
  if (action.name !== "emotion") ACTIONS[action.name](event.shiftKey);
  else if (emotion) choose({ emotion: state.choice.emotion === emotion ? null : emotion });
}

const BUTTONS = {
  play: ACTIONS.play, speed: ACTIONS.speed, confirm, undo, "comment-button": comment, "panel-undo": undo,
  "cannot-tell": ACTIONS["cannot-tell"], "help-button": ACTIONS.help, "panel-button": begin,
};
Object.entries(BUTTONS).forEach(([id, action]) => find(id).addEventListener("click", () => action()));
find("rating").addEventListener("click", (event) => {
  // After the mouse or a finger, keys are the page's again and not the last button's.
  if (event.detail && event.target.closest("button") && !state.commenting) square.focus();
});
find("comment").addEventListener("input", (event) => choose({ comment: event.target.value }));
find("language").addEventListener("change", async (event) => {
  keepLanguage(event.target.value);
  await useLanguage(event.target.value);
});
document.addEventListener("keydown", pressed);
start();
