/*
 * Ensemble: proposals named anew under other weights of CLIP's opinion, and scores, labels and segments that follow, as
 * Python's `Proposed.named`, `class_scores`, `ruled` and `panoptic` make them. Functions only.
 */
// @ts-check
/** @import { Proposals, Rule } from "./types" */
import { enlarge } from "./draw.js";

const LEAST = Math.fround(1e-12);  // of a probability that is raised to a power

/** @typedef {[seen: number, unseen: number]} Weights of CLIP's opinion, each from 0 to 1 */
/** @typedef {{ values: Float32Array, height: number, width: number }} Field numbers of one map, row by row */
/** @typedef {{ index: number, proposal: number, score: number }} Found a segment: its class, from 0, and proposal */

/**
 * head^(1 - w) clip^w (1 - null) of each proposal and name, w of seen or of unseen ones, proposal by proposal.
 * @param {Proposals} made
 * @param {Weights} weights
 * @param {boolean} [shares] divide both opinions together by their sum over the names
 */
export function named({ count, names, head, null: nothing, clip, seen }, weights, shares = false) {
  const out = new Float32Array(count * names);
  for (let proposal = 0; proposal < count; proposal++) {
    const sure = 1 - nothing[proposal], from = proposal * names;
    let sum = 0;
    for (let at = from; at < from + names; at++) {
      const weight = weights[seen[at - from] ? 0 : 1];
      out[at] = clip ? Math.max(head[at], LEAST) ** (1 - weight) * Math.max(clip[at], LEAST) ** weight : head[at];
      sum += out[at];
    }
    const scale = clip && shares ? sure / sum : sure;
    for (let at = from; at < from + names; at++) out[at] *= scale;
  }
  return out;
}

/**
 * The score of each name: the sum over the proposals of what it is called times its mask, all divided by the largest
 * where that exceeds 1.
 * @param {Proposals} made
 * @param {Float32Array} called as `named` gives it
 * @returns {Field[]}
 */
export function classScores({ count, names, masks, height, width }, called) {
  const cells = height * width, sums = Array.from({ length: names }, () => new Float64Array(cells));
  for (let proposal = 0; proposal < count; proposal++) {
    for (let name = 0; name < names; name++) {
      const share = called[proposal * names + name], sum = sums[name], from = proposal * cells;
      for (let cell = 0; cell < cells; cell++) sum[cell] += share * masks[from + cell];
    }
  }
  const top = sums.reduce((most, sum) => sum.reduce((one, other) => Math.max(one, other), most), 1);
  return sums.map((sum) => ({ values: Float32Array.from(sum, (value) => value / top), height, width }));
}

/**
 * 1 + the best class of each pixel of a picture, 0 where the rule gives it to the background. Of equal ones the first.
 * @param {Field[]} scores the classes', then those of the background words
 * @param {number} classes
 * @param {Rule} rule
 * @param {{ height: number, width: number }} size
 */
export function labelled(scores, classes, { rule, background, power }, { height, width }) {
  const [labels, top] = winners(scores.slice(0, classes), height, width), words = scores.slice(classes);
  const other = rule === "words" && words.length ? winners(words, height, width)[1] : null;
  for (let at = 0; at < labels.length; at++) {
    const limit = rule === "power" ? (1 - top[at]) ** power : rule === "words" ? other?.[at] ?? 0 : background;
    if (top[at] < limit) labels[at] = 0;
  }
  return labels;
}

/**
 * Which of the maps is greatest at each pixel, from 1, and how great that is.
 * @param {Field[]} maps
 * @param {number} height
 * @param {number} width
 * @returns {[Uint8Array, Float32Array]}
 */
function winners(maps, height, width) {
  const labels = new Uint8Array(height * width).fill(1), top = enlarge(maps[0], height, width);
  const other = new Float32Array(top.length);
  for (let index = 1; index < maps.length; index++) {
    enlarge(maps[index], height, width, true, other);
    for (let at = 0; at < top.length; at++) if (other[at] > top[at]) { top[at] = other[at]; labels[at] = index + 1; }
  }
  return [labels, top];
}

/**
 * The entropy of the classes' shares of a cell's score, of that of as many equal ones: 0 is sure, 1 is not at all.
 * @param {Field[]} scores of the classes alone
 */
