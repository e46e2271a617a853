/* Score: a map against a mask, as inspector/analysis/metrics.py does it, on the mask's own grid. */
// @ts-check
/** @import { Grid, Mask, Score, ValueMap } from "./types" */
import * as draw from "./draw.js";

const BINS = 255 * 256 + 1;

/**
 * The share, 0 to 1, of a grid's pixels that reach a threshold given as an 8-bit value (it may lie between two).
 * @param {ArrayLike<number>} values
 * @param {number} threshold
 */
export function areaAbove(values, threshold) {
  let count = 0;
  for (let index = 0; index < values.length; index++) if (values[index] >= threshold) count++;
  return count / values.length;
}

/**
 * 8-bit value at which a map reaches `fraction` of its maximum; above 255 where it has no positive value.
 * @param {ValueMap} map
 * @param {number} fraction
 */
export function level(map, fraction, highest = map.high) {
  if (!(highest > 0)) return 256;
  if (!(map.high > map.low)) return 0;
  return ((Math.max(fraction * highest, Number.MIN_VALUE) - map.low) / (map.high - map.low)) * 255;
}

/**
 * A map against a mask; `iou` at `fraction` of the map's maximum. All but `iou` and `chance` are NaN for an empty mask.
 * @param {ValueMap} map
 * @param {Mask} mask
 * @param {number} fraction
 * @returns {Score}
 */
export function score(map, mask, fraction) {
  const values = draw.enlarge(map, mask.height, mask.width);
  const hits = new Uint32Array(BINS), others = new Uint32Array(BINS), truth = mask.values;
  let positives = 0, highest = 0, atTop = 0, topHits = 0, overlap = 0, above = 0;
  for (const value of values) if (value > highest) highest = value;
  // Of the enlarged map's maximum, which the grid's own may exceed.
  const cut = level(map, fraction, map.low + (highest / 255) * (map.high - map.low));
  for (let index = 0; index < values.length; index++) {
    const value = values[index], bin = (value * 256 + 0.5) | 0;
    if (truth[index]) { hits[bin]++; positives++; } else others[bin]++;
    if (value >= cut) { above++; overlap += truth[index]; }
    if (value === highest) { atTop++; topHits += truth[index]; }
  }
  if (!positives) return { ap: NaN, iou: above ? 0 : NaN, iouBest: NaN, pointing: NaN, chance: 0 };
  let found = 0, wrong = 0, ap = 0, best = 0;
  for (let bin = BINS - 1; bin >= 0; bin--) {
    if (!hits[bin] && !others[bin]) continue;
    found += hits[bin];
    wrong += others[bin];
    ap += (hits[bin] / positives) * (found / (found + wrong));
    best = Math.max(best, found / (positives + wrong));
  }
  return {
    ap,
    iou: overlap / (positives + above - overlap),
    iouBest: best,
    pointing: topHits / atTop,
    chance: positives / values.length,
  };
}

/**
 * Counts of a map's values in `bins` equal parts of its own range.
 * @param {Grid} map
 */
export function histogram(map, bins = 64) {
  const counts = new Uint32Array(bins);
  for (const value of map.values) counts[Math.min(Math.floor((value * bins) / 256), bins - 1)]++;
  return counts;
}

/**
 * Otsu's threshold (1979) as a fraction of the map's maximum: the cut that separates two groups of values best.
 * @param {ValueMap} map
 */
export function otsu(map) {
  const counts = new Float64Array(256);
  for (const value of map.values) counts[value]++;
  let total = 0, weighted = 0;
  counts.forEach((count, value) => { total += count; weighted += count * value; });
  let below = 0, sum = 0, best = -1, first = 0, last = 0;
  for (let value = 0; value < 255; value++) {
    below += counts[value];
    sum += counts[value] * value;
    if (!below || below === total) continue;
    const apart = sum / below - (weighted - sum) / (total - below);
    const between = below * (total - below) * apart * apart;
    if (between > best * (1 + 1e-12)) { best = between; first = last = value; }
    else if (between >= best * (1 - 1e-12)) last = value;  // an empty stretch between the groups: its middle
  }
  const cut = map.low + (((first + last) / 2 + 0.5) / 255) * (map.high - map.low);
  return map.high > 0 ? Math.min(Math.max(cut / map.high, 0), 1) : 0;
}
