/* Compare: results beside each other: what sets them apart, how their panels stand, the difference of what two show. */
// @ts-check
/** @import { Grid, Labels, ValueMap } from "./types" */
import { GridMap } from "./atlas.js";

export const DIFFERENCE = "difference";  // `of` of a panel that shows what the others differ by
export const MOST_HELD = 3;
const SHORT = 40;  // characters of a value in a name
const SPOKEN = ["prompt", "classes", "picture"];  // values that are understood without their names

/**
 * What sets results apart, a text for each: the values that are not the same for all; "" where nothing sets it apart.
 * @param {Record<string, string>[]} asked of each result, name -> text
 */
export function apart(asked) {
  const names = [...new Set(asked.flatMap((one) => Object.keys(one)))];
  const differ = names.filter((name) => new Set(asked.map((one) => one[name])).size > 1);
  return asked.map((one) => differ.filter((name) => one[name] !== undefined).map((name) => {
    const value = one[name].length > SHORT ? `${one[name].slice(0, SHORT - 1)}…` : one[name];
    return SPOKEN.includes(name) ? value : `${name.replaceAll("_", " ")} ${value}`;
  }).join(", "));
}

/**
 * Rows of what belongs together: the first of every list, the second of every list, as far as whole rows fit.
 * @template T
 * @param {T[][]} lists
 * @param {number} most
 */
export function interleaved(lists, most) {
  /** @type {T[]} */
  const out = [];
  const longest = Math.max(...lists.map((list) => list.length));
  for (let at = 0; at < longest; at++) {
    const row = lists.filter((list) => at < list.length).map((list) => list[at]);
    if (at > 0 && out.length + row.length > most) break;
    out.push(...row);
  }
  return out.slice(0, most);
}

/**
 * The first map minus the second, in their true values, signed, on their grid; null where the grids differ.
 * @param {ValueMap} first
 * @param {ValueMap} second
 */
export function difference(first, second) {
  const { height, width } = first;
  if (height !== second.height || width !== second.width) return null;
  /** @type {(map: ValueMap, at: number) => number} */
  const of = (map, at) => map.low + (map.values[at] / 255) * (map.high - map.low);
  return mapOf(Float32Array.from(first.values, (_, at) => of(first, at) - of(second, at)), height, width, true);
}

/**
 * For each place the share of results that do not have its most frequent label, from 0; null where grids differ. A
 * label is what its name says.
 * @param {Pick<Labels, "values" | "names" | "height" | "width">[]} labels
 */
export function disagreement(labels) {
  const [{ height, width }] = labels;
  if (labels.some((one) => one.height !== height || one.width !== width)) return null;
  const found = Float32Array.from({ length: height * width }, (_, at) => {
    /** @type {Map<string, number>} */
    const votes = new Map();
    for (const { values, names } of labels) votes.set(names[values[at]], (votes.get(names[values[at]]) || 0) + 1);
    return 1 - Math.max(...votes.values()) / labels.length;
  });
  return mapOf(found, height, width, false, 1 - 1 / labels.length);
}

/**
 * Values as a map of 8 bits; a signed one is as wide on both sides of zero.
 * @param {Float32Array} found
 * @param {number} height
 * @param {number} width
 * @param {boolean} signed
 * @param {number} least the upper end of the colours is no lower
 */
export function mapOf(found, height, width, signed, least = 0) {
  let high = least;
  for (const value of found) high = Math.max(high, Math.abs(value));
  const low = signed ? -high : 0, scale = high > low ? 255 / (high - low) : 0;
  const values = Uint8Array.from(found, (value) => Math.round((value - low) * scale));
  const place = { at: {}, inner: [], axes: [], picture: "", computed: /** @type {const} */ (""), scores: {}, signed };
  return new GridMap(values, height, width, low, high, place, 0, true);
}
