// Drawing activation against valence: one recording with its interval, or all of them. Colours are in page.css.

export const LOW = 1;
export const HIGH = 5;
const NAMESPACE = "http://www.w3.org/2000/svg";

export function add(parent, name, attributes, text) {
  const element = document.createElementNS(NAMESPACE, name);
  Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

export function sheet(place, width, height, label, role = "img") {
  const svg = document.createElementNS(NAMESPACE, "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("role", role);
  svg.setAttribute("aria-label", label);
  place.replaceChildren(svg);
  return svg;
}

export const isNumber = (value) => typeof value === "number";
export const round = (value) => Math.round(value * 10) / 10;
const within = (value) => Math.max(LOW, Math.min(HIGH, value));

/** Draw the axes; gives the functions that place a value on them. */
function drawPlane(svg, size) {
  const [left, top, side] = [44, 8, size - 56];
  const x = (valence) => round(left + ((within(valence) - LOW) / (HIGH - LOW)) * side);
  const y = (activation) => round(top + ((HIGH - within(activation)) / (HIGH - LOW)) * side);
  const bottom = top + side;
  add(svg, "rect", { class: "frame", x: left, y: top, width: side, height: side });
  add(svg, "line", { class: "middle", x1: x(3), x2: x(3), y1: top, y2: bottom });
  add(svg, "line", { class: "middle", x1: left, x2: left + side, y1: y(3), y2: y(3) });
  for (let value = LOW; value <= HIGH; value += 1) {
    add(svg, "text", { class: "faint", x: x(value), y: bottom + 16, "text-anchor": "middle" }, value);
    add(svg, "text", { class: "faint", x: left - 8, y: y(value) + 4, "text-anchor": "end" }, value);
  }
  const across = { class: "valence name", x: left + side / 2, y: bottom + 36, "text-anchor": "middle" };
  add(svg, "text", across, "unpleasant – valence – pleasant");
  const turned = `translate(14 ${top + side / 2}) rotate(-90)`;
  add(svg, "text", { class: "activation name", transform: turned, "text-anchor": "middle" }, "calm – activation – excited");
  const corners = [["tense", 0, 0], ["lively", 1, 0], ["dull", 0, 1], ["relaxed", 1, 1]];
  corners.forEach(([word, right, low]) => {
    const at = { x: right ? left + side - 12 : left + 12, y: low ? bottom - 14 : top + 22 };
    add(svg, "text", { class: "faint", ...at, "text-anchor": right ? "end" : "start" }, word);
  });
  return { x, y };
}

const sizeIn = (place) => Math.max(260, Math.min(416, place.clientWidth));

/** Draw one utterance's place, with the box of its intervals. */
export function drawMap(place, row) {
  const size = sizeIn(place);
  const label = `Activation ${row.activation.toFixed(1)}, valence ${row.valence.toFixed(1)}, both on 1 to 5`;
  const svg = sheet(place, size, size, label);
  const { x, y } = drawPlane(svg, size);
  if (isNumber(row.activation_low) && isNumber(row.valence_low)) {
    const [x1, x2, y1, y2] = [x(row.valence_low), x(row.valence_high), y(row.activation_high), y(row.activation_low)];
    add(svg, "rect", { class: "box", x: x1, y: y1, width: round(x2 - x1), height: round(y2 - y1) });
  }
  add(svg, "circle", { class: "point", cx: x(row.valence), cy: y(row.activation), r: 7 });
}

/**
 * Draw where a voice is now, and the way that it came: `trail` has its places, and null where nobody spoke; `isHeard`
 * is false where nobody speaks now.
 */
export function drawLive(place, trail, isHeard) {
  const size = sizeIn(place);
  const last = trail.findLast((each) => each);
  const told = last && `activation ${last.activation.toFixed(1)}, valence ${last.valence.toFixed(1)}`;
  const label = last ? `${isHeard ? "Now" : "Nobody speaks; before"}: ${told}` : "Nothing heard yet";
  const svg = sheet(place, size, size, label);
  const { x, y } = drawPlane(svg, size);
  const ways = [[]];
  trail.forEach((each) => (each ? ways[ways.length - 1].push(`${x(each.valence)},${y(each.activation)}`) : ways.push([])));
  ways.filter((way) => way.length > 1).forEach((way) => add(svg, "polyline", { class: "trail", points: way.join(" ") }));
  if (last) add(svg, "circle", { class: isHeard ? "point" : "point unheard", cx: x(last.valence), cy: y(last.activation), r: 9 });
}

/**
 * Draw all recordings, each a button: `points` have a name, activation, valence, isTrack and isChosen. Arrow keys go
 * from one to the next, in the order of the list.
 */
export function drawOverview(place, points, choose) {
  const size = sizeIn(place);
  const hadFocus = place.contains(document.activeElement);
  const svg = sheet(place, size, size, `Map of ${points.length} recordings`, "group");
  const { x, y } = drawPlane(svg, size);
  const chosen = Math.max(0, points.findIndex((each) => each.isChosen));
  const order = points.map((_, i) => i).sort((one, other) => (one === chosen) - (other === chosen)); // the chosen one on top
  order.forEach((i) => {
    const each = points[i];
    const label = `${each.name}: activation ${each.activation.toFixed(1)}, valence ${each.valence.toFixed(1)}`;
    const kind = `recording${each.isTrack ? " over-time" : ""}${each.isChosen ? " chosen" : ""}`;
    const mark = add(svg, "g", {
      class: kind, role: "button", tabindex: i === chosen ? 0 : -1, "aria-label": label, "aria-pressed": each.isChosen,
      transform: `translate(${x(each.valence)} ${y(each.activation)})`,
    });
    add(mark, "title", {}, label);
    add(mark, "circle", { class: "hit", r: 12 });
    if (each.isTrack) add(mark, "rect", { class: "point", x: -6, y: -6, width: 12, height: 12 });
    else add(mark, "circle", { class: "point", r: 6.5 });
    mark.addEventListener("click", () => choose(i));
    mark.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step && event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      choose(step ? (i + step + points.length) % points.length : i);
    });
  });
  if (hadFocus) svg.querySelector("[tabindex='0']")?.focus();
}
