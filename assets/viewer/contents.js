/* Contents: what a choice shows, and how that is said in words. */
// @ts-check
/** @import { Axis, Block, Choice, Content, Viewer } from "./types" */
/** @import { Atlas } from "./atlas.js" */
import * as compare from "./compare.js";
import * as questions from "./questions.js";
import { named } from "./results.js";

const MANY = 3;  // panels beside which a title is cut short

/**
 * The picture, and the map or labels over it.
 * @param {Viewer} viewer
 * @param {Choice} choice
 * @returns {Content}
 */
export function content(viewer, choice) {
  if (choice.of === compare.DIFFERENCE) return between(viewer);
  const { state } = viewer, atlas = viewer.atlasOf(choice), { plain, plainAxis = "", ticksBy = "" } = atlas.facts;
  const worked = questions.answer(atlas, choice, state);  // out here, of what was recorded
  if (worked) {
    const own = worked.labels?.picture || worked.map?.block.picture || worked.block?.picture || choice[ticksBy];
    return { atlas, picture: stepped(viewer, atlas, own, choice), ...worked };
  }
  const block = atlas.block(choice), labels = block ? null : atlas.labelsAt(choice);
  const map = block ? atlas.map(choice, state.pin || { y: 0.5, x: 0.5 }) : null;
  const known = block?.picture || labels?.picture || plain?.[choice[plainAxis]];
  /** @type {[Block, Atlas][]} */
  const missing = block && !block.values && !block.computed ? [[block, atlas]] : [];
  return { atlas, picture: stepped(viewer, atlas, known, choice), map, labels, block, missing };
}

/**
 * The picture's key, or where those of the steps are followed that of the choice's step.
 * @param {Viewer} viewer
 * @param {Atlas} atlas
 * @param {string | undefined} key
 * @param {Choice} choice
 */
function stepped({ state }, { pictures }, key, choice) {
  const own = key && pictures[key] ? key : Object.keys(pictures)[0], at = `${own}/${choice.step}`;
  return state.follow && pictures[at] ? at : own;
}

/**
 * The maps that panels and matrix show.
 * @param {Viewer} viewer
 */
export function seen(viewer) {
  const choices = [...viewer.panels.map(({ choice }) => choice), ...viewer.matrix.choices()];
  return choices.flatMap((choice) => content(viewer, choice).map ?? []);
}

/**
 * What the panels differ by: the first two's maps, or the labels of all; neither where their grids do not agree.
 * @param {Viewer} viewer
 * @returns {Content}
 */
function between(viewer) {
  const found = viewer.pair().map(({ choice }) => content(viewer, choice)), [first, second] = found;
  const labelled = comparable(found), { atlas, picture } = first;
  let map = null;
  if (first.map && second?.map) map = compare.difference(first.map, second.map);
  else if (labelled.length > 1) map = compare.disagreement(labelled);
  const missing = [...first.missing, ...(second?.missing ?? [])];
  return { atlas, picture, map, labels: null, block: map ? map.block : null, missing };
}

/**
 * The labels that mean the same wherever they are: of clusters only the numbers agree.
 * @param {Content[]} contents
 */
function comparable(contents) {
  return contents.flatMap(({ labels, atlas }) => {
    const votes = labels && Object.values(labels.at).some((value) => atlas.facts.votes?.includes(value));
    return votes ? [labels] : [];
  });
}

/**
 * A choice in words, axis by axis.
 * @param {Viewer} viewer
 * @param {Choice} choice
 * @param {boolean} whole with what sets its result apart, where others stand beside it
 */
export function describe(viewer, choice, whole) {
  if (choice.of === compare.DIFFERENCE) return describeBetween(viewer);
  const atlas = viewer.atlasOf(choice), told = telling(atlas, choice);
  const several = told.filter(({ values }) => values.length > 1);
  const axes = ordered(viewer, several.length ? several : told, whole).map((axis) => shown(viewer, axis, choice));
  const result = whole && viewer.held.length ? [named(viewer, Number(choice.of || 0))] : [];
  return [...result, ...axes].join(" · ") || atlas.facts.title || atlas.tab;
}

/**
 * The axes whose values say what a choice shows; null where it shows nothing of its own.
 * @param {Atlas} atlas
 * @param {Choice} choice
 */
export function axesOf(atlas, choice) {
  const worked = questions.axesOf(atlas, choice), block = atlas.block(choice), place = block || atlas.labelsAt(choice);
  return worked ?? (place && [...Object.keys(place.at), ...(block?.inner ?? [])]);
}

/**
 * The axes that are told of a choice: of those the ones whose value is not the usual.
 * @param {Atlas} atlas
 * @param {Choice} choice
 */
export function telling(atlas, choice) {
  const at = axesOf(atlas, choice) ?? atlas.axes.map(({ name }) => name), { usual } = atlas.facts;
  return atlas.axes.filter(({ name }) => at.includes(name) && choice[name] !== usual?.[name]);
}

/**
 * Axes as they are told: in a title, which has little room beside many others, what tells panels apart first.
 * @param {Viewer} viewer
 * @param {Axis[]} axes
 * @param {boolean} whole
 */
function ordered({ panels }, axes, whole) {
  if (whole || panels.length < MANY) return axes;
  /** @type {(axis: Axis) => boolean} */
  const apart = ({ name }) => new Set(panels.map(({ choice }) => choice[name])).size > 1;
  return [...axes.filter(apart), ...axes.filter((axis) => !apart(axis))];
}

/** @param {Viewer} viewer */
function describeBetween(viewer) {
  const found = viewer.pair().map(({ choice }) => content(viewer, choice));
  if (!found[0].map && comparable(found).length > 1) return "Where the labels disagree";
  if (!found[0].map) return "A − B: what the first two panels show has no difference";
  const grids = found.slice(0, 2).map(({ map }) => (map ? `${map.height} x ${map.width}` : "no map"));
  return grids[0] === grids[1] ? "A − B, the first two panels" : `A − B: the grids differ (${grids.join(" and ")})`;
}

/**
 * What the value of an axis is called in a choice: of a step the last one where that choice has fewer.
 * @param {Viewer} viewer
 * @param {Axis} axis
 * @param {Choice} choice
 */
export function shown(viewer, axis, choice) {
  const atlas = viewer.atlasOf(choice), { ticks, ticksBy = "" } = atlas.facts, block = atlas.block(choice);
  const place = block ? block.inner.indexOf(axis.name) : -1;
  const last = (block?.shape && place >= 0 ? block.shape[place] : axis.values.length) - 1;
  const names = ticks?.[axis.name]?.[choice[ticksBy]] || axis.shown;
  return names[Math.min(axis.values.indexOf(choice[axis.name]), last, names.length - 1)] ?? "";
}
