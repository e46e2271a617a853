/* Weighing: the maps and labels of a result with proposals, made anew for other weights of CLIP's opinion. */
// @ts-check
/** @import { Ensemble, Labels, Viewer } from "./types" */
/** @import { Atlas } from "./atlas.js" */
/** @import { Field, Weights } from "./ensemble.js" */
import * as ensemble from "./ensemble.js";

const RIGHT = 1, WRONG = 2;  // labels of what is right and wrong

/**
 * Whether a result has two opinions that can be weighed.
 * @param {Atlas} atlas
 */
export const weighs = ({ proposals, facts }) => Boolean(proposals?.clip && facts.ensemble);

/**
 * The weights that a result is shown with.
 * @param {Atlas} atlas
 * @returns {Weights}
 */
export const weightsOf = (atlas) => atlas.weights || atlas.facts.ensemble?.weights || [0, 0];

/**
 * Show the new result with these weights; null with those that it was made with.
 * @param {Viewer} viewer
 * @param {Weights | null} weights
 */
export function weigh(viewer, weights) {
  const { own } = viewer, known = own.facts.ensemble?.weights;
  if (!known || !weighs(own)) return;
  const wanted = weights || known, same = wanted.every((one, at) => one === weightsOf(own)[at]);
  viewer.state.weights = wanted.every((one, at) => one === known[at]) ? null : wanted;
  if (same) return;
  reweigh(own, wanted);
  viewer.masks.version += 1;  // what was scored against one is not so any more
}

/**
 * Make scores, uncertainty, labels and segments of an atlas anew.
 * @param {Atlas} atlas
 * @param {Weights} weights
 */
export function reweigh(atlas, weights) {
  const { proposals: made, facts: { ensemble: how } } = atlas, classes = atlas.axis("class")?.values ?? [];
  if (!made || !how) return;
  const called = ensemble.named(made, weights, how.shares), scores = ensemble.classScores(made, called);
  const own = scores.slice(0, classes.length);
  atlas.weights = weights;
  fill(atlas, "score", own);
  fill(atlas, "uncertainty", [ensemble.uncertainty(own)]);
  const labels = atlas.labelsAt({ view: "labels" }), truth = atlas.labelsAt({ view: "truth" });
  if (labels) labels.values = ensemble.labelled(scores, classes.length, how, labels);
  const errors = atlas.labelsAt({ view: "errors" });
  if (labels && truth && errors) {
    errors.values = labels.values.map((value, at) => (value === truth.values[at] ? RIGHT : WRONG));
  }
  const segments = atlas.labelsAt({ view: "segments" });
  if (segments) segment(segments, ensemble.segments(made, called, how, segments), classes, how);
}

/**
 * Put maps into the block of a view, in 8 bits as `quantise` in inspector/views/atlas.py.
 * @param {Atlas} atlas
 * @param {string} view
 * @param {Field[]} maps
 */
function fill(atlas, view, maps) {
  const block = atlas.block({ view });
  if (!block?.values) return;
  const cells = maps[0].values.length, values = new Uint8Array(maps.length * cells);
  const ends = maps.map((map) => span(map.values));
  for (const [index, map] of maps.entries()) {
    const [low, high] = ends[index], wide = high > low ? high - low : 1;
    values.set(map.values.map((value) => Math.floor(((value - low) * 255) / wide + 0.5)), index * cells);
  }
  Object.assign(block, {
    values, low: Float32Array.from(ends, ([low]) => low), high: Float32Array.from(ends, ([, high]) => high),
  });
}

/**
 * The least and the greatest of some numbers.
 * @param {Float32Array} values
 */
function span(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/**
 * Say of labels what the segments are: each its class, a thing with its number, in a shade of the class's colour.
 * @param {Labels} labels
 * @param {ReturnType<typeof ensemble.segments>} segments
 * @param {string[]} classes
 * @param {Ensemble} how
 */
function segment(labels, { ids, found }, classes, { shades, things }) {
  const seen = classes.map(() => 0);
  labels.values = ids;
  labels.names.length = labels.colors.length = 1;  // none
  for (const { index } of found) {
    const count = seen[index]++;
    labels.names.push(things[index] ? `${classes[index]} ${count + 1}` : classes[index]);
    labels.colors.push(shades[index][count % shades[index].length]);
  }
}
