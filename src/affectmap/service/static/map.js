// The maps of this page: all are that of `affectmap explore`, whose scripts the page has read before this module.

/* global Chart, Columns */

const ALL = { x: 3, y: 3, span: 4.8 };
const ENDS = { activation: ["calm", "excited"], valence: ["unpleasant", "pleasant"] };
const CORNERS = [["tense", 1, 5], ["lively", 5, 5], ["dull", 1, 1], ["relaxed", 5, 1]];
const MARKS = [{ colour: "#1661a8", shape: "circle" }, { colour: "#1661a8", shape: "square" }];
/** The marks of points: an utterance, and a recording over time. */
export const [UTTERANCE, OVER_TIME] = [0, 1];

function theme() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const colours = Object.fromEntries(["ink", "muted", "rule", "ground", "accent", "activation", "valence"].map((name) => [name, colour(name)]));
  return { colours: { ...colours, link: colours.accent }, dark: matchMedia("(prefers-color-scheme: dark)").matches };
}

/**
 * A map of points, each with a name, activation, valence, mark, and `silence`, which says why the place tells nothing of a
 * voice or is empty. `act` says what it does: `choose(i)`, `play(i)`, `select(points, title)`, `toggle(i)`, `clear()`; what
 * is missing does nothing.
 */
export class AffectMap {
  constructor(container, act = {}) {
    Object.assign(this, { act, points: [], chosen: null, current: -1, hovered: -1, box: null, trail: [], drag: "move" });
    this.theme = theme();
    const { activation, valence } = this.theme.colours;
    const labels = { activation, valence };
    this.data = {
      n: 0, radius: 6, names: [], hasRatings: false, fact: () => undefined, ratings: { activation: [], valence: [] },
      about: { style: { range: [1, 5], ends: ENDS, labels, labels_dark: labels } },
    };
    this.view = { ...ALL };
    this.chart = new Chart(container, this.data, this.view, this.hooks());
    new ResizeObserver(() => this.draw()).observe(this.chart.plot);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.theme = theme();
      Object.assign(labels, { activation: this.theme.colours.activation, valence: this.theme.colours.valence });
      this.draw();
    });
  }

  hooks() {
    const nothing = () => {};
    const { choose = nothing, play = nothing, select = nothing, toggle = nothing, clear = nothing } = this.act;
    return {
      order: [],
      theme: () => this.theme,
      scale: () => ({ marks: MARKS, codes: this.points.map((each) => each.mark) }),
      sets: () => ({ shown: this.points.map(() => 1), chosen: this.chosen }),
      shownPoints: () => this.points.map((_, i) => i),
      current: () => (this.hovered >= 0 ? this.hovered : this.current),
      chosenPoint: () => this.current,
      isReached: (i) => !this.chosen || this.chosen[i] === 1,
      arrowed: () => [],
      drag: () => this.drag,
      hover: (i) => this.hover(i),
      choose: (i) => choose(i),
      step: (i) => choose(i),
      beneath: (c) => this.beneath(c),
      showAll: () => this.showAll(),
      redraw: () => this.draw(),
      select, play, toggle, clear,
    };
  }

  /** Show points under a name; `label` says in words what is seen. */
  show(name, label, points, { chosen = null, current = -1, box = null, trail = [] } = {}) {
    Object.assign(this, { points, chosen, current, box, trail });
    Object.assign(this.data, { n: points.length, names: points.map((each) => each.name) });
    this.chart.hooks.order = points.map((_, i) => i);
    const column = (key) => Float32Array.from(points, (each) => each[key] ?? NaN);
    const silences = points.map((each) => each.silence ?? "");
    this.chart.show({
      name, activation: column("activation"), valence: column("valence"),
      states: silences.map((words) => (words ? 2 : 0)), flags: { levels: silences, values: [...silences.keys()] },
    });
    this.chart.plot.setAttribute("aria-label", label);
    this.chart.describe();
    this.draw();
  }

  setDrag(drag) {
    this.drag = this.chart.plot.dataset.drag = drag;
  }

  showAll() {
    Object.assign(this.view, ALL);
    this.draw();
  }

  draw() {
    if (!this.chart.map || !this.chart.plot.clientWidth) return; // it is hidden, and drawn when it is shown
    this.chart.resize();
    this.chart.draw();
    this.chart.label(this.hovered);
  }

  hover(i) {
    if (i === this.hovered) return;
    this.hovered = i;
    this.chart.overlay();
    this.chart.label(i);
  }

  /** Draw what lies below the chosen point: words in the corners, an interval, the way that a voice came. */
  beneath(c) {
    const { scale, x, y } = this.chart.place();
    const { colours } = this.theme;
    const r = this.chart.ratio;
    const at = (valence, activation) => [x + valence * scale, y - activation * scale];
    c.fillStyle = colours.muted;
    c.font = `${13 * r}px system-ui, sans-serif`;
    CORNERS.forEach(([word, valence, activation]) => {
      const [px, py] = at(valence, activation);
      c.textAlign = valence === 1 ? "left" : "right";
      c.fillText(word, px + (valence === 1 ? 6 : -6) * r, py + (activation === 1 ? -6 : 15) * r);
    });
    c.strokeStyle = c.fillStyle = colours.accent;
    if (this.box) {
      const [[x1, y1], [x2, y2]] = [at(this.box.valence[0], this.box.activation[1]), at(this.box.valence[1], this.box.activation[0])];
      c.lineWidth = r;
      c.strokeRect(x1, y1, x2 - x1, y2 - y1);
      c.globalAlpha = 0.14;
      c.fillRect(x1, y1, x2 - x1, y2 - y1);
      c.globalAlpha = 1;
    }
    c.lineWidth = 2 * r;
    c.globalAlpha = 0.5;
    c.beginPath();
    this.trail.forEach((each, i) => {
      if (each) c[this.trail[i - 1] ? "lineTo" : "moveTo"](...at(each.valence, each.activation));
    });
    c.stroke();
    c.globalAlpha = 1;
  }
}

/** Whether something has a place. */
export const hasPlace = (place) => Boolean(place) && [place.activation, place.valence].every(Number.isFinite);

/** Write a place in words. */
export const placeWords = ({ activation, valence }) => `activation ${Columns.number(activation, 1)}, valence ${Columns.number(valence, 1)}`;
