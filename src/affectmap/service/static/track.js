// A recording over time, by uPlot, which the page has read before: two lines with their bands, where nobody speaks, and
// strips of speech and flags.

/* global Flags, uPlot */

const [LOW, HIGH] = [1, 5];
const LABELS = ["activation", "valence"];
/** Seconds without speech that interrupt a line, and are drawn as silence. */
const SILENCE_S = 2;
/** Seconds that are shown at least. */
const SHORTEST_S = 2;
/** Height of the plot and of a strip below it, in pixels, and the strip's in values of the plot. */
const [HEIGHT, LANE, LANE_VALUE] = [270, 28, 0.5];
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];

export const isNumber = (value) => typeof value === "number";
const round = (value) => Math.round(value * 10) / 10;

/** Minutes and seconds. */
export function clock(seconds) {
  const whole = Math.floor(seconds);
  const rest = String(whole % 60).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

/** Whether a segment has a part in the lines. */
export function counts(row) {
  return isNumber(row.activation) && !row.too_short && !Flags.silence(Flags.of(row));
}

/** Stretches of `SILENCE_S` or more in which no segment counts. */
function silences(rows, duration) {
  const found = [];
  let end = 0;
  rows.filter(counts).sort((one, other) => one.start - other.start).forEach((row) => {
    if (row.start - end >= SILENCE_S) found.push([end, row.start]);
    end = Math.max(end, row.end);
  });
  if (duration - end >= SILENCE_S) found.push([end, duration]);
  return found;
}

/** The segment at a moment; null where there is none. */
function segmentAt(rows, seconds) {
  return rows.find((row) => row.start <= seconds && seconds < row.end) ?? null;
}

/** Say what is known of a moment. */
function wordsAt(result, seconds) {
  const row = segmentAt(result.rows, seconds);
  const flags = row ? Flags.of(row).map(Flags.word) : [];
  if (!row || !counts(row)) return `${clock(seconds)}: ${flags.join(", ") || "no speech"}`;
  const values = LABELS.filter((label) => isNumber(row[label])).map((label) => {
    const level = row[`${label}_level`];
    return `${label} ${row[label].toFixed(1)}${isNumber(level) ? ` (level ${level.toFixed(1)})` : ""}`;
  });
  return `${clock(seconds)}: ${[...values, ...flags].join(", ")}`;
}

/** A track that is drawn: `hear` is called with the seconds of a moment that is to be played. */
export class TrackChart {
  constructor(place, result, hear) {
    Object.assign(this, { result, hear, duration: Math.max(result.duration_s, 0.1), moment: 0, now: 0, lanes: lanesOf(result.rows) });
    const style = getComputedStyle(document.documentElement);
    this.colour = (name) => style.getPropertyValue(`--${name}`).trim();
    place.replaceChildren();
    this.readOut = add(place, "output", "moment");
    this.readOut.setAttribute("aria-live", "off"); // the slider has the same words
    this.chart = new uPlot(this.options(widthOf(place)), columnsOf(result, this.duration), place);
    place.setAttribute("role", "group");
    place.setAttribute("aria-label", trackLabel(result.rows));
    this.listen(this.chart.over);
    this.zoomButtons(add(place, "div", "zoom"));
    this.look(0);
    this.leave();
    this.watch(place);
  }

  /** Keep to the width of the place and to the colours of the page, without losing what is looked at. */
  watch(place) {
    const { chart } = this;
    const resized = new ResizeObserver(() => {
      if (place.clientWidth && widthOf(place) !== chart.width) chart.setSize({ width: widthOf(place), height: chart.height });
    });
    resized.observe(place);
    const [dark, redraw] = [matchMedia("(prefers-color-scheme: dark)"), () => chart.redraw()];
    dark.addEventListener("change", redraw);
    this.destroy = () => {
      resized.disconnect();
      dark.removeEventListener("change", redraw);
      chart.destroy();
    };
  }

  options(width) {
    const { colour, lanes, duration } = this;
    const [font, stroke] = ["12px system-ui, sans-serif", () => colour("muted")]; // colours are asked for whenever it is drawn
    const series = LABELS.flatMap((label) => {
      const ink = () => colour(label);
      const plain = { stroke: ink, points: { show: false } };
      const dots = { stroke: ink, paths: () => null };
      return [
        { ...plain, width: 2.25 }, { ...plain, width: 0 }, { ...plain, width: 0 },
        { ...dots, points: { show: true, size: 6, width: 0, fill: () => `${ink()}a6` } },
        { ...dots, points: { show: true, size: 6, width: 1, stroke: () => colour("mild"), fill: "transparent" } },
      ];
    });
    return {
      width, height: HEIGHT + LANE * lanes.length, padding: [8, 24, 0, 0], legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false, dist: 5 } },
      scales: {
        x: { time: false, range: (_, min, max) => [Math.max(0, min), Math.min(duration, max)] },
        y: { range: [1 - LANE_VALUE * lanes.length - 0.1, 5] },
      },
      axes: [
        { font, stroke, grid: { show: false }, ticks: { show: false }, space: 64, incrs: STEPS, values: (_, seconds) => seconds.map(clock) },
        { font, stroke, size: 28, ticks: { show: false }, grid: { stroke: () => colour("rule"), width: 1 }, splits: () => [1, 2, 3, 4, 5], values: (_, values) => values },
      ],
      series: [{}, ...series],
      bands: LABELS.map((label, i) => ({ series: [5 * i + 3, 5 * i + 2], fill: () => `${colour(label)}2e` })),
      hooks: {
        drawClear: [() => this.drawSilence()], draw: [() => this.drawAbove()],
        setScale: [(_, scale) => scale === "x" && this.point()], setSize: [() => this.point()],
      },
    };
  }

  /** Fill a stretch of time between two values of the plot. */
  fill(from, to, low, high) {
    const { ctx, bbox, valToPos } = this.chart;
    const [x1, x2] = [from, to].map((at) => Math.min(Math.max(valToPos(at, "x", true), bbox.left), bbox.left + bbox.width));
    const [y1, y2] = [high, low].map((value) => valToPos(value, "y", true));
    if (x2 > x1) ctx.fillRect(x1, y1, Math.max(x2 - x1, 1.5), y2 - y1);
  }

  drawSilence() {
    this.chart.ctx.fillStyle = this.colour("raised");
    silences(this.result.rows, this.duration).forEach(([from, to]) => this.fill(from, to, LOW, HIGH));
  }

  /** Draw the strips of speech and flags, and the moment that is played. */
  drawAbove() {
    const { ctx, bbox, valToPos } = this.chart;
    ctx.save();
    Object.assign(ctx, { font: `${11 * devicePixelRatio}px system-ui, sans-serif`, textAlign: "left", textBaseline: "alphabetic" });
    this.lanes.forEach(([name, colour, rows], lane) => {
      const top = LOW - 0.1 - LANE_VALUE * lane;
      const strip = [top - LANE_VALUE * 0.92, top - LANE_VALUE * 0.58];
      ctx.fillStyle = this.colour("muted");
      ctx.fillText(`${name} (${rows.length})`, bbox.left, valToPos(top - LANE_VALUE * 0.46, "y", true));
      ctx.fillStyle = this.colour("raised");
      this.fill(0, this.duration, ...strip);
      ctx.fillStyle = this.colour(colour);
      rows.forEach((row) => this.fill(row.start, row.end, ...strip));
    });
    ctx.fillStyle = this.colour("ink");
    const at = valToPos(this.now, "x", true);
    if (at >= bbox.left && at <= bbox.left + bbox.width) ctx.fillRect(at, bbox.top, 1.5 * devicePixelRatio, bbox.height);
    ctx.restore();
  }

  /** Show which moment is played. */
  move(seconds) {
    this.now = seconds;
    this.chart.redraw(false, false);
  }

  /** Let pointer and keys go to a moment: hover and arrow keys tell its values, a click, Enter and space play it. */
  listen(over) {
    const attributes = { tabindex: 0, role: "slider", "aria-label": "Moment of the recording", "aria-valuemin": 0, "aria-valuemax": round(this.duration) };
    Object.entries(attributes).forEach(([name, value]) => over.setAttribute(name, value));
    const momentOf = (event) => this.chart.posToVal(event.clientX - over.getBoundingClientRect().left, "x");
    let pressed = 0;
    over.addEventListener("mousemove", (event) => this.look(momentOf(event)));
    over.addEventListener("mouseleave", () => this.leave());
    over.addEventListener("focus", () => this.look(this.moment));
    over.addEventListener("blur", () => this.leave());
    over.addEventListener("mousedown", (event) => {
      pressed = event.clientX;
    });
    over.addEventListener("click", (event) => {
      if (Math.abs(event.clientX - pressed) < 5) this.hear(momentOf(event)); // otherwise it was dragged over, to be enlarged
    });
    over.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const factor = { "+": 0.5, "=": 0.5, "-": 2, 0: Infinity }[event.key];
    const goal = goalOf(event.key, this.result.rows, this.moment, this.duration);
    if (factor) this.zoom(factor);
    else if (goal !== null) this.look(goal);
    else if (event.key === "Enter" || event.key === " ") this.hear(this.moment);
    else return;
    event.preventDefault();
  }

  look(seconds) {
    const { chart, duration } = this;
    this.moment = Math.min(Math.max(seconds, 0), duration);
    const { min, max } = chart.scales.x;
    if (min < max && (this.moment < min || this.moment > max)) this.show(this.moment - (max - min) / 2, max - min);
    const words = wordsAt(this.result, this.moment);
    chart.over.setAttribute("aria-valuenow", round(this.moment));
    chart.over.setAttribute("aria-valuetext", words);
    this.readOut.textContent = words;
    this.point();
  }

  /** Put the dashed line at the moment that the words tell of, and away where they tell of none. */
  point() {
    const isTold = Boolean(this.readOut.textContent);
    this.chart.setCursor(isTold ? { left: this.chart.valToPos(this.moment, "x"), top: 0 } : { left: -10, top: -10 }, false);
  }

  leave() {
    if (document.activeElement === this.chart.over) return;
    this.readOut.textContent = "";
    this.point();
  }

  /** Show so many seconds from one on. */
  show(from, seconds) {
    const wide = Math.min(seconds, this.duration);
    const min = Math.min(Math.max(from, 0), this.duration - wide);
    this.chart.setScale("x", { min, max: min + wide });
  }

  zoom(factor) {
    const { min, max } = this.chart.scales.x;
    const wide = Math.max((max - min) * factor, SHORTEST_S);
    const middle = this.moment >= min && this.moment <= max ? this.moment : (min + max) / 2;
    this.show(middle - wide / 2, wide);
  }

  zoomButtons(bar) {
    [["+", "Zoom in", 0.5], ["−", "Zoom out", 2], ["⟲", "Show all", Infinity]].forEach(([sign, name, factor]) => {
      const button = add(bar, "button");
      Object.assign(button, { type: "button", textContent: sign, title: name });
      button.setAttribute("aria-label", `${name}, track`);
      button.addEventListener("click", () => this.zoom(factor));
    });
  }
}

