/* Playing: a viewer moves along an axis, a place at a time or by itself. */
// @ts-check
/** @import { Viewer } from "./types" */
import { along, placeIn } from "./moments.js";

const BEAT = 250;  // milliseconds of a step

/**
 * Move the active panel by `by` places; past an end it stays there. Returns whether it moved.
 * @param {Viewer} viewer
 * @param {string | undefined} name of the axis
 * @param {number} by
 */
export function step(viewer, name, by) {
  const axis = viewer.atlas.axis(name);
  if (!axis) return false;
  const own = viewer.active().choice, values = along(viewer.atlas, axis, own);
  const at = placeIn(values, own[axis.name], axis.values) + by;
  if (at < 0 || at >= values.length) return false;
  viewer.choose({ [axis.name]: values[at] });
  return true;
}

/**
 * Run along an axis to its end, from its beginning where it stands at the end; stop where it runs.
 * @param {Viewer} viewer
 * @param {string} name
 */
export function play(viewer, name) {
  if (viewer.playing) { stop(viewer); return; }
  const axis = viewer.atlas.axis(name), own = viewer.active().choice;
  const values = axis ? along(viewer.atlas, axis, own) : [];
  if (axis && placeIn(values, own[name], axis.values) === values.length - 1) viewer.choose({ [name]: values[0] });
  viewer.playing = setInterval(() => { if (!step(viewer, name, 1)) stop(viewer); }, BEAT);
  viewer.layout.sync();
}

/** @param {Viewer} viewer */
export function stop(viewer) {
  clearInterval(viewer.playing);
  viewer.playing = 0;
  if (viewer.showing) viewer.layout.sync();
}
