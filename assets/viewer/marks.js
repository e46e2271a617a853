/* Marks: what lies over a panel's picture: the cursor, the pinned pixel, the region asked about, masks' outlines. */
// @ts-check
/** @import { Choice, Point, Region, Viewer } from "./types" */
import { context2d } from "./controls.js";
import { SELF } from "./questions.js";

/**
 * Draw a panel's marks anew on its upper canvas.
 * @param {Viewer} viewer
 * @param {HTMLCanvasElement} canvas
 * @param {Choice} choice the panel's
 */
export function paint(viewer, canvas, choice) {
  const { state, cursor } = viewer, { width, height } = canvas, context = context2d(canvas);
  const size = 1 / Math.min(state.zoom.scale, 6);  // marks do not grow with the picture
  context.clearRect(0, 0, width, height);
  viewer.masks.paint(context, width, height, choice);
  if (cursor) stroke(context, size, () => cross(context, cursor.x * width, cursor.y * height, size));
  const { pin, region } = state;
  if (region && choice.view === SELF) stroke(context, size, () => outline(context, region, width, height, size));
  if (pin) stroke(context, size, () => ring(context, pin.x * width, pin.y * height, size));
}

/**
 * Trace a shape in white with a black border, which is seen on any picture.
 * @param {CanvasRenderingContext2D} context
 * @param {number} size
 * @param {() => void} shape
 */
function stroke(context, size, shape) {
  for (const [strokeStyle, line] of /** @type {const} */ ([["#000", 3.5], ["#fff", 1.5]])) {
    Object.assign(context, { strokeStyle, lineWidth: line * size });
    context.beginPath();
    shape();
    context.stroke();
  }
}

/**
 * A region's edges; of a polygon that is begun its corners too.
 * @param {CanvasRenderingContext2D} context
 * @param {Region} region
 * @param {number} width
 * @param {number} height
 * @param {number} size
 */
function outline(context, { kind, points }, width, height, size) {
  if (kind === "box") {
    const [one, other] = points;
    context.rect(one.x * width, one.y * height, (other.x - one.x) * width, (other.y - one.y) * height);
    return;
  }
  points.forEach(({ x, y }) => context.lineTo(x * width, y * height));
  context.closePath();
  if (points.length > 2) return;
  for (const { x, y } of points) {
    context.moveTo(x * width + 3 * size, y * height);
    context.arc(x * width, y * height, 3 * size, 0, 2 * Math.PI);
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} y
 * @param {number} size
 */
function ring(context, x, y, size) {
  context.arc(x, y, 7 * size, 0, 2 * Math.PI);
  context.moveTo(x + 1.5 * size, y);
  context.arc(x, y, 1.5 * size, 0, 2 * Math.PI);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} y
 * @param {number} size
 */
function cross(context, x, y, size) {
  context.moveTo(x - 9 * size, y);
  context.lineTo(x + 9 * size, y);
  context.moveTo(x, y - 9 * size);
  context.lineTo(x, y + 9 * size);
}

/**
 * Where a map is largest, in words: "top left".
 * @param {{ values: Uint8Array, height: number, width: number }} map
 */
export function highest({ values, height, width }) {
  const at = Math.max(values.indexOf(255), 0), row = Math.floor(at / width);
  /** @type {(place: number, count: number) => number} */
  const third = (place, count) => Math.min(2, Math.floor((3 * place) / count));
  const down = ["top", "middle", "bottom"][third(row, height)];
  return `${down} ${["left", "centre", "right"][third(at % width, width)]}`;
}

/**
 * Fractions (y, x) of an element under a pointer event, inside of it.
 * @param {Element} element
 * @param {{ clientX: number, clientY: number }} event
 * @returns {Point}
 */
export function under(element, event) {
  const box = element.getBoundingClientRect();
  return { y: within((event.clientY - box.top) / box.height), x: within((event.clientX - box.left) / box.width) };
}

/**
 * A fraction inside of a picture, whose end does not belong to it.
 * @param {number} value
 */
export function within(value) {
  return Math.min(Math.max(value, 0), 1 - 1e-9);
}
