/*
 * Finder: which of all maps finds the chosen mask best? Every map is scored, a few at a time, so that the hand is never
 * held up.
 */
// @ts-check
/** @import { Choice, Viewer } from "./types" */
/** @import { Atlas } from "./atlas.js" */
import { el } from "./controls.js";

const AT_ONCE = 10;  // milliseconds of scoring before the page has its turn
const SHOWN = 5;

/** @typedef {{ choice: Choice, ap: number, over: number }} Found over: how many times what chance alone scores */

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
   * Every choice that has a map, in the order of the blocks; axes that a block does not have are the active panel's.
   * @returns {Generator<Choice, undefined>}
   */
  *choices() {
    const { atlas } = this.viewer, { ranked, unranked = [] } = atlas.facts, own = this.viewer.matrix.own();
    for (const block of atlas.blocks) {
      if (!block.values || block.signed) continue;
      const counts = block.axes.map((_, place) => block.shape[place]);
      for (let index = 0; index < counts.reduce((all, count) => all * count, 1); index++) {
        const choice = { ...own, ...block.at };
        let left = index;
        for (let place = counts.length - 1; place >= 0; place--) {
          choice[block.axes[place].name] = block.axes[place].values[left % counts[place]];
          left = Math.floor(left / counts[place]);
        }
        if (!ranked || !unranked.includes(choice[ranked])) yield choice;
      }
    }
  }

  /** Begin anew where the mask is another one; nothing where it is the same, or there is none. */
  update() {
    const { viewer } = this, { atlas, state, masks } = viewer;
    const key = [state.mask, masks.version, atlas.bytes].join();
    if (key === this.key && this.atlas === atlas) return;
    Object.assign(this, { key, atlas });
    clearTimeout(this.later);
    this.node.replaceChildren();
    this.found = [];
    const waiting = this.choices();
    const work = () => {
      if (viewer.atlas !== atlas || this.key !== key) return;
      for (const until = performance.now() + AT_ONCE; performance.now() < until;) {
        const { value: choice, done } = waiting.next();
        if (done) { this._show(); return; }
        const score = masks.score(atlas.map(choice), choice, ["ap", "chance"]);
        if (score && Number.isFinite(score.ap)) this._keep({ choice, ap: score.ap, over: score.ap / score.chance });
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
    const { viewer } = this;
    if (!this.found.length) return;
    const away = viewer.atlas.blocks.some(({ values, computed }) => !values && !computed);
    const title = away ? "Best of the maps that are here; others come when they are chosen" : "Best of all maps";
    this.node.append(el("div", { class: "dv-label", text: title }), el("ol", {}, ...this.found.map((row) => {
      const { choice, ap, over } = row, told = `AP ${ap.toFixed(3)}, ${over.toFixed(1)} × chance`;
      return el("li", {}, el("button", { type: "button", class: "dv-found", onclick: () => viewer.choose(choice) },
        el("span", { text: viewer.describe(choice) }), el("span", { text: told })));
    })));
  }
}
