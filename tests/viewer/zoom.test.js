/* Which part of the picture is shown. */
import assert from "node:assert/strict";
import test from "node:test";

import { WHOLE, dragged, transform, zoomed } from "../../assets/viewer/zoom.js";

const FULL = { scale: 1, y: 0.5, x: 0.5 };
/** Where a point of the picture lies in the frame, as a share of its width. */
const seen = ({ scale, x }, point) => 0.5 + (point - x) * scale;

test("the point under the pointer stays where it is", () => {
  const once = zoomed(FULL, { y: 0.5, x: 0.625 }, 2);
  assert.deepEqual(once, { scale: 2, y: 0.5, x: 0.5625 });
  assert.equal(seen(once, 0.625), seen(FULL, 0.625));
  const twice = zoomed(once, { y: 0.5, x: 0.625 }, 2);
  assert.equal(seen(twice, 0.625), seen(once, 0.625));
});

test("a zoom ends at the whole picture and at sixteen times", () => {
  assert.equal(zoomed(FULL, FULL, 100).scale, 16);
  assert.deepEqual(zoomed({ scale: 3, y: 0.1, x: 0.9 }, { y: 0, x: 0 }, WHOLE), FULL);
});

test("dragging moves the middle against the hand, and stops at the picture's border", () => {
  assert.deepEqual(dragged({ scale: 2, y: 0.5, x: 0.5 }, { y: 0.25, x: -0.125 }), { scale: 2, y: 0.25, x: 0.625 });
  assert.deepEqual(dragged({ scale: 2, y: 0.1, x: 0.9 }, { y: 1, x: -1 }), { scale: 2, y: 0, x: 1 });
});

test("no border of the picture comes into the frame", () => {
  assert.equal(transform(FULL), "");
  assert.equal(transform({ scale: 2, y: 0.5, x: 0.5 }), "translate(-50%, -50%) scale(2)");
  assert.equal(transform({ scale: 2, y: 0, x: 1 }), "translate(-100%, 0%) scale(2)");
});
