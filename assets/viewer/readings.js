/* Readings: what maps and labels say at a pixel of the picture: values, ranks, shares, courses over the steps. */
// @ts-check
/** @import { Axis, Choice, Labels, Point } from "./types" */
/** @import { Atlas, GridMap } from "./atlas.js" */
import { number } from "./controls.js";

/** @typedef {{ y: number, x: number, height: number, width: number }} Pixel of a picture of this height and width */
/** @typedef {[name: string, value: number, own: boolean, key: string]} Row own: whether it is the one shown */
/** @typedef {{ choice: Choice, map: GridMap | null, labels: Labels | null }} Shown what a panel shows */

/**
 * The pixel under a point.
 * @param {Point} point
 * @param {{ height: number, width: number }} size
 * @returns {Pixel}
 */
export function pixelAt({ y, x }, { height, width }) {
  return { y: Math.floor(y * height), x: Math.floor(x * width), height, width };
}

/**
 * Every choice along the ranked axis at a pixel, largest first; null without such an axis.
 * @param {Atlas} atlas
 * @param {Shown} shown
 * @param {Pixel} pixel
 * @returns {Row[] | null}
 */
export function ranked(atlas, { choice, map, labels }, { y, x, height, width }) {
  const { unranked = [] } = atlas.facts, axis = atlas.axis(atlas.facts.ranked);
  if (!axis) return null;
  const here = atlas.blocks.find(({ inner, values }) => inner.includes(axis.name) && values);
  const block = map ? map.block : labels && (labels.of ? atlas.block(labels.of) : here);
  if (!block?.inner.includes(axis.name)) return null;
  /** @type {Row[]} */
  const rows = axis.values.flatMap((key, index) => {
    const one = atlas.map({ ...choice, ...block.at, [axis.name]: key }), own = key === choice[axis.name];
    if (!one || (!own && unranked.includes(key))) return [];
    return [[axis.shown[index], one.at(y, x, height, width), own, key]];
  });
  return rows.sort((first, second) => second[1] - first[1]);
}

/**
 * The value of what is shown at a pixel, with its rank, or the name of the label there.
 * @param {Atlas} atlas
 * @param {Shown} shown
 * @param {Pixel} pixel
 */
export function value(atlas, shown, pixel) {
  const { map, labels } = shown;
  if (map) {
    const rows = ranked(atlas, shown, pixel), place = rows ? rows.findIndex(([, , own]) => own) : -1;
    const rank = rows && place >= 0 ? ` · rank ${place + 1} of ${rows.length}` : "";
    return `${number(map.at(pixel.y, pixel.x, pixel.height, pixel.width))}${rank}`;
  }
  if (!labels) return "";
  return labels.names[labelAt(labels, pixel)] ?? "–";
}

/**
 * The label at a pixel.
 * @param {Labels} labels
 * @param {Pixel} pixel
 */
export function labelAt({ values, height, width }, pixel) {
  const row = Math.min(Math.floor((pixel.y * height) / pixel.height), height - 1);
  return values[row * width + Math.min(Math.floor((pixel.x * width) / pixel.width), width - 1)];
}

/**
 * Each row's share of what all of them have, by its key; what is below zero counts as nothing.
 * @param {Row[]} rows
 * @returns {Map<string, number>}
 */
export function shares(rows) {
  const sum = rows.reduce((all, row) => all + Math.max(row[1], 0), 0);
  return new Map(rows.map(([, one, , key]) => [key, sum > 0 ? Math.max(one, 0) / sum : 0]));
}

/**
 * The axis that a map's values can be drawn over, and as many of its values as there are; null without.
 * @param {Atlas} atlas
 * @param {GridMap | null} map
 * @returns {{ axis: Axis, values: string[] } | null}
 */
export function course(atlas, map) {
  const axis = atlas.axis(atlas.facts.curve), block = map?.block;
  if (!axis || !block?.shape) return null;
  const count = block.shape[block.inner.indexOf(axis.name)];
  return block.inner.includes(axis.name) && count > 1 ? { axis, values: axis.values.slice(0, count) } : null;
}

/**
 * The values at a pixel along an axis.
 * @param {Atlas} atlas
 * @param {Choice} choice of the other axes
 * @param {{ axis: Axis, values: string[] }} over
 * @param {Pixel} pixel
 */
export function along(atlas, choice, { axis, values }, { y, x, height, width }) {
  return values.map((one) => atlas.map({ ...choice, [axis.name]: one })?.at(y, x, height, width) ?? NaN);
}

/**
 * Lists of numbers as shares of the greatest of all; what is below zero counts as nothing.
 * @param {number[][]} lists
 */
export function ofGreatest(lists) {
  const top = Math.max(...lists.flat(), 1e-12);
  return lists.map((list) => list.map((one) => Math.max(one, 0) / top));
}
