/* Zoom: which part of the picture all panels show. */
// @ts-check
/** @import { Point, Viewer, Zoom } from "./types" */

const MOST = 16;
const NEAR = 4;  // from where on the picture's own pixels are shown as squares
export const WHOLE = 1e-9;  // a factor that leads back to the whole picture

/** @type {(value: number, low: number, high: number) => number} */
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/**
 * A zoom times a factor, so that a point of the picture stays where it is as far as the picture reaches.
 * @param {Zoom} zoom
 * @param {Point} point
 * @param {number} factor
 * @returns {Zoom}
 */
export function zoomed(zoom, point, factor) {
  const scale = clamp(zoom.scale * factor, 1, MOST), share = 1 - zoom.scale / scale;
  if (scale === 1) return { scale, y: 0.5, x: 0.5 };
  /** @type {(middle: number, stays: number) => number} */
  const moved = (middle, stays) => clamp(middle + (stays - middle) * share, 0, 1);
  return { scale, y: moved(zoom.y, point.y), x: moved(zoom.x, point.x) };
}

/**
 * A zoom after the picture was dragged, by shares of its shown height and width.
 * @param {Zoom} zoom
 * @param {Point} by
 * @returns {Zoom}
 */
export function dragged(zoom, by) {
  return { scale: zoom.scale, y: clamp(zoom.y - by.y, 0, 1), x: clamp(zoom.x - by.x, 0, 1) };
}

/**
 * What puts a zoom on the screen, as CSS: no edge of the picture comes inside of its frame.
 * @param {Zoom} zoom
 */
export function transform({ scale, y, x }) {
  if (scale <= 1) return "";
  const half = 0.5 / scale;
  /** @type {(middle: number) => number} */
  const shift = (middle) => 50 - 100 * clamp(middle, half, 1 - half) * scale;
  return `translate(${shift(x)}%, ${shift(y)}%) scale(${scale})`;
}

/**
 * Let every panel show what the viewer's state says.
 * @param {Viewer} viewer
 */
export function apply({ state, panels }) {
  const { zoom, tool } = state, reads = tool === "look" || tool === "cut";
  for (const panel of panels) {
    panel.stack.style.transform = transform(zoom);
    panel.stack.classList.toggle("dv-near", zoom.scale >= NEAR);
    // On a touch screen a finger on the picture scrolls the page, unless it draws or moves a picture that is zoomed.
    panel.over.style.touchAction = reads && zoom.scale <= 1 ? "pan-y" : "none";
    panel.drawOver();
  }
}
