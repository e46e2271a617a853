/* Panel: one picture with one map over it, its title, its colour bar, and the pointer on it. */
// @ts-check
/** @import { Choice, Content, Labels, Point, Viewer } from "./types" */
/** @import { GridMap } from "./atlas.js" */
import { DIFFERENCE, MOST_HELD } from "./compare.js";
import { context2d, el, number } from "./controls.js";
import * as marks from "./marks.js";
import * as panels from "./panels.js";
import { fitted } from "./regions.js";
import * as results from "./results.js";
import { Sheet, colormap } from "./sheet.js";

const LONGEST = 512;  // pixels of a canvas's longer side

export class Panel {
  /**
   * @param {Viewer} viewer whose state it shows
   * @param {Choice} choice its own
   */
  constructor(viewer, choice) {
    this.viewer = viewer;
    this.choice = choice;
    this.canvas = el("canvas", { class: "dv-canvas", role: "img", tabindex: 0 });
    this.over = el("canvas", { class: "dv-over", "aria-hidden": "true" });
    this.stack = el("div", { class: "dv-stack" }, this.canvas, this.over);
    this.frame = el("div", { class: "dv-frame" }, this.stack);
    this.title = el("button", { type: "button", class: "dv-title", onclick: () => viewer.activate(this) });
    const show = () => results.showOf(viewer, this, this.result.value), keep = () => this._keep();
    this.result = el("select", { class: "dv-result", "aria-label": "Result of this panel", onchange: show });
    this.keep = el("button", { type: "button", class: "dv-keep", onclick: keep });
    const close = { class: "dv-close", text: "×", "aria-label": "Close this panel" };
    this.close = el("button", { type: "button", ...close, onclick: () => panels.remove(viewer, this) });
    this.gradient = el("canvas", { class: "dv-gradient", width: 256, height: 1, "aria-hidden": "true" });
    this.low = el("span");
    this.high = el("span");
    this.bar = el("div", { class: "dv-bar" }, this.low, this.gradient, this.high);
    this.readout = el("div", { class: "dv-readout" });
    this.legend = el("ul", { class: "dv-legend", tabindex: 0, "aria-label": "Labels", hidden: true });
    this.node = el("section", { class: "dv-panel" },
      el("div", { class: "dv-head" }, this.result, this.title, this.keep, this.close),
      this.frame, el("div", { class: "dv-foot" }, this.bar, this.legend, this.readout));
    /** @type {Sheet | null} */
    this.sheet = null;  // until the first picture has come
    /** @type {Content | null} */
    this.wanted = null;
    /** @type {GridMap | null} */
    this.map = null;
    /** @type {Labels | null} */
    this.labels = null;
    this.names = "";  // of the results that can be chosen
    this.gradientOf = "";
    this._listen();
  }

  /** The number of the held result that it shows, 0 for the new one. */
  of() { return this.choice.of === DIFFERENCE ? 0 : Number(this.choice.of || 0); }

  _keep() {
    if (this.of()) results.letGo(this.viewer, this.of() - 1);
    else results.hold(this.viewer);
  }

  /**
   * Say of which result it is, and offer to hold that one, or to let it go.
   * @param {boolean} active
   */
  sync(active) {
    const { viewer, keep } = this, between = this.choice.of === DIFFERENCE, of = this.of();
    this.result.hidden = !viewer.held.length || between;
    keep.hidden = !viewer.options.hold || between || (!of && (!active || results.isHeld(viewer)));
    keep.disabled = !of && viewer.held.length >= MOST_HELD;
    keep.textContent = of ? "Let go" : "Hold";
    if (of) keep.title = "Let go of this held result";
    else if (keep.disabled) keep.title = `At most ${MOST_HELD} are held; let go of one first`;
    else keep.title = "Hold this result beside the next one";
    this.node.classList.toggle("dv-held", of > 0);
    this.node.classList.toggle("dv-between", between);
    if (this.result.hidden) return;
    const names = viewer.results().map((_, index) => results.named(viewer, index)), key = names.join("\n");
    const options = names.map((text, index) => el("option", { value: index, text }));
    if (this.names !== key) this.result.replaceChildren(...options);
    this.names = key;
    this.result.value = String(of);
    this.result.title = names[of];
  }

