"use strict";
/* The page: its state, its controls, and what a key or a click does. */

class Page {
  constructor(data, source) {
    this.data = data;
    this.state = { colour: "", corpus: "", flags: "", query: "", selection: null, title: "", current: -1, hovered: -1 };
    this.view = { x: 3, y: 3, span: 4.8 };
    this.shown = new Uint8Array(data.n).fill(1);
    this.chosen = null;
    this.order = shuffled(data.n);
    this.colours();
    this.list = new List(data, { choose: (i, how) => this.choose(i, how), current: () => this.state.current, map: () => this.map });
    this.sound = new Sound(data, source, () => this.theme, (text) => this.say(text, true));
    this.charts = [0, 1].map(() => new Chart(document.getElementById("charts"), data, this.view, this.hooks()));
    this.controls();
    this.change();
    const watch = new ResizeObserver(() => this.resized());
    for (const chart of this.charts) watch.observe(chart.plot);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (this.colours(), this.legend(), this.redraw()));
  }

  get map() { return this.charts[0].map; }

  get maps() { return this.charts.filter((chart) => !chart.root.hidden).map((chart) => chart.map); }

  hooks() {
    return {
      order: this.order,
      theme: () => this.theme,
      scale: () => this.scale,
      sets: () => this,
      shownPoints: () => this.points(),
      current: () => (this.state.hovered >= 0 ? this.state.hovered : this.state.current),
      arrowed: () => (element("arrows").checked ? this.list.points.slice(0, 400) : []),
      drag: () => element("drag").value,
      hover: (i, chart) => this.hover(i, chart),
      choose: (i, how) => this.choose(i, how),
      select: (points, title) => this.select(points, title),
      redraw: () => this.redraw(),
      showAll: () => this.showAll(),
      chosenPoint: () => this.state.current,
      isReached: (i) => this.shown[i] === 1 && (!this.chosen || this.chosen[i] === 1),
      step: (i, chart) => this.choose(i, { play: element("hover").checked, chart }),
      play: (i) => this.sound.play(i),
      toggle: (i) => this.toggle(i),
      clear: () => this.clear(),
    };
  }

  colours() {
    const style = getComputedStyle(document.documentElement);
    const found = Object.fromEntries(["ink", "muted", "rule", "ground", "link"].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    if (found.ground.length === 4) found.ground = "#" + [...found.ground.slice(1)].map((digit) => digit + digit).join("");
    this.theme = { colours: found, dark: matchMedia("(prefers-color-scheme: dark)").matches };
  }

  controls() {
    const { data } = this;
    fill("map", data.maps.map((map, k) => [k, map.name]));
    fill("beside", [["", "(one map)"], ...data.maps.map((map, k) => [k, map.name])]);
    const corpora = data.fact("corpus")?.levels || [];
    fill("corpus", [["", "all"], ...corpora.map((name, k) => [k, name])]);
    element("corpus").parentElement.hidden = corpora.length < 2;
    this.flagChoices();
    element("beside").parentElement.hidden = data.maps.length < 2;
    element("worst").hidden = element("arrows").parentElement.hidden = !(data.hasRatings && data.maps.some((map) => map.errors));
    if (matchMedia("(pointer: coarse)").matches) element("drag").value = "scroll";
    for (const name of ["map", "beside", "colour", "corpus", "flags"]) element(name).addEventListener("change", () => this.change());
    element("drag").addEventListener("change", () => this.dragMode());
    element("arrows").addEventListener("change", () => this.charts.forEach((chart) => chart.root.hidden || chart.overlay()));
    for (const name of ["input", "change"]) element("find").addEventListener(name, () => this.find());
    element("worst").addEventListener("click", () => this.worst());
    element("export").addEventListener("click", () => this.export());
    element("controls").addEventListener("submit", (event) => event.preventDefault());
    this.sources();
    this.dragMode();
  }

  /* All points, those without flags, those with any, and those with one. */
  flagChoices() {
    const there = new Set();
    for (const map of this.data.maps) for (const level of map.flags?.levels || []) for (const name of level.split(", ")) there.add(name);
    there.delete("none");
    fill("flags", [["", "any or none"], ["none", "none"], ["some", "some"], ...[...there].sort().map((name) => [`=${name}`, name])]);
    element("flags").parentElement.hidden = !there.size;
  }

  hasFlags(i, wanted) {
    const { map } = this;
    if (wanted === "" || !map.flags) return true;
    if (wanted[0] === "=") return Columns.flagged(map, i).split(", ").includes(wanted.slice(1));
    return (map.states[i] > 0) === (wanted === "some");
  }

  dragMode() { for (const chart of this.charts) chart.plot.dataset.drag = element("drag").value; }

  sources() {
    const { maps, about } = this.data;
    const line = (text) => Object.assign(document.createElement("p"), { textContent: text });
    element("sources").replaceChildren(
      ...maps.map((map) => line(`${map.name}: ${map.how}`)),
      ...about.notes.map((note) => line(note.endsWith(".") ? note : `${note}.`)),
      line(`Activation (how calm or excited) and valence (how unpleasant or pleasant) run from 1 to 5; 3 is the middle. A square is where people rated a point, a circle where the map puts it. A hollow point is flagged; the place of a crossed ring, silent or without speech, says nothing of affect. affectmap ${about.version}.`),
    );
  }

  /* Takes over what the controls say. */
  change() {
    const { data, state, charts } = this;
    const beside = element("beside").value;
    charts[0].show(data.maps[Number(element("map").value)]);
    charts[1].root.hidden = beside === "";
    if (beside !== "") charts[1].show(data.maps[Number(beside)]);
    this.colourChoices();
    const corpus = element("corpus").value, flags = element("flags").value;
    if (corpus !== state.corpus || flags !== state.flags) Object.assign(state, { corpus, flags, selection: null, title: "" });
    const of = data.fact("corpus");
    for (let i = 0; i < data.n; i++) this.shown[i] = (corpus === "" || of.values[i] === Number(corpus)) && this.hasFlags(i, flags) ? 1 : 0;
    for (const name of ["map", "beside"]) element(name).title = element(name).selectedOptions[0]?.textContent || "";
    this.legend();
    for (const chart of charts) if (!chart.root.hidden) chart.describe();
    this.refresh();
    this.resized();
    this.details();
  }

  colourChoices() {
    const choices = Marks.choices(this.data, this.map), before = element("colour").value;
    fill("colour", choices);
    element("colour").value = choices.some(([key]) => key === before) ? before : choices[0]?.[0] ?? "";
    this.state.colour = element("colour").value;
    this.scale = Marks.scale(this.data, this.map, this.state.colour);
  }

  legend() {
    const { marks, codes } = this.scale, { dark, colours } = this.theme, { states } = this.map, points = this.points();
    const ofMarks = marks.map(() => []);
    for (const i of points) if (states[i] !== 2) ofMarks[codes[i]].push(i);
    const flagged = { label: "flagged", colour: colours.muted, shape: "circle", isHollow: true };
    const items = [
      ...marks.map((mark, k) => [mark, ofMarks[k]]),
      [flagged, points.filter((i) => states[i] === 1)],
      [{ ...Marks.NO_AFFECT, label: Flags.silences.join(" or ") }, points.filter((i) => states[i] === 2)],
    ].filter(([, those]) => those.length);
    element("legend").replaceChildren(
      ...items.map(([mark, those]) => {
        const count = those.length;
        const button = document.createElement("button");
        button.type = "button";
        button.setAttribute("aria-pressed", "false");
        const canvas = Object.assign(button.appendChild(document.createElement("canvas")), { width: 32, height: 32 });
        Marks.draw(canvas.getContext("2d"), mark, 16, 16, 9, Marks.onGround(mark.colour, dark), mark.isHollow ? colours.ground : "");
        button.append(mark.label + " ");
        button.appendChild(document.createElement("small")).textContent = count.toLocaleString("en");
        button.addEventListener("click", () => {
          const pressed = button.getAttribute("aria-pressed") === "true";
          if (pressed) return this.select(null, "");
          this.select(those, `${count.toLocaleString("en")}: ${mark.label}`);
          button.setAttribute("aria-pressed", "true");
        });
        return button;
      }),
    );
  }

  /* The points of the corpus chosen. */
  points() {
    const found = [];
    for (let i = 0; i < this.data.n; i++) if (this.shown[i]) found.push(i);
    return found;
  }

  find() {
    const query = element("find").value.trim().toLowerCase();
    if (query === this.state.query) return; // a press elsewhere ends the search; the list must not be made anew below it
    this.state.query = query;
    this.refresh();
    this.redraw();
  }

  select(points, title) {
    Object.assign(this.state, { selection: points, title });
    for (const button of element("legend").children) button.setAttribute("aria-pressed", "false");
    this.refresh();
    this.redraw();
  }

  /* Works out the list from selection and search, and which points are bright. */
  refresh() {
    const { state, data } = this;
    let points = state.selection || this.points();
    let title = state.selection ? state.title : `${points.length.toLocaleString("en")} points`;
    if (state.query) {
      const words = state.query.split(/\s+/), texts = Columns.searchable(data);
      points = points.filter((i) => words.every((word) => texts[i].includes(word)));
      title = `${points.length.toLocaleString("en")} found${state.selection ? ` in: ${state.title}` : ""}`;
    }
    this.chosen = null;
    if (state.selection || state.query) {
      this.chosen = new Uint8Array(data.n);
      for (const i of points) this.chosen[i] = 1;
    }
    this.list.show(points, title);
  }

  worst() {
    const { errors, name, states } = this.map.errors ? this.map : this.data.maps.find((map) => map.errors);
    const all = this.points().filter((i) => errors.distance[i] === errors.distance[i]), rated = all.filter((i) => states[i] !== 2);
    const without = all.length > rated.length ? `; ${all.length - rated.length} silent or without speech left out` : "";
    const found = rated.sort((a, b) => errors.distance[b] - errors.distance[a]).slice(0, 20);
    this.select(found, `${found.length} furthest from their ratings (${name})${without}`);
    if (found.length) this.choose(found[0], { play: false });
  }

  export() {
    const address = URL.createObjectURL(new Blob([this.list.csv(this.maps)], { type: "text/csv" }));
    const link = Object.assign(document.createElement("a"), { href: address, download: "list.csv" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
    this.say(`${this.list.points.length} rows written to list.csv`);
  }

  hover(i, chart) {
    if (i === this.state.hovered) return;
    this.state.hovered = i;
    for (const each of this.charts) if (!each.root.hidden) each.overlay(), each.label(each === chart ? i : -1);
    this.details();
    if (i >= 0 && element("hover").checked) this.sound.play(i);
  }

  /* Makes a point the chosen one, and plays it if asked. */
  choose(i, { play, chart = null }) {
    Object.assign(this.state, { current: i, hovered: -1 });
    for (const each of this.charts) if (!each.root.hidden) each.overlay(), each.label(each === chart ? i : -1);
    this.list.mark(i);
    this.details();
    this.say(i < 0 ? "nothing is chosen" : this.lines(i).map(([name, text]) => `${name} ${text}`).join(", "));
    if (play) this.sound.play(i);
  }

  /* What is known of a point, as pairs of a name and a text. */
  lines(i) {
    const { data } = this;
    const found = [["file", data.names[i]]];
    for (const fact of data.facts) {
      if (fact.name === "flags" && this.map.flags) continue;
      const text = Columns.text(fact, i);
      if (text) found.push([fact.name === "length" ? "length, s" : fact.name, text]);
    }
    if (Columns.flagged(this.map, i)) found.push(["flags", Columns.flagged(this.map, i)]);
    const rated = ["activation", "valence"].map((label) => data.ratings[label][i]);
    const isRated = rated.every((value) => value === value);
    if (data.hasRatings) found.push(["rated", isRated ? places(rated, 1) : "not rated"]);
    const maps = this.maps.filter((map) => !map.isRatings);
    for (const map of maps) {
      const name = maps.length > 1 ? (map === this.map ? "map" : "beside") : "on the map";
      const text = map.classes ? Columns.text(map.classes, i) : "", own = Columns.flagged(map, i);
      const flags = map !== this.map && own && own !== Columns.flagged(this.map, i) ? `, ${own}` : "";
      const values = [map.activation[i], map.valence[i]];
      if (!Columns.hasPlace(map, i)) found.push([name, "no place"]);
      else if (map.states[i] === 2) found.push([name, `says nothing of affect (${places(values, 2)})`]);
      else found.push([name, places(values, 2) + (text ? `, ${text} (of ${map.classes.among})` : "") + flags]);
      if (isRated && Columns.hasPlace(map, i) && map.states[i] !== 2) found.push(["off by", places(values.map((value, k) => value - rated[k]), 1, true)]);
    }
    return found;
  }

  details() {
    const i = this.state.hovered >= 0 ? this.state.hovered : this.state.current;
    const lines = i < 0 ? [] : this.lines(i);
    if (i >= 0 && this.sound.failed && i === this.sound.point) lines.push(["sound", this.sound.failed]);
    element("details").replaceChildren(
      ...lines.flatMap(([name, text]) => ["dt", "dd"].map((tag, k) => Object.assign(document.createElement(tag), { textContent: [name, text][k] }))),
    );
    this.sound.choose(i);
  }

  say(text, refresh = false) {
    element("said").textContent = text;
    if (refresh) this.details();
  }

  /* Adds a point to the list that was made by hand, or takes it out. */
  toggle(i) {
    const own = new Set(this.state.selection && this.state.title.endsWith("by hand") ? this.state.selection : []);
    if (!own.delete(i)) own.add(i);
    this.select([...own], `${own.size} chosen by hand`);
    if (!own.size) this.select(null, "");
  }

  clear() {
    element("find").value = this.state.query = "";
    this.select(null, "");
    this.choose(-1, { play: false });
    this.sound.audio.pause();
  }

  showAll() {
    Object.assign(this.view, { x: 3, y: 3, span: 4.8 });
    this.redraw();
  }

  resized() {
    for (const chart of this.charts) if (!chart.root.hidden) chart.resize();
    this.sound.draw();
    this.redraw();
  }

  redraw() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.drawNow();
    });
  }

  drawNow() {
    for (const chart of this.charts) {
      if (chart.root.hidden) continue;
      chart.draw();
      chart.tip.hidden = true;
    }
  }
}

