/* What a click or a dragged box asks, and what comes of the answer. */
import assert from "node:assert/strict";
import test from "node:test";

import { Hand } from "../../assets/viewer/hand.js";
import { Prompting, boxed, clicked, unpacked } from "../../assets/viewer/prompting.js";

const HERE = { y: 0.5, x: 0.25 }, THERE = { y: 0.75, x: 0.75 };
const NEW = { more: false, not: false };
const point = ({ y, x }, label) => ({ y, x, label });

test("a click asks anew, with Shift it adds a point, with Alt one outside", () => {
  const first = clicked(null, HERE, NEW);
  assert.deepEqual(first, { points: [point(HERE, 1)], box: null });
  const more = clicked(first, THERE, { more: true, not: false });
  assert.deepEqual(more.points, [point(HERE, 1), point(THERE, 1)]);
  assert.deepEqual(clicked(more, HERE, { more: false, not: true }).points.at(-1), point(HERE, 0));
  assert.deepEqual(clicked(more, THERE, NEW), { points: [point(THERE, 1)], box: null });
  assert.deepEqual(clicked(null, HERE, { more: false, not: true }), first);  // outside of what nobody asked for
  const box = { points: [], box: [0, 0, 1, 1] };
  assert.deepEqual(clicked(box, HERE, { more: false, not: true }), { points: [point(HERE, 0)], box: box.box });
  assert.deepEqual(box.points, []);
});

test("a box goes from the smaller to the larger side, within the picture, and a dot is none", () => {
  assert.deepEqual(boxed(THERE, HERE), { points: [], box: [0.25, 0.5, 0.75, 0.75] });
  assert.deepEqual(boxed({ y: -0.2, x: 0.5 }, { y: 0.5, x: 1.3 })?.box, [0.5, 0, 1, 0.5]);
  assert.equal(boxed(HERE, { y: 0.9, x: 0.255 }), null);
  assert.equal(boxed(HERE, HERE), null);
});

test("bits become cells, row by row, the highest first", () => {
  const mask = unpacked(Uint8Array.of(0b10100000, 0b01000000), 2, 5);
  assert.deepEqual([...mask.values], [1, 0, 1, 0, 0, 0, 0, 0, 0, 1]);
  assert.deepEqual([mask.height, mask.width], [2, 5]);
});

/** A viewer with one panel, whose server answers when it is told to. */
function setUp(answer) {
  const said = [], taken = [], asked = [], panel = { choice: {}, drawOver() {}, over: {}, canvas: { focus() {} } };
  const atlas = { key: "k", pictures: { image: { digest: "d" } } };
  const viewer = {
    state: { tool: "segment", wipe: false, pin: null }, panels: [panel], at: 0, atlas, layout: { read() {} },
    active: () => panel, content: () => ({ picture: "image" }), results: () => [atlas], say: (text) => said.push(text),
    masks: { digest: () => "d", take: (mask, digest) => taken.push([mask, digest]) }, bare() {}, pin() {},
    options: { segment: { models: [["scenes-sam", "Scenes"], ["other", "Other"]], ask(question) {
      asked.push(question);
      return answer(asked.length);
    } } },
  };
  viewer.prompting = new Prompting(viewer);
  return { viewer, hand: new Hand(viewer), panel, said, taken, asked };
}
const FOUND = { mask: btoa("\u00a0"), height: 1, width: 4, sure: 0.9, share: 0.5, warning: "" };
const mouse = { pointerType: "mouse", pointerId: 1, buttons: 1, clientX: 0, clientY: 0 };
const settled = () => new Promise((done) => setTimeout(done));

test("a click asks the server about the picture that is shown, and its mask is taken", async () => {
  const { hand, panel, asked, taken, said } = setUp(async () => FOUND);
  hand.press(panel, HERE, mouse);
  hand.release(panel, HERE);
  await settled();
  const question = { key: "k", picture: "image", points: [[0.5, 0.25]], labels: [1], box: null, model: "scenes-sam" };
  assert.deepEqual(asked, [question]);
  assert.deepEqual(taken, [[{ values: Uint8Array.of(1, 0, 1, 0), height: 1, width: 4 }, "d"]]);
  assert.match(said.at(-1), /^The mask is 50.0% of the picture, expected IoU 0.90\. Shift/);
});

test("a drag asks about a box, whatever keys are held", async () => {
  const { viewer, hand, panel, asked } = setUp(async () => FOUND);
  viewer.prompting.model = "other";
  hand.press(panel, HERE, mouse);
  hand.hover(THERE, mouse);
  assert.deepEqual(viewer.prompting.drawn?.box, [0.25, 0.5, 0.75, 0.75]);
  hand.release(panel, THERE);
  await settled();
  const told = asked.map(({ box, points, model }) => [box, points, model]);
  assert.deepEqual(told, [[[0.25, 0.5, 0.75, 0.75], [], "other"]]);
  assert.equal(viewer.prompting.drawn, null);
  hand.press(panel, HERE, mouse);
  hand.hover(THERE, mouse);
  hand.cancel();  // the page was scrolled
  assert.deepEqual([viewer.prompting.drawn, asked.length], [null, 1]);
});

test("an error is said and changes nothing; an answer that came late, or to what was cleared, is dropped", async () => {
  const failing = setUp(async () => ({ error: "Too many ask." }));
  await failing.viewer.prompting.click(HERE, NEW);
  assert.equal(failing.said.at(-1), "Too many ask.");
  const gone = setUp(async () => { throw new Error("no network"); });
  await gone.viewer.prompting.click(HERE, NEW);
  assert.match(gone.said.at(-1), /^The server could not be asked/);
  assert.deepEqual([failing.taken, gone.taken], [[], []]);

  const waiting = [], slow = setUp(() => new Promise((done) => waiting.push(done)));
  const both = [slow.viewer.prompting.click(HERE, NEW), slow.viewer.prompting.click(THERE, { more: true, not: false })];
  waiting.reverse().forEach((done, at) => done({ ...FOUND, sure: at / 10 }));
  await Promise.all(both);
  assert.deepEqual(slow.asked[1].labels, [1, 1]);
  assert.equal(slow.taken.length, 1);
  assert.match(slow.said.at(-1), /IoU 0.00/);
  const late = slow.viewer.prompting.click(HERE, NEW);
  slow.viewer.prompting.forget();
  waiting.at(-1)(FOUND);
  await late;
  assert.equal(slow.taken.length, 1);
});

test("points of another picture are not added to", async () => {
  const { viewer, asked } = setUp(async () => FOUND);
  await viewer.prompting.click(HERE, NEW);
  viewer.masks.digest = () => "other";
  await viewer.prompting.click(THERE, { more: true, not: false });
  assert.deepEqual(asked[1].points, [[0.75, 0.75]]);
});

test("where no server is, nothing is offered or asked", async () => {
  const { viewer, asked } = setUp(async () => FOUND);
  viewer.options = {};
  assert.equal(viewer.prompting.offered, false);
  await viewer.prompting.click(HERE, NEW);
  assert.deepEqual(asked, []);
});
