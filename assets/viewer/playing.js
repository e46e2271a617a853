/* Playing: a viewer moves along an axis by itself. */
// @ts-check
/** @import { Viewer } from "./types" */

const BEAT = 250;  // milliseconds of a step

/**
 * Run along an axis to its end, from its beginning where it stands at the end; stop where it runs.
 * @param {Viewer} viewer
 * @param {string} name
 */
export function play(viewer, name) {
  if (viewer.playing) { stop(viewer); return; }
  const { values } = viewer.atlas.axis(name) ?? { values: [] };
  if (viewer.active().choice[name] === values[values.length - 1]) viewer.choose({ [name]: values[0] });
  viewer.playing = setInterval(() => { if (!viewer.step(name, 1)) stop(viewer); }, BEAT);
  viewer.layout.sync();
}

/** @param {Viewer} viewer */
export function stop(viewer) {
  clearInterval(viewer.playing);
  viewer.playing = 0;
  if (viewer.showing) viewer.layout.sync();
}
