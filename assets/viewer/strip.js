/* Strip: the pictures of an arm's steps, and where they and their values lie along a row. */
// @ts-check
/** @import { Atlas } from "./atlas.js" */
import { el } from "./controls.js";

const MARGIN = 3;  // pixels above and below the lines, so that no dot is cut off

/** @typedef {{
 *   arm: string, places: number[], pictures: ImageBitmap[], cells: HTMLCanvasElement[], row: HTMLElement,
 *   values: number[],
 * }} Strip one arm. places: the step that each picture stands at, from 0; values: of the maps, NaN where there is none
 */

/**
 * The arms that are seen first and have pictures of their steps, decoded.
 * @param {Atlas} atlas
 * @returns {Promise<Strip[]>}
 */
export async function stripsOf(atlas) {
  const { timesteps: all = {}, ticksBy = "", panels = [] } = atlas.facts;
  const first = panels.map((panel) => panel[ticksBy]);  // there is room for as many as for panels
  const told = Object.entries(all).filter(([arm]) => first.includes(arm) && atlas.pictures[`${arm}/1`]);
  const [longest] = Object.values(all).sort((one, other) => other.length - one.length);
  return Promise.all(told.map(async ([arm, own]) => {
    const pictures = await Promise.all(own.map((_, index) => atlas.picture(`${arm}/${index + 1}`)));
    const cells = pictures.map(() => el("canvas", { "aria-hidden": "true" }));
    const row = el("div", { class: "dv-strip" }, ...cells);
    return { arm, pictures, cells, places: placed(own, longest), row, values: [] };
  }));
}

/**
 * The mean of a map, in its true values.
 * @param {{ values: Uint8Array, low: number, high: number }} map
 */
export function mean({ values, low, high }) {
  return low + (values.reduce((sum, value) => sum + value, 0) / values.length / 255) * (high - low);
}

/**
 * At which of the longest arm's steps an arm's own stand: one by one where they are as many, else where t is nearest.
 * @param {number[]} own t of each step
 * @param {number[]} longest
 */
export function placed(own, longest) {
  if (own.length === longest.length) return own.map((_, index) => index);
  /** @type {(t: number) => number[]} */
  const away = (t) => longest.map((other) => Math.abs(other - t));
  return own.map((t) => away(t).indexOf(Math.min(...away(t))));
}

/**
 * The least and the largest of the values that are numbers; null where none is.
 * @param {number[]} values
 * @returns {[number, number] | null}
 */
export function ends(values) {
  const found = values.filter(Number.isFinite);
  return found.length ? [Math.min(...found), Math.max(...found)] : null;
}

/**
 * Where a step's middle lies, in pixels from the left.
 * @param {number} place
 * @param {number} slot
 */
export const middle = (place, slot) => (place + 0.5) * slot;

/**
 * Which of `count` steps lies at x; beyond an end the first or the last.
 * @param {number} x
 * @param {number} slot
 * @param {number} count
 */
export function stepAt(x, slot, count) {
  return Math.min(Math.max(Math.floor(x / slot), 0), count - 1);
}

/**
 * [x, y] of each value in pixels, the largest at the top; null for what is not a number. Equal ends: half-way up.
 * @param {number[]} values
 * @param {number[]} at the step that each stands at
 * @param {[number, number]} range
 * @param {number} slot
 * @param {number} high
 * @returns {([number, number] | null)[]}
 */
export function points(values, at, [low, top], slot, high) {
  return values.map((value, index) => {
    if (!Number.isFinite(value)) return null;
    const share = top > low ? (top - value) / (top - low) : 0.5;
    return [middle(at[index], slot), MARGIN + share * (high - 2 * MARGIN)];
  });
}

/**
 * An SVG path along points, broken where one is missing.
 * @param {([number, number] | null)[]} along
 */
export function path(along) {
  return along.map((point, at) => {
    if (!point) return "";
    return `${along[at - 1] ? "L" : "M"}${point.map((one) => one.toFixed(1)).join(" ")}`;
  }).join("");
}
