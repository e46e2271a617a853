/* Chart: lines over a number, with axes, bands and points; it knows nothing of the page. Every point does something. */
// @ts-check
import { number, el } from "./controls.js";
import { ticks } from "./curves.js";
import { svg } from "./readout.js";

const WIDE = 320, HIGH = 172, LEFT = 44, RIGHT = 10, TOP = 8, BOTTOM = 34;
const NEAR = 9;  // pixels around a point that belong to it

/**
 * Colours that stand out from white and from dark alike, each with a shape and a dash of its own: no line is told by
 * its colour alone.
 * @type {{ colour: string, shape: string, dash: string }[]}
 */
export const STYLES = [
  { colour: "currentColor", shape: "M-3.6 0a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0 -7.2 0z", dash: "" },
  { colour: "#0a7cc0", shape: "M-3.2 -3.2h6.4v6.4h-6.4z", dash: "6 3" },
  { colour: "#d55e00", shape: "M0 -4.6L4.6 0L0 4.6L-4.6 0z", dash: "2 3" },
  { colour: "#009e73", shape: "M0 -4.4L4.2 3.2H-4.2z", dash: "" },
  { colour: "#c46f9e", shape: "M0 4.4L4.2 -3.2H-4.2z", dash: "8 3 2 3" },
  { colour: "#a07800", shape: "M-1.4 -4.2h2.8v2.8h2.8v2.8h-2.8v2.8h-2.8v-2.8h-2.8v-2.8h2.8z", dash: "5 2" },
  { colour: "#8470d0", shape: "M0 -4.8L1.4 -1.4L4.8 0L1.4 1.4L0 4.8L-1.4 1.4L-4.8 0L-1.4 -1.4z", dash: "1 2" },
  { colour: "#2a97a8", shape: "M-4.4 -2.4H4.4V2.4H-4.4z", dash: "10 3" },
];

/**
 * What a point does: `act` for a button, `href` for a link, neither for what can only be read. now: it is shown.
 * @typedef {{ x: number, y: number, text: string, now?: boolean, act?: () => void, href?: string }} Point
 */

/** @typedef {{ x: number, low: number, high: number }} Band */

/**
 * One line. style: its number in STYLES; along: what the line runs through, from left to right; bands: around it, a
 * whisker where there is one alone.
 * @typedef {{ name: string, style: number, along: { x: number, y: number }[], bands: Band[], points: Point[] }} Line
 */

/**
 * @param {{ title: string, across: string, up: string, lines: Line[] }} told title: what is drawn; across, up: what the
 *   axes are
 */
export function chart({ title, across, up, lines }) {
  const scale = scales(lines), said = el("div", { class: "dv-caption dv-said" });
  const label = `${title} against ${across}`;
  const picture = svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "group", "aria-label": label });
  picture.append(...frame(scale, across, up), ...lines.flatMap((line) => drawn(line, scale)));
  /** @type {SVGElement[][]} */
  const rows = lines.map((line) => line.points.map((point) => dot(point, STYLES[line.style], scale, said)));
  picture.append(...rows.flat());
  rove(picture, rows);
  return el("figure", { class: "dv-chart" }, el("figcaption", { text: title }), picture, said);
}

/**
 * Names of the lines with their colours, dashes and shapes.
 * @param {{ name: string, style: number }[]} lines
 */
export function legend(lines) {
  return el("ul", { class: "dv-legend dv-key" }, ...lines.map(({ name, style }) => {
    const { colour, shape, dash } = STYLES[style];
    const mark = svg("svg", { viewBox: "0 0 26 12", width: 26, height: 12, "aria-hidden": "true" },
      svg("line", { x1: 0, x2: 26, y1: 6, y2: 6, stroke: colour, "stroke-width": 2, "stroke-dasharray": dash }),
      svg("path", { d: shape, fill: colour, transform: "translate(13 6)" }));
    return el("li", {}, mark, name);
  }));
}

/** @typedef {{ x(value: number): number, y(value: number): number, xs: number[], ys: number[] }} Scale */

/**
 * @param {Line[]} lines
 * @returns {Scale}
 */
function scales(lines) {
  const xs = lines.flatMap(({ along, points }) => [...along, ...points].map(({ x }) => x));
  const ys = lines.flatMap(({ along, points, bands }) => [
    ...[...along, ...points].map(({ y }) => y), ...bands.flatMap(({ low, high }) => [low, high]),
  ]);
  /** @type {(values: number[], most: number) => number[]} */
  const round = (values, most) => ticks(Math.min(...values), Math.max(...values), most);
  const across = round(xs, 5), up = round(ys, 4);
  const [left, right, low, high] = [across[0], across[across.length - 1], up[0], up[up.length - 1]];
  return {
    x: (value) => LEFT + ((WIDE - LEFT - RIGHT) * (value - left)) / (right - left),
    y: (value) => TOP + ((HIGH - TOP - BOTTOM) * (high - value)) / (high - low),
    xs: across,
    ys: up,
  };
}

/**
 * The axes, with their numbers and names.
 * @param {Scale} scale
 * @param {string} across
 * @param {string} up
 */
