// What the browser keeps for the page: the language, and in this window a choice that is not confirmed yet.
// Where it keeps nothing, as some do in private windows, the page does without.

const LANGUAGE = "affectmap-language";

function read(store, name) {
  try {
    return store().getItem(name);
  } catch {
    return null;
  }
}

function write(store, name, value) {
  try {
    store().setItem(name, value);
  } catch {
    // Then it is not kept.
  }
}

const always = () => localStorage; // to touch it at all may be refused
const inWindow = () => sessionStorage;

/** The language that was chosen, or null. */
export const keptLanguage = () => read(always, LANGUAGE);

/** Keep the language that is chosen. */
export const keepLanguage = (code) => write(always, LANGUAGE, code);

/** What was marked for a recording before a refresh, or null. */
export function keptDraft(token, id) {
  const draft = JSON.parse(read(inWindow, `affectmap-draft:${token}`) ?? "null");
  return draft?.id === id ? draft.choice : null;
}

/** Keep what is marked for a recording. */
export function keepDraft(token, id, choice) {
  write(inWindow, `affectmap-draft:${token}`, JSON.stringify({ id, choice }));
}
