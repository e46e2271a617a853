import assert from "node:assert/strict";
import test from "node:test";

import * as draw from "../../assets/viewer/draw.js";
import * as score from "../../assets/viewer/score.js";
import { grid, shared } from "./shared.js";

const MEASURES = { ap: "ap", iou: "iou", iou_best: "iouBest", pointing: "pointing", chance: "chance" };

function close(found, expected, what) {
  assert.ok(Math.abs(found - expected) <= 1e-4, `${what}: ${found} is not ${expected}`);
}

for (const { name, map, mask, threshold, expected } of shared.scores) {
  test(`a map scores what Python says: ${name}`, () => {
    const own = grid(map), truth = grid(mask), found = score.score(own, truth, threshold);
    for (const [theirs, ours] of Object.entries(MEASURES)) {
      if (expected[theirs] === null) assert.equal(found[ours], NaN);
      else close(found[ours], expected[theirs], ours);
    }
    const values = draw.enlarge(own, truth.height, truth.width), highest = Math.max(...values);
    const cut = score.level(own, threshold, own.low + (highest / 255) * (own.high - own.low));
    close(score.areaAbove(values, cut), expected.area, "area");
  });
}

for (const [index, { map, above }] of shared.otsu.entries()) {
  test(`Otsu's threshold parts a map as OpenCV does: ${index}`, () => {
    const own = grid(map), cut = score.otsu(own);
    assert.equal(own.values.filter((value) => value >= score.level(own, cut)).length, above);
  });
}

test("Otsu's threshold lies in the middle of an empty stretch, and is 0 where nothing is positive", () => {
  const values = Uint8Array.of(0, 0, 255, 255);
  assert.equal(score.otsu({ values, low: 0, high: 2 }), 127.5 / 255);
  assert.equal(score.otsu({ values, low: -2, high: -1 }), 0);
});

test("a level is the 8-bit value of a share of the maximum", () => {
  const map = { low: -1, high: 3 };
  assert.equal(score.level(map, 1), 255);
  assert.equal(score.level(map, 1 / 3), 127.5);
  assert.equal(score.level(map, 0), 63.75);  // zero itself is below the threshold, what is more is not
  assert.equal(score.level({ low: -1, high: 0 }, 0), 256);
  assert.equal(score.level({ low: 2, high: 2 }, 0.5), 0);
});

test("a histogram counts every value once, 255 in the last part", () => {
  const counts = score.histogram({ values: Uint8Array.of(0, 3, 4, 128, 255, 255) });
  assert.deepEqual([counts[0], counts[1], counts[32], counts[63]], [2, 1, 1, 2]);
  assert.deepEqual([...score.histogram({ values: Uint8Array.of(0, 127, 128, 255) }, 2)], [2, 2]);
});
