// The organiser's page: shows what the server tells and asks for changes. All text is set as text, never as HTML.

import { base } from "./base.js";

const EVERY_MS = 10000;
const at = (id) => document.getElementById(id);
let csrf = "";
let address = "";

function make(tag, content = "", properties = {}) {
  const element = document.createElement(tag);
  element.append(...[content].flat());
  return Object.assign(element, properties);
}

function tell(text, alert = false) {
  at("status").textContent = text;
  at("status").className = alert ? "alert" : "";
}

async function ask(path, body) {
  const headers = { "X-CSRF-Token": csrf };
  const options = { method: "POST", headers };
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const response = await fetch(`${base}/organiser/${path}`, body === null ? {} : options);
  const answer = response.status === 204 ? {} : await response.json();
  if (response.status === 401) location.reload();
  if (!response.ok) throw new Error(answer.detail);
  return answer;
}

/** Ask for a change, say what came of it, and show the new state. */
async function change(path, body, done) {
  try {
    const answer = await ask(path, body);
    tell(done(answer));
    await show();
    return true;
  } catch (error) {
    tell(error.message, true);
    return false;
  }
}

async function copy(rater) {
  const link = (address || location.origin + base) + rater.link;
  try {
    await navigator.clipboard.writeText(link);
    tell(`${rater.name}'s link is copied.`);
  } catch {
    tell(`${rater.name}'s link: ${link}`);
  }
}

const steps = (number) => number.toFixed(2);

function consistency(found) {
  return found ? `${steps(found.activation)} · ${steps(found.valence)} (${found.n})` : "–";
}

function row(rater) {
  const verb = rater.paused ? "resume" : "pause";
  const bar = make("progress", "", { max: Math.max(rater.n_items, 1), value: rater.n_done, ariaLabel: "done" });
  const link = make("button", "Copy link", { ariaLabel: `Copy the link of ${rater.name}`, onclick: () => copy(rater) });
  const pause = make("button", rater.paused ? "Resume" : "Pause", {
    ariaLabel: `${rater.paused ? "Resume" : "Pause"} ${rater.name}`,
    onclick: () => change(`raters/${rater.id}/${verb}`, undefined, () => `${rater.name}: ${verb}d.`),
  });
  const state = rater.paused ? " (paused)" : rater.trained || rater.n_done ? "" : " (not begun)";
  return make("tr", [
    make("td", rater.name + state, { className: "name" }),
    make("td", [bar, `${rater.n_done} of ${rater.n_items}`]),
    make("td", rater.pace_s === null ? "–" : `${rater.pace_s.toFixed(1)} s`),
    make("td", consistency(rater.consistency)),
    make("td", rater.last ? new Date(rater.last).toLocaleString() : "–"),
    make("td", link),
    make("td", pause),
  ]);
}

function showAgreement(found) {
  const { columns = [], rows = [], warnings = [], note = "" } = found ?? {};
  at("agreement-note").textContent = note;
  at("agreement").replaceChildren(
    make("thead", make("tr", columns.map((name) => make("th", name, { scope: "col" })))),
    make("tbody", rows.map((cells) => make("tr", cells.map((cell) => make("td", cell))))),
  );
  at("warnings").replaceChildren(...warnings.map((warning) => make("li", warning)));
}

async function show() {
  const state = await ask("state", null);
  ({ csrf, address } = state);
  at("folder").textContent = state.folder;
  const focused = document.activeElement?.ariaLabel;
  at("raters").replaceChildren(...state.raters.map(row));
  if (focused) document.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
  showAgreement(state.agreement);
  at("exports").replaceChildren(
    ...Object.entries(state.exports).map(([name, title]) =>
      make("a", title, { className: "button", href: `${base}/organiser/export/${name}`, download: name }),
    ),
  );
  at("recordings").textContent = `${state.n_recordings} to rate, ${state.passed_over.length} passed over.`;
  at("passed").replaceChildren(
    ...[...state.notes, ...state.passed_over.map(({ file, note }) => `${file}: ${note}`)].map((text) => make("li", text)),
  );
}

at("add").addEventListener("submit", async (event) => {
  event.preventDefault();
  const name = at("name").value.trim();
  if (await change("raters", { name }, () => `${name} is added; copy the link from the table.`)) at("add").reset();
});
at("scan").addEventListener("click", () => change("scan", undefined, ({ n_recordings: n }) => `${n} recordings to rate.`));
at("leave").addEventListener("click", async () => {
  await ask("logout");
  location.reload();
});

async function keepShowing() {
  try {
    await show();
  } catch (error) {
    tell(`The server does not answer (${error.message}); trying again.`, true);
  }
  setTimeout(keepShowing, EVERY_MS);
}

keepShowing();
