"use strict";
/* One map: axes, points stamped into a picture, and above them what is chosen, arrows and the lasso. */

class Chart {
  /* Puts an empty map into a container; `view` and `hooks` are shared by the maps beside each other. */
  constructor(container, data, view, hooks) {
    Object.assign(this, { data, view, hooks, map: null, lasso: null });
    this.root = document.createElement("figure");
    this.root.className = "chart";
    this.caption = this.root.appendChild(document.createElement("figcaption"));
    this.plot = this.root.appendChild(document.createElement("div"));
    this.plot.className = "plot";
    this.plot.tabIndex = 0;
    this.plot.setAttribute("role", "application");
    this.plot.setAttribute("aria-describedby", "help");
    this.base = this.plot.appendChild(document.createElement("canvas"));
    this.over = this.plot.appendChild(document.createElement("canvas"));
    this.tip = this.plot.appendChild(document.createElement("div"));
    this.tip.className = "tip";
    this.tip.hidden = true;
    for (const canvas of [this.base, this.over]) canvas.setAttribute("aria-hidden", "true");
    this.zoomButtons();
    container.append(this.root);
    this.listen();
  }

  zoomButtons() {
    const bar = this.root.insertBefore(document.createElement("div"), this.plot);
    bar.className = "zoom";
    this.root.style.position = "relative";
    for (const [sign, name, factor] of [["+", "Zoom in", 0.7], ["−", "Zoom out", 1 / 0.7], ["⟲", "Show all", 0]]) {
      const button = bar.appendChild(document.createElement("button"));
      button.type = "button";
      button.textContent = sign;
      button.setAttribute("aria-label", name);
      button.title = name;
      button.addEventListener("click", () => (factor ? this.zoom(factor) : this.hooks.showAll()));
    }
  }

  show(map) {
    this.map = map;
    map.grid ||= new Grid(map, this.data.n);
    this.plot.setAttribute("aria-label", `Map of ${map.name}: valence to the right, activation upwards`);
  }

