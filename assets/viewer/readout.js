/* Readout: values at a pixel, ranked bars, a curve over steps, a histogram. Each draws into an element it is given. */
// @ts-check
import { el, number } from "./controls.js";

export const LINES = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];
const SVG = "http://www.w3.org/2000/svg";

/**
 * An SVG element with attributes and children.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number>} attributes
 * @param {...Node} children
 */
export function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/**
 * Ranked bars of [name, value, whether it is the one shown] rows, largest first, as a list.
 * @param {[string, number, boolean, ...unknown[]][]} rows
 */
export function bars(rows, limit = 12) {
  const top = Math.max(...rows.map(([, value]) => Math.abs(value)), 1e-12);
  return el("ol", { class: "dv-bars" }, ...rows.slice(0, limit).map(([name, value, own]) => {
    const fill = el("i", { class: value < 0 ? "dv-negative" : undefined });
    fill.style.width = `${(100 * Math.abs(value)) / top}%`;
    const meter = el("span", { class: "dv-meter", "aria-hidden": "true" }, fill);
    return el("li", { class: own ? "dv-own" : undefined },
      el("span", { text: name }), meter, el("span", { text: number(value) }));
  }));
}

/**
 * Lines over the positions of an axis.
 * @param {[string, number[], string][]} lines name, values and colour of each
 * @param {string[]} ticks what the positions are called
 * @param {number} at the position that is shown
 * @param {string} label
 */
export function curve(lines, ticks, at, label) {
  const width = 320, height = 110, left = 44, bottom = 18;
  const all = lines.flatMap(([, values]) => values).filter(Number.isFinite);
  const high = Math.max(...all), low = Math.min(0, ...all), span = high - low || 1;
  const last = Math.max(1, ticks.length - 1);
  /** @type {(index: number) => number} */
  const x = (index) => left + ((width - left - 8) * index) / last;
  /** @type {(value: number) => number} */
  const y = (value) => 6 + ((height - bottom - 6) * (high - value)) / span;
  const drawn = lines.map(([, values, colour]) => svg("polyline", {
    points: values.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`).join(" "),
    fill: "none", stroke: colour, "stroke-width": 2,
  }));
  /** @type {(content: string, px: number, py: number, anchor: "start" | "end") => SVGTextElement} */
  const text = (content, px, py, anchor) => {
    const node = svg("text", { x: px, y: py, "text-anchor": anchor, "font-size": 10, fill: "currentColor" });
    node.textContent = content;
    return node;
  };
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    svg("line", { x1: left, x2: width - 8, y1: y(low), y2: y(low), stroke: "currentColor", "stroke-opacity": 0.3 }),
    svg("line", {
      x1: x(at), x2: x(at), y1: 6, y2: height - bottom,
      stroke: "currentColor", "stroke-opacity": 0.5, "stroke-dasharray": "3 3",
    }),
    ...drawn, text(number(high), left - 4, 12, "end"), text(number(low), left - 4, y(low), "end"),
    text(ticks[0], left, height - 4, "start"), text(ticks[ticks.length - 1], width - 8, height - 4, "end"));
  const names = el("ul", { class: "dv-legend" }, ...lines.map(([name, , colour]) => {
    const dot = el("i");
    dot.style.background = colour;
    return el("li", {}, dot, name);
  }));
  return el("div", { class: "dv-curve" }, picture, names);
}

/**
 * Counts of values with a line at `share` of the way from the map's low to its high.
 * @param {ArrayLike<number> & Iterable<number>} counts
 * @param {number} share
 * @param {string} label
 */
export function histogram(counts, share, label) {
  const width = 320, height = 60, top = Math.sqrt(Math.max(...counts, 1)), step = width / counts.length;
  const columns = [...counts].map((count, index) => {
    const tall = (height * Math.sqrt(count)) / top;
    return svg("rect", {
      x: index * step, y: height - tall, width: Math.max(step - 0.5, 0.5), height: tall,
      fill: "currentColor", "fill-opacity": (index + 0.5) / counts.length >= share ? 0.75 : 0.25,
    });
  });
  const cut = svg("line", {
    x1: share * width, x2: share * width, y1: 0, y2: height, stroke: "var(--dv-accent)", "stroke-width": 2,
  });
  const viewBox = `0 0 ${width} ${height}`;
  return svg("svg", { viewBox, role: "img", "aria-label": label, class: "dv-histogram" }, ...columns, cut);
}
