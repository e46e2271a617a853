/* Pixel: the inspector's part that tells of the pinned pixel, and values at the pointer in the panels and chips. */
// @ts-check
/** @import { Point, Viewer } from "./types" */
/** @import { Panel } from "./panel.js" */
/** @import { GridMap } from "./atlas.js" */
/** @import { Dock } from "./dock.js" */
import { button, el } from "./controls.js";
import * as readings from "./readings.js";
import * as readout from "./readout.js";

const FEW = 3;  // bars of each panel, where several results are told
const CAPTION = "Point at the picture to read values, click to pin a pixel.";

/**
 * What is told of the pinned pixel; `read` says it anew, where it changed.
 * @param {Viewer} viewer
 */
export function pixelPart(viewer) {
  const node = el("div", { class: "dv-pinned" });
  let said = "";
  return {
    node,
    read() {
      const { panels, state, at } = viewer;
      const shown = panels.map(({ choice, map, labels }) => [choice, Boolean(map), Boolean(labels)]);
      const key = JSON.stringify([state.pin, at, shown]);
      if (said === key) return;
      said = key;
      const caption = el("div", { class: "dv-caption", text: CAPTION });
      node.replaceChildren(...(state.pin ? told(viewer, state.pin) : [caption]));
    },
  };
}

/**
 * Values, ranks and course at the pin: the active panel's, and where results stand beside each other every panel's.
 * @param {Viewer} viewer
 * @param {Point} pin
 * @returns {Node[]}
 */
function told(viewer, pin) {
  const active = viewer.active(), pixel = readings.pixelAt(pin, viewer.size()), several = viewer.held.length > 0;
  const panels = [active, ...(several ? viewer.pair().filter((panel) => panel !== active) : [])];
  const curve = course(viewer, active, pixel);
  return [
    button({ text: "Let go of the pixel", click: () => viewer.pin(null) }),
    ...panels.flatMap((panel) => {
      const atlas = viewer.atlasOf(panel.choice), rows = readings.ranked(atlas, panel, pixel);
      const value = panel.map && rows ? "" : `: ${readings.value(atlas, panel, pixel)}`;
      const text = `At y ${pixel.y}, x ${pixel.x}, ${viewer.describe(panel.choice)}${value}`;
      const bars = rows ? [readout.bars(rows, several ? FEW : undefined)] : [];
      return [el("div", { class: "dv-caption", text }), ...bars];
    }),
    ...(curve ? [curve] : []),
  ];
}

/**
 * Lines of the first few choices of the ranked axis over the steps, the chosen one's first; null without steps.
 * @param {Viewer} viewer
 * @param {Panel} panel
 * @param {readings.Pixel} pixel
 */
function course(viewer, panel, pixel) {
  const { atlas } = viewer, over = readings.course(atlas, panel.map), axis = atlas.axis(atlas.facts.ranked);
  const rows = over && readings.ranked(atlas, panel, pixel);
  if (!rows || !axis) return null;
  const shown = [...rows.filter(([, , own]) => own), ...rows.filter(([, , own]) => !own)];
  shown.length = Math.min(shown.length, readout.LINES.length);
  /** @type {[string, number[], string][]} */
  const lines = shown.map(([name, , , key], index) => {
    const choice = { ...panel.choice, [axis.name]: key };
    return [name, readings.along(atlas, choice, over, pixel), readout.LINES[index]];
  });
  const count = over.values.length, at = Math.min(over.axis.values.indexOf(panel.choice[over.axis.name]), count - 1);
  const label = `Values at the pinned pixel over ${over.axis.name}: ${shown.map(([name]) => name).join(", ")}`;
  return readout.curve(lines, over.axis.shown.slice(0, count), at, label);
}

/**
 * Say in every panel the value at a pixel.
 * @param {Viewer} viewer
 * @param {readings.Pixel | null} pixel
 */
export function sayValues(viewer, pixel) {
  for (const { choice, map, labels, readout: node } of viewer.panels) {
    const centre = unasked(viewer, map);
    const value = pixel && readings.value(viewer.atlasOf(choice), { choice, map, labels }, pixel);
    node.textContent = pixel ? `y ${pixel.y}, x ${pixel.x}: ${value}` : centre;
  }
}

/**
 * What a map is of that is made for a place, while none was chosen.
 * @param {Viewer} viewer
 * @param {GridMap | null} map
 */
function unasked({ state }, map) {
  if (map?.block.computed === "similarity") return "Similarity to the picture's centre; click to choose a pixel.";
  if (map?.block.computed !== "self" || state.region) return "";
  return "Where the picture's centre looks; click to choose a pixel, or draw a region under Ask.";
}

/**
 * Fill the chips of the ranked axis by each one's share at a pixel, and draw their courses over the steps.
 * @param {Viewer} viewer
 * @param {Dock} dock
 * @param {readings.Pixel | null} pixel
 */
export function fillChips(viewer, dock, pixel) {
  const { atlas } = viewer, { unranked = [], ranked } = atlas.facts, active = viewer.active();
  const all = pixel && readings.ranked(viewer.atlasOf(active.choice), active, pixel);
  if (!all || !ranked) { dock.fill(null, null); return; }
  const rows = all.filter(([, , , key]) => !unranked.includes(key)), over = readings.course(atlas, active.map);
  const own = viewer.matrix.own();
  const lists = over && rows.map(([, , , key]) => readings.along(atlas, { ...own, [ranked]: key }, over, pixel));
  const curves = lists && readings.ofGreatest(lists);
  dock.fill(readings.shares(rows), curves && new Map(rows.map(([, , , key], at) => [key, curves[at]])));
}
