import assert from "node:assert/strict";
import test from "node:test";

import { moved, spaced } from "../../assets/viewer/matrix.js";

test("arrow keys move by a cell or a row, Home and End along the row", () => {
  const keys = ["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "Home", "End"];
  assert.deepEqual(keys.map((key) => moved(key, 6, 5)), [7, 5, 11, 1, 5, 9]);
  assert.equal(moved("Enter", 6, 5), null);
});

test("of a long axis the first, the last and evenly spaced values are shown", () => {
  const values = Array.from({ length: 47 }, (_, index) => index);
  assert.deepEqual(spaced(values), values.filter((value) => value % 2 === 0));
  assert.equal(spaced(values.slice(0, 24)).length, 24);
});
