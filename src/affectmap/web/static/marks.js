"use strict";
/* Colours and shapes: every colour has a second sign, a shape or its lightness. */

const Marks = (() => {
  const SHAPES = ["circle", "square", "triangle", "diamond", "down", "plus", "cross", "star"];
  const OTHERS = ["down", "plus", "cross", "star"];
  /* Colours for names of any kind, apart for each kind of colour blindness; after them the next shape begins. */
  const NAMES = ["#1661a8", "#cf8a00", "#b01e52", "#00876b", "#444a52", "#4aa3df", "#b0559a"];
  const MOST = NAMES.length * SHAPES.length;
  /* From below through none to above, and from little to much. */
  const BELOW_ABOVE = [["#1661a8", "down"], ["#7fb2de", "down"], ["#8c949e", "circle"], ["#f09a72", "triangle"], ["#b3261e", "triangle"]];
  const LITTLE_MUCH = ["#c9b6e0", "#9d8fd0", "#6f74bd", "#3f5f9f", "#1d3f6e"];
  const NOTHING = ["#8c949e", "dot"];
  /* A point whose place says nothing of affect, whatever is shown by colour. */
  const NO_AFFECT = { colour: "#737b85", shape: "crossed" };

  const path = {
    circle: (c, r) => c.arc(0, 0, r, 0, 7),
    dot: (c, r) => c.arc(0, 0, r * 0.6, 0, 7),
    crossed: (c, r) => {
      c.arc(0, 0, r, 0, 7);
      for (const [x, y] of [[1, 1], [1, -1]]) c.moveTo(-x * r * Math.SQRT1_2, -y * r * Math.SQRT1_2), c.lineTo(x * r * Math.SQRT1_2, y * r * Math.SQRT1_2);
    },
    square: (c, r) => c.rect(-r * 0.88, -r * 0.88, r * 1.76, r * 1.76),
    triangle: (c, r) => polygon(c, [[0, -r * 1.15], [r * 1.1, r * 0.85], [-r * 1.1, r * 0.85]]),
    down: (c, r) => polygon(c, [[0, r * 1.15], [r * 1.1, -r * 0.85], [-r * 1.1, -r * 0.85]]),
    diamond: (c, r) => polygon(c, [[0, -r * 1.25], [r * 1.1, 0], [0, r * 1.25], [-r * 1.1, 0]]),
    plus: (c, r) => polygon(c, cross(r)),
    cross: (c, r) => polygon(c, cross(r).map(([x, y]) => [(x - y) * Math.SQRT1_2, (x + y) * Math.SQRT1_2])),
    star: (c, r) => polygon(c, [...Array(10).keys()].map((k) => {
      const far = (k % 2 ? 0.5 : 1.25) * r, angle = (k / 5 - 0.5) * Math.PI;
      return [far * Math.cos(angle), far * Math.sin(angle)];
    })),
  };

  function cross(r) {
    const a = r * 0.4, b = r * 1.15;
    return [[-a, -b], [a, -b], [a, -a], [b, -a], [b, a], [a, a], [a, b], [-a, b], [-a, a], [-b, a], [-b, -a], [-a, -a]];
  }

  function polygon(c, corners) {
    corners.forEach(([x, y], k) => (k ? c.lineTo(x, y) : c.moveTo(x, y)));
    c.closePath();
  }

  /* Draws a mark around a place; hollow, with the ground in it, for a flagged point. */
  function draw(c, mark, x, y, r, colour, hollow = "") {
    c.save();
    c.translate(x, y);
    c.beginPath();
    path[mark.shape](c, r);
    if (hollow || mark.shape === "crossed") {
      c.fillStyle = hollow || "#ffffff00";
      c.fill();
      c.lineWidth = Math.max(1, r * 0.36);
      c.strokeStyle = colour;
      c.stroke();
    } else {
      c.fillStyle = colour;
      c.fill();
    }
    c.restore();
  }

  function channels(colour) {
    return [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16));
  }

  function mixed(colour, other, share) {
    const to = channels(other);
    return "#" + channels(colour).map((value, k) => Math.round(value + share * (to[k] - value)).toString(16).padStart(2, "0")).join("");
  }

  /* On a dark ground colours are lighter. */
  const onGround = (colour, dark) => (dark ? mixed(colour, "#ffffff", 0.3) : colour);

  /* Columns that can be shown by colour, by key: of the points, and of the first map. */
  function choices(data, map) {
    const found = data.facts.filter((each) => each.kind !== "text").map((each) => [each.name, each.name]);
    if (map.classes) found.push(["class", map.classes.name]);
    if (map.flags) found.push(["flags", "flags"]);
    if (map.errors && data.hasRatings)
      found.push(["error:activation", "error, activation"], ["error:valence", "error, valence"], ["error:distance", "distance from rating"]);
    const order = ["emotion", "corpus", "speaker"];
    const place = (key) => (order.includes(key) ? order.indexOf(key) : order.length);
    return found.sort((a, b) => place(a[0]) - place(b[0]));
  }

  /* Gives a mark to every point: its number in `marks`, whose last is of those without a value. */
  function scale(data, map, key) {
    if (key.startsWith("error:")) {
      const which = key.slice(6);
      return which === "distance" ? amounts(map.errors.distance, data.n) : signed(map.errors[which], data.n);
    }
    const column = key === "class" ? map.classes : key === "flags" ? map.flags : data.fact(key);
    if (!column) return { codes: new Uint8Array(data.n), marks: [{ label: "point", colour: NAMES[0], shape: "circle" }] };
    if (column.kind === "number") return amounts(column.values, data.n);
    return names(data, column, key === "emotion" || key === "class");
  }

  function names(data, column, areEmotions) {
    const counts = new Uint32Array(column.levels.length);
    for (let i = 0; i < data.n; i++) if (column.values[i] !== column.missing) counts[column.values[i]]++;
    const byNumber = [...counts.keys()].sort((a, b) => counts[b] - counts[a]).slice(0, MOST);
    const kept = new Set(column.levels.length > MOST ? byNumber : counts.keys());
    const { emotions, other } = data.about.style;
    const known = areEmotions ? emotions : {};
    const marks = [], place = new Uint8Array(column.levels.length).fill(255);
    let next = 0;
    column.levels.forEach((level, code) => {
      if (!kept.has(code)) return;
      let look = Object.hasOwn(known, level) ? known[level] : null;
      if (!look && areEmotions) look = [other, OTHERS[next++ % OTHERS.length]];
      if (!look) look = [NAMES[next % NAMES.length], SHAPES[Math.floor(next++ / NAMES.length) % SHAPES.length]];
      // Few names have shapes of their own, too.
      if (!areEmotions && kept.size <= NAMES.length) look[1] = SHAPES[marks.length % SHAPES.length];
      place[code] = marks.length;
      marks.push({ label: level, colour: look[0], shape: look[1] });
    });
    const isOther = column.levels.length > MOST ? marks.push({ label: "others", colour: other, shape: "circle" }) - 1 : -1;
    return assigned(data.n, marks, (i) => {
      const code = column.values[i];
      return code === column.missing ? -1 : place[code] === 255 ? isOther : place[code];
    });
  }

  function signed(values, n) {
    const labels = ["1.5 or more below", "0.5 to 1.5 below", "within 0.5", "0.5 to 1.5 above", "1.5 or more above"];
    const marks = BELOW_ABOVE.map(([colour, shape], k) => ({ label: labels[k], colour, shape }));
    return assigned(n, marks, (i) => {
      const value = values[i];
      return value !== value ? -1 : value <= -1.5 ? 0 : value <= -0.5 ? 1 : value < 0.5 ? 2 : value < 1.5 ? 3 : 4;
    });
  }

  function amounts(values, n) {
    let low = Infinity, high = -Infinity;
    for (let i = 0; i < n; i++) if (Number.isFinite(values[i])) (low = Math.min(low, values[i])), (high = Math.max(high, values[i]));
    const step = (high - low) / LITTLE_MUCH.length || 1;
    const digits = step >= 2 ? 0 : step >= 0.2 ? 1 : 2;
    const marks = LITTLE_MUCH.map((colour, k) => {
      const [from, to] = [low + k * step, low + (k + 1) * step].map((each) => Columns.number(each, digits));
      return { label: `${from} to ${to}`, colour, shape: SHAPES[k] };
    });
    return assigned(n, marks, (i) => (Number.isFinite(values[i]) ? Math.min(marks.length - 1, Math.floor((values[i] - low) / step)) : -1));
  }

  function assigned(n, marks, markOf) {
    const codes = new Uint8Array(n), counts = new Array(marks.length + 1).fill(0);
    for (let i = 0; i < n; i++) {
      const mark = markOf(i);
      codes[i] = mark < 0 ? marks.length : mark;
      counts[codes[i]]++;
    }
    marks.push({ label: "without a value", colour: NOTHING[0], shape: NOTHING[1] });
    marks.forEach((mark, k) => (mark.count = counts[k]));
    return { codes, marks };
  }

  /* A mark as pixels to be stamped into a row-major picture of a width: those that it covers whole, of one colour, and
     those of its edge, with colours and shares. Large marks have a rim of the ground, which parts them from each other;
     small ones of many may do without an edge. */
  function stamp(mark, r, width, dark, ground, share, hasEdge, isHollow = false) {
    const half = Math.ceil(r * 1.4 + 1), size = 2 * half + 1;
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = size;
    const c = canvas.getContext("2d", { willReadFrequently: true });
    if (r > 2.5) draw(c, mark, half + 0.5, half + 0.5, r + 0.9, ground);
    draw(c, mark, half + 0.5, half + 0.5, r, onGround(mark.colour, dark), isHollow ? ground : "");
    const { data } = c.getImageData(0, 0, size, size), words = new Uint32Array(data.buffer);
    const core = [], edge = [];
    for (let k = 0; k < size * size; k++) {
      const alpha = Math.round((256 / 255) * data[4 * k + 3] * share), offset = (Math.floor(k / size) - half) * width + (k % size) - half;
      if (alpha >= (hasEdge ? 250 : 110)) core.push([offset, words[k] | 0xff000000]);
      else if (hasEdge && alpha > 5) edge.push([offset, data[4 * k], data[4 * k + 1], data[4 * k + 2], alpha]);
    }
    return { offsets: Int32Array.from(core, (each) => each[0]), words: Uint32Array.from(core, (each) => each[1]), edge: Int32Array.from(edge.flat()) };
  }

  /* Puts a stamp into a picture's pixels, around a place. */
  function put(pixels, words, stamp, at) {
    const { offsets, edge } = stamp;
    for (let k = 0; k < offsets.length; k++) words[at + offsets[k]] = stamp.words[k];
    for (let k = 0; k < edge.length; k += 5) {
      const p = (at + edge[k]) << 2, share = edge[k + 4];
      pixels[p] += ((edge[k + 1] - pixels[p]) * share) >> 8;
      pixels[p + 1] += ((edge[k + 2] - pixels[p + 1]) * share) >> 8;
      pixels[p + 2] += ((edge[k + 3] - pixels[p + 2]) * share) >> 8;
    }
  }

  return { NO_AFFECT, choices, scale, stamp, put, draw, onGround, mixed };
})();
