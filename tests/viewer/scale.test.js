/* Which values stand at the ends of the colours. */
import assert from "node:assert/strict";
import test from "node:test";

import { range, span } from "../../assets/viewer/scale.js";

const map = (low, high, signed = false, zero = false) => ({ low, high, zero, block: { signed } });
const OWN = { state: { scale: "own" }, shared: null, farthest: 0 };

test("a map has its own ends; one of amounts begins at zero, a signed one has zero in the middle", () => {
  assert.deepEqual(span(map(0.2, 0.7), OWN), [0.2, 0.7]);
  assert.deepEqual(span(map(0.2, 0.7, false, true), OWN), [0, 0.7]);
  assert.deepEqual(span(map(-0.1, 0.7, false, true), OWN), [-0.1, 0.7]);
  assert.deepEqual(span(map(-3, 1, true), OWN), [-3, 3]);
});

test("one scale reaches over all maps, the signed ones apart", () => {
  const maps = [map(0.2, 0.7), map(0.1, 0.5), map(-3, 1, true), map(-1, 2, true)];
  const all = { state: { scale: "shared" }, ...range(maps) };
  assert.deepEqual([all.shared, all.farthest], [[0.1, 0.7], 3]);
  assert.deepEqual(span(map(0.2, 0.6), all), [0.1, 0.7]);
  assert.deepEqual(span(map(-1, 2, true), all), [-3, 3]);
  assert.equal(range([map(-3, 1, true)]).shared, null);
});
