/* Sending: a region of what one tab shows, offered to the other tabs as a mask. */
// @ts-check
/** @import { Mask, Viewer } from "./types" */
/** @import { Panel } from "./panel.js" */
import * as draw from "./draw.js";
import { DRAWN } from "./masks.js";
import { labelAt } from "./readings.js";
import { above } from "./threshold.js";

/**
 * Offer a region to the other tabs: the drawn mask, the map above its threshold, or the label under the pin.
 * @param {Viewer} viewer
 */
export function send(viewer) {
  const { shelf } = viewer.options, panel = viewer.active(), found = chosen(viewer, panel);
  if (!shelf) return;
  if (!found) { viewer.say("Pin a pixel of the region to send first: click the picture."); return; }
  const [what, mask] = found, { digest } = viewer.atlas.pictures[viewer.content(panel.choice).picture];
  const name = `${viewer.atlas.facts.title}, ${what}`;
  viewer.maskChanged(shelf.send({ ...mask, values: mask.values.slice(), name, digest }));
  const scored = "The other tabs score their maps of this picture against it; the best of each stand under Numbers.";
  viewer.say(`Sent: ${name}. ${scored}`);
}

/**
 * What is sent now, and how it is called.
 * @param {Viewer} viewer
 * @param {Panel} panel
 * @returns {[string, Mask] | null}
 */
function chosen(viewer, panel) {
  const { state, masks } = viewer;
  if (state.mask === DRAWN && masks.drawn) return ["drawn mask", masks.drawn];
  const mask = panel.map && above(viewer);
  return mask ? [`${viewer.describe(panel.choice)} ≥ ${state.threshold.toFixed(2)}`, mask] : region(viewer, panel);
}

/**
 * The label under the pin, or of the class that is chosen; null where there is neither.
 * @param {Viewer} viewer
 * @param {Panel} panel
 * @returns {[string, Mask] | null}
 */
function region(viewer, { labels, choice }) {
  const { pin } = viewer.state;
  if (!labels) return null;
  const label = pin ? labelAt(labels, { ...pin, height: 1, width: 1 }) : labels.names.indexOf(choice.class);
  if (label < 0) return null;
  const { width, height } = viewer.masks.size(), values = draw.enlargeLabels(labels, height, width);
  return [labels.names[label], { width, height, values: values.map((value) => (value === label ? 1 : 0)) }];
}