/* Activation and valence as text. */
function places(values, digits, signed = false) {
  const [activation, valence] = values.map((value) => (signed && value >= 0 ? "+" : "") + Columns.number(value, digits));
  return `activation ${activation}, valence ${valence}`;
}

const element = (name) => document.getElementById(name);

function fill(name, pairs) {
  element(name).replaceChildren(...pairs.map(([value, text]) => Object.assign(document.createElement("option"), { value, textContent: text })));
}

/* Numbers from 0 in an order that is always the same and has nothing to do with them, so that no corpus lies on top. */
function shuffled(n) {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  let seed = 1;
  for (let i = n - 1; i > 0; i--) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const j = seed % (i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

async function open() {
  const inside = document.getElementById("about");
  if (inside) {
    const data = Columns.read(JSON.parse(inside.textContent), Columns.bytesOf(element("data").textContent).buffer);
    return new Page(data, data.sounds ? new SoundsInside(data) : new SoundsNowhere());
  }
  const [about, bytes] = await Promise.all([fetch("data.json").then((answer) => answer.json()), fetch("data.bin").then((answer) => answer.arrayBuffer())]);
  const data = Columns.read(about, bytes);
  return new Page(data, new SoundsServed(data));
}

open().then((page) => {
  window.explorer = page;
  document.body.dataset.ready = "true";
});
