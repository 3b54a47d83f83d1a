"use strict";
/* The list of points beside the maps, and what it is as CSV. */

class List {
  constructor(data, hooks) {
    Object.assign(this, { data, hooks, points: [], at: -1 });
    this.box = document.getElementById("list");
    this.title = document.getElementById("list-title");
    this.more = document.getElementById("more");
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("click", (event) => {
      const row = event.target.closest("[role=option]");
      if (row) this.hooks.choose(this.points[Number(row.dataset.at)], { play: true });
    });
  }

  show(points, title) {
    this.points = points;
    this.title.textContent = title;
    this.more.textContent = points.length > List.LONGEST ? `The first ${List.LONGEST} stand here; the exported list has all.` : "";
    const emotion = this.data.fact("emotion");
    this.box.replaceChildren(
      ...points.slice(0, List.LONGEST).map((i, at) => {
        const row = document.createElement("div");
        row.setAttribute("role", "option");
        row.id = `row-${at}`;
        row.dataset.at = at;
        row.setAttribute("aria-selected", "false");
        for (const text of [Columns.shortName(this.data, i), emotion ? Columns.text(emotion, i) : "", this.place(i), Columns.flagged(this.hooks.map(), i)]) {
          row.appendChild(document.createElement("span")).textContent = text; // the last, flags, has a line of its own
        }
        row.firstChild.title = this.data.names[i];
        return row;
      }),
    );
    this.mark(this.hooks.current());
  }

  place(i) {
    const map = this.hooks.map();
    if (map.states[i] === 2) return ""; // its flags say why
    return Columns.hasPlace(map, i) ? `${map.activation[i].toFixed(1)} / ${map.valence[i].toFixed(1)}` : "no place";
  }

  /* Marks the row of a point, where it is in the list, and scrolls to it. */
  mark(point) {
    this.box.querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
    this.at = point < 0 ? -1 : this.points.indexOf(point);
    const row = this.at >= 0 ? this.box.children[this.at] : null;
    if (row) {
      row.setAttribute("aria-selected", "true");
      this.box.setAttribute("aria-activedescendant", row.id);
      const top = row.offsetTop, bottom = top + row.offsetHeight;
      if (top < this.box.scrollTop) this.box.scrollTop = top;
      else if (bottom > this.box.scrollTop + this.box.clientHeight) this.box.scrollTop = bottom - this.box.clientHeight;
    } else this.box.removeAttribute("aria-activedescendant");
  }

  key(event) {
    const last = Math.min(this.points.length, List.LONGEST) - 1;
    const to = { ArrowDown: this.at + 1, ArrowUp: this.at - 1, Home: 0, End: last, PageDown: this.at + 10, PageUp: this.at - 10 }[event.key];
    if (to !== undefined && last >= 0) {
      event.preventDefault();
      this.hooks.choose(this.points[Math.max(0, Math.min(last, to))], { play: false });
    } else if ((event.key === "Enter" || event.key === " ") && this.at >= 0) {
      event.preventDefault();
      this.hooks.choose(this.points[this.at], { play: true });
    }
  }

  /* The list as CSV: facts, ratings, and places on the maps shown. */
  csv(maps) {
    const { data } = this;
    const columns = [["file", (i) => data.names[i]]];
    for (const fact of data.facts) columns.push([fact.name, (i) => (fact.kind === "number" ? exact(fact.values[i]) : Columns.text(fact, i))]);
    for (const label of ["activation", "valence"]) columns.push([label, (i) => exact(data.ratings[label][i])]);
    for (const map of maps.filter((each) => !each.isRatings)) {
      for (const label of ["activation", "valence"]) columns.push([`${map.name}: ${label}`, (i) => exact(map[label][i])]);
      if (map.classes) columns.push([`${map.name}: class`, (i) => Columns.text(map.classes, i)]);
    }
    const lines = [columns.map(([name]) => name), ...this.points.map((i) => columns.map(([, value]) => value(i)))];
    return lines.map((cells) => cells.map(cell).join(",") + "\n").join("");
  }
}

List.LONGEST = 300;

const exact = (value) => (value === value ? String(Number(value.toPrecision(7))) : "");

/* A cell of CSV; a text that a spreadsheet would take for a formula has an apostrophe before it. */
function cell(value) {
  let text = String(value);
  const isNumber = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(text);
  if (/^'*\s*[=+\-@＝＋－＠]./s.test(text) && !isNumber) text = `'${text}`;
  return /[,;|"\r\n\t\ufeff]|^\s|\s$|^sep=/i.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