function frame({ x, y, xs, ys }, across, up) {
  const foot = HIGH - BOTTOM;
  /** @type {(text: string, at: Record<string, string | number>) => SVGTextElement} */
  const write = (text, at) => {
    const node = svg("text", { "font-size": 10, fill: "currentColor", ...at });
    node.textContent = text;
    return node;
  };
  const middle = (TOP + foot) / 2;
  return [
    ...ys.map((value) => svg("line", { class: "dv-rule", x1: LEFT, x2: WIDE - RIGHT, y1: y(value), y2: y(value) })),
    ...ys.map((value) => write(number(value), { x: LEFT - 5, y: y(value) + 3.5, "text-anchor": "end" })),
    ...xs.map((value) => write(number(value), { x: x(value), y: foot + 13, "text-anchor": "middle" })),
    write(across, { x: (LEFT + WIDE - RIGHT) / 2, y: HIGH - 6, "text-anchor": "middle" }),
    write(up, { x: 10, y: middle, "text-anchor": "middle", transform: `rotate(-90 10 ${middle})` }),
  ];
}

/**
 * A line with its band: an area where there are several places, a whisker where there is one.
 * @param {Line} line
 * @param {Scale} scale
 */
function drawn({ along, bands, style }, { x, y }) {
  const { colour, dash } = STYLES[style];
  /** @type {(list: [number, number][]) => string} */
  const path = (list) => list.map((at, index) => `${index ? "L" : "M"}${at.map((one) => one.toFixed(1)).join(" ")}`)
    .join("");
  const upper = bands.map((band) => /** @type {[number, number]} */ ([x(band.x), y(band.high)]));
  const lower = bands.map((band) => /** @type {[number, number]} */ ([x(band.x), y(band.low)])).reverse();
  const area = bands.length > 1
    ? [svg("path", { class: "dv-area", d: `${path([...upper, ...lower])}z`, fill: colour, "fill-opacity": 0.14 })] : [];
  const whiskers = (area.length ? [] : bands).map((band) => svg("line", {
    class: "dv-whisker", x1: x(band.x), x2: x(band.x), y1: y(band.low), y2: y(band.high), stroke: colour,
  }));
  return [...area, ...whiskers, svg("path", {
    d: path(along.map((at) => [x(at.x), y(at.y)])), fill: "none", stroke: colour, "stroke-width": 2,
    "stroke-dasharray": dash,
  })];
}

/**
 * A point that does something, with room around it for the hand.
 * @param {Point} point
 * @param {typeof STYLES[number]} style
 * @param {Scale} scale
 * @param {HTMLElement} said what the point says while it is looked at
 */
function dot({ x: px, y: py, text, now, act, href }, { colour, shape }, { x, y }, said) {
  const transform = `translate(${x(px)} ${y(py)})`;
  const about = { class: now ? "dv-point dv-now" : "dv-point", transform, tabindex: -1 };
  const inner = [svg("circle", { r: NEAR, fill: "transparent" }), svg("path", { d: shape, fill: colour })];
  const node = href ? svg("a", { href, "aria-label": text, ...about }, ...inner)
    : svg("g", { role: act ? "button" : "img", "aria-label": text, ...about }, ...inner);
  if (now) node.setAttribute("aria-current", "true");
  for (const event of ["pointerenter", "focus"]) node.addEventListener(event, () => { said.textContent = text; });
  if (!act) return node;
  node.addEventListener("click", () => act());
  node.addEventListener("keydown", (event) => {
    if (!(event instanceof KeyboardEvent) || !["Enter", " "].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
  return node;
}

/**
 * Let one point be a stop of the Tab key; the arrows lead along a line, and from line to line.
 * @param {SVGSVGElement} picture
 * @param {SVGElement[][]} rows
 */
function rove(picture, rows) {
  const all = rows.filter((row) => row.length), first = all.flat().find((node) => node.matches(".dv-now"));
  (first ?? all[0]?.[0])?.setAttribute("tabindex", "0");
  picture.addEventListener("keydown", (event) => {
    const row = all.findIndex((one) => one.some((node) => node === event.target));
    const at = all[row]?.findIndex((node) => node === event.target) ?? -1, next = stepped(event.key, row, at, all);
    if (event.key === "Enter") event.stopPropagation();  // a link follows by itself
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    for (const node of all.flat()) node.setAttribute("tabindex", node === next ? "0" : "-1");
    next.focus();
  });
}

/**
 * The point that a key leads to; undefined for other keys and past an end.
 * @template Node
 * @param {string} key
 * @param {number} row
 * @param {number} at
 * @param {Node[][]} rows
 * @returns {Node | undefined}
 */
export function stepped(key, row, at, rows) {
  const line = rows[row] ?? [];
  /** @type {(other: Node[] | undefined) => Node | undefined} */
  const across = (other) => other?.[Math.min(Math.round((at * other.length) / line.length), other.length - 1)];
  switch (key) {
    case "ArrowRight": return line[at + 1];
    case "ArrowLeft": return line[at - 1];
    case "ArrowDown": return across(rows[row + 1]);
    case "ArrowUp": return across(rows[row - 1]);
    case "Home": return line[0];
    case "End": return line[line.length - 1];
    default: return undefined;
  }
}
