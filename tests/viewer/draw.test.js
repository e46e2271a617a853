import assert from "node:assert/strict";
import test from "node:test";

import * as draw from "../../assets/viewer/draw.js";
import { apart, grid, shared } from "./shared.js";

const { colours } = shared, PIXELS = colours.image.length / 3;

/** RGB bytes of 32-bit pixels, which must be opaque. */
function rgb(out) {
  const bytes = new Uint8Array(out.buffer);
  for (let at = 3; at < bytes.length; at += 4) assert.equal(bytes[at], 255);
  return bytes.filter((_, at) => at % 4 !== 3);
}
/** RGBA bytes of RGB ones. */
function opaque(bytes) {
  return Uint8Array.from({ length: (4 * bytes.length) / 3 }, (_, at) => (at % 4 === 3 ? 255 : bytes[at - (at >> 2)]));
}
const rgba = opaque(colours.image);
const black = () => draw.ground(new Uint8Array(4 * PIXELS), 1);

for (const { grid: told, size: [height, width], smooth, expected } of shared.enlarge) {
  test(`a grid at ${height} x ${width}, ${smooth ? "smooth" : "as recorded"}, is Python's`, () => {
    assert.ok(apart(draw.enlarge(grid(told), height, width, smooth), expected) < 1e-3);
  });
}

test("where cells are kept, each pixel takes its own", () => {
  const { first, second, share } = draw.taps(2, 4, false);
  assert.deepEqual([[...first], [...second], [...share]], [[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 0, 0]]);
});

test("smooth pixels lie between cell centres, and stop at the borders", () => {
  const { first, second, share } = draw.taps(2, 4, true);
  assert.deepEqual([...first], [0, 0, 0, 1]);
  assert.deepEqual([...second], [1, 1, 1, 1]);
  assert.deepEqual([...share], [0, 0.25, 0.75, 0]);
});

for (const { low, high, clear, signed } of colours.heat) {
  test(`what is zero leaves the picture clear, as Python has it: ${low} to ${high}`, () => {
    const map = grid(colours.map), values = Float32Array.from(map.values), out = new Uint32Array(PIXELS);
    const ramp = draw.ramp(map, low, high), { opacity } = colours;
    draw.faded(rgba, values, Uint8Array.from(colours.table), ramp, out, { opacity, signed: false });
    assert.ok(apart(rgb(out), clear) <= 2);
    draw.faded(rgba, values, Uint8Array.from(colours.diverging), ramp, out, { opacity, signed: true });
    assert.ok(apart(rgb(out), signed) <= 2);
  });
}

for (const { low, high, full, over } of colours.heat) {
  test(`values from ${low} to ${high} have Python's colours`, () => {
    const map = grid(colours.map), values = Float32Array.from(map.values), table = Uint8Array.from(colours.table);
    const ramp = draw.ramp(map, low, high), out = new Uint32Array(PIXELS);
    draw.heat(black(), values, draw.shares(table, 1), ramp, out);
    assert.equal(apart(rgb(out), full), 0);
    draw.heat(draw.ground(rgba, 1 - colours.opacity), values, draw.shares(table, colours.opacity), ramp, out);
    assert.ok(apart(rgb(out), over) <= 2);  // two shares, each rounded down, where OpenCV rounds the sum
  });
}

test("a scale without a width takes the lower end of the colours", () => {
  assert.deepEqual(draw.ramp({ low: 0, high: 1 }, 0.5, 0.5), { slope: 0, shift: 0 });
});

test("labels over a picture have Python's colours", () => {
  const out = new Uint32Array(PIXELS), { height, width } = colours.labels;
  draw.paint(draw.ground(rgba, 1 - colours.opacity), grid(colours.labels), colours.opacity, height, width, out);
  assert.ok(apart(rgb(out), colours.painted) <= 2);
});

test("labels are enlarged cell by cell", () => {
  const out = draw.enlargeLabels({ values: Uint8Array.of(1, 2, 3, 4), height: 2, width: 2 }, 3, 4);
  assert.deepEqual([...out], [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4]);
});

test("what lies outside fades as Python's does", () => {
  const out = draw.ground(rgba, 1);
  draw.fade(out, Uint8Array.from(colours.inside), 0.8);
  assert.ok(apart(rgb(out), colours.faded) <= 1);
});

test("a packed colour has its bytes in the order of a canvas", () => {
  assert.deepEqual([...new Uint8Array(Uint32Array.of(draw.packed(1, 2, 3)).buffer)].slice(0, 3), [1, 2, 3]);
});

test("edges are the inside's pixels that have a neighbour outside; the picture's border is none", () => {
  const inside = Uint8Array.of(
    1, 1, 1, 0,
    1, 1, 1, 0,
    1, 1, 1, 0);
  assert.deepEqual([...draw.edges(inside, 3, 4)], [0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0]);
  assert.deepEqual([...draw.edges(new Uint8Array(4).fill(1), 2, 2)], [0, 0, 0, 0]);
});

test("a contour is a light line with a dark one around it, and stays in the picture", () => {
  const rows = { 4: [128, 128, 0, 255, 255, 255, 0, 128, 128], 7: [128, 128, 128, 128, 128, 0, 255, 255, 255] };
  for (const [from, row] of Object.entries(rows)) {
    const inside = Uint8Array.from({ length: 63 }, (_, at) => (at % 9 >= Number(from) ? 1 : 0));
    const out = new Uint32Array(63).fill(draw.packed(128, 128, 128));
    draw.contour(out, inside, 7, 9);
    assert.deepEqual(Array.from(out.subarray(27, 36), (pixel) => (pixel >> 8) & 255), row);
  }
});
