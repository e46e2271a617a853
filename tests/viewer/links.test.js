import assert from "node:assert/strict";
import test from "node:test";

import { decode, encode } from "../../assets/viewer/links.js";

const AXES = [
  { name: "word", values: ["horse", "grass, tall", "a/b"] },
  { name: "arm", values: ["generation", "noise once"] },
];
const FRESH = {
  colormap: "viridis", opacity: 0.6, scale: "own", smooth: true, threshold: 0.4, show: "heat", follow: false,
  wipe: false, wipeAt: 0.5, pin: null, mask: "match", outline: false, columns: "word", rows: "",
  zoom: { scale: 1, x: 0.5, y: 0.5 }, region: null, rivals: [], mixture: null, active: 0,
  panels: [{ word: "horse", arm: "generation" }, { word: "horse", arm: "noise once" }],
};

/** What of a viewer links look at, while it shows `FRESH` but for `changed`. */
function viewer(changed = {}, results = 1) {
  const said = [];
  return {
    said, fresh: FRESH, remember: () => ({ ...structuredClone(FRESH), ...changed }), say: (text) => said.push(text),
    results: () => Array(results).fill({ axes: AXES, axis: (name) => AXES.find((axis) => axis.name === name) }),
  };
}
const link = (changed) => String(new URLSearchParams(encode(viewer(changed))));
const read = (address, shown = viewer()) => decode(new URLSearchParams(address), shown);

test("an address is empty where nothing was changed", () => {
  assert.equal(link({}), "");
  assert.equal(link({ zoom: { scale: 1, y: 0.5, x: 0.5 } }), "");  // whatever the order of its parts
});

test("all that was changed comes back from an address", () => {
  const changed = {
    colormap: "magma", opacity: 0.25, scale: "shared", smooth: false, threshold: 0.7, show: "outline", follow: true,
    wipe: true, wipeAt: 0.1235, pin: { y: 0.25, x: 0.125 }, mask: "car", outline: true, columns: "arm", rows: "word",
    zoom: { scale: 2.5, y: 0.1, x: 0.9 }, active: 1, rivals: ["a", "horse"], mixture: { 32: 0.25, 16: 1 },
    region: { kind: "polygon", points: [{ y: 0, x: 0.5 }, { y: 0.25, x: 1 }, { y: 0.125, x: 0 }] },
    panels: [{ word: "a/b", arm: "noise once" }, { word: "grass, tall", arm: "generation" }],
  };
  const state = read(link(changed));
  for (const name of ["opacity", "threshold", "wipeAt"]) state[name] = Number(state[name]);
  assert.deepEqual(state, changed);
});

test("a polygon that is only begun stays out of an address", () => {
  const points = [{ y: 0.5, x: 0.5 }, { y: 0.25, x: 0.5 }];
  assert.equal(link({ region: { kind: "polygon", points } }), "");
  assert.equal(link({ region: { kind: "box", points } }), "region=box%3A0.5%2C0.5%3B0.25%2C0.5");
});

test("an axis on which the panels agree stands once", () => {
  const panels = FRESH.panels.map((panel) => ({ ...panel, word: "a/b" }));
  assert.equal(link({ panels }), "word=a%2Fb");
  assert.deepEqual(read("word=a/b").panels, panels);
});

test("panels are as many as the address says, or as its longest list", () => {
  const panels = [...FRESH.panels, FRESH.panels[1]];
  assert.equal(link({ panels }), "panels=3");
  assert.deepEqual(read("panels=3").panels, panels);
  assert.deepEqual(read("word=horse&word=a/b&word=horse").panels.map(({ word }) => word), ["horse", "a/b", "horse"]);
  for (const [asked, count] of [["99", 4], ["-3", 1], ["one", 2], ["0", 2], ["", 2]]) {
    assert.equal(read(`panels=${asked}`).panels.length, count, asked);
  }
});

test("masks that live in this page alone stay out of its address", () => {
  assert.equal(link({ mask: "drawn" }), "");
  assert.equal(link({ mask: "sent:2" }), "");
  assert.equal(link({ mask: "" }), "mask=");
});

test("flags are read in the usual spellings, anything else is ignored", () => {
  for (const told of ["on", "1", "true"]) assert.equal(read(`wipe=${told}`).wipe, true);
  for (const told of ["off", "0", "false"]) assert.equal(read(`wipe=${told}`).wipe, false);
  assert.ok(!("wipe" in read("wipe=maybe")));
  assert.ok(!("pin" in read("pin=0.5")));
  assert.deepEqual(read("pin=0.5,x").pin, { y: 0.5, x: NaN });  // which `Viewer.restore` refuses
});

test("what a result does not have is told, shortened", async () => {
  const shown = viewer();
  read(`word=${"z".repeat(60)}&word=horse`, shown);
  await new Promise((done) => { setTimeout(done); });
  assert.deepEqual(shown.said, [`The address asks for what this result does not have: word ${"z".repeat(40)}.`]);
});

test("of which result a panel is stands in the address wherever one is held, else what is held comes beside", () => {
  const alone = new URLSearchParams(encode(viewer({}, 2)));
  assert.deepEqual([...alone], [["of", "0"]]);
  assert.ok(!("beside" in decode(alone, viewer({}, 2))));
  assert.equal(decode(new URLSearchParams(), viewer({}, 2)).beside, true);
  assert.ok(!("beside" in read("")));
  const panels = [{ ...FRESH.panels[0] }, { ...FRESH.panels[1], of: "1" }];
  assert.equal(String(new URLSearchParams(encode(viewer({ panels }, 2)))), "of=0&of=1");
});
