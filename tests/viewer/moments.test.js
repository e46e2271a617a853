import assert from "node:assert/strict";
import test from "node:test";

import * as moments from "../../assets/viewer/moments.js";
import { choose } from "../../assets/viewer/panels.js";
import { step } from "../../assets/viewer/playing.js";

const STEPS = {
  generation: [900, 700, 500, 300, 100], "noise once": [701, 301, 1], mean: [701, 301, 1], single: [100],
};

/** A result with arms of these steps. */
function atlasOf(timesteps = STEPS) {
  const values = ["1", "2", "3", "4", "5"];
  const axes = [{ name: "step", values }, { name: "arm", values: Object.keys(timesteps) }];
  const facts = { timesteps, ticksBy: "arm", curve: "step", linked: ["step"] };
  return { axes, facts, axis: (name) => axes.find((axis) => axis.name === name) };
}

/** A viewer of panels at [arm, step] each. */
function viewerOf(shown, together = true) {
  const atlas = atlasOf(), panels = shown.map(([arm, at]) => ({ choice: { arm, step: at } }));
  const viewer = { atlas, panels, at: 0, state: { together }, atlasOf: () => atlas, refresh() {}, pair: () => panels };
  viewer.active = () => panels[viewer.at];
  viewer.choose = (change) => choose(viewer, change);
  viewer.now = () => panels.map(({ choice }) => choice.step);
  return viewer;
}

test("another list is followed to the nearest t, the same one by number, and a single step not at all", () => {
  assert.equal(moments.counterpart([900, 700, 500, 300, 100], 3, [701, 301, 1]), 1);
  assert.equal(moments.counterpart([900, 700, 500, 300, 100], 9, [701, 301, 1]), 2);  // past the end is the last
  assert.equal(moments.counterpart([701, 301, 1], 0, [900, 700, 500, 300, 100]), 1);
  assert.equal(moments.counterpart([951, 901, 901], 2, [951, 901, 901]), null);  // PNDM's t stands twice
  assert.equal(moments.counterpart([900, 700], 1, [100]), null);
  assert.equal(moments.nearest([700, 500], 600), 0);
});

test("panels move together by t", () => {
  const viewer = viewerOf([["generation", "5"], ["noise once", "3"], ["single", "5"]]);
  viewer.choose({ step: "2" });
  assert.deepEqual(viewer.now(), ["2", "1", "2"]);
  viewer.at = 1;
  viewer.choose({ step: "2" });
  assert.deepEqual(viewer.now(), ["4", "2", "2"]);
});

test("an arm of a single step leads the others by number, as one slider for all", () => {
  const viewer = viewerOf([["generation", "5"], ["single", "5"]]);
  viewer.at = 1;
  viewer.choose({ step: "3" });
  assert.deepEqual(viewer.now(), ["3", "3"]);
});

test("they stay where they are once they are let go", () => {
  const viewer = viewerOf([["generation", "5"], ["noise once", "3"]], false);
  viewer.choose({ step: "2" });
  assert.deepEqual(viewer.now(), ["2", "3"]);
});

test("another arm is shown at the t of the one before, and the others stay", () => {
  const viewer = viewerOf([["generation", "4"], ["noise once", "1"]]);
  viewer.choose({ arm: "mean" });
  assert.deepEqual(viewer.now(), ["2", "1"]);
  viewer.choose({ arm: "single" });
  assert.deepEqual(viewer.now(), ["2", "1"]);
});

test("an arrow leads along the steps that the arm has", () => {
  const viewer = viewerOf([["noise once", "5"]]);  // past its end: at the last
  assert.equal(step(viewer, "step", 1), false);
  assert.equal(step(viewer, "step", -1), true);
  assert.deepEqual(viewer.now(), ["2"]);
});

test("values, places and company are those of the arm", () => {
  const atlas = atlasOf(), axis = atlas.axis("step");
  assert.deepEqual(moments.valuesOf(atlas, axis, { arm: "noise once" }), ["1", "2", "3"]);
  assert.equal(moments.along(atlas, axis, { arm: "single" }).length, 5);
  assert.equal(moments.placeIn(["1", "2", "3"], "5", axis.values), 2);
  assert.deepEqual(moments.company(atlas, { arm: "mean" }), ["noise once", "mean"]);
  assert.deepEqual(moments.company(atlas, { arm: "generation" }), ["noise once", "mean"]);  // alone with its t
  const two = atlasOf({ one: [9, 1], other: [9, 1], first: [5], second: [5], third: [5] });
  assert.deepEqual(moments.company(two, { arm: "one" }), ["one", "other"]);  // though more share another t
  assert.equal(moments.onAxis(atlas, { arm: "noise once", step: "2" }), 3);
  assert.equal(moments.fromAxis(atlas, { arm: "noise once", step: "2" }, 0), 0);
  assert.deepEqual(moments.inArm(atlas, { arm: "single", step: "2" }, "generation"), { arm: "generation", step: "5" });
  assert.equal(moments.movable(atlas), true);
  assert.equal(moments.movable(atlasOf({ generation: [900, 100], single: [100] })), false);
});
