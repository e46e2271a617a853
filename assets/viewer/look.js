/* Look: the inspector's part with how all panels look: colours, scale, opacity, which panels there are, zoom. */
// @ts-check
/** @import { Viewer } from "./types" */
import { DIFFERENCE } from "./compare.js";
import { button, el, select, slider } from "./controls.js";
import { MOST_PANELS } from "./grid.js";
import { HELP } from "./help.js";
import * as moments from "./moments.js";
import * as panels from "./panels.js";
import { WHOLE } from "./zoom.js";

/** @type {Record<string, string>} */
const COLORMAPS = { turbo: "turbo (not even)" };  // those that are called otherwise than they are named

/**
 * `sync` follows the state.
 * @param {Viewer} viewer
 */
export function lookPart(viewer) {
  const how = fields(viewer), which = buttons(viewer), wipe = border(viewer);
  const node = el("div", { class: "dv-tools" }, ...how.nodes,
    el("div", { class: "dv-buttons" }, ...which.nodes, ...zooms(viewer)), wipe.node);
  return {
    node,
    sync() {
      how.sync();
      which.sync();
      wipe.value = viewer.state.wipeAt;
      wipe.node.hidden = !viewer.state.wipe || viewer.pair().length < 2;
    },
  };
}

/** @param {Viewer} viewer */
function fields(viewer) {
  const { state } = viewer;
  const colormap = select({
    label: "Colours", title: HELP.Colours, value: state.colormap, change: (value) => viewer.set("colormap", value),
    options: viewer.maps().map((name) => [name, COLORMAPS[name] || name]),
  });
  const scale = select({
    label: "Scale", title: HELP.Scale, value: state.scale, change: (value) => viewer.set("scale", value),
    options: [["own", "own of each map"], ["shared", "shared"]],
  });
  const smooth = select({
    label: "Cells", title: HELP.Cells, value: flag(state.smooth),
    options: [["true", "smooth"], ["false", "as recorded"]],
    change: (value) => viewer.set("smooth", value === "true"),
  });
  const show = select({
    label: "Threshold as", title: HELP["Threshold as"], value: state.show,
    options: [["heat", "nothing"], ["outline", "outline"], ["mask", "mask"]],
    change: (value) => viewer.set("show", value),
  });
  const opacity = slider({
    label: "Opacity", title: HELP.Opacity, min: 0, max: 1, step: 0.05, value: state.opacity,
    shown: (value) => value.toFixed(2), change: (value) => viewer.set("opacity", value),
  });
  return {
    nodes: [colormap, scale, smooth, show, opacity].map(({ node }) => node),
    sync() {
      const now = viewer.state;
      colormap.value = now.colormap;
      scale.value = now.scale;
      smooth.value = flag(now.smooth);
      show.value = now.show;
      opacity.value = now.opacity;
    },
  };
}

/** @type {(on: boolean) => "true" | "false"} */
const flag = (on) => (on ? "true" : "false");

/** @param {Viewer} viewer */
function buttons(viewer) {
  /** @type {(name: "fade" | "wipe" | "follow", text: string, title: string) => HTMLButtonElement} */
  const toggle = (name, text, title) => button({
    text, title, pressed: viewer.state[name], click: () => viewer.set(name, !viewer.state[name]),
  });
  const fade = toggle("fade", "Clear at zero", `Clear at zero: ${HELP["Clear at zero"]}`);
  const add = button({ text: "Add panel", click: () => panels.add(viewer) });
  const wipe = toggle("wipe", "A/B wipe", "Wipe between the first two panels");
  const difference = "A − B: one more panel with what the panels differ by";
  const between = button({ text: "A − B", title: difference, click: () => panels.add(viewer, DIFFERENCE) });
  const over = "Lay the map over the picture predicted at its step";
  const follow = viewer.atlas.facts.previews ? toggle("follow", "Picture of the step", over) : null;
  const together = moments.movable(viewer.atlas) ? matching(viewer) : null;
  return {
    nodes: [fade, add, wipe, between, follow, together],
    sync() {
      const { state } = viewer, single = viewer.pair().length < 2;
      fade.setAttribute("aria-pressed", String(state.fade));
      wipe.setAttribute("aria-pressed", String(state.wipe));
      follow?.setAttribute("aria-pressed", String(state.follow));
      together?.setAttribute("aria-pressed", String(state.together));
      add.disabled = viewer.panels.length >= MOST_PANELS;
      wipe.disabled = single;
      between.disabled = add.disabled || single || viewer.panels.some(({ choice }) => choice.of === DIFFERENCE);
    },
  };
}

/**
 * The switch that keeps the panels at one t.
 * @param {Viewer} viewer
 */
function matching(viewer) {
  const title = "Match t: keep every panel at the t of the active one, or nearest to it";
  return button({ text: "Match t", title, pressed: viewer.state.together, click: () => {
    const { curve = "" } = viewer.atlas.facts;
    viewer.set("together", !viewer.state.together);
    if (viewer.state.together) viewer.choose({ [curve]: viewer.matrix.own()[curve] });
  } });
}

/** @param {Viewer} viewer */
function zooms(viewer) {
  /** @type {(text: string, title: string, factor: number) => HTMLButtonElement} */
  const zoom = (text, title, factor) => button({
    text, title, classes: "dv-small", click: () => viewer.zoomAt(viewer.state.pin || { y: 0.5, x: 0.5 }, factor),
  });
  return [zoom("+", "Zoom in", 1.5), zoom("−", "Zoom out", 1 / 1.5), zoom("1:1", "Whole picture", WHOLE)];
}

/**
 * The handle that moves the border between the first two panels.
 * @param {Viewer} viewer
 */
function border(viewer) {
  const range = slider({
    label: "Border between A and B", min: 0, max: 1, step: 0.01, value: viewer.state.wipeAt,
    shown: (value) => `${Math.round(100 * value)}%`, change: (value) => viewer.hand.wipeTo(value),
  });
  range.node.classList.add("dv-wide");
  return range;
}
