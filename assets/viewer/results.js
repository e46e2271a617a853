/* Results: those that are held beside the new one: which a panel shows, what they are called, side by side or wiped. */
// @ts-check
/** @import { Choice, Viewer } from "./types" */
/** @import { Atlas } from "./atlas.js" */
/** @import { Panel } from "./panel.js" */
import * as compare from "./compare.js";
import { MOST_PANELS } from "./grid.js";
import { mend } from "./panels.js";

/**
 * The choice that a result begins with.
 * @param {Atlas} atlas
 * @returns {Choice}
 */
export function begun({ axes }) {
  return Object.fromEntries(axes.map(({ name, values, first }) => [name, values[first]]));
}

/**
 * A choice's axes as far as a result has them, else as it begins.
 * @param {Viewer} viewer
 * @param {Choice} choice
 * @param {number} of the number of that result
 * @returns {Choice}
 */
export function fitted(viewer, choice, of) {
  const atlas = viewer.results()[of], fit = atlas.axes.filter(({ name, values }) => values.includes(choice[name]));
  const kept = Object.fromEntries(fit.map(({ name }) => [name, choice[name]]));
  return { ...begun(atlas), ...kept, ...(of ? { of: String(of) } : {}) };
}

/**
 * What fits of a choice that a link tells, and for the rest `base`.
 * @param {Viewer} viewer
 * @param {unknown} choice
 * @param {Choice} base
 * @returns {Choice}
 */
export function known(viewer, choice, base) {
  /** @type {Record<string, unknown>} */
  const told = choice && typeof choice === "object" ? { ...choice } : {};
  if (told.of === compare.DIFFERENCE) return { ...base, of: compare.DIFFERENCE };
  const of = viewer.held.findIndex((_, index) => String(index + 1) === told.of) + 1;
  const texts = Object.entries(told).flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : []));
  return fitted(viewer, { ...base, ...Object.fromEntries(texts) }, of);
}

/**
 * How a result is called beside the others.
 * @param {Viewer} viewer
 * @param {number} of its number
 */
export function named(viewer, of) {
  const text = compare.apart(viewer.results().map(({ asked }) => asked))[of];
  if (!of) return text || "new";
  if (text) return `held: ${text}`;
  return viewer.held.length > 1 ? `held ${of}` : "held";
}

/**
 * Let what every result shows of the same stand side by side.
 * @param {Viewer} viewer
 */
export function beside(viewer) {
  const own = viewer.panels.map(({ choice }) => choice), active = own[viewer.at];
  const lists = viewer.results().map((_, of) => own.map((choice) => fitted(viewer, choice, of)));
  const rows = compare.interleaved(lists, MOST_PANELS);
  /** @type {(choice: Choice) => boolean} */
  const same = (choice) => Object.keys(active).every((name) => choice[name] === active[name]);
  viewer.panels = rows.map((choice) => viewer.panelOf(choice));
  viewer.at = Math.max(0, rows.findIndex((choice) => !choice.of && same(choice)));
}

/**
 * Whether the new result is also held.
 * @param {Viewer} viewer
 */
export function isHeld(viewer) {
  return viewer.held.some(({ key }) => key === viewer.own.key);
}

/**
 * Keep this result beside the next one.
 * @param {Viewer} viewer
 */
export function hold(viewer) {
  if (viewer.held.length >= compare.MOST_HELD || isHeld(viewer)) return;
  viewer.held.push(viewer.own);
  viewer.options.hold?.();
  viewer.refresh();
  viewer.say("Held: the next result comes beside this one.");
}

/**
 * Let go of a held result with its panels.
 * @param {Viewer} viewer
 * @param {number} index from 0
 */
export function letGo(viewer, index) {
  const active = viewer.active();
  const [gone] = viewer.held.splice(index, 1);
  viewer.options.letGo?.(gone.key);
  viewer.panels = viewer.panels.filter(({ choice }) => Number(choice.of) !== index + 1);
  for (const { choice } of viewer.panels) {
    if (Number(choice.of) > index + 1) choice.of = String(Number(choice.of) - 1);
  }
  if (!viewer.pair().length) viewer.panels = [viewer.panelOf(fitted(viewer, active.choice, 0))];
  mend(viewer, active);
  if (!viewer.results().includes(gone)) gone.close();
}

/**
 * Show the new result and one that is held in one frame, wiped, with what they differ by beside it.
 * @param {Viewer} viewer
 * @param {{ axis: string, from: string, to: string, key: string }} change of the value on an axis, from the held one's
 *   to what was written; key: of the held one
 */
export function wipe(viewer, { axis, from, to, key }) {
  const { choice } = viewer.active(), own = fitted(viewer, choice, 0);
  const held = fitted(viewer, choice, viewer.held.findIndex((one) => one.key === key) + 1);
  for (const [one, value] of /** @type {[Choice, string][]} */ ([[own, to], [held, from]])) {
    const found = valueOf(viewer.atlasOf(one).axis(axis)?.values ?? [], value);
    if (found !== undefined) one[axis] = found;
  }
  viewer.panels = [own, held, { ...own, of: compare.DIFFERENCE }].map((one) => viewer.panelOf(one));
  viewer.at = 0;
  viewer.state.wipe = true;
  viewer.layout.place();
  return viewer.refresh();
}

/**
 * Let a panel show another result, and be the active one.
 * @param {Viewer} viewer
 * @param {Panel} panel
 * @param {string} of the number of that result
 */
export function showOf(viewer, panel, of) {
  panel.choice = fitted(viewer, panel.choice, Number(of));
  viewer.activate(panel);
}

/**
 * Which of an axis's values somebody means who wrote a text: it itself, its first synonym, or the last of its words.
 * @param {string[]} values
 * @param {string} text
 */
export function valueOf(values, text) {
  const meant = [text, ...text.split(/[/,]/).map((part) => part.trim()), ...text.split(/\s+/).reverse()];
  return meant.map((one) => values.find((value) => value.toLowerCase() === one.toLowerCase())).find(Boolean);
}
