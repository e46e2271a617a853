import assert from "node:assert/strict";
import test from "node:test";

import { begins, grid, read } from "../../assets/viewer/filling.js";
import { ends, mean, path, placed, points, stepAt } from "../../assets/viewer/strip.js";

test("an arm of as many steps stands one by one, a shorter one where t is nearest", () => {
  assert.deepEqual(placed([951, 901, 901, 1], [951, 901, 901, 1]), [0, 1, 2, 3]);  // PNDM's t stands twice
  assert.deepEqual(placed([100], [801, 401, 101, 1]), [2]);
  assert.deepEqual(placed([0], [801, 401, 101, 1]), [3]);
  assert.deepEqual(placed([999], [801, 401]), [0]);
  assert.deepEqual(placed([601], [801, 401]), [0]);  // as far from both: the first
});

test("a place of the pointer is a step, beyond an end the first or the last", () => {
  assert.deepEqual([-5, 0, 39.9, 40, 119, 500].map((x) => stepAt(x, 40, 3)), [0, 0, 0, 1, 2, 2]);
});

test("a line runs through the middles of its steps, the largest value at the top", () => {
  assert.deepEqual(points([0, 1, 0.5], [0, 1, 2], [0, 1], 10, 26), [[5, 23], [15, 3], [25, 13]]);
  assert.deepEqual(points([0.2], [4], [0.2, 0.2], 10, 26), [[45, 13]]);
});

test("a line is broken where a value is missing", () => {
  const along = points([1, 0, NaN, 1], [0, 1, 2, 3], [0, 1], 10, 26);
  assert.equal(along[2], null);
  assert.equal(path(along), "M5.0 3.0L15.0 23.0M35.0 3.0");
});

test("ends are of what is a number", () => {
  assert.deepEqual(ends([NaN, 3, -1, 2]), [-1, 3]);
  assert.equal(ends([NaN]), null);
});

test("a map's mean is in true values", () => {
  assert.equal(mean({ values: Uint8Array.of(0, 255, 255, 0), low: 1, high: 3 }), 2);
});

test("places are as large as they can be", () => {
  assert.deepEqual(grid(20, 1408, 86), { across: 20, side: 68 });
  assert.deepEqual(grid(20, 370, 86), { across: 10, side: 35 });
  assert.deepEqual(grid(1, 1408, 86), { across: 1, side: 86 });
});

test("a status line without a step tells nothing", () => {
  assert.deepEqual(read({ step: "7", steps: "20", timestep: "651" }, "data:,"), {
    step: 7, steps: 20, timestep: "651", source: "data:,",
  });
  for (const told of [{}, { step: "0", steps: "20" }, { step: "21", steps: "20" }, { step: "x", steps: "20" }]) {
    assert.equal(read(told, "data:,"), null);
  }
  assert.equal(read({ step: "7", steps: "20" }, undefined), null);
});

test("a step that was there, an earlier one or another number of steps is another run's", () => {
  const there = new Map([[1, {}], [3, {}]]);
  assert.equal(begins(there, 20, { step: 4, steps: 20 }), false);
  for (const told of [{ step: 3, steps: 20 }, { step: 2, steps: 20 }, { step: 4, steps: 21 }]) {
    assert.equal(begins(there, 20, told), true);
  }
});
