/*
 * Finder: which of all maps finds the chosen mask best? Every map is scored, a few at a time, so that the hand is never
 * held up.
 */
// @ts-check
/** @import { Choice, Labels, Viewer } from "./types" */
/** @import { Atlas } from "./atlas.js" */
import { GridMap } from "./atlas.js";
import { el } from "./controls.js";
import { VIEW } from "./questions.js";

const AT_ONCE = 10;  // milliseconds of scoring before the page has its turn
const SHOWN = 5;

/** @typedef {{ choice: Choice, map: GridMap | null, label: string }} Candidate label: whose places the map is, or "" */
/** @typedef {import("./board.js").Best} Found over: how many times what chance alone scores */

export class Finder {
  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.node = el("div", { class: "dv-best" });
    /** @type {string | null} */
    this.key = null;
    /** @type {Atlas | null} */
    this.atlas = null;
    /** @type {Found[]} */
    this.found = [];
    this.later = 0;
  }

  /**
   * Every map, in the order of the blocks, then every label as a map of where it is; what is given, and no answer of a
   * model, is left out, and of several questions all but the one that is asked. Axes that a block does not have are the
   * active panel's.
   * @returns {Generator<Candidate, undefined>}
   */
  *choices() {
    const { atlas } = this.viewer, { ranked, unranked = [], given = [] } = atlas.facts;
    const own = this.viewer.matrix.own();
    for (const block of this._asked()) {
      if (!block.values || block.signed) continue;
      const counts = block.axes.map((_, place) => block.shape[place]);
      for (let index = 0; index < counts.reduce((all, count) => all * count, 1); index++) {
        const choice = { ...own, ...block.at };
        let left = index;
        for (let place = counts.length - 1; place >= 0; place--) {
          choice[block.axes[place].name] = block.axes[place].values[left % counts[place]];
          left = Math.floor(left / counts[place]);
        }
        if (!ranked || !unranked.includes(choice[ranked])) yield { choice, map: atlas.map(choice), label: "" };
      }
    }
    for (const labels of atlas.labels) {
      if (Object.values(labels.at).some((value) => given.includes(value))) continue;
      for (const label of new Set(labels.values)) {
        yield { choice: { ...own, ...labels.at }, map: placesOf(labels, label), label: labels.names[label] };
      }
    }
  }

  /** The blocks that answer what the active panel asks. */
  _asked() {
    const { atlas } = this.viewer, { view } = this.viewer.matrix.own();
    return atlas.facts.questions ? atlas.blocks.filter(({ at }) => at[VIEW] === view) : atlas.blocks;
  }

  /** Begin anew where the mask is another one; nothing where it is the same, or there is none. */
  update() {
    const { viewer } = this, { atlas, state, masks } = viewer;
    const key = [state.mask, masks.version, atlas.bytes, viewer.matrix.own()[VIEW]].join();
    if (key === this.key && this.atlas === atlas) return;
    Object.assign(this, { key, atlas });
    clearTimeout(this.later);
    this.node.replaceChildren();
    this.found = [];
    const waiting = this.choices();
    const work = () => {
      if (!viewer.showing || viewer.atlas !== atlas || this.key !== key) return;
      for (const until = performance.now() + AT_ONCE; performance.now() < until;) {
        const { value, done } = waiting.next();
        if (done) { this._show(); return; }
        const { choice, map, label } = value, score = masks.score(map, choice, ["ap", "chance"]);
        const name = [viewer.describe(choice), label].filter(Boolean).join(" · ");
        if (!score || !Number.isFinite(score.ap)) continue;
        this._keep({ choice, name, ap: score.ap, over: score.ap / score.chance });
      }
      this.later = setTimeout(work);
    };
    work();
  }

  /** @param {Found} row */
  _keep(row) {
    this.found.push(row);
    this.found.sort((first, second) => second.over - first.over);
    this.found.length = Math.min(this.found.length, SHOWN);
  }

  _show() {
    const { viewer } = this, { board } = viewer.options.shelf || {};
    if (!this.found.length) return;
    if (viewer.atlas === viewer.own) board?.take(viewer.atlas.tab, viewer.state.mask, this.found[0]);
    const away = this._asked().some(({ values, computed }) => !values && !computed);
    const title = away ? "Best of the maps that are here; others come when they are chosen" : "Best of all maps";
    this.node.append(el("div", { class: "dv-label", text: title }), el("ol", {}, ...this.found.map((row) => {
      const { choice, name, ap, over } = row, told = `AP ${ap.toFixed(3)}, ${over.toFixed(1)} × chance`;
      return el("li", {}, el("button", { type: "button", class: "dv-found", onclick: () => viewer.choose(choice) },
        el("span", { text: name }), el("span", { text: told })));
    })));
  }
}

/**
 * 1 where a label is, 0 elsewhere.
 * @param {Labels} labels
 * @param {number} label
 */
function placesOf({ values, height, width, at, picture }, label) {
  const places = values.map((value) => (value === label ? 255 : 0));
  const block = { at, inner: [], axes: [], picture, computed: /** @type {const} */ (""), scores: {}, signed: false };
  return new GridMap(places, height, width, 0, 1, block);
}