  /** Fetch what is missing, then draw. Resolves when the canvas is current. */
  async update() {
    const { viewer } = this, wanted = viewer.content(this.choice), { atlas } = wanted;
    const stale = () => this.wanted !== wanted || !viewer.results().includes(atlas);
    this.wanted = wanted;
    if (wanted.missing.length) {
      this.frame.setAttribute("aria-busy", "true");
      await viewer.fetch(wanted.missing);
      if (stale()) return;
      Object.assign(wanted, viewer.content(this.choice));
    }
    this.frame.removeAttribute("aria-busy");
    const picture = await atlas.picture(wanted.picture);
    if (!stale()) this.draw(wanted, picture);
  }

  /**
   * Redraw at once what is there.
   * @param {Content} wanted
   * @param {ImageBitmap} picture the decoded one
   */
  draw(wanted, picture) {
    const { width, height } = fitted(picture, LONGEST);
    if (this.sheet?.width !== width || this.sheet.height !== height) {
      this.sheet = new Sheet(this.canvas, width, height);
      Object.assign(this.over, { width, height });
      this.frame.style.setProperty("--dv-ratio", String(picture.width / picture.height));
    }
    this.sheet.draw(this.viewer, wanted, picture);
    this.map = wanted.map;
    this.labels = wanted.labels;
    this._bar();
    this._describe(wanted);
    this.drawOver();
  }

  /** Put what was drawn on the canvas, or the plain picture. */
  show() {
    this.sheet?.show(this.viewer.isBare);
  }

  /** The colours of the map and the values at their ends. */
  _bar() {
    const { map, viewer } = this;
    this.bar.hidden = !map || viewer.state.show === "mask";
    if (!map || this.bar.hidden) return;
    const name = colormap(map, viewer.state.colormap), [low, high] = viewer.span(map);
    if (this.gradientOf !== name) {
      const context = context2d(this.gradient), image = context.createImageData(256, 1);
      const table = viewer.atlas.colormaps[name];
      for (let at = 0; at < 256; at++) image.data.set([...table.subarray(3 * at, 3 * at + 3), 255], 4 * at);
      context.putImageData(image, 0, 0);
      this.gradientOf = name;
    }
    this.low.textContent = number(low);
    this.high.textContent = number(high);
  }

  /**
   * Title and alternative text: what is shown, and where it is strongest.
   * @param {Content} wanted
   */
  _describe({ map, labels }) {
    let text = this.viewer.describe(this.choice);
    this.title.textContent = this.title.title = this.viewer.describe(this.choice, false);
    if (map) {
      const values = `values ${number(map.low)} to ${number(map.high)}`;
      text += `: ${values}, highest at the ${marks.highest(map)}`;
    } else if (labels) text += `: ${labels.names.length} labels`;
    this.canvas.setAttribute("aria-label", text);
  }

  /** Where there are labels, the colours of those that occur. */
  sayLabels() {
    const { labels, legend } = this, there = new Set(labels?.values);
    legend.hidden = !labels;
    legend.replaceChildren(...(labels?.names || []).flatMap((name, index) => {
      if (!there.has(index)) return [];
      const dot = el("i");
      dot.style.background = labels?.colors[index] || "";
      return [el("li", {}, dot, name)];
    }));
  }

  /** Cursor, pin, true mask and drawn mask, on the upper canvas. */
  drawOver() {
    if (this.sheet) marks.paint(this.viewer, this.over, this.choice);
  }

  _listen() {
    const { viewer, over } = this, { hand } = viewer;
    /** @type {(event: { clientX: number, clientY: number }) => Point} */
    const point = (event) => marks.under(this.canvas, event);
    over.addEventListener("pointermove", (event) => hand.hover(point(event), event));
    over.addEventListener("pointerleave", () => hand.hover(null));
    over.addEventListener("pointerdown", (event) => hand.press(this, point(event), event));
    over.addEventListener("pointerup", (event) => hand.release(this, point(event)));
    over.addEventListener("pointercancel", () => hand.cancel());
    over.addEventListener("dblclick", () => viewer.masks.closePolygon());
    this.frame.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      viewer.zoomAt(point(event), Math.exp(-event.deltaY / 300));
    }, { passive: false });
  }
}
