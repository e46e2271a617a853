import assert from "node:assert/strict";
import test from "node:test";

import { stepped } from "../../assets/viewer/chart.js";
import { correlation, entropy, summaries, ticks } from "../../assets/viewer/curves.js";
import { seriesOf } from "../../assets/viewer/verdict.js";
import { storedLines } from "../../assets/viewer/stored.js";
import { grid, shared } from "./shared.js";

for (const told of shared.curves) {
  test(`entropy and correlation as Python has them: ${told.name}`, () => {
    const map = grid(told.map), other = grid(told.other), { height, width } = told.size;
    const pairs = [[entropy(map, height, width), told.entropy], [correlation(map, other), told.correlation]];
    for (const [found, expected] of pairs) {
      if (expected === null) assert.ok(Number.isNaN(found));
      else assert.ok(Math.abs(found - expected) < 2e-5, `${found} for ${expected}`);
    }
  });
}

test("maps of other grids have no correlation", () => {
  const flat = { values: Uint8Array.of(0, 255), low: 0, high: 1 };
  assert.ok(Number.isNaN(correlation({ ...flat, height: 1, width: 2 }, { ...flat, height: 2, width: 1 })));
});

test("noises at one t have a mean and a deviation, one alone has none, and what is no number is left out", () => {
  const readings = [[301, 0.5], [1, 0.9], [301, 0.7], [301, NaN]].map(([t, value]) => ({ t, value }));
  const [first, second] = summaries(readings);
  assert.deepEqual(first, { t: 1, mean: 0.9, deviation: null });
  assert.equal(second.t, 301);
  assert.ok(Math.abs(second.mean - 0.6) < 1e-12);
  assert.ok(Math.abs(second.deviation - Math.sqrt(0.02)) < 1e-12);
});

test("axes have round numbers around what they show", () => {
  assert.deepEqual(ticks(1, 951, 5), [0, 200, 400, 600, 800, 1000]);
  assert.deepEqual(ticks(0.956, 0.991, 4), [0.94, 0.96, 0.98, 1]);
  for (const [low, high] of [[0.956, 0.991], [-0.2, 0.3], [0.4, 0.4], [0, 0], [3, 7000]]) {
    const found = ticks(low, high, 4);
    assert.ok(found[0] <= low && found[found.length - 1] >= high, String(found));
    assert.ok(found.length >= 2 && found.length <= 6, String(found));
  }
});

test("keys lead along a line and from line to line", () => {
  const rows = [["a", "b", "c", "d"], ["e", "f"]];
  assert.equal(stepped("ArrowRight", 0, 1, rows), "c");
  assert.equal(stepped("ArrowLeft", 0, 0, rows), undefined);
  assert.equal(stepped("ArrowDown", 0, 3, rows), "f");
  assert.equal(stepped("ArrowUp", 1, 1, rows), "c");
  assert.equal(stepped("End", 0, 0, rows), "d");
  assert.equal(stepped("x", 0, 0, rows), undefined);
});

test("several noises are one line, and what says how far they are apart is none", () => {
  const values = ["generation", "noise once", "noise once, seed 8", "mean of seeds", "spread of seeds"];
  const compared = { generation: "generation", noises: values.slice(1, 3), spread: "spread of seeds" };
  const atlas = { facts: { compared, ticksBy: "arm" }, axis: () => ({ values }) };
  assert.deepEqual(seriesOf({ atlas }).map(({ name, arms }) => [name, arms.length]), [
    ["generation", 1], ["noise once, 2 noises", 2], ["mean of seeds", 1],
  ]);
});

test("stored curves are of the shown layer, else of the mean of all, and lead somewhere on the page alone", () => {
  const curve = { of: "given", measure: "ap", arm: "noise once" };
  const stored = {
    count: { given: 4, generated: 2 },
    seeds: 3,
    curves: [
      { ...curve, layer: "mean", points: [[1, 0.5, 0.1], [301, 0.4, null]] },
      { ...curve, layer: "16", points: [[1, 0.6, 0.1]] },
    ],
    examples: { given: { "noise once": { 1: "tab=attention&scene=1" } } },
  };
  const shown = (layer, options) => {
    const { charts } = storedLines({ options, matrix: { own: () => ({ layer }) } }, stored);
    return charts[0].lines[0];
  };
  assert.equal(shown("16", {}).points[0].y, 0.6);
  const { points, bands } = shown("up_blocks.1", { shelf: {} });
  assert.equal(points[0].href, "?tab=attention&scene=1&layer=mean");
  assert.deepEqual(points.map(({ y, href }) => [y, Boolean(href)]), [[0.5, true], [0.4, false]]);
  assert.deepEqual(bands, [{ x: 1, low: 0.4, high: 0.6 }]);
  assert.equal(shown("mean", {}).points[0].href, undefined);
});