export function uncertainty(scores) {
  const count = scores.length, { height, width } = scores[0], values = new Float32Array(height * width);
  for (let cell = 0; cell < values.length && count > 1; cell++) {
    const total = scores.reduce((sum, map) => sum + map.values[cell], 0);
    const entropy = scores.reduce((sum, map) => {
      const share = total > 0 ? map.values[cell] / total : 1 / count;
      return share > 0 ? sum - share * Math.log(share) : sum;
    }, 0);
    values[cell] = Math.min(Math.max(entropy / Math.log(count), 0), 1);
  }
  return { values, height, width };
}

/**
 * The segments: a pixel goes to the proposal with the most name times mask, of those that are sure enough; one of which
 * too little is left is dropped; proposals of one class that is no thing are one segment.
 * @param {Proposals} made
 * @param {Float32Array} called as `named` gives it
 * @param {{ things: number[], sure: number, overlap: number }} how things: 1 for each class that is one
 * @param {{ height: number, width: number }} size
 */
export function segments(made, called, { things, sure, overlap }, { height, width }) {
  const ids = new Uint8Array(height * width), opinions = best(made, called, things.length);
  const kept = opinions.filter(({ score }) => score >= sure);
  const masks = kept.map(({ proposal }) => enlarge(maskOf(made, proposal), height, width));
  const owner = new Uint16Array(ids.length), most = new Float32Array(ids.length).fill(-1);
  for (const [place, mask] of masks.entries()) {
    const { score } = kept[place];
    for (let at = 0; at < ids.length; at++) {
      const own = Math.fround(score * mask[at]);
      if (own > most[at]) { most[at] = own; owner[at] = place; }
    }
  }
  /** @type {Found[]} */
  const found = [];
  /** @type {Map<number, number>} */
  const stuff = new Map();
  const order = [...kept.keys()].sort((one, other) => kept[other].score - kept[one].score);
  for (const place of order) {
    const mask = masks[place], { index } = kept[place];
    let inside = 0, own = 0;
    for (let at = 0; at < ids.length; at++) if (mask[at] >= 0.5) { inside += 1; own += owner[at] === place ? 1 : 0; }
    if (!own || own / inside < overlap) continue;
    const id = (!things[index] && stuff.get(index)) || found.push(kept[place]);
    if (!things[index]) stuff.set(index, id);
    for (let at = 0; at < ids.length; at++) if (mask[at] >= 0.5 && owner[at] === place) ids[at] = id;
  }
  return { ids, found };
}

/**
 * What each proposal is best called among the first names.
 * @param {{ count: number, names: number }} made
 * @param {Float32Array} called a number for each proposal and name
 * @param {number} classes
 * @returns {Found[]}
 */
export function best({ count, names }, called, classes) {
  return Array.from({ length: count }, (_, proposal) => {
    const own = called.subarray(proposal * names, proposal * names + classes);
    const index = own.reduce((top, value, at) => (value > own[top] ? at : top), 0);
    return { index, proposal, score: own[index] };
  });
}

/**
 * The mask of a proposal.
 * @param {Proposals} made
 * @param {number} proposal
 * @returns {Field}
 */
export function maskOf({ masks, height, width }, proposal) {
  return { values: masks.subarray(proposal * height * width, (proposal + 1) * height * width), height, width };
}

/**
 * Mean over the classes that occur in the truth of intersection over union; NaN where none does.
 * @param {Uint8Array} labels
 * @param {Uint8Array} truth as many, of the same classes, 0 is none
 * @param {number} classes
 */
export function meanIou(labels, truth, classes) {
  const [both, found, there] = [0, 0, 0].map(() => new Float64Array(classes + 1));
  for (let at = 0; at < labels.length; at++) {
    found[labels[at]] += 1;
    there[truth[at]] += 1;
    if (labels[at] === truth[at]) both[labels[at]] += 1;
  }
  const ious = [...both.keys()].slice(1).filter((name) => there[name] > 0)
    .map((name) => both[name] / (found[name] + there[name] - both[name]));
  return ious.reduce((sum, iou) => sum + iou, 0) / ious.length;
}
