/* Numbers: the inspector's part with the scores of every panel against the mask. */
// @ts-check
/** @import { Score, Viewer } from "./types" */
import { el } from "./controls.js";

/**
 * `update` scores what the panels show now.
 * @param {Viewer} viewer
 */
export function numbersPart(viewer) {
  const node = el("div", { class: "dv-scores" });
  return {
    node,
    update() {
      const rows = viewer.panels.flatMap(({ map, choice }) => {
        const found = viewer.masks.score(map, choice);
        return found ? [row(viewer.describe(choice), found)] : [];
      });
      node.replaceChildren(...(rows.length ? [table(viewer.state.threshold, rows)] : []));
    },
  };
}

/**
 * @param {number} threshold
 * @param {Node[]} rows
 */
function table(threshold, rows) {
  const head = ["map", "AP", "chance", `IoU at ${threshold.toFixed(2)}`, "best IoU", "pointing"];
  const cells = head.map((text) => el("th", { scope: "col", text }));
  return el("table", {}, el("thead", {}, el("tr", {}, ...cells)), el("tbody", {}, ...rows));
}

/**
 * @param {string} name
 * @param {Score} score
 */
function row(name, { ap, chance, iou, iouBest, pointing }) {
  const cells = [ap, chance, iou, iouBest, pointing]
    .map((value) => el("td", { text: Number.isFinite(value) ? value.toFixed(3) : "–" }));
  return el("tr", {}, el("th", { scope: "row", text: name }), ...cells);
}
