// What is shown, all of it from the state, so that it can be shown again in another language.

import { emotionWord, number, word } from "./words.js";
import { keyTable } from "./keys.js";

export const find = (id) => document.getElementById(id);

const RATING_PHASES = ["practice", "rating", "saving"];

const PANELS = {
  loading: () => ({ title: word("loading") }),
  welcome: ({ session }) => {
    const values = { rater: session.rater };
    if (session.n_done || session.trained) {
      const done = word("back_done", { n: number(session.n_done), all: number(session.n_items) });
      return { title: word("back", values), texts: [done], button: word("go_on") };
    }
    const keys = ["about", "about_up", "about_right", "about_how", "about_place"];
    if (session.training.length) keys.push("about_practice");
    const texts = [...keys, "about_stored"].map((key) => word(key, { n: number(session.training.length) }));
    return { title: word("hello", values), texts, button: word("begin") };
  },
  between: () => ({ title: word("practice_over"), texts: [word("practice_over_hint")], button: word("start") }),
  waiting: () => ({ title: word("loading"), texts: [word("waiting")] }),
  paused: () => ({ title: word("paused"), texts: [word("paused_hint")] }),
  done: ({ n_done, previous }) => ({
    title: word("done"), texts: [word("done_hint", { n: number(n_done) })], undo: Boolean(previous),
  }),
  unknown: () => ({ title: word("unknown_link"), texts: [word("unknown_link_hint")] }),
};

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  return made;
}

function fill(id, text) {
  // What says the same is left alone, or screen readers would say it again.
  if (find(id).textContent !== text) find(id).textContent = text;
}

/** Show all of the state; the focus moves when the phase or the recording does. */
export function render(state, square) {
  const rating = RATING_PHASES.includes(state.phase);
  document.body.dataset.phase = state.phase;
  find("rating").hidden = !rating;
  find("panel").hidden = rating;
  showProgress(state);
  find("trouble").hidden = !state.trouble;
  fill("trouble", state.trouble ? word(state.trouble) : "");
  if (rating) showRating(state, square);
  else showPanel(state);
  const shown = `${state.phase === "saving" ? "rating" : state.phase} ${state.item?.id ?? ""} ${state.practice}`;
  if (find("rating").dataset.shown === shown) return;
  find("rating").dataset.shown = shown;
  window.scrollTo(0, 0); // where the sound and the square are
  if (rating) square.focus();
  else find(find("panel-button").hidden ? "panel-title" : "panel-button").focus({ preventScroll: true });
}

function showPanel(state) {
  const { title, texts = [], button = "", undo = false } = PANELS[state.phase](state);
  fill("panel-title", title);
  find("panel-text").replaceChildren(...texts.map((text) => element("p", text)));
  fill("panel-button", button);
  find("panel-button").hidden = !button;
  find("panel-undo").hidden = !undo;
}

function showProgress({ phase, session, practice, n_done, n_items, paces }) {
  const counting = session && ["rating", "saving", "waiting", "done", "paused"].includes(phase);
  const practising = phase === "practice";
  const [n, all] = practising ? [practice + 1, session.training.length] : [n_done, n_items];
  const values = { n: number(n), all: number(all) };
  fill("count", practising ? word("practice", values) : counting ? word("progress", values) : word("title"));
  find("progress").max = Math.max(1, all);
  find("progress").value = practising ? practice : n_done;
  const pace_s = median(paces) ?? session?.pace_s;
  const known = counting && pace_s && n_done < n_items;
  const minutes = Math.ceil(((n_items - n_done) * pace_s) / 60);
  const parts = known ? [word("pace", { pace: number(60 / pace_s, 1) }), word("left", { minutes: number(minutes) })] : [];
  find("pace").replaceChildren(...parts.map((text) => element("span", text)));
}

function median(values) {
  if (values.length < 3) return null;
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)];
}

function showRating(state, square) {
  const { choice, session } = state;
  const marked = choice.activation !== null;
  find("rating").dataset.item = state.item.id;
  find("rating").toggleAttribute("data-ready", state.ready);
  square.enabled = state.phase !== "saving" && !state.compared;
  square.set(marked ? { activation: choice.activation, valence: choice.valence } : null);
  square.tell(word("unchosen"));
  square.mark(state.compared ? session.training[state.practice] : null);
  const place = { activation: number(choice.activation ?? 0), valence: number(choice.valence ?? 0) };
  fill("place", choice.cannot_tell ? word("cannot_tell") : marked ? word("place", place) : word("unchosen"));
  find("place").classList.toggle("chosen", marked || choice.cannot_tell);
  fill("note", noteOf(state));
  fill("status", state.note ? word(state.note.kind, state.note) : "");
  find("cannot-tell").setAttribute("aria-pressed", choice.cannot_tell);
  showEmotions(state);
  showComment(state);
  const correcting = state.correcting !== null;
  find("undo").textContent = word(correcting ? "keep" : "undo");
  find("undo").disabled = !correcting && !state.may_undo;
  find("confirm").textContent = word(state.phase === "saving" ? "saving" : state.compared ? "next" : "confirm");
  find("confirm").setAttribute("aria-disabled", !(marked || choice.cannot_tell) || state.phase === "saving");
}

function noteOf({ session, practice, compared, correcting }) {
  if (correcting !== null) return word("correcting");
  if (!compared) return "";
  const { activation, valence, note } = session.training[practice];
  const told = word("reference", { activation: number(activation), valence: number(valence) });
  return note ? `${told} ${note}` : told;
}

function showEmotions({ choice, session }) {
  find("emotions").querySelectorAll("button").forEach((button, i) => {
    const emotion = session.settings.emotions[i];
    button.querySelector("span").textContent = emotionWord(emotion);
    button.setAttribute("aria-pressed", choice.emotion === emotion);
  });
}

function showComment({ choice, commenting, session }) {
  const open = commenting || choice.comment !== "";
  find("comment-button").hidden = !session.settings.comment;
  find("comment-button").setAttribute("aria-expanded", open);
  find("comment").hidden = !open;
  find("comment").placeholder = word("comment_hint");
  if (find("comment").value !== choice.comment) find("comment").value = choice.comment;
}

/** Make the buttons of the emotions, once they are known. */
export function makeEmotions(emotions, chosen) {
  find("emotions").hidden = !emotions.length;
  find("emotions").replaceChildren(...emotions.map((emotion, i) => {
    const button = element("button", "", { type: "button", "aria-pressed": false });
    button.append(element("span", ""));
    if (i < 9) {
      button.setAttribute("aria-keyshortcuts", i + 1);
      button.append(element("kbd", i + 1, { "aria-hidden": true }));
    }
    button.addEventListener("click", () => chosen(emotion));
    return button;
  }));
}

/** Show the speed on its button. */
export function showSpeed(speed) {
  find("speed").textContent = `${number(speed)}×`;
  find("speed").setAttribute("aria-label", word("speed", { speed: number(speed) }));
}

/** Open the help, with the keys that there are. */
export function openHelp(settings) {
  const rows = keyTable(word, settings).flatMap(([keys, does]) => {
    const term = element("dt", "");
    term.append(element("kbd", keys));
    return [term, element("dd", does)];
  });
  find("keys").replaceChildren(...rows);
  find("help").showModal();
}
