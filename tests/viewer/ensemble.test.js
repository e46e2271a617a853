import assert from "node:assert/strict";
import test from "node:test";

import { Atlas } from "../../assets/viewer/atlas.js";
import * as ensemble from "../../assets/viewer/ensemble.js";
import { half } from "../../assets/viewer/file.js";
import { framed } from "../../assets/viewer/proposals.js";
import { reweigh, weighs, weightsOf } from "../../assets/viewer/weighing.js";
import { apart, shared } from "./shared.js";

const told = shared.weighed;
/** The result as it was run, its background by a case's rule. */
function opened({ rule, background, power } = told.cases[0]) {
  const atlas = new Atlas(Uint8Array.from(Buffer.from(told.file, "base64")).buffer);
  Object.assign(atlas.facts.ensemble, { rule, background, power });
  return atlas;
}
/** Numbers of a view's maps, as a page has them. */
function maps(atlas, view, count) {
  return Array.from({ length: count }, (_, index) => {
    const map = atlas.map({ view, class: atlas.axis("class").values[index] });
    return Array.from(map.values, (value) => map.low + (value / 255) * (map.high - map.low));
  }).flat();
}

test("halves are read as the numbers that they are", () => {
  assert.deepEqual([0, 0x3c00, 0xc000, 0x3555, 1, 0x7bff].map(half), [0, 1, -2, 0.333251953125, 2 ** -24, 65504]);
  assert.ok(apart(opened().proposals.masks, told.masks) < 1e-5);
});

for (const one of told.cases) {
  const name = `${one.weights.join(" and ")}, background by ${one.rule} ${one.background}`;
  test(`under the weights ${name} everything is what Python makes of it`, () => {
    const atlas = opened(one), values = atlas.axis("class").values;
    assert.ok(apart(ensemble.named(atlas.proposals, one.weights), one.named) < 2e-5);
    reweigh(atlas, one.weights);
    assert.deepEqual(weightsOf(atlas), one.weights);
    assert.ok(apart(maps(atlas, "score", values.length), one.scores) < 1 / 255);
    assert.ok(apart(maps(atlas, "uncertainty", 1), one.uncertainty) < 1 / 255);
    const [labels, truth, errors, segments] = ["labels", "truth", "errors", "segments"]
      .map((view) => atlas.labelsAt({ view }));
    assert.equal(labels.values.join(""), one.labels);
    assert.equal(errors.values.join(""), one.errors);
    assert.ok(Math.abs(ensemble.meanIou(labels.values, truth.values, values.length) - one.miou) < 1e-5);
    assert.equal(segments.values.join(""), one.ids);
    assert.deepEqual(segments.names.slice(1).map((text, at) => [text, segments.colors[at + 1]]), one.segments);
  });
}

test("the cases differ: other weights give other names, labels and segments", () => {
  for (const part of ["named", "labels", "ids"]) {
    assert.ok(new Set(told.cases.map((one) => JSON.stringify(one[part]))).size > 2, part);
  }
});

test("without CLIP's opinion beside it a head's stands, and nothing can be weighed", () => {
  const atlas = opened(), { head, null: nothing, names } = atlas.proposals;
  atlas.proposals.clip = null;
  assert.ok(!weighs(atlas));
  const alone = Array.from(head, (value, at) => value * (1 - nothing[Math.floor(at / names)]));
  assert.ok(apart(ensemble.named(atlas.proposals, [1, 1]), alone) < 1e-6);
});

test("opinions that are shared out are divided by their sum", () => {
  const { proposals } = opened(), { names, null: nothing } = proposals, weights = /** @type {const} */ ([0.3, 0.7]);
  const usual = ensemble.named(proposals, [...weights]), given = ensemble.named(proposals, [...weights], true);
  for (const [at, none] of nothing.entries()) {
    const [one, all] = [usual, given].map((values) => values.slice(at * names, (at + 1) * names));
    const sum = one.reduce((total, value) => total + value);
    assert.ok(apart(all, one.map((value) => (value / sum) * (1 - none))) < 1e-6);
  }
});

test("one class alone is sure; equal ones are not at all, and neither is what has no score", () => {
  const map = (...values) => ({ values: Float32Array.from(values), height: 1, width: 3 });
  assert.deepEqual([...ensemble.uncertainty([map(0.2, 0.5, 0)]).values], [0, 0, 0]);
  assert.deepEqual([...ensemble.uncertainty([map(0.2, 0.5, 0), map(0.2, 0, 0)]).values], [1, 0, 1]);
});

test("a mask's picture is square, in the picture, with room around; no mask shows all of it", () => {
  const mask = new Float32Array(20 * 40);
  assert.deepEqual(framed(mask, 20, 40), { x: 0, y: -10, side: 40 });
  mask[5 * 40 + 1] = 1;
  assert.deepEqual(framed(mask, 20, 40), { x: 0, y: 0.5, side: 10 });
  mask[5 * 40 + 16] = 1;
  assert.deepEqual(framed(mask, 20, 40), { x: 0, y: -2, side: 24 });
});
