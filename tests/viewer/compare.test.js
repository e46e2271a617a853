/* Results beside each other. */
import assert from "node:assert/strict";
import test from "node:test";

import { apart, difference, disagreement, interleaved } from "../../assets/viewer/compare.js";

const map = (values, low, high) => ({ values: Uint8Array.from(values), height: 1, width: values.length, low, high });
const true_ = ({ values, low, high }) => [...values].map((value) => low + (value / 255) * (high - low));

test("results are told apart by what is not the same for all", () => {
  const asked = [{ prompt: "a dog", seed: "7", steps: "20" }, { prompt: "a horse", seed: "7", steps: "4" }];
  assert.deepEqual(apart(asked), ["a dog, steps 20", "a horse, steps 4"]);
  assert.deepEqual(apart([asked[0], asked[0]]), ["", ""]);
  assert.deepEqual(apart([{ noise_timestep: "1" }, { noise_timestep: "100", prompt: "x".repeat(50) }]),
    ["noise timestep 1", `noise timestep 100, ${"x".repeat(39)}…`]);
});

test("what belongs together stands together, in whole rows", () => {
  assert.deepEqual(interleaved([["a", "b"], ["A", "B"]], 4), ["a", "A", "b", "B"]);
  assert.deepEqual(interleaved([["a", "b"], ["A", "B"]], 3), ["a", "A"]);
  assert.deepEqual(interleaved([["a", "b"], ["A", "B"], ["1"]], 4), ["a", "A", "1"]);
  assert.deepEqual(interleaved([["a"], ["b"], ["c"], ["d"], ["e"]], 4), ["a", "b", "c", "d"]);
});

test("a difference is of true values, with zero in the middle of its colours", () => {
  const found = difference(map([0, 255, 51], 0, 1), map([0, 0, 255], 0.5, 1));
  assert.deepEqual([found.low, found.high, found.block.signed], [-Math.fround(0.8), Math.fround(0.8), true]);
  true_(found).forEach((value, at) => assert.ok(Math.abs(value - [-0.5, 0.5, -0.8][at]) < 0.8 / 254, `${value}`));
  assert.equal(difference(map([0], 0, 1), map([0, 1], 0, 1)), null);
  assert.deepEqual([...difference(map([9, 9], 0, 1), map([9, 9], 0, 1)).values], [0, 0]);
});

test("labels disagree by the share that has not the most frequent one, by name", () => {
  const labels = (values, names) => ({ ...map(values, 0, 0), names });
  const found = disagreement([
    labels([0, 0, 1], ["car", "sky"]), labels([1, 0, 1], ["sky", "car"]), labels([0, 1, 0], ["car", "sea"]),
  ]);
  const expected = [0, 2 / 3, 1 / 3];
  true_(found).forEach((value, at) => assert.ok(Math.abs(value - expected[at]) < 0.01, `${at}: ${value}`));
  assert.ok(Math.abs(found.high - 2 / 3) < 1e-6);
  assert.equal(disagreement([labels([0], ["a"]), labels([0], ["a"])]).high, 0.5);  // the same colours for every share
  assert.equal(disagreement([labels([0], ["a"]), labels([0, 0], ["a"])]), null);
});
