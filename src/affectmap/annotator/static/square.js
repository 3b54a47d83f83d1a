// The square: activation up, valence right, both from 1 to 5. It lies the same way round in every language, also where
// text runs from right to left: its words stand at its edges, and ratings of all raters must mean the same.

const LOW = 1;
const HIGH = 5;
const MIDDLE = 3;
const MARGIN = 6;
const SIZE = 100;
const NAMESPACE = "http://www.w3.org/2000/svg";

const along = (value) => MARGIN + ((value - LOW) / (HIGH - LOW)) * (SIZE - 2 * MARGIN);
const within = (value) => Math.min(HIGH, Math.max(LOW, value));
const tidy = (value) => Math.round(value * 100) / 100;

function add(parent, name, attributes) {
  const element = document.createElementNS(NAMESPACE, name);
  Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
  parent.append(element);
  return element;
}

/** A square in a place of the page; `changed` is called when the rater moves the point. */
export class Square {
  constructor(place, { continuous, changed }) {
    this.place = place;
    this.changed = changed;
    this.click = continuous ? 0.01 : 0.5;
    this.step = continuous ? 0.05 : 0.5;
    this.point = null;
    this.enabled = true;
    this.draw();
    this.listen();
  }

  draw() {
    const svg = document.createElementNS(NAMESPACE, "svg");
    svg.setAttribute("viewBox", `0 0 ${SIZE} ${SIZE}`);
    svg.setAttribute("aria-hidden", "true");
    const side = SIZE - 2 * MARGIN;
    add(svg, "rect", { class: "ground", x: 0.5, y: 0.5, width: SIZE - 1, height: SIZE - 1, rx: 3 });
    const centre = along(MIDDLE);
    add(svg, "path", { class: "middle", d: `M${centre} ${MARGIN}v${side}M${MARGIN} ${centre}h${side}` });
    for (let row = LOW; row <= HIGH; row += 0.5) {
      for (let column = LOW; column <= HIGH; column += 0.5) {
        const whole = Number.isInteger(row) && Number.isInteger(column);
        add(svg, "circle", { class: "tick", cx: along(column), cy: along(row), r: whole ? 1 : 0.55 });
      }
    }
    this.cross = add(svg, "path", { class: "cross" });
    this.reference = add(svg, "circle", { class: "reference", r: 5 });
    this.dot = add(svg, "circle", { class: "point", r: 3.8 });
    this.place.replaceChildren(svg, ...this.sliders());
    this.svg = svg;
    this.mark(null);
    this.set(null);
  }

  /** Two sliders that are not seen: what screen readers and the keyboard's focus hold on to. */
  sliders() {
    this.ends = ["activation", "valence"].map((label) => {
      const slider = document.createElement("input");
      const about = { type: "range", min: LOW, max: HIGH, step: this.click, class: "unseen", id: label };
      Object.entries(about).forEach(([key, value]) => slider.setAttribute(key, value));
      slider.dataset.label = label;
      if (label === "activation") slider.setAttribute("aria-orientation", "vertical");
      slider.addEventListener("input", () => {
        this.choose({ activation: MIDDLE, valence: MIDDLE, ...this.point, [label]: Number(slider.value) });
      });
      return slider;
    });
    return this.ends;
  }

  listen() {
    const { place } = this;
    const follow = (event) => this.choose(this.under(event));
    place.addEventListener("pointerdown", (event) => {
      if (!this.enabled || event.button !== 0) return;
      event.preventDefault();
      this.focus();
      place.setPointerCapture(event.pointerId);
      follow(event);
    });
    place.addEventListener("pointermove", (event) => {
      if (this.enabled && place.hasPointerCapture(event.pointerId)) follow(event);
    });
  }

  under(event) {
    const box = this.svg.getBoundingClientRect();
    const value = (share) => {
      const exact = LOW + ((share * SIZE - MARGIN) / (SIZE - 2 * MARGIN)) * (HIGH - LOW);
      return tidy(within(Math.round(exact / this.click) * this.click));
    };
    const across = (event.clientX - box.left) / box.width;
    const down = (event.clientY - box.top) / box.height;
    return { activation: value(1 - down), valence: value(across) };
  }

  choose(point) {
    if (!this.enabled) return;
    this.set(point);
    this.changed(point);
  }

  /** Move by steps, from the middle where nothing is marked. */
  move(up, right, large) {
    const step = large ? 0.5 : this.step;
    const { activation, valence } = this.point ?? { activation: MIDDLE, valence: MIDDLE };
    this.choose({ activation: tidy(within(activation + up * step)), valence: tidy(within(valence + right * step)) });
  }

  /** Show a point, or none. */
  set(point) {
    this.point = point;
    [this.dot, this.cross].forEach((node) => node.toggleAttribute("hidden", !point));
    this.ends.forEach((slider) => {
      slider.value = point?.[slider.id] ?? MIDDLE;
    });
    if (!point) return;
    const [x, y] = [along(point.valence), SIZE - along(point.activation)];
    this.dot.setAttribute("cx", x);
    this.dot.setAttribute("cy", y);
    this.cross.setAttribute("d", `M${x} 1V${SIZE - 1}M1 ${y}H${SIZE - 1}`);
  }

  /** Show a reference to compare with, or none. */
  mark(reference) {
    this.reference.toggleAttribute("hidden", !reference);
    if (!reference) return;
    this.reference.setAttribute("cx", along(reference.valence));
    this.reference.setAttribute("cy", SIZE - along(reference.activation));
  }

  /** Say the point in words to screen readers. */
  tell(text) {
    this.ends.forEach((slider) => {
      slider.setAttribute("aria-valuetext", this.point ? String(this.point[slider.id]) : text);
    });
  }

  focus() {
    this.ends[0].focus({ preventScroll: true });
  }
}
