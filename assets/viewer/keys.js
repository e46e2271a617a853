/* Keys: what the keyboard does while the viewer has the focus, and how that is told. */
// @ts-check
/** @import { Axis, Point, Viewer } from "./types" */
import { el } from "./controls.js";
import { within } from "./marks.js";
import { DRAWN } from "./masks.js";
import { stop } from "./playing.js";
import { WHOLE } from "./zoom.js";

/** @type {Point} */
const CENTRE = { y: 0.5, x: 0.5 };

/**
 * Do what a key says, where it says anything.
 * @param {Viewer} viewer
 * @param {KeyboardEvent} event
 */
export function press(viewer, event) {
  const { target } = event, tag = target instanceof Element ? target.tagName : "";
  if (!viewer.showing || event.altKey || event.ctrlKey || event.metaKey) return;
  if (/^(INPUT|SELECT|TEXTAREA)$/.test(tag) && event.key !== "Escape") return;
  const onButton = /^(BUTTON|SUMMARY)$/.test(tag) && ["Enter", " "].includes(event.key);
  const act = event.shiftKey && nudged(viewer, event.key) || acts(viewer, tag === "CANVAS")[event.key];
  if (!act || onButton) return;
  event.preventDefault();
  act();
}

/**
 * What each key does now.
 * @param {Viewer} viewer
 * @param {boolean} onPicture
 * @returns {Record<string, (() => void) | null>}
 */
function acts(viewer, onPicture) {
  const { keys = {} } = viewer.atlas.facts;
  return {
    ArrowLeft: () => viewer.step(keys.arrows, -1),
    ArrowRight: () => viewer.step(keys.arrows, 1),
    ArrowUp: () => viewer.step(keys.updown, -1),
    ArrowDown: () => viewer.step(keys.updown, 1),
    "[": () => viewer.step(keys.brackets, -1),
    "]": () => viewer.step(keys.brackets, 1),
    "+": () => viewer.zoomAt(viewer.cursor || pinned(viewer), 1.5),
    "-": () => viewer.zoomAt(viewer.cursor || pinned(viewer), 1 / 1.5),
    0: () => viewer.zoomAt(CENTRE, WHOLE),
    " ": onPicture ? () => viewer.bare(true) : null,
    Enter: drawn(viewer),
    c: viewer.state.tool === "polygon" ? () => corner(viewer) : null,
    Escape: () => letGo(viewer),
  };
}

/** @param {Viewer} viewer */
function pinned({ state }) {
  return state.pin || CENTRE;
}

/**
 * What an arrow does together with Shift: the pin moves by a pixel. null for other keys.
 * @param {Viewer} viewer
 * @param {string} key
 */
function nudged(viewer, key) {
  /** @type {Record<string, [number, number]>} */
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const move = moves[key];
  if (!move) return null;
  const [down, across] = move, { width, height } = viewer.size(), { y, x } = pinned(viewer);
  return () => viewer.pin({ y: within(y + down / height), x: within(x + across / width) });
}

/**
 * What Enter does while a mask is drawn: a dab at the pinned pixel, or the end of a polygon; null otherwise.
 * @param {Viewer} viewer
 */
function drawn(viewer) {
  const { masks, state } = viewer, { tool } = state;
  if (masks.corners.length) return () => masks.closePolygon();
  if (tool === "segment") return () => viewer.prompting.click(pinned(viewer), { more: false, not: false });
  if (tool !== "brush" && tool !== "wipe") return null;
  return () => {
    masks.brush(pinned(viewer), tool === "brush" ? 1 : 0);
    viewer.maskChanged(DRAWN);
  };
}

/** @param {Viewer} viewer */
function corner(viewer) {
  viewer.masks.corner(pinned(viewer));
  for (const panel of viewer.panels) panel.drawOver();
}

/** @param {Viewer} viewer */
function letGo(viewer) {
  stop(viewer);
  viewer.masks.corners = [];
  if (viewer.state.pin) viewer.pin(null);
  else for (const panel of viewer.panels) panel.drawOver();
}

/**
 * What the keys do, in a line.
 * @param {Viewer} viewer
 */
export function told({ atlas }) {
  const { keys = {}, names = {} } = atlas.facts;
  /** @type {[string, string | undefined][]} */
  const axes = [["← →", keys.arrows], ["↑ ↓", keys.updown], ["[ ]", keys.brackets]];
  /** @type {(axis: Axis) => string} */
  const name = (axis) => (names[axis.name] || axis.name).toLowerCase();
  const moves = axes.flatMap(([sign, of]) => {
    const axis = atlas.axis(of);
    return axis && axis.values.length > 1 ? [[sign, name(axis)]] : [];
  });
  const lines = [
    ...moves, ["Shift + arrows", "move the pinned pixel"], ["+ − 0", "zoom (drag to move)"],
    ["Space, held", "plain picture"],
    ["Enter, C", "paint or segment, or set a corner, at the pinned pixel while Mask is open"], ["Escape", "let go"],
  ];
  return el("p", { class: "dv-caption", text: `Keys: ${lines.map((line) => line.join(" ")).join(" · ")}` });
}
