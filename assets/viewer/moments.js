/* Moments: at which t panels stand. Every arm has its own list of t; panels stay together by t, not by number. */
// @ts-check
/** @import { Axis, Choice, Viewer } from "./types" */
/** @import { Atlas } from "./atlas.js" */

/**
 * t of each step of a choice's arm, high noise first; [] where the result does not say.
 * @param {Atlas} atlas
 * @param {Choice} choice
 * @returns {number[]}
 */
export function timesteps({ facts }, choice) {
  return facts.timesteps?.[choice[facts.ticksBy ?? ""]] ?? [];
}

/**
 * The values of an axis that a choice has: of steps as many as its arm.
 * @param {Atlas} atlas
 * @param {Axis} axis
 * @param {Choice} choice
 */
export function valuesOf(atlas, axis, choice) {
  const own = axis.name === atlas.facts.curve ? timesteps(atlas, choice).length : 0;
  return own ? axis.values.slice(0, own) : axis.values;
}

/**
 * Likewise those that one can move along: an arm of a single step leads the others along all of theirs.
 * @param {Atlas} atlas
 * @param {Axis} axis
 * @param {Choice} choice
 */
export function along(atlas, axis, choice) {
  const own = valuesOf(atlas, axis, choice);
  return own.length > 1 ? own : axis.values;
}

/**
 * Where a value stands among those; past the end is the last.
 * @param {unknown[]} values
 * @param {string} value
 * @param {string[]} all of the axis
 */
export function placeIn(values, value, all) {
  return Math.min(Math.max(all.indexOf(value), 0), values.length - 1);
}

/**
 * Which of a list of t is nearest; of two that are as near the first.
 * @param {number[]} list
 * @param {number} t
 */
export function nearest(list, t) {
  const away = list.map((other) => Math.abs(other - t));
  return away.indexOf(Math.min(...away));
}

/**
 * The step of another list that is at the same t as step `at` of the own one; null where steps go by their number: the
 * lists are the same, or one of them has a single step.
 * @param {number[]} own
 * @param {number} at past the end is the last
 * @param {number[]} other
 */
export function counterpart(own, at, other) {
  if (own.length < 2 || other.length < 2 || String(own) === String(other)) return null;
  return nearest(other, own[Math.min(at, own.length - 1)]);
}

/**
 * The step at which a choice stands beside another one; null where that is the same value.
 * @param {Pick<Viewer, "atlasOf">} viewer
 * @param {Choice} from
 * @param {Choice} to
 */
export function beside(viewer, from, to) {
  const one = viewer.atlasOf(from), other = viewer.atlasOf(to), { curve = "" } = one.facts;
  const at = one.axis(curve)?.values.indexOf(from[curve]) ?? -1;
  const found = counterpart(timesteps(one, from), Math.max(at, 0), timesteps(other, to));
  return found === null ? null : other.axis(curve)?.values[found] ?? null;
}

/**
 * A choice with another arm, at the step of the same t or the nearest to it, whatever their numbers.
 * @param {Atlas} atlas
 * @param {Choice} choice
 * @param {string} arm
 * @returns {Choice}
 */
export function inArm(atlas, choice, arm) {
  const { ticksBy = "", curve = "" } = atlas.facts, other = { ...choice, [ticksBy]: arm }, axis = atlas.axis(curve);
  const own = timesteps(atlas, choice), theirs = timesteps(atlas, other);
  if (!axis || !theirs.length || String(own) === String(theirs)) return other;
  return { ...other, [curve]: axis.values[nearest(theirs, own[placeIn(own, choice[curve], axis.values)])] };
}

/** @param {Atlas} atlas whose axis of steps is that of the arm that has most */
function longest({ facts }) {
  return Object.values(facts.timesteps ?? {}).reduce((most, own) => (own.length > most.length ? own : most), []);
}

/**
 * Where on the axis, from 0, a choice stands: at its t.
 * @param {Atlas} atlas
 * @param {Choice} choice
 */
export function onAxis(atlas, choice) {
  const { curve = "" } = atlas.facts, at = Math.max(0, atlas.axis(curve)?.values.indexOf(choice[curve]) ?? 0);
  return counterpart(timesteps(atlas, choice), at, longest(atlas)) ?? at;
}

/**
 * The step of a choice's arm at a place of the axis.
 * @param {Atlas} atlas
 * @param {Choice} choice
 * @param {number} at
 */
export function fromAxis(atlas, choice, at) {
  return counterpart(longest(atlas), at, timesteps(atlas, choice)) ?? at;
}

/**
 * The arms that have the t of a choice's arm; where it is alone with its t, the most numerous ones that share theirs.
 * @param {Atlas} atlas
 * @param {Choice} choice
 * @returns {string[]} in the order of the axis
 */
export function company(atlas, choice) {
  const { ticksBy = "", timesteps: all = {} } = atlas.facts, arms = atlas.axis(ticksBy)?.values ?? [];
  /** @type {(arm: string) => string[]} */
  const like = (arm) => arms.filter((other) => String(all[other]) === String(all[arm]));
  const own = like(choice[ticksBy]);
  if (own.length > 1) return own;
  return arms.map(like).reduce((most, group) => (group.length > most.length ? group : most), own);
}

/**
 * Whether a result has several arms that can be moved along t.
 * @param {Atlas} atlas
 */
export function movable({ facts }) {
  return Object.values(facts.timesteps ?? {}).filter((own) => own.length > 1).length > 1;
}