  /* Says above the map what it is, how far it is off, and how many points it has no place for. */
  describe() {
    const { map, hooks } = this;
    const bold = document.createElement("b");
    bold.textContent = bold.title = map.name;
    this.caption.replaceChildren(bold, `${this.meanErrors()} `);
    const missing = hooks.shownPoints().filter((i) => !Columns.hasPlace(map, i));
    if (missing.length) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `${missing.length} without a place here`;
      button.addEventListener("click", () => hooks.select(missing, `${missing.length} without a place on this map`));
      this.caption.append(button);
    }
  }

  meanErrors() {
    const { map, data } = this;
    if (!map.errors || !data.hasRatings) return map.isRatings ? "what people rated" : "";
    const sums = [0, 0];
    let n = 0;
    for (const i of this.hooks.shownPoints()) {
      if (map.errors.distance[i] !== map.errors.distance[i]) continue;
      sums[0] += Math.abs(map.errors.activation[i]), sums[1] += Math.abs(map.errors.valence[i]), n++;
    }
    if (!n) return "no point here is rated";
    const [activation, valence] = sums.map((sum) => (sum / n).toFixed(2));
    const silent = this.hooks.shownPoints().filter((i) => map.states?.[i] === 2 && map.errors.distance[i] === map.errors.distance[i]).length;
    const told = silent ? `, ${silent} of them silent or without speech` : "";
    return `mean error: activation ${activation}, valence ${valence} (${n.toLocaleString("en")} rated${told})`;
  }

  resize() {
    const box = this.plot.getBoundingClientRect();
    this.ratio = Math.min(window.devicePixelRatio || 1, 2);
    this.width = Math.max(120, Math.round(box.width * this.ratio));
    this.height = Math.max(120, Math.round(box.height * this.ratio));
    for (const canvas of [this.base, this.over]) Object.assign(canvas, { width: this.width, height: this.height });
    this.stamps = null;
  }

  /* Where values lie in the picture: pixels a unit, and the middle of the plot. */
  place() {
    const r = this.ratio, [left, right, top, bottom] = [46 * r, 12 * r, 10 * r, 44 * r];
    const width = this.width - left - right, height = this.height - top - bottom;
    const scale = Math.min(width, height) / this.view.span;
    return { left, top, width, height, scale, x: left + width / 2 - this.view.x * scale, y: top + height / 2 + this.view.y * scale };
  }

  pixel(i) {
    const { scale, x, y } = this.place();
    return [x + this.map.valence[i] * scale, y - this.map.activation[i] * scale];
  }

  value(px, py) {
    const { scale, x, y } = this.place();
    return [(px * this.ratio - x) / scale, (y - py * this.ratio) / scale];
  }

  draw() {
    const c = this.base.getContext("2d", { willReadFrequently: true });
    const { colours, dark } = this.hooks.theme();
    c.fillStyle = colours.ground;
    c.fillRect(0, 0, this.width, this.height);
    this.axes(c, colours, dark);
    const picture = c.getImageData(0, 0, this.width, this.height);
    this.points(picture.data, colours.ground, dark);
    c.putImageData(picture, 0, 0);
    this.overlay();
  }

  axes(c, colours, dark) {
    const { left, top, width, height, scale, x, y } = this.place(), r = this.ratio;
    const { ends, labels, labels_dark } = this.data.about.style;
    c.save();
    c.lineWidth = r;
    c.font = `${12 * r}px system-ui, sans-serif`;
    // Marks stand where there are values: from 1 to 5.
    const step = this.view.span > 3 ? 1 : this.view.span > 1.2 ? 0.5 : this.view.span > 0.5 ? 0.2 : 0.1;
    const digits = step < 1 ? 1 : 0;
    const ticks = (low, high) => {
      const found = [], [least, most] = this.data.about.style.range;
      for (let k = Math.ceil(Math.max(low, least) / step - 1e-9); k * step <= Math.min(high, most) + 1e-9; k++) found.push(k * step);
      return found;
    };
    c.textAlign = "center";
    for (const value of ticks((left - x) / scale, (left + width - x) / scale)) {
      this.tick(c, colours, value === 3, x + value * scale, top, 0, height);
      c.fillText(Columns.number(value, digits), x + value * scale, top + height + 16 * r);
    }
    c.textAlign = "right";
    for (const value of ticks((y - top - height) / scale, (y - top) / scale)) {
      this.tick(c, colours, value === 3, left, y - value * scale, width, 0);
      c.fillText(Columns.number(value, digits), left - 6 * r, y - value * scale + 4 * r);
    }
    c.textAlign = "center";
    const title = (label) => `${ends[label][0]} ← ${label} → ${ends[label][1]}`;
    const ink = (label) => (dark ? labels_dark : labels)[label];
    c.fillStyle = ink("valence");
    c.fillText(title("valence"), left + width / 2, this.height - 8 * r);
    c.fillStyle = ink("activation");
    c.translate(15 * r, top + height / 2);
    c.rotate(-Math.PI / 2);
    c.fillText(title("activation"), 0, 0);
    c.restore();
  }

  tick(c, colours, isMiddle, x, y, dx, dy) {
    c.strokeStyle = isMiddle ? colours.muted : colours.rule;
    c.globalAlpha = isMiddle ? 0.55 : 0.7;
    c.beginPath();
    c.moveTo(x, y);
    c.lineTo(x + dx, y + dy);
    c.stroke();
    c.globalAlpha = 1;
    c.fillStyle = colours.muted;
  }

  /* Radius of a point in pixels of the picture: smaller where there are many, larger where the map is near. */
  radius() {
    const { n, radius } = this.data, near = Math.min(2.2, Math.max(1, Math.sqrt(4.8 / this.view.span)));
    const most = radius || Math.min(n > 30000 ? 1.6 * near : n > 8000 ? 2.2 * near : n > 2500 ? 3 * near : 3.6 * near, 5);
    return most * this.ratio * (this.width / this.ratio < 420 ? 0.85 : 1);
  }

  /* Stamps every shown point into the pixels of a picture: first those that are dimmed. */
  points(pixels, ground, dark) {
    const { marks, codes } = this.hooks.scale(), { width } = this;
    const r = this.radius(), key = [width, r, dark, ground];
    if (!this.stamps || this.stamps.marks !== marks || this.stamps.key.some((each, k) => each !== key[k])) {
      const { n } = this.data, hasEdge = n <= 30000 || r > 2.5 * this.ratio;
      // Those of points without flags, of flagged ones, and of those that say nothing of affect.
      const all = [...marks, ...marks, Marks.NO_AFFECT];
      const made = (share, each = all) => each.map((mark, k) => Marks.stamp(mark, r, width, dark, ground, share, hasEdge, k >= marks.length));
      const pale = all.map((mark) => ({ ...mark, colour: Marks.mixed(mark.colour, ground, 0.8) }));
      this.stamps = { marks, key, bright: made(n > 8000 ? 1 : 0.92), dim: hasEdge ? made(0.17) : made(1, pale) };
    }
    const { left, top, width: w, height: h, scale, x, y } = this.place(), margin = Math.ceil(r * 1.4 + 1);
    const { shown, chosen } = this.hooks.sets(), { order, xs, ys } = this.ordered(), { states } = this.map, n = marks.length;
    const [x0, x1] = [Math.max(left, margin), Math.min(left + w, width - margin - 1)];
    const [y0, y1] = [Math.max(top, margin), Math.min(top + h, this.height - margin - 1)];
    const words = new Uint32Array(pixels.buffer), bytes = new Uint8Array(pixels.buffer);
    for (const bright of chosen ? [0, 1] : [1]) {
      const stamps = bright ? this.stamps.bright : this.stamps.dim;
      for (let k = 0; k < order.length; k++) {
        const i = order[k];
        if (shown[i] === 0 || (chosen !== null && chosen[i] !== bright)) continue;
        const px = (x + xs[k] * scale + 0.5) | 0, py = (y - ys[k] * scale + 0.5) | 0;
        if (px >= x0 && px <= x1 && py >= y0 && py <= y1) Marks.put(bytes, words, stamps[states && states[i] ? (states[i] === 2 ? 2 * n : n + codes[i]) : codes[i]], py * width + px);
      }
    }
  }

  /* Places in the order in which they are drawn; one that is missing is far away. */
  ordered() {
    const { map, hooks: { order } } = this;
    map.drawn ||= {
      order,
      xs: Float32Array.from(order, (i) => (Columns.hasPlace(map, i) ? map.valence[i] : 1e6)),
      ys: Float32Array.from(order, (i) => (Columns.hasPlace(map, i) ? map.activation[i] : 1e6)),
    };
    return map.drawn;
  }

  /* Draws what changes with every move: arrows, the chosen point, the lasso. */
  overlay() {
    const c = this.over.getContext("2d"), { colours } = this.hooks.theme(), r = this.ratio;
    c.clearRect(0, 0, this.width, this.height);
    const { left, top, width, height } = this.place();
    c.save();
    c.beginPath();
    c.rect(left, top, width, height);
    c.clip();
    this.hooks.beneath?.(c);
    for (const i of this.hooks.arrowed()) this.arrow(c, i, colours.ink, 0.5);
    const i = this.hooks.current();
    if (i >= 0) {
      this.arrow(c, i, colours.ink, 1);
      if (Columns.hasPlace(this.map, i)) {
        const [px, py] = this.pixel(i);
        c.strokeStyle = colours.ink;
        c.lineWidth = 2 * r;
        c.beginPath();
        c.arc(px, py, this.radius() + 4.5 * r, 0, 7);
        c.stroke();
      }
    }
    if (this.lasso) this.drawLasso(c, colours);
    c.restore();
  }

  /* An arrow from where people rated a point to where this map puts it. */
  arrow(c, i, ink, alpha) {
    const { ratings } = this.data, r = this.ratio;
    if (this.map.isRatings || !(ratings.valence[i] === ratings.valence[i] && ratings.activation[i] === ratings.activation[i])) return;
    if (!Columns.hasPlace(this.map, i)) return;
    const { scale, x, y } = this.place(), [px, py] = this.pixel(i);
    const rx = x + ratings.valence[i] * scale, ry = y - ratings.activation[i] * scale;
    const length = Math.hypot(px - rx, py - ry), stop = this.radius() + (alpha === 1 ? 6 : 1.5) * r;
    c.save();
    c.globalAlpha = alpha;
    c.strokeStyle = c.fillStyle = ink;
    c.lineWidth = (alpha === 1 ? 1.6 : 1) * r;
    if (alpha === 1) {
      c.strokeRect(rx - 4.5 * r, ry - 4.5 * r, 9 * r, 9 * r);
      c.setLineDash([3 * r, 2.5 * r]);
    }
    if (length > stop + 4 * r) {
      const ux = (px - rx) / length, uy = (py - ry) / length, tx = px - ux * stop, ty = py - uy * stop;
      c.beginPath();
      c.moveTo(rx + ux * (alpha === 1 ? 5 : 0) * r, ry + uy * (alpha === 1 ? 5 : 0) * r);
      c.lineTo(tx, ty);
      c.stroke();
      c.setLineDash([]);
      c.beginPath();
      c.moveTo(tx, ty);
      c.lineTo(tx - (6 * ux + 3 * uy) * r, ty - (6 * uy - 3 * ux) * r);
      c.lineTo(tx - (6 * ux - 3 * uy) * r, ty - (6 * uy + 3 * ux) * r);
      c.fill();
    }
    c.restore();
  }

  drawLasso(c, colours) {
    const { scale, x, y } = this.place();
    c.beginPath();
    for (const [valence, activation] of this.lasso) c.lineTo(x + valence * scale, y - activation * scale);
    c.closePath();
    c.strokeStyle = colours.link;
    c.lineWidth = 1.5 * this.ratio;
    c.stroke();
    c.globalAlpha = 0.1;
    c.fillStyle = colours.link;
    c.fill();
    c.globalAlpha = 1;
  }

  /* The point at a place of the screen, or -1. */
  at(event) {
    const box = this.plot.getBoundingClientRect();
    const reach = event.pointerType === "touch" ? 22 : 11;
    const [x, y] = this.value(event.clientX - box.left, event.clientY - box.top);
    const { shown } = this.hooks.sets();
    return this.map.grid.nearest(x, y, (reach * this.ratio) / this.place().scale, (i) => shown[i] === 1);
  }

  listen() {
    const { plot } = this;
    plot.addEventListener("pointermove", (event) => this.moved(event));
    plot.addEventListener("pointerdown", (event) => this.pressed(event));
    plot.addEventListener("pointerup", (event) => this.released(event));
    plot.addEventListener("pointercancel", () => this.stopped());
    plot.addEventListener("pointerleave", () => this.hooks.hover(-1, this));
    plot.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    plot.addEventListener("keydown", (event) => this.key(event));
  }

  pressed(event) {
    if (event.button !== 0) return;
    const box = this.plot.getBoundingClientRect();
    const mode = event.shiftKey ? "move" : this.hooks.drag();
    this.press = { mode, x: event.clientX, y: event.clientY, view: { ...this.view }, moved: false, left: box.left, top: box.top };
    if (mode !== "scroll") this.plot.setPointerCapture(event.pointerId);
  }

  moved(event) {
    const { press } = this;
    if (!press) return this.hooks.hover(this.at(event), this);
    const dx = event.clientX - press.x, dy = event.clientY - press.y;
    if (!press.moved && Math.hypot(dx, dy) < 5) return;
    press.moved = true;
    if (press.mode === "move") {
      const { scale } = this.place();
      this.view.x = press.view.x - (dx * this.ratio) / scale;
      this.view.y = press.view.y + (dy * this.ratio) / scale;
      this.hooks.redraw();
    } else if (press.mode === "lasso") {
      this.lasso ||= [this.value(press.x - press.left, press.y - press.top)];
      this.lasso.push(this.value(event.clientX - press.left, event.clientY - press.top));
      this.overlay();
    }
  }

  released(event) {
    const { press, lasso } = this;
    this.stopped();
    if (!press) return;
    if (lasso && lasso.length > 2) {
      const { shown } = this.hooks.sets();
      const found = this.map.grid.inside(lasso, (i) => shown[i] === 1);
      this.hooks.select(found, `${found.length.toLocaleString("en")} in the lasso`);
    } else if (!press.moved) {
      const i = this.at(event);
      if (i >= 0) this.hooks.choose(i, { play: true, chart: this });
    }
  }

  stopped() {
    this.press = this.lasso = null;
    this.overlay();
  }

  wheel(event) {
    if (!event.ctrlKey && document.activeElement !== this.plot) return; // the page scrolls
    event.preventDefault();
    const box = this.plot.getBoundingClientRect();
    this.zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) / 200), this.value(event.clientX - box.left, event.clientY - box.top));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    const { hooks } = this, i = hooks.chosenPoint();
    if (way) this.step(i, way);
    else if (event.key === "Enter" || event.key === " ") i >= 0 && hooks.play(i);
    else if (event.key === "+" || event.key === "=") this.zoom(0.7);
    else if (event.key === "-") this.zoom(1 / 0.7);
    else if (event.key === "0") hooks.showAll();
    else if (event.key.toLowerCase() === "s" && i >= 0) hooks.toggle(i);
    else if (event.key === "Escape") hooks.clear();
    else return;
    event.preventDefault();
  }

  /* Goes to the next point in a direction, or to the middle one of the view where none is chosen. */
  step(from, [dx, dy]) {
    const { hooks, map, view } = this;
    const isKnown = from >= 0 && Columns.hasPlace(map, from);
    const to = isKnown ? map.grid.next(from, dx, dy, hooks.isReached) : map.grid.nearest(view.x, view.y, 9, hooks.isReached);
    if (to >= 0) hooks.step(to, this);
  }

  /* Changes the span by a factor, around a place of values or the middle. */
  zoom(factor, around = [this.view.x, this.view.y]) {
    const span = Math.min(9, Math.max(0.2, this.view.span * factor)), share = span / this.view.span;
    this.view.x = around[0] + (this.view.x - around[0]) * share;
    this.view.y = around[1] + (this.view.y - around[1]) * share;
    this.view.span = span;
    this.hooks.redraw();
  }

  /* Shows the name of a point beside it; nothing for -1. */
  label(i) {
    this.tip.hidden = i < 0 || !Columns.hasPlace(this.map, i);
    if (this.tip.hidden) return;
    const [x, y] = this.pixel(i).map((each) => each / this.ratio);
    const emotion = this.data.fact("emotion");
    this.tip.textContent = [Columns.shortName(this.data, i), emotion && Columns.text(emotion, i), Columns.flagged(this.map, i)].filter(Boolean).join(" · ");
    const width = this.width / this.ratio;
    this.tip.style.left = x > width / 2 ? "auto" : `${x + 12}px`;
    this.tip.style.right = x > width / 2 ? `${width - x + 12}px` : "auto";
    this.tip.style.top = `${Math.max(0, y - 30)}px`;
  }
}
