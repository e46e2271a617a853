/* Questions: what a recorded run answers without a server: which word wins, where a region looks, mixed layers. */
// @ts-check
/** @import { Block, Choice, Content, Labels, Mask, Region, State } from "./types" */
/** @import { Atlas } from "./atlas.js" */
import { GridMap } from "./atlas.js";
import { mapOf } from "./compare.js";
import * as draw from "./draw.js";
import * as moments from "./moments.js";
import { pairOf, row } from "./projections.js";
import { cellsIn, cellsUnder } from "./regions.js";

// Names of inspector/views/attention_atlas.py.
export const VIEW = "view";
export const WORD = "word";
export const HEAD = "head";
export const AGAINST = "against";
export const SELF = "self";
export const PROBE = "probe";
export const MIXED = "weighted";
const FINER = 4;  // labels per cell along each side: words meet between cells
const KEPT = 64;  // answers of each result

/** @typedef {Pick<State, "pin" | "region" | "rivals" | "mixture">} Asked */
/** @typedef {Pick<Content, "map" | "labels" | "block" | "missing">} Answer */

/** @type {WeakMap<Atlas, Map<string, GridMap | Labels>>} */
const answers = new WeakMap();

/**
 * What a choice shows that no block holds; null where a block, labels or a picture do.
 * @param {Atlas} atlas
 * @param {Choice} choice
 * @param {Asked} asked
 * @returns {Answer | null}
 */
export function answer(atlas, choice, asked) {
  if (!atlas.facts.questions) return null;
  if (choice.view === SELF) return self(atlas, choice, asked);
  if (choice.view === AGAINST) return against(atlas, choice, asked);
  return choice.layer === MIXED ? mixed(atlas, choice, asked) : null;
}

/**
 * The axes whose values say what such a choice shows; null for one that a block, labels or a picture show.
 * @param {Atlas} atlas
 * @param {Choice} choice
 */
export function axesOf({ facts }, { view, layer }) {
  if (!facts.questions) return null;
  const place = ["step", "layer", "arm", "view"];
  if (view === SELF || view === AGAINST) return place;
  return layer === MIXED ? [...place, "word"] : null;
}

/**
 * The words that compete.
 * @param {Atlas} atlas
 * @param {Asked} asked
 */
export function rivals({ facts: { questions } }, { rivals: chosen }) {
  const known = questions?.words.filter((word) => chosen.includes(word)) ?? [];
  return known.length > 1 ? known : questions?.first ?? [];
}

/**
 * The weights of the resolutions: height of the grid -> weight.
 * @param {Atlas} atlas
 * @param {Asked} asked
 */
export function mixture({ facts: { questions } }, { mixture: chosen }) {
  const first = questions?.mixture ?? {};
  return Object.fromEntries(Object.keys(first).map((height) => [height, chosen?.[height] ?? first[height]]));
}

/**
 * The region whose self-attention is shown: one that was drawn, else the pinned pixel, else the middle.
 * @param {Asked} asked
 * @returns {Region}
 */
export function regionOf({ region, pin }) {
  return region ?? { kind: "pixel", points: [pin ?? { y: 0.5, x: 0.5 }] };
}

/**
 * Each place's word: the one with the most attention of those that compete.
 * @param {Atlas} atlas
 * @param {Choice} choice
 * @param {Asked} asked
 * @returns {Answer}
 */
function against(atlas, choice, asked) {
  const words = atlas.facts.questions?.words ?? [], colors = atlas.facts.questions?.colors ?? [];
  const own = rivals(atlas, asked);
  const of = { ...choice, view: WORD }, found = own.map((word) => wordMap(atlas, { ...of, word }, asked));
  const maps = found.flatMap(({ map }) => map ?? []), [first] = maps;
  if (maps.length < own.length || !first) return { map: null, labels: null, ...waiting(found) };
  const key = JSON.stringify([AGAINST, of, own, asked.mixture]);
  const labels = kept(atlas, key, () => {
    const height = first.height * FINER, width = first.width * FINER, values = new Uint8Array(height * width);
    const grids = maps.map((map) => draw.enlarge(map, height, width));
    for (let at = 0; at < values.length; at++) {
      let most = -Infinity;
      for (const [index, grid] of grids.entries()) {
        const value = maps[index].low + (grid[at] / 255) * (maps[index].high - maps[index].low);
        if (value > most) { most = value; values[at] = words.indexOf(own[index]); }
      }
    }
    return { at: { view: AGAINST }, colors, names: words, picture: first.block.picture, values, height, width, of };
  });
  return { map: null, labels: /** @type {Labels} */ (labels), block: null, missing: [] };
}

/**
 * A word's map, of one block or of mixed layers.
 * @param {Atlas} atlas
 * @param {Choice} choice
 * @param {Asked} asked
 * @returns {Answer}
 */
function wordMap(atlas, choice, asked) {
  if (choice.layer === MIXED) return mixed(atlas, choice, asked);
  const block = atlas.block(choice);
  return { map: atlas.map(choice), labels: null, block, missing: block && !block.values ? [[block, atlas]] : [] };
}

/**
 * The mean of the resolutions' means, each as much as its weight says.
 * @param {Atlas} atlas
 * @param {Choice} choice
 * @param {Asked} asked
 * @returns {Answer}
 */
