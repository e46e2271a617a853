import assert from "node:assert/strict";
import test from "node:test";

import { Masks } from "../../assets/viewer/masks.js";
import * as regions from "../../assets/viewer/regions.js";

const empty = (height, width) => ({ values: new Uint8Array(height * width), height, width });
/** A grid's rows as strings of zeros and ones. */
const rows = ({ values, width }) => values.join("").match(new RegExp(`.{${width}}`, "g"));

test("a dab sets the cells whose centres are near, and no cell outside", () => {
  const grid = empty(5, 5);
  regions.stroke(grid, { y: 0.5, x: 0.5 }, { y: 0.5, x: 0.5 }, 1.2, 1);
  assert.deepEqual(rows(grid), ["00000", "00100", "01110", "00100", "00000"]);
  regions.stroke(grid, { y: 0, x: 0 }, { y: 0, x: 0 }, 1, 1);
  assert.deepEqual(rows(grid), ["10000", "00100", "01110", "00100", "00000"]);
});

test("a stroke leaves no gap, and wipes as it paints", () => {
  const grid = empty(3, 9);
  regions.stroke(grid, { y: 0.5, x: 0.05 }, { y: 0.5, x: 0.95 }, 0.6, 1);
  assert.deepEqual(rows(grid), ["000000000", "111111111", "000000000"]);
  regions.stroke(grid, { y: 0.5, x: 0.5 }, { y: 0.5, x: 0.5 }, 0.6, 0);
  assert.deepEqual(rows(grid), ["000000000", "111101111", "000000000"]);
});

test("a mask's borders lie between inside and outside, at the grid's border too", () => {
  const found = (...values) => regions.borders({ values: Uint8Array.from(values), height: 2, width: 2 });
  assert.deepEqual(found(1, 0, 0, 0), [[0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 1, 1], [0, 1, 1, 1]]);
  assert.deepEqual(found(0, 1, 0, 0), [[1, 0, 2, 0], [1, 0, 1, 1], [2, 0, 2, 1], [1, 1, 2, 1]]);
  assert.deepEqual(regions.borders(empty(2, 2)), []);
});

test("a mask's longer side is the one asked for, the other at least one cell", () => {
  assert.deepEqual(regions.fitted({ height: 256, width: 512 }, 128), { height: 64, width: 128 });
  assert.deepEqual(regions.fitted({ height: 4000, width: 3 }, 128), { height: 128, width: 1 });
});

test("light and opaque pixels of a picture are inside; a saved mask comes back", () => {
  const grid = empty(1, 4);
  regions.takeLight(grid, Uint8ClampedArray.of(255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 255, 255, 0, 255, 0, 255));
  assert.deepEqual([...grid.values], [1, 0, 0, 1]);
  const pixels = new Uint8ClampedArray(16), again = empty(1, 4);
  regions.paintWhite(grid, pixels);
  assert.deepEqual([...pixels.slice(0, 8)], [255, 255, 255, 255, 0, 0, 0, 255]);
  regions.takeLight(again, pixels);
  assert.deepEqual(again.values, grid.values);
});

/** Masks of a viewer with a true mask of the car, a sent one, and what the server measured of a map. */
function masks(state = {}) {
  const car = { values: Uint8Array.of(1, 0), height: 1, width: 2 };
  const sent = { ...car, id: "sent:1", name: "Grad-CAM, car", digest: "d" };
  const viewer = {
    atlasOf: () => viewer.atlas,
    state: { mask: "match", threshold: 0.4, ...state },
    options: { shelf: { list: () => [sent] } },
    atlas: {
      masks: { car }, pictures: { picture: { digest: "d" } },
      facts: { matches: { axis: "class", names: { car: "car" }, threshold: 0.4 } },
    },
  };
  const scores = { car: { ap: Float64Array.of(0.9), iou: Float64Array.of(0.8), iou_best: Float64Array.of(NaN) } };
  const map = { ...car, values: Uint8Array.of(255, 0), low: 0, high: 1, moment: 0, block: { scores } };
  return { car, sent, map, made: new Masks(viewer) };
}

test("masks have names, and the chosen one is found by its name", () => {
  const { car, sent, made } = masks();
  assert.deepEqual(made.names(), ["", "car", "sent:1"]);
  assert.deepEqual([made.title("drawn"), made.title("car"), made.title("sent:1")],
    ["the drawn mask", "true mask: car", "sent: Grad-CAM, car"]);
  assert.deepEqual([made.of({ class: "car" }), made.of({ class: "sky" })], [car, null]);
  sent.digest = "another";
  assert.equal(made.title("sent:1"), "sent: Grad-CAM, car (of another picture)");
  made.drawn = { ...empty(1, 2), digest: "d" };
  assert.deepEqual(made.names(), ["", "car", "drawn", "sent:1"]);
  for (const [mask, found] of [["drawn", made.drawn], ["car", car], ["sent:1", sent], ["", null], ["gone", null]]) {
    made.viewer.state.mask = mask;
    assert.equal(made.of({ class: "sky" }), found);
  }
});

test("what the server measured is taken, the rest is worked out or left open", () => {
  const { car, made, map } = masks();
  const measured = { ap: 0.9, iou: 0.8, iouBest: NaN, pointing: NaN, chance: NaN };
  assert.deepEqual(made.score(map, { class: "car" }, ["ap"]), measured);
  assert.deepEqual(made.score(map, { class: "car" }), { ap: 0.9, iou: 0.8, iouBest: 1, pointing: 1, chance: 0.5 });
  assert.equal(made.score(map, { class: "sky" }), null);
  assert.equal(made.score(null, { class: "car" }), null);
  made.drawn = { ...car, digest: "d" };
  made.viewer.state.mask = "drawn";
  assert.equal(made.score(map, { class: "car" }).ap, 1);  // another mask: nothing was measured against it
});

test("the measured IoU is of one threshold only", () => {
  const { made, map } = masks({ threshold: 0.5 });
  assert.deepEqual(made.score(map, { class: "car" }), { ap: 0.9, iou: 1, iouBest: 1, pointing: 1, chance: 0.5 });
});
