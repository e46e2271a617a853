/* Memory: what a viewer begins with, and what it takes over of what a link tells. */
// @ts-check
/** @import { Point, Region, State, Viewer, Zoom } from "./types" */
import { MOST_PANELS } from "./grid.js";
import { begun, known } from "./results.js";

/** @type {State} */
export const DEFAULTS = {
  colormap: "viridis", opacity: 0.6, fade: false, scale: "own", smooth: true, threshold: 0.4, show: "heat",
  follow: false, together: true, wipe: false, wipeAt: 0.5, pin: null, mask: "match", outline: false,
  columns: "", rows: "", ribbon: false, tool: "look", zoom: { scale: 1, y: 0.5, x: 0.5 },
  weights: null, region: null, rivals: [], mixture: null,
};
const MOST_CORNERS = 100;  // of a polygon
const LAST = 0.999999;  // of a fraction that still lies in the picture

/**
 * Names that a result has. words: that can compete; heights: of the grids that can be weighed.
 * @typedef {{ colormaps: string[], axes: string[], masks: string[], words?: string[], heights?: string[] }} Names
 */

/**
 * How each part is taken: undefined where what is told does not fit.
 * @type {{ [Name in keyof State]?: (told: unknown, names: Names) => State[Name] | undefined }}
 */
const TAKEN = {
  colormap: (told, { colormaps }) => among(told, colormaps),
  scale: (told) => among(told, ["own", "shared"]),
  show: (told) => among(told, ["heat", "outline", "mask"]),
  columns: (told, { axes }) => among(told, ["", ...axes]),
  rows: (told, { axes }) => among(told, ["", ...axes]),
  mask: (told, { masks }) => among(told, ["match", ...masks]),
  smooth: flag, wipe: flag, outline: flag, follow: flag, fade: flag, ribbon: flag, together: flag,
  opacity: share, threshold: share, wipeAt: share,
  pin,
  zoom,
  weights,
  region,
  rivals: (told, { words = [] }) => listed(told, words),
  mixture: (told, { heights = [] }) => mixture(told, heights),
};

/**
 * Let a viewer show its new result as that says it is to be looked at first.
 * @param {Viewer} viewer
 */
export function begin(viewer) {
  const { own } = viewer, { columns, rows, look = {}, panels = [{}], active = 0 } = own.facts;
  /** @type {(name: string | undefined) => string} */
  const several = (name) => (name && (own.axis(name)?.values.length ?? 0) > 1 ? name : "");
  viewer.state = { ...structuredClone(DEFAULTS), ...look, columns: several(columns), rows: several(rows) };
  viewer.panels = panels.map((choice) => viewer.panelOf({ ...begun(own), ...choice }));
  viewer.at = Math.min(active, viewer.panels.length - 1);
}

/**
 * Take over what fits of what is told; anything else is ignored, since links come from anywhere. Returns whether it
 * tells of panels of several results.
 * @param {Viewer} viewer
 * @param {unknown} told
 */
export function restore(viewer, told) {
  if (!told || typeof told !== "object") return false;
  const state = /** @type {Record<string, unknown>} */ (told), { panels, active } = state;
  const axes = viewer.atlas.axes.filter(({ values }) => values.length > 1).map(({ name }) => name);
  const { questions } = viewer.atlas.facts, words = questions?.words, heights = Object.keys(questions?.mixture ?? {});
  const names = { colormaps: viewer.maps(), axes, masks: viewer.masks.names(), words, heights };
  Object.assign(viewer.state, fitting(state, names));
  const choices = Array.isArray(panels) ? panels : [];
  if (choices.length) {
    const base = viewer.panels[0].choice, fits = choices.slice(0, MOST_PANELS);
    viewer.panels = fits.map((choice) => viewer.panelOf(known(viewer, choice, base)));
    if (viewer.pair().length < 2) viewer.panels = viewer.pair();
    if (!viewer.panels.length) viewer.panels = [viewer.panelOf(base)];
  }
  if (Number.isInteger(active)) viewer.at = clamp(Number(active), 0, viewer.panels.length - 1);
  return choices.length > 0 && state.beside !== true;
}

/**
 * The parts of what is told that fit a result; links come from anywhere.
 * @param {Record<string, unknown>} told
 * @param {Names} names
 * @returns {Partial<State>}
 */
export function fitting(told, names) {
  /** @type {Partial<State>} */
  const out = {};
  for (const [name, take] of Object.entries(TAKEN)) {
    const value = take(told[name], names);
    if (value !== undefined) Object.assign(out, { [name]: value });
  }
  return out;
}

/**
 * @template {string} Value
 * @param {unknown} told
 * @param {Value[]} values
 */
function among(told, values) {
  return values.find((value) => value === told);
}

/** @param {unknown} told */
function flag(told) {
  return typeof told === "boolean" ? told : undefined;
}

/**
 * A number from 0 to 1, as text or not; what lies outside becomes the nearest.
 * @param {unknown} told
 */
function share(told) {
  const value = told === null || told === undefined ? NaN : Number(told);
  return Number.isFinite(value) ? clamp(value, 0, 1) : undefined;
}

/**
 * @param {unknown} told
 * @returns {Point | undefined}
 */
function pin(told) {
  const found = numbers(told, ["y", "x"]);
  return found && { y: clamp(found[0], 0, LAST), x: clamp(found[1], 0, LAST) };
}

/**
 * @param {unknown} told
 * @returns {Zoom | undefined}
 */
function zoom(told) {
  const found = numbers(told, ["scale", "y", "x"]);
  return found && { scale: clamp(found[0], 1, 16), y: clamp(found[1], 0, 1), x: clamp(found[2], 0, 1) };
}

/**
 * @param {unknown} told
 * @returns {[number, number] | undefined}
 */
function weights(told) {
  const found = numbers(told, ["0", "1"]);
  return found && [clamp(found[0], 0, 1), clamp(found[1], 0, 1)];
}

/**
 * @param {unknown} told
 * @returns {Region | undefined}
 */
function region(told) {
  if (!told || typeof told !== "object") return undefined;
  const { kind, points } = /** @type {Record<string, unknown>} */ (told);
  const found = Array.isArray(points) ? points.slice(0, MOST_CORNERS).flatMap((point) => pin(point) ?? []) : [];
  if (kind === "box" && found.length === 2) return { kind, points: found };
  return kind === "polygon" && found.length > 2 ? { kind, points: found } : undefined;
}

/**
 * @param {unknown} told
 * @param {string[]} values
 * @returns {string[] | undefined} those that there are
 */
function listed(told, values) {
  const found = Array.isArray(told) ? values.filter((value) => told.includes(value)) : [];
  return found.length > 1 ? found : undefined;
}

/**
 * @param {unknown} told
 * @param {string[]} heights
 */
function mixture(told, heights) {
  const found = heights.length ? numbers(told, heights) : undefined;
  if (!found || !found.some((weight) => weight > 0)) return undefined;
  return Object.fromEntries(heights.map((height, at) => [height, clamp(found[at], 0, 1)]));
}

/**
 * The numbers of these names; undefined where one is missing or not finite.
 * @param {unknown} told
 * @param {string[]} parts
 */
function numbers(told, parts) {
  if (!told || typeof told !== "object") return undefined;
  const values = Object.entries(told), found = parts.map((part) => values.find(([key]) => key === part)?.[1]);
  return found.every((value) => Number.isFinite(value)) ? found.map(Number) : undefined;
}

/** @type {(value: number, low: number, high: number) => number} */
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
