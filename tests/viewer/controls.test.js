import assert from "node:assert/strict";
import test from "node:test";

import { moved, number, spark } from "../../assets/viewer/controls.js";

test("a number has three significant digits and no needless zeros", () => {
  const told = [
    [0, "0"], [-0, "0"], [0.5, "0.5"], [1 / 3, "0.333"], [-1 / 3, "-0.333"], [12345, "12300"], [99999, "100000"],
    [0.001, "0.001"], [0.000999, "1.0e-3"], [123456, "1.2e5"], [-4.2e-6, "-4.2e-6"], [NaN, "–"], [Infinity, "–"],
  ];
  for (const [value, text] of told) assert.equal(number(value), text);
});

test("arrow keys go round the chips, Home and End to the ends, other keys nowhere", () => {
  const keys = ["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "Home", "End"];
  const from = (at) => keys.map((key) => moved(key, at, 4));
  assert.deepEqual(from(0), [1, 1, 3, 3, 0, 3]);
  assert.deepEqual(from(3), [0, 0, 2, 2, 0, 3]);
  assert.equal(moved("a", 0, 4), null);
});

test("a spark runs from left to right, high values up", () => {
  const svg = decodeURIComponent(spark([0, 0.5, 1]));
  assert.match(svg, /points='0\.0,23\.0 50\.0,12\.0 100\.0,1\.0'/);
  assert.match(decodeURIComponent(spark([1])), /points='0\.0,1\.0'/);
});
