/* Regions: the geometry of masks, in cells of their grid: strokes of a brush, borders, what is light in a picture. */
// @ts-check
/** @import { Grid, Point, Region } from "./types" */

/**
 * Height and width of a grid whose longer side is `side`, of the shape of a picture.
 * @param {{ height: number, width: number }} picture
 * @param {number} side
 */
export function fitted({ height, width }, side) {
  const scale = side / Math.max(width, height);
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/**
 * Set the cells whose centres lie within `radius` cells of the line between two points of the picture.
 * @param {Grid} grid
 * @param {Point} from
 * @param {Point} to
 * @param {number} radius
 * @param {number} value
 */
export function stroke(grid, from, to, radius, value) {
  const { values, width, height } = grid;
  const steps = Math.max(1, Math.ceil(Math.hypot((to.x - from.x) * width, (to.y - from.y) * height)));
  for (let step = 0; step <= steps; step++) {
    const cx = (from.x + ((to.x - from.x) * step) / steps) * width;
    const cy = (from.y + ((to.y - from.y) * step) / steps) * height;
    for (let y = Math.max(0, Math.floor(cy - radius)); y <= Math.min(height - 1, cy + radius); y++) {
      for (let x = Math.max(0, Math.floor(cx - radius)); x <= Math.min(width - 1, cx + radius); x++) {
        if (Math.hypot(x + 0.5 - cx, y + 0.5 - cy) <= radius) values[y * width + x] = value;
      }
    }
  }
}

/**
 * The borders between a mask's inside and outside, along the cells' edges; outside the grid is outside the mask.
 * @param {Grid} mask
 * @returns {[number, number, number, number][]} x, y of one end and of the other, a cell long each
 */
export function borders({ values, width, height }) {
  /** @type {[number, number, number, number][]} */
  const found = [];
  /** @type {(y: number, x: number) => boolean} */
  const inside = (y, x) => x >= 0 && y >= 0 && x < width && y < height && values[y * width + x] > 0;
  for (let y = 0; y <= height; y++) {
    for (let x = 0; x <= width; x++) {
      if (x < width && inside(y, x) !== inside(y - 1, x)) found.push([x, y, x + 1, y]);
      if (y < height && inside(y, x) !== inside(y, x - 1)) found.push([x, y, x, y + 1]);
    }
  }
  return found;
}

/**
 * Set each cell of a grid to 1 where a picture of its size is light and opaque, else to 0.
 * @param {Grid} grid
 * @param {Uint8ClampedArray} pixels RGBA
 */
export function takeLight(grid, pixels) {
  for (let at = 0; at < grid.values.length; at++) {
    const [red, green, blue, alpha] = pixels.subarray(4 * at, 4 * at + 4);
    grid.values[at] = alpha > 127 && 0.299 * red + 0.587 * green + 0.114 * blue > 127 ? 1 : 0;
  }
}

/**
 * A mask as a picture, white inside and black outside, into RGBA bytes.
 * @param {Grid} mask
 * @param {Uint8ClampedArray} pixels
 */
export function paintWhite(mask, pixels) {
  mask.values.forEach((value, at) => {
    pixels.fill(value ? 255 : 0, 4 * at, 4 * at + 3);
    pixels[4 * at + 3] = 255;
  });
}

/**
 * The cells of a grid whose centres lie in a region; where none does, the one below the middle of its corners. Twin of
 * `Region.cells` in inspector/results/regions.py.
 * @param {Region} region
 * @param {number} height
 * @param {number} width
 * @returns {number[]} their places, row by row
 */
export function cellsIn({ kind, points }, height, width) {
  const found = [], { length } = points;
  for (let at = 0; at < height * width; at++) {
    const centre = { y: (Math.floor(at / width) + 0.5) / height, x: ((at % width) + 0.5) / width };
    if (kind === "box" ? inBox(points, centre) : kind === "polygon" && inPolygon(points, centre)) found.push(at);
  }
  if (found.length) return found;
  /** @type {(axis: "y" | "x", cells: number) => number} */
  const middle = (axis, cells) => Math.min(
    Math.floor((points.reduce((sum, point) => sum + point[axis], 0) / length) * cells), cells - 1);
  return [middle("y", height) * width + middle("x", width)];
}

/**
 * @param {Point[]} corners two that face each other
 * @param {Point} point
 */
function inBox([one, other], { y, x }) {
  return y >= Math.min(one.y, other.y) && y < Math.max(one.y, other.y)
    && x >= Math.min(one.x, other.x) && x < Math.max(one.x, other.x);
}

/**
 * Even-odd: each edge that a ray to the right meets turns inside to outside.
 * @param {Point[]} corners
 * @param {Point} point
 */
function inPolygon(corners, { y, x }) {
  let inside = false;
  for (const [at, from] of corners.entries()) {
    const to = corners[(at + 1) % corners.length];
    if (from.y > y === to.y > y) continue;
    if (x < ((to.x - from.x) * (y - from.y)) / (to.y - from.y) + from.x) inside = !inside;
  }
  return inside;
}

/**
 * The cells of a grid that a mask covers by half, or those that it covers most. Twin of `cells_of` in
 * inspector/results/projections.py, where the mask's sides are multiples of the grid's.
 * @param {Grid} mask
 * @param {number} height
 * @param {number} width
 * @returns {number[]} their places, row by row
 */
export function cellsUnder(mask, height, width) {
  const inside = new Float32Array(height * width), all = new Float32Array(height * width);
  mask.values.forEach((value, at) => {
    const row = Math.floor(((Math.floor(at / mask.width) + 0.5) * height) / mask.height);
    const cell = row * width + Math.floor((((at % mask.width) + 0.5) * width) / mask.width);
    inside[cell] += value;
    all[cell] += 1;
  });
  const shares = inside.map((count, cell) => (all[cell] ? count / all[cell] : 0)), most = Math.max(...shares);
  const least = Math.min(0.5, most);
  return most > 0 ? [...shares.keys()].filter((cell) => shares[cell] >= least) : [];
}
