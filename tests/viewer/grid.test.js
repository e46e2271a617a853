/* How panels stand. */
import assert from "node:assert/strict";
import test from "node:test";

import { arrange } from "../../assets/viewer/grid.js";

test("one panel takes the whole box but for its title and its colour bar", () => {
  assert.deepEqual(arrange(1, { wide: 800, high: 446 }, 1), { columns: 1, high: 400 });
});

test("two panels stand side by side where that is larger, else one above the other", () => {
  assert.deepEqual(arrange(2, { wide: 1012, high: 546 }, 1), { columns: 2, high: 500 });
  assert.equal(arrange(2, { wide: 400, high: 1000 }, 1).columns, 1);
  assert.equal(arrange(2, { wide: 1000, high: 600 }, 4).columns, 1);  // flat pictures are larger below each other
});

test("four stand two by two, unless the pictures are very flat", () => {
  assert.deepEqual(arrange(4, { wide: 1012, high: 1104 }, 1), { columns: 2, high: 500 });
  assert.equal(arrange(4, { wide: 2000, high: 500 }, 1).columns, 2);
  assert.equal(arrange(4, { wide: 500, high: 2000 }, 6).columns, 1);
});

test("a box without room has pictures of no height", () => {
  assert.equal(arrange(3, { wide: 100, high: 40 }, 1).high, 0);
});
