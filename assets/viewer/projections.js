/* Projections: where cells of a grid look by self-attention, of the queries and keys that a run kept. */
// @ts-check
/** @import { Block } from "./types" */
import { half } from "./file.js";

/** @typedef {{ channels: number, height: number, width: number, query: Float32Array, key: Float32Array }} Pair */

/**
 * Query and key of a block at a place of its inner axes, as numbers; null where they have not come.
 * @param {Block} block
 * @param {number} at
 * @returns {Pair | null}
 */
export function pairOf(block, at) {
  if (!block.projected) return null;
  const [channels, height, width] = block.shape.slice(-3), size = channels * height * width, from = 2 * at * size;
  /** @type {(start: number) => Float32Array} */
  const numbers = (start) => Float32Array.from(block.projected.subarray(start, start + size), half);
  return { channels, height, width, query: numbers(from), key: numbers(from + size) };
}

/**
 * softmax(q k) of some cells' queries against all keys, mean over heads and cells; sums to 1. Twin of `row` in
 * inspector/results/projections.py.
 * @param {Pair} pair
 * @param {number} heads
 * @param {number[]} cells
 */
export function row({ channels, height, width, query, key }, heads, cells) {
  const places = height * width, wide = channels / heads, out = new Float64Array(places);
  const scores = new Float32Array(places), share = 1 / (heads * cells.length);
  for (let head = 0; head < heads; head++) {
    for (const cell of cells) {
      scores.fill(0);
      for (let channel = head * wide; channel < (head + 1) * wide; channel++) {
        const own = query[channel * places + cell], from = channel * places;
        for (let place = 0; place < places; place++) scores[place] += own * key[from + place];
      }
      let top = -Infinity, sum = 0;
      for (const score of scores) if (score > top) top = score;
      for (let place = 0; place < places; place++) sum += scores[place] = Math.exp(scores[place] - top);
      for (let place = 0; place < places; place++) out[place] += (scores[place] / sum) * share;
    }
  }
  return Float32Array.from(out);
}
