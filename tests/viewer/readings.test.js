/* What maps and labels say at a pixel. */
import assert from "node:assert/strict";
import test from "node:test";

import { GridMap } from "../../assets/viewer/atlas.js";
import { along, course, labelAt, ofGreatest, pixelAt, ranked, shares, value } from "../../assets/viewer/readings.js";

const WORDS = { name: "word", values: ["a", "b", "<end>"], shown: ["a", "b", "the end"] };
const STEPS = { name: "step", values: ["0", "1", "2"], shown: ["0", "1", "2"] };
const BLOCK = { at: {}, inner: ["word", "step"], shape: [3, 2, 1, 1], values: new Uint8Array(6), signed: false };
const VALUES = { a: [0.25, 0.5], b: [0.75, -1], "<end>": [1, 1] };  // over the steps

/** An atlas whose maps have one cell. */
const ATLAS = {
  facts: { ranked: "word", unranked: ["<end>"], curve: "step" },
  blocks: [BLOCK],
  axis: (name) => [WORDS, STEPS].find((axis) => axis.name === name),
  map: ({ word, step }) => {
    const high = VALUES[word][Math.min(Number(step), 1)];
    return new GridMap(Uint8Array.of(255), 1, 1, 0, high, BLOCK);
  },
};
const PIXEL = { y: 1, x: 0, height: 2, width: 2 };
const shown = (word, step = "0") => ({ choice: { word, step }, map: ATLAS.map({ word, step }), labels: null });

test("a pixel is the one that a point lies in", () => {
  assert.deepEqual(pixelAt({ y: 0.5, x: 0.4999 }, { height: 2, width: 2 }), PIXEL);
});

test("choices of the ranked axis come largest first, without those that take no part", () => {
  assert.deepEqual(ranked(ATLAS, shown("a"), PIXEL), [["b", 0.75, false, "b"], ["a", 0.25, true, "a"]]);
  const own = ranked(ATLAS, shown("<end>"), PIXEL);
  assert.deepEqual(own.map(([name]) => name), ["the end", "b", "a"]);  // the one that is shown takes part
  assert.equal(ranked({ ...ATLAS, facts: {} }, shown("a"), PIXEL), null);
});

test("a value has its rank, a label its name", () => {
  assert.equal(value(ATLAS, shown("a"), PIXEL), "0.25 · rank 2 of 2");
  const labels = { values: Uint8Array.of(0, 1, 2, 0), height: 2, width: 2, names: ["sky", "car"] };
  const of = (pixel) => value(ATLAS, { choice: {}, map: null, labels }, { height: 4, width: 4, ...pixel });
  assert.deepEqual([of({ y: 1, x: 1 }), of({ y: 1, x: 2 }), of({ y: 2, x: 1 }), of({ y: 3, x: 3 })],
    ["sky", "car", "–", "sky"]);
  assert.equal(value(ATLAS, { choice: {}, map: null, labels: null }, PIXEL), "");
});

test("the label at a point is the cell that it lies in", () => {
  const labels = { values: Uint8Array.of(5, 6, 7), height: 1, width: 3 };
  assert.equal(labelAt(labels, { y: 0.9, x: 0.67, height: 1, width: 1 }), 7);
});

test("shares are of what all have together, nothing below zero", () => {
  const rows = [["b", 3, false, "b"], ["a", 1, true, "a"], ["c", -2, false, "c"]];
  assert.deepEqual([...shares(rows)], [["b", 0.75], ["a", 0.25], ["c", 0]]);
  assert.deepEqual([...shares([["c", -2, false, "c"]])], [["c", 0]]);
});

test("a course has as many steps as there are maps", () => {
  const over = course(ATLAS, ATLAS.map({ word: "a", step: "0" }));
  assert.deepEqual(over.values, ["0", "1"]);
  assert.deepEqual(along(ATLAS, { word: "a" }, over, PIXEL), [0.25, 0.5]);
  assert.equal(course(ATLAS, null), null);
  assert.equal(course({ ...ATLAS, facts: {} }, ATLAS.map({ word: "a", step: "0" })), null);
});

test("curves are shares of the greatest of all, nothing below zero", () => {
  assert.deepEqual(ofGreatest([[1, 2], [-4, 4]]), [[0.25, 0.5], [0, 1]]);
  assert.deepEqual(ofGreatest([[0, 0]]), [[0, 0]]);
});
