/* Results that are held beside the new one. */
import assert from "node:assert/strict";
import test from "node:test";

import * as panels from "../../assets/viewer/panels.js";
import * as results from "../../assets/viewer/results.js";
import { fitted } from "../../assets/viewer/slot.js";

const closed = [];
const atlas = (words, asked = {}) => ({
  asked, key: words.join(), axes: [{ name: "word", values: words, first: 0 }], close: () => closed.push(words.join()),
});

/** A viewer of a new result and of two that are held, with panels that show these choices. */
function setUp(...choices) {
  const [own, ...held] = [atlas(["cat", "dog"]), atlas(["dog", "sheep"]), atlas(["cat"])];
  const viewer = {
    own, held, at: 0, state: { wipe: true }, options: {}, layout: { place() {} }, refresh() {},
    panels: choices.map((choice) => ({ choice })), panelOf: (choice) => ({ choice }),
    pair: () => viewer.panels.filter(({ choice }) => choice.of !== "difference"),
    results: () => [own, ...viewer.held], active: () => viewer.panels[viewer.at],
  };
  return { viewer, shown: () => viewer.panels.map(({ choice }) => [choice.of ?? "", choice.word].join(" ")) };
}

test("a choice keeps what the other result has, and begins anew with the rest", () => {
  const { viewer } = setUp({ word: "dog" });
  assert.deepEqual(results.fitted(viewer, { word: "dog", of: "2" }, 1), { word: "dog", of: "1" });
  assert.deepEqual(results.fitted(viewer, { word: "dog" }, 2), { word: "cat", of: "2" });
});

test("of what a link tells of a panel, only what fits is taken", () => {
  const { viewer } = setUp({ word: "dog" }), base = { word: "dog" };
  assert.deepEqual(results.known(viewer, { word: "cat", of: "9", evil: "1" }, base), { word: "cat" });
  assert.deepEqual(results.known(viewer, { word: 3, of: "1" }, base), { word: "dog", of: "1" });
  assert.deepEqual(results.known(viewer, { of: "difference" }, base), { word: "dog", of: "difference" });
  assert.deepEqual(results.known(viewer, null, base), base);
});

test("all that the results show of the same stands side by side", () => {
  const { viewer, shown } = setUp({ word: "dog" });
  results.beside(viewer);
  assert.deepEqual([shown(), viewer.at], [[" dog", "1 dog", "2 cat"], 0]);
  const two = setUp({ word: "cat" }, { word: "dog" });
  two.viewer.held.length = two.viewer.at = 1;
  results.beside(two.viewer);
  assert.deepEqual([two.shown(), two.viewer.at], [[" cat", "1 dog", " dog", "1 dog"], 2]);  // the same is active
});

test("with a held result its panels go, and the later ones keep theirs", () => {
  const { viewer, shown } = setUp({ word: "cat" }, { word: "dog", of: "1" }, { word: "cat", of: "2" });
  const told = [];
  viewer.at = 2;
  viewer.options.letGo = (key) => told.push(key);
  closed.length = 0;
  results.letGo(viewer, 0);
  assert.deepEqual([shown(), viewer.at, viewer.held.length], [[" cat", "1 cat"], 1, 1]);
  results.letGo(viewer, 0);
  assert.deepEqual([shown(), viewer.at, viewer.state.wipe], [[" cat"], 0, false]);
  assert.deepEqual([told, closed], [["dog,sheep", "cat"], ["dog,sheep", "cat"]]);
  viewer.held = [viewer.own];
  assert.ok(results.isHeld(viewer));
  results.letGo(viewer, 0);
  assert.equal(closed.length, 2);  // it is still shown
  assert.ok(!results.isHeld(viewer));
});

test("what was written is found among an axis's values", () => {
  const values = ["Pony", "brown", "dog"];
  assert.deepEqual(["pony", "Pony/foal", "brown dog", "Dog", "cat"].map((text) => results.valueOf(values, text)),
    ["Pony", "Pony", "dog", "dog", undefined]);
});

test("where no panel is left, one shows the new result", () => {
  const { viewer, shown } = setUp({ word: "sheep", of: "1" });
  results.letGo(viewer, 0);
  assert.deepEqual(shown(), [" cat"]);
});

test("results are named by what sets them apart, else by their number", () => {
  const { viewer } = setUp();
  assert.deepEqual([0, 1, 2].map((of) => results.named(viewer, of)), ["new", "held 1", "held 2"]);
  viewer.held = [atlas([], { prompt: "a horse" })];
  viewer.own.asked = { prompt: "a dog" };
  assert.deepEqual([0, 1].map((of) => results.named(viewer, of)), ["a dog", "held: a horse"]);
});

test("a new panel stands beside the active one, a difference last; the last of the pair stays", () => {
  const { viewer, shown } = setUp({ word: "cat" }, { word: "dog" });
  panels.add(viewer, "difference");
  panels.add(viewer);
  assert.deepEqual([shown(), viewer.at], [[" cat", " dog", " dog", "difference cat"], 2]);
  for (const panel of viewer.panels.slice(0, 3)) panels.remove(viewer, panel);
  assert.deepEqual([shown(), viewer.at], [[" dog"], 0]);
});

test("carried choices are of another result only where it has all of them", () => {
  const carried = [{ word: "dog" }], state = { opacity: 0.5, carried };
  assert.deepEqual(fitted(state, { atlas: atlas(["dog"]) }), { opacity: 0.5, beside: true, panels: carried });
  assert.deepEqual(fitted(state, { atlas: atlas(["cat"]) }), { opacity: 0.5, beside: true });
  assert.equal(fitted(null, { atlas: atlas(["cat"]) }), null);
});
