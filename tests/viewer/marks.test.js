/* Marks on a panel, and where they lie. */
import assert from "node:assert/strict";
import test from "node:test";

import { highest, under } from "../../assets/viewer/marks.js";

test("the place of the largest value is told in thirds", () => {
  const at = (place) => highest({ values: new Uint8Array(9).fill(255, place, place + 1), height: 3, width: 3 });
  assert.deepEqual([0, 4, 5, 7].map(at), ["top left", "middle centre", "middle right", "bottom centre"]);
});

test("a pointer on the last border is still inside of the picture", () => {
  const element = { getBoundingClientRect: () => ({ left: 10, top: 20, width: 100, height: 50 }) };
  assert.deepEqual(under(element, { clientX: 60, clientY: 20 }), { y: 0, x: 0.5 });
  const { y, x } = under(element, { clientX: 110, clientY: 90 });
  assert.ok(y < 1 && x < 1 && x > 0.99);
});
