import assert from "node:assert/strict";
import test from "node:test";

import { Atlas, GridMap } from "../../assets/viewer/atlas.js";
import { apart, shared } from "./shared.js";

const told = shared.atlas;
/** A copy of the file's bytes that begins at 0, as what a page fetches does. */
const buffer = () => Uint8Array.from(Buffer.from(told.file, "base64")).buffer;
/** The same file with another header of the same length. */
function rewritten(change) {
  const bytes = new Uint8Array(buffer()), length = new DataView(bytes.buffer).getUint32(8, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(12, 12 + length)));
  change(header);
  bytes.set(new TextEncoder().encode(JSON.stringify(header).padEnd(length)), 12);
  return bytes.buffer;
}
const UP = { layer: "up", step: "3", word: "sky" };

test("every value of every map is what Python reads", () => {
  const atlas = new Atlas(buffer()), found = [];
  for (const step of ["1", "2", "3"]) {
    for (const word of ["car", "sky"]) {
      const { values, low, high } = atlas.map({ layer: "up", step, word });
      found.push(...Array.from(values, (value) => low + (value / 255) * (high - low)));
    }
  }
  assert.ok(apart(found, told.maps) < 2e-5);
});

test("a value at a pixel is Python's, bilinear, in every corner too", () => {
  const map = new Atlas(buffer()).map(UP), [height, width] = told.size;
  const found = told.at.map((_, at) => map.at(Math.floor(at / width), at % width, height, width));
  assert.ok(apart(found, told.at) < 2e-4);
});

test("masks, labels, colour maps and what was measured are read", () => {
  const atlas = new Atlas(buffer());
  assert.deepEqual([...atlas.masks.car.values], told.mask.values);
  assert.deepEqual([atlas.masks.car.height, atlas.masks.car.width], [told.mask.height, told.mask.width]);
  assert.deepEqual([...atlas.labelsAt(UP).values], told.labels.values);
  assert.equal(atlas.labelsAt({ layer: "down" }), null);
  assert.deepEqual([...atlas.colormaps.viridis.subarray(0, 12)], told.viridis);
  assert.deepEqual([...atlas.block(UP).scores.car.ap], [0.25, NaN, 0.75]);
  assert.deepEqual(atlas.map(UP).block.axes.map(({ name }) => name), ["step", "word"]);
  assert.equal(atlas.facts.matches.threshold, 0.4);
});

test("a map's moment leaves out the axis that has masks; a position past the end takes the last", () => {
  const atlas = new Atlas(buffer());
  assert.deepEqual(["1", "2", "3"].map((step) => atlas.map({ ...UP, step }).moment), [0, 1, 2]);
  const block = atlas.block(UP);
  block.shape[0] = 2;
  assert.equal(atlas.map(UP).moment, 1);
});

test("similarity to a place is Python's cosine, within a hundredth", () => {
  const atlas = new Atlas(buffer()), near = { layer: "near" };
  assert.equal(atlas.map(near, null), null);
  const map = atlas.map(near, { y: 0.4, x: 0.3 });  // row 1, column 1 of 3 x 4
  const found = Array.from(map.values, (value) => map.low + (value / 255) * (map.high - map.low));
  assert.ok(apart(found, told.similarity) < 0.02);
  assert.equal(map.values[5], 255);
});

test("maps that were only announced come from another file of the same place, and from no other", () => {
  const atlas = new Atlas(buffer()), down = { ...UP, layer: "down" };
  assert.ok(atlas.block(down));
  assert.equal(atlas.map(down), null);
  atlas.merge(buffer());  // it announces them too
  assert.equal(atlas.map(down), null);
  atlas.merge(rewritten(({ blocks }) => { blocks[0].at = { layer: "down", step: "1" }; }));
  assert.equal(atlas.map(down), null);
  atlas.merge(rewritten(({ blocks }) => { blocks[0].at = { layer: "down" }; }));
  assert.deepEqual([...atlas.map(down).values], [...atlas.map(UP).values]);
});

test("what is no atlas is refused in plain words", () => {
  assert.throws(() => new Atlas(new TextEncoder().encode("<!doctype html>").buffer), /no atlas of this inspector/);
});

test("what was decoded is let go of", () => {
  const atlas = new Atlas(buffer());
  let closed = 0;
  atlas.pictures.own = { bitmap: { close: () => { closed += 1; } } };
  atlas.close();
  assert.deepEqual([closed, atlas.blocks.length, Object.keys(atlas.masks).length, atlas.features], [1, 0, 0, null]);
});

test("a map of one cell has its value everywhere", () => {
  const map = new GridMap(Uint8Array.of(51), 1, 1, 0, 5);
  assert.deepEqual([map.at(0, 0, 8, 8), map.at(7, 7, 8, 8), map.at(3, 4, 8, 8)], [1, 1, 1]);
});
