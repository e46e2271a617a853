/* What the pointer does. */
import assert from "node:assert/strict";
import test from "node:test";

import { Hand } from "../../assets/viewer/hand.js";

/** A viewer that notes what is asked of it, with one panel and held results. */
function setUp(tool = "look") {
  const done = [], note = (name) => (...args) => done.push([name, ...args]), canvas = { focus() {} };
  const map = { high: 2, at: () => 0.5 }, panel = { over: {}, canvas, map, drawOver() {} };
  const viewer = {
    state: { tool, wipe: false, wipeAt: 0.5, mask: "match" }, panels: [panel], held: ["one"], at: 0,
    active: () => panel, size: () => ({ height: 10, width: 10 }), layout: { read() {}, sync() {} },
    masks: { brush: note("brush"), corner: note("corner") }, prompting: { drag() {} },
    bare: note("bare"), pin: note("pin"), set: note("set"), changed: note("changed"), maskChanged: note("maskChanged"),
  };
  return { hand: new Hand(viewer), panel, viewer, done };
}
const finger = { pointerType: "touch", pointerId: 1, clientX: 0, clientY: 0, buttons: 1 };
const HERE = { y: 0.5, x: 0.25 }, THERE = { y: 0.5, x: 0.75 };

test("a finger that rests shows the plain picture, and pins nothing; held results stay", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { hand, panel, viewer, done } = setUp();
  hand.press(panel, HERE, finger);
  context.mock.timers.tick(500);
  hand.release(panel, HERE);
  assert.deepEqual(done, [["bare", true], ["bare", false], ["changed"]]);
  assert.deepEqual(viewer.held, ["one"]);
});

test("a click pins, or takes the value as the threshold while that is open", () => {
  for (const [tool, expected] of [["look", ["pin", HERE]], ["cut", ["set", "threshold", 0.25]]]) {
    const { hand, panel, done } = setUp(tool);
    hand.press(panel, HERE, { ...finger, pointerType: "mouse" });
    hand.release(panel, HERE);
    assert.deepEqual(done, [["bare", false], expected]);
  }
});

test("a stroke begins where it is pressed and goes on from where it was", () => {
  const { hand, panel, done } = setUp("brush");
  hand.press(panel, HERE, finger);
  hand.hover(THERE, finger);
  hand.hover(HERE, finger);
  hand.release(panel, HERE);
  hand.hover(THERE, { ...finger, buttons: 0 });
  const strokes = [["brush", HERE, 1, HERE], ["brush", THERE, 1, HERE], ["brush", HERE, 1, THERE]];
  assert.deepEqual(done, [...strokes, ["bare", false], ["maskChanged", "drawn"]]);
});

test("the border of a wipe is taken hold of, and dragged", () => {
  const { hand, panel, viewer, done } = setUp();
  Object.assign(viewer, { panels: [panel, panel] });
  viewer.state.wipe = true;
  hand.press(panel, { y: 0.5, x: 0.51 }, finger);
  hand.hover(THERE, finger);
  hand.release(panel, THERE);
  assert.equal(viewer.state.wipeAt, 0.75);
  assert.deepEqual(done, [["changed"], ["bare", false]]);
});
