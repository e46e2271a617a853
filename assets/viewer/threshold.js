/* Threshold: the inspector's part with the cut through the active panel's map, its histogram and its area. */
// @ts-check
/** @import { Mask, Viewer } from "./types" */
/** @import { GridMap } from "./atlas.js" */
import { button, el, number, slider } from "./controls.js";
import * as draw from "./draw.js";
import { HELP } from "./help.js";
import * as readout from "./readout.js";
import * as score from "./score.js";

const FINE = 256;  // pixels of a side, at most, on which the area is measured

/**
 * `sync` follows the state, `update` draws what the active map's values are.
 * @param {Viewer} viewer
 */
export function thresholdPart(viewer) {
  const graph = el("div", { class: "dv-threshold" });
  const cut = slider({
    label: "Threshold, of the maximum", title: HELP.Threshold, min: 0, max: 1, step: 0.01,
    value: viewer.state.threshold, shown: (value) => value.toFixed(2),
    change: (value) => viewer.set("threshold", value),
  });
  const otsu = () => {
    const { map } = viewer.active();
    if (map) viewer.set("threshold", Number(score.otsu(map).toFixed(2)));
  };
  cut.node.append(button({ text: "Otsu", title: "Otsu's threshold of this map", click: otsu }));
  cut.node.classList.add("dv-wide");
  return {
    node: el("div", {}, cut.node, graph),
    sync() { cut.value = viewer.state.threshold; },
    update() {
      const { map } = viewer.active();
      cut.node.hidden = !map;  // labels have no threshold
      graph.replaceChildren(...(map ? told(viewer, map) : []));
    },
  };
}

/**
 * @param {Viewer} viewer
 * @param {GridMap} map
 */
function told(viewer, map) {
  const { threshold } = viewer.state, limit = score.level(map, threshold), { width, height } = viewer.size();
  const fine = draw.enlarge(map, Math.min(height, FINE), Math.min(width, FINE)), area = score.areaAbove(fine, limit);
  const label = `Histogram of the map's values; ${Math.round(100 * area)}% of the picture is above the threshold`;
  const values = `Values from ${number(map.low)} to ${number(map.high)}`;
  const text = `${values}; ${(100 * area).toFixed(1)}% of the picture at or above ${number(threshold * map.high)}`;
  const share = Math.min(Math.max(limit / 255, 0), 1);
  return [readout.histogram(score.histogram(map), share, label), el("div", { class: "dv-caption", text })];
}

/**
 * Where the active panel's map reaches the threshold, at the masks' size; null without a map.
 * @param {Viewer} viewer
 * @returns {Mask | null}
 */
export function above(viewer) {
  const { map } = viewer.active();
  if (!map) return null;
  const { width, height } = viewer.masks.size(), limit = score.level(map, viewer.state.threshold);
  const values = Uint8Array.from(draw.enlarge(map, height, width), (value) => (value >= limit ? 1 : 0));
  return { values, width, height };
}
