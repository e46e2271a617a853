/* Panels: what they show of each axis; one more beside the others, or one less. */
// @ts-check
/** @import { Choice, Viewer } from "./types" */
/** @import { Panel } from "./panel.js" */
import { DIFFERENCE } from "./compare.js";
import { MOST_PANELS } from "./grid.js";
import * as moments from "./moments.js";

/**
 * Change axes of the active panel; shared axes (`facts.linked`) change in every panel that has the value, and where a
 * difference is the active one, all change in the two that it is of. Steps are shared while panels stay together, and
 * then by t; another arm is shown at the t of the one before.
 * @param {Viewer} viewer
 * @param {Choice} change
 */
export function choose(viewer, change) {
  const { linked = [], curve = "" } = viewer.atlas.facts, active = viewer.active();
  const two = active.choice.of === DIFFERENCE ? viewer.pair().slice(0, 2) : [], [lead = active] = two;
  const before = { ...lead.choice };
  /** @type {(axis: string) => boolean} */
  const shared = (axis) => linked.includes(axis) && (axis !== curve || viewer.state.together);
  for (const panel of new Set([lead, ...viewer.panels])) {
    for (const [axis, value] of Object.entries(change)) {
      const wanted = panel === active || shared(axis) || two.includes(panel);
      const there = viewer.atlasOf(panel.choice).axis(axis)?.values.includes(value);
      if (wanted && there) panel.choice[axis] = value;
    }
    if (change[curve] && panel !== lead && (shared(curve) || two.includes(panel))) {
      panel.choice[curve] = moments.beside(viewer, lead.choice, panel.choice) ?? panel.choice[curve];
    }
  }
  if (!change[curve] && curve) lead.choice[curve] = moments.beside(viewer, before, lead.choice) ?? before[curve];
  for (const panel of viewer.panels) land(viewer, panel, change);
  viewer.refresh();
}

/**
 * Where a change leads to what was not kept, move on to the nearest place that was: its step first, then what else
 * differs, but to no other arm.
 * @param {Viewer} viewer
 * @param {Panel} panel
 * @param {Choice} change
 */
function land(viewer, panel, change) {
  const { choice } = panel, atlas = viewer.atlasOf(choice), { curve = "", ticksBy = "", questions } = atlas.facts;
  /** @type {(choice: Choice) => boolean} */
  const there = (one) => {
    const { map, labels, missing } = viewer.content(one);
    return Boolean(map || labels || missing.length);
  };
  if (!questions || choice.of === DIFFERENCE || there(choice)) return;
  const fixed = { ...change, [ticksBy]: choice[ticksBy] };
  const places = atlas.blocks.map(({ at }) => at)
    .filter((at) => Object.entries(fixed).every(([axis, value]) => !(axis in at) || at[axis] === value));
  /** @type {(at: Choice) => number} */
  const agreeing = (at) => Object.entries(at).filter(([axis, value]) => choice[axis] === value).length;
  const nearest = places.sort((one, other) => agreeing(other) - agreeing(one))[0];
  if (!nearest) return;
  const stepped = { ...choice, [curve]: nearest[curve] ?? choice[curve] };
  panel.choice = there(stepped) ? stepped : { ...choice, ...nearest };
  if (change[curve]) viewer.say("This was kept of the last step alone; keep every step under Recipe.");
}

/**
 * One more panel, as the active one: what the active one shows, or last of all what the others differ by.
 * @param {Viewer} viewer
 * @param {"" | typeof DIFFERENCE} of
 */
export function add(viewer, of = "") {
  const { panels } = viewer, pair = viewer.pair(), end = pair.length;
  if (panels.length >= MOST_PANELS) return;
  const { choice } = viewer.active().choice.of === DIFFERENCE ? pair[end - 1] : viewer.active();
  const at = of ? end : Math.min(viewer.at + 1, end);
  panels.splice(at, 0, viewer.panelOf({ ...choice, ...(of ? { of } : {}) }));
  viewer.at = at;
  viewer.layout.place();
  viewer.refresh();
}

/**
 * One less; the last that is no difference stays.
 * @param {Viewer} viewer
 * @param {Panel} panel
 */
export function remove(viewer, panel) {
  if (viewer.pair().length < 2 && panel.choice.of !== DIFFERENCE) return;
  const active = viewer.active(), index = viewer.panels.indexOf(panel);
  viewer.panels.splice(index, 1);
  if (viewer.at > index) viewer.at -= 1;
  mend(viewer, active);
}

/**
 * After panels went: what needs two of them ends, and one is the active one.
 * @param {Viewer} viewer
 * @param {Panel} active the one that was
 */
export function mend(viewer, active) {
  if (viewer.pair().length < 2) {
    viewer.state.wipe = false;
    viewer.panels = viewer.pair();
  }
  const { panels } = viewer, at = panels.includes(active) ? panels.indexOf(active) : viewer.at;
  viewer.at = Math.max(0, Math.min(at, panels.length - 1));
  viewer.layout.place();
  viewer.refresh();
}
