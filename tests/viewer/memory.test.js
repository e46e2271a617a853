/* What is taken of what a link tells. */
import assert from "node:assert/strict";
import test from "node:test";

import { DEFAULTS, fitting, restore } from "../../assets/viewer/memory.js";

const NAMES = {
  colormaps: ["viridis", "magma"], axes: ["word"], masks: ["", "horse"], words: ["a", "horse"], heights: ["32", "16"],
};

test("what fits is taken", () => {
  const told = {
    ...DEFAULTS, colormap: "magma", scale: "shared", show: "mask", columns: "word", rows: "", mask: "horse",
    smooth: false, opacity: "0.25", threshold: 0, pin: { y: 0.25, x: 0 }, zoom: { scale: 2, y: 0.25, x: 1 }, fade: true,
    weights: [0.25, 1], rivals: ["a", "horse"], mixture: { 16: 0.5, 32: 0 },
    region: { kind: "box", points: [{ y: 0, x: 0 }, { y: 0.5, x: 0.25 }] },
  };
  const { tool, ...rest } = told;
  assert.deepEqual(fitting(told, NAMES), { ...rest, opacity: 0.25 });
});

test("what does not fit is left out", () => {
  const told = {
    colormap: "<b>", scale: null, show: "constructor", columns: "__proto__", rows: 3, mask: "dog", smooth: "yes",
    opacity: null, threshold: "x", wipeAt: NaN, pin: { y: 0.5 }, zoom: { scale: "2", y: 0, x: 0 },
    tool: "brush", evil: 1, weights: [0.5], rivals: ["horse", "dog"], mixture: { 32: 0, 16: 0 },
    region: { kind: "box", points: [{ y: 0, x: 0 }] },
  };
  assert.deepEqual(fitting(told, NAMES), {});
});

test("questions that a result cannot be asked are left out", () => {
  const corner = { y: 0.5, x: 0.5 };
  for (const region of [null, "box", { kind: "disc", points: [corner, corner] }, { kind: "polygon", points: [corner] },
    { kind: "box", points: [corner, { y: "0.5", x: 0 }] }, { kind: "polygon", points: "many" }]) {
    assert.deepEqual(fitting({ region }, NAMES), {}, JSON.stringify(region));
  }
  for (const rivals of ["a,horse", ["a"], 5]) assert.deepEqual(fitting({ rivals }, NAMES), {});
  for (const mixture of [{ 32: 1 }, { 32: NaN, 16: 1 }, "32:1"]) assert.deepEqual(fitting({ mixture }, NAMES), {});
  const { words, heights, ...none } = NAMES;
  assert.deepEqual(fitting({ rivals: ["a", "horse"], mixture: { 32: 1, 16: 1 } }, none), {});
});

test("numbers outside become the nearest inside", () => {
  const told = { opacity: 7, threshold: -1, pin: { y: 2, x: -1 }, zoom: { scale: 1e9, y: -1, x: 2 }, weights: [-1, 2] };
  assert.deepEqual(fitting(told, NAMES),
    { opacity: 1, threshold: 0, pin: { y: 0.999999, x: 0 }, zoom: { scale: 16, y: 0, x: 1 }, weights: [0, 1] });
});

test("panels that are told are all there is, unless what is held shall stand beside them", () => {
  const atlas = { facts: {}, axes: [{ name: "word", values: ["cat", "dog"], first: 0 }] };
  const viewer = {
    atlas, held: [], results: () => [atlas], state: {}, maps: () => [], masks: { names: () => [] }, at: 0,
    panels: [{ choice: { word: "cat" } }], pair: () => viewer.panels, panelOf: (choice) => ({ choice }),
  };
  assert.equal(restore(viewer, { panels: [{ word: "dog" }] }), true);
  assert.deepEqual(viewer.panels, [{ choice: { word: "dog" } }]);
  assert.equal(restore(viewer, { panels: [{ word: "dog" }], beside: true }), false);
  assert.equal(restore(viewer, {}), false);
  assert.equal(restore(viewer, null), false);
});