function mixed(atlas, choice, asked) {
  const parts = Object.entries(mixture(atlas, asked)).filter(([, weight]) => weight > 0);
  const found = parts.map(([height]) => wordMap(atlas, { ...choice, layer: height }, asked));
  const maps = found.flatMap(({ map }) => map ?? []), [first] = maps;
  if (maps.length < parts.length || !first) return { map: null, labels: null, ...waiting(found) };
  const key = JSON.stringify([MIXED, choice, parts]), total = parts.reduce((sum, [, weight]) => sum + weight, 0);
  const map = kept(atlas, key, () => {
    const { height, width } = maps.reduce((most, one) => (one.height > most.height ? one : most));
    const sum = new Float32Array(height * width);
    for (const [at, one] of maps.entries()) {
      const share = parts[at][1] / total, scale = ((one.high - one.low) / 255) * share;
      draw.enlarge(one, height, width).forEach((value, place) => { sum[place] += one.low * share + value * scale; });
    }
    return inRange(sum, height, width, first.block, "");
  });
  return { map: /** @type {GridMap} */ (map), labels: null, block: first.block, missing: [] };
}

/**
 * Where a region looks.
 * @param {Atlas} atlas
 * @param {Choice} choice
 * @param {Asked} asked
 * @returns {Answer}
 */
function self(atlas, choice, asked) {
  const region = regionOf(asked);
  return looking(atlas, choice, JSON.stringify(region), (height, width) => cellsIn(region, height, width));
}

/**
 * How much of its attention each region pays to each, where both are masks: [from][to], shares of one.
 * @param {Atlas} atlas
 * @param {Choice} choice
 * @param {Mask[]} masks
 * @returns {number[][] | null} null where what it is made of was not kept, or has not come
 */
export function between(atlas, choice, masks) {
  const maps = masks.map((mask, at) => looking(atlas, choice, `mask ${at} ${[...mask.values].join("")}`,
    (height, width) => cellsUnder(mask, height, width)).map);
  const found = maps.flatMap((map) => map ?? []);
  if (found.length < masks.length) return null;
  return found.map((map) => masks.map((mask) => {
    const scale = (map.high - map.low) / 255;
    return cellsUnder(mask, map.height, map.width).reduce((sum, cell) => sum + map.low + map.values[cell] * scale, 0);
  }));
}

/**
 * Where cells look, in the mean over the choice's layers; a coarse grid's shares are spread over the finest.
 * @param {Atlas} atlas
 * @param {Choice} choice
 * @param {string} name of the cells, by which the answer is known again
 * @param {(height: number, width: number) => number[]} cells of a grid
 * @returns {Answer}
 */
function looking(atlas, choice, name, cells) {
  const layers = atlas.facts.questions?.members[choice.layer] ?? [choice.layer];
  const blocks = layers.flatMap((layer) => atlas.block({ ...choice, layer }) ?? []), [first] = blocks;
  const missing = blocks.filter((block) => !block.projected);
  if (!first || missing.length) {
    return { map: null, labels: null, block: first ?? null, missing: missing.map((block) => [block, atlas]) };
  }
  const map = kept(atlas, JSON.stringify([SELF, choice, name]), () => {
    const rows = blocks.map((block) => {
      const at = block.inner.length ? placeOf(atlas, block, choice) : 0, pair = pairOf(block, at);
      if (!pair) throw new Error("These queries have not come.");
      const { height, width } = pair;
      return { values: row(pair, block.heads ?? 1, cells(height, width)), height, width };
    });
    const { height, width } = rows.reduce((most, one) => (one.height > most.height ? one : most));
    const sum = new Float32Array(height * width);
    for (const one of rows) {
      const share = (one.height * one.width) / (height * width) / rows.length;
      draw.enlarge(one, height, width).forEach((value, place) => { sum[place] += value * share; });
    }
    return inRange(sum, height, width, first, SELF);
  });
  return { map: /** @type {GridMap} */ (map), labels: null, block: first, missing: [] };
}

/**
 * Where a choice's step lies in a block.
 * @param {Atlas} atlas
 * @param {Block} block
 * @param {Choice} choice
 */
function placeOf(atlas, block, choice) {
  const [axis] = block.axes, values = axis.values.slice(0, block.shape?.[0]);
  return moments.placeIn(values, choice[axis.name], axis.values);
}

/**
 * Values as a map of 8 bits from their least to their greatest, over a block's picture.
 * @param {Float32Array} values
 * @param {number} height
 * @param {number} width
 * @param {Block} block
 * @param {Block["computed"]} computed
 */
function inRange(values, height, width, { picture }, computed) {
  const least = values.reduce((low, value) => Math.min(low, value), Infinity);
  const map = mapOf(values.map((value) => value - least), height, width, false);
  const block = { ...map.block, picture, computed };
  return new GridMap(map.values, height, width, map.low + least, map.high + least, block);
}

/**
 * What is still to be fetched before an answer can be given.
 * @param {Answer[]} found
 * @returns {Pick<Answer, "block" | "missing">}
 */
function waiting(found) {
  const blocks = new Map(found.flatMap(({ missing }) => missing));
  return { block: found[0]?.block ?? null, missing: [...blocks] };
}

/**
 * An answer that was given before, else it is worked out; where there are too many, all others go.
 * @param {Atlas} atlas
 * @param {string} key
 * @param {() => GridMap | Labels} make
 */
function kept(atlas, key, make) {
  const own = answers.get(atlas) ?? new Map();
  answers.set(atlas, own);
  if (own.size > KEPT && !own.has(key)) own.clear();
  const made = own.get(key) ?? make();
  own.set(key, made);
  return made;
}
