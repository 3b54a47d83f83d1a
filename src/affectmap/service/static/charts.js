// Elements of drawings. Colours are in page.css.

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