const widthOf = (place) => Math.max(280, place.clientWidth);

function add(parent, name, kind = "") {
  const element = parent.appendChild(document.createElement(name));
  if (kind) element.className = kind;
  return element;
}

/**
 * Give what uPlot draws: seconds, and of activation and valence each the level, the ends of its interval, and the
 * segments with and without a part in it. Null breaks a line, undefined does not.
 */
function columnsOf(result, duration) {
  const ends = (row) => (label) => ["", "_low", "_high"].map((end) => row[`${label}_level${end}`] ?? null);
  const nothing = Array(10).fill(null);
  const points = [[0, nothing], [duration, nothing]];
  runs(result).forEach((rows) => {
    const last = rows[rows.length - 1];
    points.push(...[[rows[0].start, rows[0]], [last.end, last]].map(([at, row]) => [at, LABELS.flatMap((label) => [...ends(row)(label), undefined, undefined])]));
    points.push([last.end + 1e-3, nothing]);
  });
  const inRuns = new Set(runs(result).flat());
  result.rows.forEach((row) => {
    const levels = inRuns.has(row) ? ends(row) : () => [undefined, undefined, undefined];
    const dot = (label) => (isNumber(row[label]) ? Math.max(LOW, Math.min(HIGH, row[label])) : undefined);
    const values = LABELS.flatMap((label) => [...levels(label), ...(counts(row) ? [dot(label), undefined] : [undefined, dot(label)])]);
    points.push([(row.start + row.end) / 2, values]);
  });
  points.sort(([one], [other]) => one - other);
  return [points.map(([at]) => at), ...nothing.map((_, i) => points.map(([, values]) => values[i]))];
}

