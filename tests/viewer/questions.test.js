/* What a recorded run answers in the browser, held equal to what Python says of the same cases. */
import assert from "node:assert/strict";
import test from "node:test";

import { Atlas } from "../../assets/viewer/atlas.js";
import { half } from "../../assets/viewer/file.js";
import { row } from "../../assets/viewer/projections.js";
import * as questions from "../../assets/viewer/questions.js";
import { cellsIn, cellsUnder } from "../../assets/viewer/regions.js";
import { apart, shared } from "./shared.js";

const BYTES = Uint8Array.from(atob(shared.questions.atlas), (letter) => letter.charCodeAt(0));
const NOTHING = { pin: null, region: null, rivals: [], mixture: null };
const opened = () => new Atlas(BYTES.slice().buffer);

test("the cells of a region are Python's", () => {
  for (const { kind, points, height, width, cells } of shared.regions) {
    assert.deepEqual(cellsIn({ kind, points }, height, width), cells, `${kind} on ${height}x${width}`);
  }
});

test("a row of self-attention is Python's", () => {
  for (const { heads, cells, shape: [, channels, height, width], bits, row: expected } of shared.rows) {
    const numbers = Float32Array.from(bits, half), size = channels * height * width;
    const pair = { channels, height, width, query: numbers.subarray(0, size), key: numbers.subarray(size) };
    const found = row(pair, heads, cells);
    assert.ok(apart(found, expected) < 1e-4, `${heads} heads`);
    assert.ok(Math.abs(found.reduce((sum, value) => sum + value, 0) - 1) < 1e-5);
  }
});

test("answers are Python's", () => {
  const atlas = opened();
  for (const { choice, state, map, labels } of shared.questions.cases) {
    const told = JSON.stringify([choice, state]), found = questions.answer(atlas, choice, { ...NOTHING, ...state });
    assert.deepEqual(found.missing, [], told);
    if (labels) {
      const wrong = labels.filter((label, at) => label !== found.labels.values[at]).length;
      assert.ok(wrong <= 0.01 * labels.length, `${wrong} of ${labels.length} differ: ${told}`);  // 8 bits may be even
      continue;
    }
    const { low, high } = found.map, of = (value) => low + (value / 255) * (high - low);
    const values = Array.from(found.map.values, of);
    const range = Math.max(...map) - Math.min(...map);
    assert.ok(apart(values, map) < 0.02 * range + 1e-5, `${apart(values, map)} of ${range}: ${told}`);
  }
});

test("a place that has a block of its own is none of them", () => {
  const atlas = opened(), place = { view: "word", layer: "mean", arm: "generation", step: "1", word: "horse" };
  assert.equal(questions.answer(atlas, place, NOTHING), null);
  atlas.facts.questions = undefined;
  assert.equal(questions.answer(atlas, { ...place, view: "self" }, NOTHING), null);
});

test("what was not kept is nothing, and what has not come is missing", () => {
  const atlas = opened(), place = { view: "self", layer: "mean", arm: "generation", step: "1", word: "horse" };
  assert.deepEqual(questions.answer(atlas, place, NOTHING), { map: null, labels: null, block: null, missing: [] });
  const last = { ...place, step: "3" };
  for (const block of atlas.blocks) block.projected = undefined;
  const { map, missing } = questions.answer(atlas, last, NOTHING);
  assert.equal(map, null);
  assert.equal(missing.length, atlas.facts.questions.members.mean.length);
});

test("fewer than two words do not compete", () => {
  const atlas = opened(), { first, words } = atlas.facts.questions;
  assert.deepEqual(questions.rivals(atlas, NOTHING), first);
  assert.deepEqual(questions.rivals(atlas, { ...NOTHING, rivals: ["horse"] }), first);
  assert.deepEqual(questions.rivals(atlas, { ...NOTHING, rivals: ["horse", "a", "dog"] }), words);
});

test("a region that was drawn goes before the pinned pixel, and the middle is the last resort", () => {
  const pin = { y: 0.1, x: 0.2 }, region = { kind: "box", points: [pin, { y: 1, x: 1 }] };
  assert.equal(questions.regionOf({ ...NOTHING, pin, region }), region);
  assert.deepEqual(questions.regionOf({ ...NOTHING, pin }), { kind: "pixel", points: [pin] });
  assert.deepEqual(questions.regionOf(NOTHING), { kind: "pixel", points: [{ y: 0.5, x: 0.5 }] });
});

test("regions of masks look at each other in shares of one", () => {
  const atlas = opened(), place = { view: "self", layer: "mean", arm: "generation", step: "3", word: "horse" };
  const left = { values: Uint8Array.from({ length: 64 }, (_, at) => Number(at % 8 < 4)), height: 8, width: 8 };
  const right = { ...left, values: left.values.map((value) => 1 - value) };
  const shares = questions.between(atlas, place, [left, right]);
  for (const [one, other] of shares) assert.ok(Math.abs(one + other - 1) < 0.02, `${one} and ${other}`);
  const whole = { ...left, values: left.values.map(() => 1) };
  assert.ok(Math.abs(questions.between(atlas, place, [whole])[0][0] - 1) < 0.02);
  assert.equal(questions.between(atlas, { ...place, step: "1" }, [left]), null);
});

test("a mask's cells are those it covers by half, or most", () => {
  const mask = { values: new Uint8Array(64), height: 8, width: 8 };
  assert.deepEqual(cellsUnder(mask, 2, 2), []);
  mask.values[56] = 1;
  assert.deepEqual(cellsUnder(mask, 2, 2), [2]);
  for (let at = 0; at < 32; at += 8) mask.values.fill(1, at, at + 3);
  assert.deepEqual(cellsUnder(mask, 2, 2), [0]);
});
