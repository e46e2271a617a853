/* Layout: where a viewer's parts stand, and that they follow its state. */
// @ts-check
/** @import { Kept, Viewer } from "./types" */
import { el } from "./controls.js";
import { Dock } from "./dock.js";
import { film } from "./film.js";
import { arrange } from "./grid.js";
import { Inspector } from "./inspector.js";
import { fillChips, sayValues } from "./pixel.js";
import { pixelAt } from "./readings.js";
import * as zoom from "./zoom.js";

/** @typedef {{ dock: Dock, film: HTMLElement | null, inspector: Inspector }} Parts what is built for a result */

export class Layout {
  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.live = el("div", { class: "dv-live", role: "status", "aria-live": "polite" });
    this.panels = el("div", { class: "dv-panels", onscrollend: () => this._swiped() });
    /** @type {Kept} */
    this.kept = { side: "Pixel", tool: "brush", asking: "look" };
    /** @type {Parts | null} */
    this.parts = null;
    this.fit = new ResizeObserver(() => this.arrange());
    this.at = 0;  // the panel that was swiped to
    this.wiped = false;
  }

  /** Build everything for the viewer's atlas. */
  build() {
    const { viewer } = this, { facts, tab } = viewer.atlas;
    const inspector = new Inspector(viewer, this.kept), dock = new Dock(viewer), row = film(viewer);
    this.parts = { inspector, dock, film: row };
    const about = { class: "dv", role: "group", "aria-label": `Viewer: ${facts.title || tab}` };
    const stage = el("div", { class: "dv-stage" }, this.panels, this._warning(), this.live);
    viewer.root.replaceChildren(el("div", about, stage, inspector.node, dock.node, row));
    this.fit.disconnect();
    this.fit.observe(this.panels);
    this.place();
    viewer.matrix.build();
  }

  /** Let go of what was built. */
  close() {
    this.fit.disconnect();
    this.parts = null;
  }

  /** What the models never saw, said beside the maps. */
  _warning() {
    const told = new Set(this.viewer.results().flatMap(({ facts }) => facts.warning || []));
    return told.size ? el("div", { class: "dv-warning", role: "note", text: [...told].join(" ") }) : null;
  }

  /** Put the panels' elements into the page. */
  place() {
    this.panels.replaceChildren(...this.viewer.panels.map((panel) => panel.node));
    this.arrange();
  }

  /** Put the panels into as many columns as show them largest. */
  arrange() {
    const { viewer, panels } = this, { clientWidth: wide, clientHeight: high } = panels;
    if (!viewer.showing) return;
    this._toActive();
    if (!wide || !high) return;
    const count = viewer.panels.length, { width, height } = viewer.size();
    const shown = viewer.state.wipe ? 1 + count - viewer.pair().length : count;
    const found = arrange(shown, { wide, high }, width / height);
    panels.style.setProperty("--dv-columns", String(found.columns));
    panels.style.setProperty("--dv-high", `${found.high}px`);
  }

  /**
   * Let dock, row of maps and names speak of the active panel's result, where that is another one.
   * @param {Parts} parts
   */
  _follow(parts) {
    const { viewer } = this;
    if (parts.dock.of === viewer.atlas) return;
    const dock = new Dock(viewer), row = film(viewer);
    parts.dock.node.replaceWith(dock.node);
    if (parts.film && row) parts.film.replaceWith(row);
    Object.assign(parts, { dock, film: row });
    parts.inspector.drawing.list();
    viewer.matrix.build();
  }

  /** On a telephone the panels lie in a row, and the one that was swiped to is the active one. */
  _swiped() {
    const { viewer } = this, { clientWidth: wide, scrollWidth, scrollLeft } = this.panels;
    const panel = viewer.panels[Math.round(scrollLeft / wide)];
    if (scrollWidth > wide && panel && panel !== viewer.active()) viewer.activate(panel);
  }

  /** Swipe to the active panel. */
  _toActive() {
    const { panels, viewer } = this, [first] = viewer.panels;
    if (panels.scrollWidth <= panels.clientWidth + 1) return;
    panels.scrollLeft = viewer.active().node.offsetLeft - first.node.offsetLeft;
  }

  /** Let everything say what the state is. */
  sync() {
    const { viewer, parts } = this, { state } = viewer;
    if (!parts) return;
    this._follow(parts);
    viewer.ribbon.sync();
    parts.dock.sync();
    parts.inspector.sync();
    const wiping = state.wipe && viewer.pair().length > 1, changed = this.wiped !== wiping;
    this.wiped = wiping;
    this.panels.classList.toggle("dv-wiping", wiping);
    if (changed) this.arrange();
    this.panels.style.setProperty("--dv-border", `${100 * state.wipeAt}%`);
    for (const [index, panel] of viewer.panels.entries()) {
      const active = index === viewer.at;
      panel.node.classList.toggle("dv-active", active && viewer.panels.length > 1);
      panel.title.setAttribute("aria-pressed", String(active));
      panel.close.hidden = viewer.pair().length < 2;
      panel.sync(active);
      panel.frame.style.clipPath = wiping && index === 1 ? `inset(0 0 0 ${100 * state.wipeAt}%)` : "";
      panel.over.style.cursor = ["look", "cut"].includes(state.tool) ? "crosshair" : "cell";
    }
    zoom.apply(viewer);
    if (this.at !== viewer.at) { this.at = viewer.at; this._toActive(); }
  }

  /** Values under the cursor in every panel and chip; ranks, bars and curve at the pinned pixel. */
  read() {
    const { viewer, parts } = this, point = viewer.cursor || viewer.state.pin;
    if (!parts) return;
    const pixel = point && pixelAt(point, viewer.size());
    sayValues(viewer, pixel);
    fillChips(viewer, parts.dock, pixel);
    parts.inspector.pixel.read();
  }

  /** What takes longer: the labels that occur, histogram, area, and scores against the mask. */
  scores() {
    for (const panel of this.viewer.panels) panel.sayLabels();
    this.parts?.inspector.scores();
  }

  /** The masks are others: list them anew. */
  maskNames() {
    this.parts?.inspector.drawing.list();
  }
}