function lanesOf(rows) {
  const flagged = Flags.names.map((name) => [Flags.word(name), "alert", rows.filter((row) => row[name])]);
  return [["speech", "mild", rows.filter(counts)], ...flagged.filter(([, , some]) => some.length)];
}

/** Rows with levels, parted where nobody speaks. */
function runs(result) {
  const parts = [];
  let end = -Infinity;
  result.rows.filter((row) => counts(row) && isNumber(row.activation_level)).forEach((row) => {
    if (row.start - end >= SILENCE_S) parts.push([]);
    parts[parts.length - 1].push(row);
    end = row.end;
  });
  return parts;
}

function trackLabel(rows) {
  const told = LABELS.map((label) => {
    const levels = rows.filter(counts).map((row) => row[`${label}_level`]).filter(isNumber);
    if (!levels.length) return `${label}: no values`;
    return `${label} between ${Math.min(...levels).toFixed(1)} and ${Math.max(...levels).toFixed(1)}`;
  });
  return `Over time: ${told.join(", ")}`;
}

/** Where a key leads: the next segment or the one before, ten seconds on, or an end. */
function goalOf(key, rows, moment, duration) {
  const starts = rows.map((row) => row.start);
  if (key === "ArrowRight" || key === "ArrowUp") return starts.find((start) => start > moment + 0.01) ?? duration;
  if (key === "ArrowLeft" || key === "ArrowDown") return starts.filter((start) => start < moment - 0.01).pop() ?? 0;
  if (key === "PageUp") return moment + 10;
  if (key === "PageDown") return moment - 10;
  if (key === "Home") return 0;
  return key === "End" ? duration : null;
}
