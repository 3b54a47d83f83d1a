"use strict";
/* A grid over the places of a map: the nearest point, and those in a polygon, without looking at all of them. */

class Grid {
  /* Sorts the points of a map that have a place into SIDE × SIDE cells. */
  constructor(map, n) {
    this.map = map;
    this.side = Math.max(8, Math.min(256, Math.ceil(Math.sqrt(n / 8))));
    let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let i = 0; i < n; i++) {
      if (!Columns.hasPlace(map, i)) continue;
      x0 = Math.min(x0, map.valence[i]), x1 = Math.max(x1, map.valence[i]);
      y0 = Math.min(y0, map.activation[i]), y1 = Math.max(y1, map.activation[i]);
    }
    Object.assign(this, { x0, y0, width: (x1 - x0) / this.side || 1, height: (y1 - y0) / this.side || 1 });
    const cells = new Int32Array(n).fill(-1), starts = new Uint32Array(this.side * this.side + 1);
    for (let i = 0; i < n; i++) {
      if (!Columns.hasPlace(map, i)) continue;
      cells[i] = this.row(map.activation[i]) * this.side + this.column(map.valence[i]);
      starts[cells[i] + 1]++;
    }
    for (let k = 1; k < starts.length; k++) starts[k] += starts[k - 1];
    const next = starts.slice(), points = new Uint32Array(starts[starts.length - 1]);
    for (let i = 0; i < n; i++) if (cells[i] >= 0) points[next[cells[i]]++] = i;
    this.starts = starts;
    this.points = points;
  }

  column(x) { return Math.max(0, Math.min(this.side - 1, Math.floor((x - this.x0) / this.width))); }

  row(y) { return Math.max(0, Math.min(this.side - 1, Math.floor((y - this.y0) / this.height))); }

  /* Calls a function with every point of the cells that a rectangle touches. */
  within(x0, x1, y0, y1, visit) {
    const [c0, c1, r0, r1] = [this.column(x0), this.column(x1), this.row(y0), this.row(y1)];
    for (let row = r0; row <= r1; row++)
      for (let k = this.starts[row * this.side + c0]; k < this.starts[row * this.side + c1 + 1]; k++) visit(this.points[k]);
  }

  /* The nearest point within a radius that is shown, or -1. */
  nearest(x, y, radius, isShown) {
    let best = radius * radius, found = -1;
    this.within(x - radius, x + radius, y - radius, y + radius, (i) => {
      const d = (this.map.valence[i] - x) ** 2 + (this.map.activation[i] - y) ** 2;
      if (d < best && isShown(i)) (best = d), (found = i);
    });
    return found;
  }

  /* The points within a polygon of [valence, activation] that are shown. */
  inside(polygon, isShown) {
    const xs = polygon.map((each) => each[0]), ys = polygon.map((each) => each[1]), found = [];
    this.within(Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys), (i) => {
      const x = this.map.valence[i], y = this.map.activation[i];
      let odd = false;
      for (let a = 0, b = polygon.length - 1; a < polygon.length; b = a++) {
        const [xa, ya] = polygon[a], [xb, yb] = polygon[b];
        if (ya > y !== yb > y && x < ((xb - xa) * (y - ya)) / (yb - ya) + xa) odd = !odd;
      }
      if (odd && isShown(i)) found.push(i);
    });
    return found;
  }

  /* The next point in a direction (dx, dy): near, and rather ahead than aside; -1 if there is none. */
  next(from, dx, dy, isShown) {
    const { valence, activation } = this.map;
    let best = Infinity, found = -1;
    for (const i of this.points) {
      if (i === from || !isShown(i)) continue;
      const x = valence[i] - valence[from], y = activation[i] - activation[from];
      const ahead = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
      if (ahead <= 0 || aside > 1.5 * ahead) continue;
      const cost = ahead + 2 * aside;
      if (cost < best) (best = cost), (found = i);
    }
    return found;
  }
}
