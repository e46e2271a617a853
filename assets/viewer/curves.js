/* Curves: what maps are worth along t, as numbers: entropy, correlation, and what several noises say together. */
// @ts-check
/** @import { ValueMap } from "./types" */
import * as draw from "./draw.js";

/**
 * One value of one map. choice: what shows that map, at: t, value: NaN where it is undefined.
 * @typedef {{ t: number, value: number, name: string, choice: Record<string, string> }} Reading
 */

/** What several readings at one t say: their mean, and their deviation where there are two or more. */
/** @typedef {{ t: number, mean: number, deviation: number | null }} Summary */

/**
 * Shannon entropy of a map, enlarged, as a distribution, over the log of its pixels: 0 one pixel, 1 uniform. Negative
 * values count as 0; NaN for a map without a positive one. As inspector/analysis/metrics.py has it.
 * @param {ValueMap} map
 * @param {number} height
 * @param {number} width
 */
export function entropy(map, height, width) {
  const values = draw.enlarge(map, height, width), scale = (map.high - map.low) / 255;
  let total = 0, weighted = 0;
  for (const value of values) {
    const weight = map.low + value * scale;
    if (weight > 0) { total += weight; weighted += weight * Math.log(weight); }
  }
  if (!(total > 0)) return NaN;
  if (values.length === 1) return 0;
  // -sum(p log p) with p = weight / total
  return Math.min(1, Math.max(0, (Math.log(total) - weighted / total) / Math.log(values.length)));
}

/**
 * Pearson's correlation of two maps, cell by cell; NaN where the grids differ or one of them is constant. Of 8-bit
 * values: neither shift nor scale changes it.
 * @param {ValueMap} one
 * @param {ValueMap} other
 */
export function correlation(one, other) {
  if (one.height !== other.height || one.width !== other.width) return NaN;
  const count = one.values.length, a = average(one.values), b = average(other.values);
  let both = 0, first = 0, second = 0;
  for (let at = 0; at < count; at++) {
    const x = one.values[at] - a, y = other.values[at] - b;
    both += x * y;
    first += x * x;
    second += y * y;
  }
  return first > 0 && second > 0 ? both / Math.sqrt(first * second) : NaN;
}

/** @param {ArrayLike<number>} values */
function average(values) {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += values[at];
  return sum / values.length;
}

/**
 * Readings summed up by t, from the least on; those that are no number are left out.
 * @param {Reading[]} readings
 * @returns {Summary[]}
 */
export function summaries(readings) {
  /** @type {Map<number, number[]>} */
  const found = new Map();
  for (const { t, value } of readings) if (Number.isFinite(value)) found.set(t, [...(found.get(t) ?? []), value]);
  return [...found].sort(([one], [other]) => one - other).map(([t, values]) => {
    const mean = average(values), apart = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    return { t, mean, deviation: values.length > 1 ? Math.sqrt(apart / (values.length - 1)) : null };
  });
}

/**
 * Round numbers within and around a range, evenly spaced: the first is no larger than its low, the last no smaller
 * than its high.
 * @param {number} low
 * @param {number} high
 * @param {number} most how many spaces at most
 */
export function ticks(low, high, most) {
  const span = high > low ? high - low : Math.max(Math.abs(high), 1) / 10;
  const power = 10 ** Math.floor(Math.log10(span / most));
  const step = [1, 2, 2.5, 5, 10, 20, 25, 50].map((factor) => factor * power)
    .find((one) => Math.ceil((low + span) / one - 1e-9) - Math.floor(low / one + 1e-9) <= most) ?? span;
  const first = Math.floor(low / step + 1e-9), last = Math.max(Math.ceil((low + span) / step - 1e-9), first + 1);
  return Array.from({ length: last - first + 1 }, (_, at) => Number(((first + at) * step).toPrecision(6)));
}
