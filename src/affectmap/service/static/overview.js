// All recordings of the page: a list, and a map of those that have a place.

import { AffectMap, hasPlace, OVER_TIME, placeWords, UTTERANCE } from "./map.js";
import { element, placeOf, silenceOf } from "./words.js";

const STATES = { waiting: "waits", measuring: "is measured", failed: "failed", cancelled: "cancelled" };

const find = (id) => document.getElementById(id);

/** Say where a recording lies, or why that is nowhere; `write` writes a place. */
function told(answer, write) {
  const place = placeOf(answer);
  return silenceOf(answer) || (hasPlace(place) ? write(place) : "no values");
}

/** `recordings` are shown; `play` plays the one that is chosen, `offer` gives rows as CSV. */
export class Overview {
  constructor(recordings, { play, offer }) {
    Object.assign(this, { recordings, offer, lines: new Map(), selection: null, title: "" });
    this.map = new AffectMap(find("overview-map"), {
      play,
      choose: (i) => this.choose(i),
      select: (points, title) => this.select(points.map((i) => this.shown[i]), title),
      toggle: (i) => this.toggle(this.shown[i]),
      clear: () => this.select(null, ""),
    });
    const drag = find("drag");
    if (matchMedia("(pointer: coarse)").matches) drag.value = "scroll";
    drag.addEventListener("change", () => this.map.setDrag(drag.value));
    this.map.setDrag(drag.value);
    find("show-all").addEventListener("click", () => this.select(null, ""));
  }

  choose(i) {
    const each = this.shown[i];
    this.recordings.choose(each);
    find("said").textContent = `${each.name}: ${told(each.answer, placeWords)}`;
  }

  select(recordings, title) {
    Object.assign(this, { selection: recordings, title });
    this.show();
  }

  /** Add a recording to those chosen by hand, or take it out. */
  toggle(each) {
    const own = new Set(this.title.endsWith("by hand") ? this.selection : []);
    if (!own.delete(each)) own.add(each);
    this.select(own.size ? [...own] : null, own.size ? `${own.size} chosen by hand` : "");
  }

  show() {
    const { all, chosen, done } = this.recordings;
    find("overview").hidden = all.length < 2;
    this.selection = this.selection?.filter((each) => all.includes(each)) ?? null;
    this.shown = done;
    this.showList();
    const selected = this.selection ?? done;
    this.offer("download-all", "recordings", selected.flatMap((each) => each.answer.rows));
    find("download-all").textContent = this.selection ? "Download these as CSV" : "Download all as CSV";
    find("selected").textContent = this.title;
    find("show-all").hidden = !this.selection;
    const points = done.map(({ name, answer }) => (
      { name, ...placeOf(answer), mark: answer.isTrack ? OVER_TIME : UTTERANCE, silence: silenceOf(answer) }
    ));
    this.map.show(`${points.length} recordings`, `Map of ${points.length} recordings: valence to the right, activation upwards`, points, {
      current: done.indexOf(chosen),
      chosen: this.selection && Uint8Array.from(done, (each) => this.selection.includes(each)),
    });
  }

  showList() {
    const { all, chosen } = this.recordings;
    [...this.lines].filter(([each]) => !all.includes(each)).forEach(([each, { line }]) => {
      line.remove();
      this.lines.delete(each);
    });
    all.forEach((each) => {
      if (!this.lines.has(each)) this.lines.set(each, this.line(each));
      const { line, pick, values } = this.lines.get(each);
      line.hidden = Boolean(this.selection) && !this.selection.includes(each);
      pick.disabled = each.state !== "done";
      pick.setAttribute("aria-pressed", each === chosen);
      const share = each.state === "measuring" && each.share ? ` (${Math.round(100 * each.share)} %)` : "";
      if (each.state === "done") values.textContent = told(each.answer, ({ activation, valence }) => `${activation.toFixed(1)} / ${valence.toFixed(1)}`);
      else values.textContent = each.state === "failed" ? each.error.message : STATES[each.state] + share;
    });
  }

  line(each) {
    const line = document.createElement("li");
    const pick = element("button", each.name, { type: "button", class: "pick" });
    const values = element("span", "", { class: "hint" });
    const remove = element("button", "×", { type: "button", class: "remove", "aria-label": `Remove ${each.name}` });
    pick.addEventListener("click", () => this.recordings.choose(each));
    remove.addEventListener("click", () => {
      this.recordings.remove(each);
      find("list").querySelector("button:not(:disabled)")?.focus();
    });
    line.append(pick, values, remove);
    find("list").append(line);
    return { line, pick, values };
  }
}
