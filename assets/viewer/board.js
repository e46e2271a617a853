/* Board: one region, and which map of each tab finds it best. */
// @ts-check
/** @import { Choice, SentMask } from "./types" */
import { el } from "./controls.js";

/** @typedef {{ choice: Choice, name: string, ap: number, over: number }} Best the best of a tab's maps */

export class Board {
  /**
   * @param {(tab: string, choice: Choice) => void} open shows a tab with a choice
   */
  constructor(open) {
    this.open = open;
    /** @type {SentMask | null} */
    this.region = null;
    /** @type {Map<string, Best>} */
    this.best = new Map();
    this.node = el("div", { class: "dv-board" });
  }

  /**
   * Begin anew with a region.
   * @param {SentMask} region
   */
  keep(region) {
    this.region = region;
    this.best.clear();
    this._show();
  }

  /**
   * A tab shows another result.
   * @param {string} tab
   */
  drop(tab) {
    this.best.delete(tab);
    this._show();
  }

  /**
   * Take the best of a tab's maps for a mask; nothing where that is not the region.
   * @param {string} tab
   * @param {string} mask its id
   * @param {Best | undefined} best
   */
  take(tab, mask, best) {
    if (!best || mask !== this.region?.id) return;
    this.best.set(tab, best);
    this._show();
  }

  _show() {
    if (!this.region) return;
    const rows = [...this.best].sort(([, first], [, second]) => second.over - first.over);
    this.node.replaceChildren(
      el("div", { class: "dv-label", text: `Best of each tab for ${this.region.name}` }),
      el("ol", {}, ...rows.map(([tab, { choice, name, ap, over }]) => el("li", {},
        el("button", { type: "button", class: "dv-found", onclick: () => this.open(tab, choice) },
          el("span", { text: `${tab}: ${name}` }),
          el("span", { text: `AP ${ap.toFixed(3)}, ${over.toFixed(1)} × chance` }))))));
  }
}
