/* Dock: a control for each axis that has something to choose. */
// @ts-check
/** @import { Axis, Choice, Viewer } from "./types" */
/** @import { Atlas } from "./atlas.js" */
import { axesOf, shown } from "./contents.js";
import { button, chips, el, select, slider } from "./controls.js";
import * as moments from "./moments.js";
import { play } from "./playing.js";
import { VIEW } from "./questions.js";

/**
 * `set` takes a value of the axis; `fill` shares and curves of its values, where they are chips.
 * @typedef {{
 *   node: HTMLElement, set(value: string): void, play?: HTMLButtonElement,
 *   fill?: (shares: Map<string, number> | null, curves: Map<string, number[]> | null) => void,
 * }} Control
 */

export class Dock {
  /** @param {Viewer} viewer whose active panel's result the controls are for */
  constructor(viewer) {
    const { atlas } = viewer;
    this.viewer = viewer;
    this.of = atlas;
    const apart = atlas.facts.questions ? VIEW : "";  // which Ask chooses
    const several = atlas.axes.filter(({ name, values }) => values.length > 1 && name !== apart);
    this.controls = new Map(several.map((axis) => [axis.name, control(viewer, axis)]));
    this.node = el("div", { class: "dv-dock" }, ...[...this.controls.values()].map(({ node }) => node));
  }

  /** Let every control say what the active panel shows. */
  sync() {
    const { viewer } = this, own = viewer.matrix.own(), playing = viewer.playing > 0;
    for (const [name, { node, set, play: run }] of this.controls) {
      set(own[name]);
      node.hidden = !matters(this.of, name, own);
      if (!run) continue;
      run.textContent = playing ? "Pause" : "Play";
      run.setAttribute("aria-pressed", String(playing));
    }
  }

  /**
   * Fill the chips of the ranked axis; null empties them.
   * @param {Map<string, number> | null} shares from 0 to 1
   * @param {Map<string, number[]> | null} curves of numbers likewise
   */
  fill(shares, curves) {
    this.controls.get(this.of.facts.ranked || "")?.fill?.(shares, curves);
  }
}

/**
 * Whether another value of an axis would show something else: a list that says nothing of what is shown is left out.
 * @param {Atlas} atlas
 * @param {string} name
 * @param {Choice} choice
 */
function matters(atlas, name, choice) {
  const at = axesOf(atlas, choice);
  if (atlas.facts.questions) return !at || at.includes(name) || name === atlas.facts.curve;
  const always = name === VIEW || name === atlas.facts.ranked || atlas.axis(name)?.control !== "list";
  return always || !at || at.includes(name);
}

/**
 * @param {Viewer} viewer
 * @param {Axis} axis
 * @returns {Control}
 */
function control(viewer, axis) {
  const { atlas } = viewer, { name, values } = axis, label = called(atlas, name);
  /** @type {(value: string) => void} */
  const change = (value) => viewer.choose({ [name]: value });
  if (axis.control === "slider") return range(viewer, axis, label, change);
  /** @type {[string, string][]} */
  const options = values.map((value, index) => [value, axis.shown[index]]), value = values[axis.first];
  if (axis.control === "list") {
    const made = select({ label, options, value, change });
    return { node: made.node, set(next) { made.value = next; } };
  }
  const { edit } = viewer.options;
  /** @type {(key: string, text: string) => void} */
  const write = (key, text) => edit?.(name, key, text);
  const made = chips({ label, options, value, change, edit: edit && name === atlas.facts.ranked ? write : undefined });
  return { node: made.node, set(next) { made.value = next; }, fill: made.fill };
}

/**
 * @param {Viewer} viewer
 * @param {Axis} axis
 * @param {string} label
 * @param {(value: string) => void} change
 * @returns {Control}
 */
function range(viewer, axis, label, change) {
  const { name, values } = axis;
  const made = slider({
    label, min: 0, max: values.length - 1, step: 1, value: 0, change: (index) => change(values[index]),
    shown: (index) => shown(viewer, axis, { ...viewer.active().choice, [name]: values[index] }),
  });
  const title = `Play along ${label}`;
  const run = button({ text: "Play", title, pressed: false, click: () => play(viewer, name) });
  made.node.append(run);
  made.node.classList.add("dv-wide");
  return {
    node: made.node,
    set(next) {
      const own = moments.along(viewer.atlas, axis, viewer.matrix.own());
      made.input.max = String(own.length - 1);
      made.value = moments.placeIn(own, next, values);
    },
    play: run,
  };
}

/**
 * How an axis is called.
 * @param {Atlas} atlas
 * @param {string} name
 */
export function called({ facts }, name) {
  return facts.names?.[name] || name;
}
