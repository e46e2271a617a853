/* Drawing: the inspector's part with the mask that maps are scored against: which one, and the tools to make one. */
// @ts-check
/** @import { Kept, State, Viewer } from "./types" */
import { button, chips, el, select, slider } from "./controls.js";
import { HELP } from "./help.js";
import { segmenterChoice } from "./prompting.js";
import { send } from "./sending.js";
import { above } from "./threshold.js";

/** @type {[State["tool"], string][]} */
const TOOLS = [["brush", "Brush"], ["wipe", "Rubber"], ["polygon", "Polygon"], ["look", "Look"]];
/** @type {[State["tool"], string]} */
const SEGMENT = ["segment", "Segment"];  // where there is a server to ask

/**
 * `sync` follows the state, `list` the masks that there are.
 * @param {Viewer} viewer
 * @param {Kept} kept whose tool it writes
 */
export function drawingPart(viewer, kept) {
  const { masks, prompting } = viewer;
  const against = select({
    label: "Score against", title: HELP["Score against"], value: viewer.state.mask, options: choices(viewer),
    change: (value) => viewer.set("mask", value),
  });
  const options = prompting.offered ? [SEGMENT, ...TOOLS] : TOOLS;
  const tool = chips({ label: "Pointer", options, value: kept.tool, change: (value) => {
    kept.tool = viewer.state.tool = value;
    viewer.layout.sync();
  } });
  const segmenter = segmenterChoice(viewer);
  const size = slider({
    label: "Brush", min: 1, max: 24, step: 1, value: masks.radius, change: (value) => { masks.radius = value; },
  });
  const outline = button({
    text: "Outline of the mask", pressed: viewer.state.outline,
    click: () => viewer.set("outline", !viewer.state.outline),
  });
  const node = el("div", { class: "dv-axes" }, against.node, tool.node, segmenter, size.node,
    el("div", { class: "dv-buttons" }, outline, ...actions(viewer)));
  return {
    node,
    sync() {
      against.value = viewer.state.mask;
      tool.value = kept.tool;
      segmenter.hidden = kept.tool !== "segment";
      size.node.hidden = kept.tool === "segment";
      outline.setAttribute("aria-pressed", String(viewer.state.outline));
    },
    list() {
      against.input.replaceChildren(...choices(viewer).map(([value, text]) => el("option", { value, text })));
      against.value = viewer.state.mask;
    },
  };
}

/**
 * The masks that can be chosen, [name, text] each.
 * @param {Viewer} viewer
 * @returns {[string, string][]}
 */
function choices({ atlas, masks }) {
  const known = Object.keys(atlas.masks).length > 0;
  let match = known ? "none yet: choose one" : "no mask yet";
  if (known && atlas.facts.matches) match = "the true mask of what is shown";
  /** @type {(name: string) => [string, string]} */
  const titled = (name) => [name, masks.title(name)];
  return [["match", match], ...masks.names().filter(Boolean).map(titled), ["", "nothing"]];
}

/** @param {Viewer} viewer */
function actions(viewer) {
  const { masks } = viewer, file = fileInput(viewer);
  const take = () => {
    const mask = above(viewer);
    if (mask) masks.take(mask);
  };
  return [
    button({ text: "Close polygon", click: () => masks.closePolygon() }),
    button({ text: "Load a mask", click: () => file.click() }), file,
    button({ text: "Map above threshold as mask", click: take }),
    button({ text: "Save the mask", click: () => masks.save() }),
    viewer.options.shelf ? button({ text: "Send to the other tabs", click: () => send(viewer) }) : null,
    button({ text: "Clear", title: "Clear the drawn mask", click: () => masks.clear() }),
  ];
}

/** @param {Viewer} viewer */
function fileInput(viewer) {
  const label = "A picture file whose light half is the mask";
  const load = async () => {
    const [file] = input.files || [];
    if (!file) return;
    try {
      await viewer.masks.load(file);
    } catch {
      viewer.say("That file is not a picture that this browser can read.");
    }
    input.value = "";
  };
  const input = el("input", { type: "file", accept: "image/*", class: "dv-file", "aria-label": label, onchange: load });
  return input;
}
