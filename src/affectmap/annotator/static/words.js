// Words in the rater's language, from one JSON file a language; elements say which they show:
// data-words for their text, data-label for their name to screen readers.

import { base } from "./base.js";

const FALLBACK = "en";
const speech = { known: [], code: FALLBACK, texts: {} };

async function json(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return response.json();
}

/** Learn which languages there are: a list of {code, name, direction}. */
export async function readLanguages() {
  speech.known = await json(`${base}/api/languages`);
  return speech.known;
}

/** The first of some languages that is known; regions (de-AT) are let go. */
export function firstKnown(codes) {
  const plain = codes.filter(Boolean).map((code) => code.toLowerCase().split("-")[0]);
  return plain.find((code) => speech.known.some((each) => each.code === code)) ?? FALLBACK;
}

/** Show the page in a language. */
export async function speak(code) {
  speech.texts = await json(`${base}/static/languages/${code}.json`);
  speech.code = code;
  document.documentElement.lang = code;
  document.documentElement.dir = speech.texts.direction;
  document.title = word("title");
  document.querySelectorAll("[data-words]").forEach((node) => {
    node.textContent = word(node.dataset.words);
  });
  document.querySelectorAll("[data-label]").forEach((node) => {
    node.setAttribute("aria-label", word(node.dataset.label));
    if (node.tagName === "BUTTON") node.title = word(node.dataset.label);
  });
}

/** A text with its gaps filled: {n} by values.n. */
export function word(key, values = {}) {
  const text = speech.texts[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (gap, name) => values[name] ?? gap);
}

/** An emotion's name, in the rater's language where it has one. */
export function emotionWord(emotion) {
  return speech.texts[`emotion_${emotion}`] ?? emotion;
}

/** A number as it is written in the language. */
export function number(value, digits = 2) {
  return new Intl.NumberFormat(speech.code, { maximumFractionDigits: digits }).format(value);
}
