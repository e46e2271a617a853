/* Panel: one picture with one map over it, its title, its colour bar, and the pointer on it. */
import { DIFFERENCE, MOST_HELD } from "./compare.js";
import { el, number } from "./controls.js";
import * as draw from "./draw.js";
import * as score from "./score.js";

const LONGEST = 512;  // pixels of a canvas's longer side

export class Panel {
  /** viewer: whose state it shows; choice: {axis: value}, its own. */
  constructor(viewer, choice) {
    this.viewer = viewer;
    this.choice = choice;
    this.canvas = el("canvas", { class: "dv-canvas", role: "img", tabindex: 0 });
    this.over = el("canvas", { class: "dv-over", "aria-hidden": "true" });
    this.stack = el("div", { class: "dv-stack" }, this.canvas, this.over);
    this.frame = el("div", { class: "dv-frame" }, this.stack);
    this.title = el("button", { type: "button", class: "dv-title", onclick: () => viewer.activate(this) });
    this.result = el("select", { class: "dv-result", "aria-label": "Result of this panel", onchange: () => viewer.showOf(this, this.result.value) });
    this.keep = el("button", { type: "button", class: "dv-keep", onclick: () => (this.of() ? viewer.letGo(this.of() - 1) : viewer.hold()) });
    this.close = el("button", { type: "button", class: "dv-close", text: "×", "aria-label": "Close this panel", onclick: () => viewer.remove(this) });
    this.gradient = el("canvas", { class: "dv-gradient", width: 256, height: 1, "aria-hidden": "true" });
    this.low = el("span");
    this.high = el("span");
    this.bar = el("div", { class: "dv-bar" }, this.low, this.gradient, this.high);
    this.readout = el("div", { class: "dv-readout" });
    this.legend = el("ul", { class: "dv-legend", tabindex: 0, "aria-label": "Labels", hidden: true });
    this.node = el("section", { class: "dv-panel" }, el("div", { class: "dv-head" }, this.result, this.title, this.keep, this.close), this.frame, el("div", { class: "dv-foot" }, this.bar, this.legend, this.readout));
    this.shown = {};
    this._listen();
  }

  /** The number of the held result that it shows, 0 for the new one. */
  of() { return this.choice.of === DIFFERENCE ? 0 : Number(this.choice.of || 0); }

  /** Say of which result it is, and offer to hold that one, or to let it go. */
  sync(active) {
    const { viewer } = this, between = this.choice.of === DIFFERENCE, held = viewer.held.length > 0, of = this.of();
    this.result.hidden = !held || between;
    this.keep.hidden = !viewer.options.hold || between || (!of && (!active || viewer.held.includes(viewer.own)));
    this.keep.disabled = !of && viewer.held.length >= MOST_HELD;
    this.keep.textContent = of ? "Let go" : "Hold";
    this.keep.title = of ? "Let go of this held result" : this.keep.disabled ? `At most ${MOST_HELD} are held; let go of one first` : "Hold this result beside the next one";
    this.node.classList.toggle("dv-held", of > 0);
    this.node.classList.toggle("dv-between", between);
    if (this.result.hidden) return;
    const names = viewer.results().map((_, index) => viewer.named(index)), key = names.join("\n");
    if (this.names !== key) this.result.replaceChildren(...names.map((text, index) => el("option", { value: index, text })));
    this.names = key;
    this.result.value = of;
    this.result.title = names[of];
  }

  /** Fetch what is missing, then draw. Resolves when the canvas is current. */
  async update() {
    const { viewer } = this, wanted = viewer.content(this.choice), { atlas } = wanted;
    const stale = () => this.wanted !== wanted || !viewer.results().includes(atlas);
    this.wanted = wanted;
    if (wanted.missing.length) {
      this.frame.setAttribute("aria-busy", "true");
      await Promise.all(wanted.missing.map(([block, of]) => viewer.fetchBlock(block, of)));
      if (stale()) return;
      Object.assign(wanted, viewer.content(this.choice));
    }
    this.frame.removeAttribute("aria-busy");
    const picture = await atlas.picture(wanted.picture);
    if (!stale()) this.draw(wanted, picture);
  }

  /** Redraw at once what is there; the picture must have been decoded. */
  draw(wanted, picture) {
    const { state } = this.viewer;
    const scale = LONGEST / Math.max(picture.width, picture.height);
    const width = Math.max(1, Math.round(picture.width * scale)), height = Math.max(1, Math.round(picture.height * scale));
    if (this.canvas.width !== width || this.canvas.height !== height) {
      for (const canvas of [this.canvas, this.over]) Object.assign(canvas, { width, height });
      this.shown = {};
      this.frame.style.setProperty("--dv-ratio", picture.width / picture.height);
      this.context = this.canvas.getContext("2d");
      this.image = this.context.createImageData(width, height);
      this.out = new Uint32Array(this.image.data.buffer);
      this.enlarged = new Float32Array(width * height);
    }
    const share = wanted.map || wanted.labels ? 1 - state.opacity : 1;
    const same = this.shown.picture === wanted.picture && this.shown.atlas === wanted.atlas.id;
    if (!same || this.shown.share !== share) {
      this.pixels = same ? this.pixels : this.viewer.pixels(wanted, picture, width, height);
      this.base = draw.ground(this.pixels, share, this.base?.length === width * height ? this.base : undefined);
      this.plain = null;
    }
    if (wanted.map) this._drawMap(wanted, width, height);
    else if (wanted.labels) this._drawLabels(wanted.labels, width, height);
    else this.out.set(this.base);
    this.shown = { picture: wanted.picture, atlas: wanted.atlas.id, share };
    this.show();
    this.map = wanted.map;
    this.labels = wanted.labels;
    this._describe(wanted);
    this.drawOver();
  }

  /** Put what was drawn on the canvas, or the plain picture. */
  show() {
    const { width, height } = this.canvas;
    const plain = this.viewer.isBare && new ImageData(new Uint8ClampedArray(this.viewer.whole(this, width, height).slice().buffer), width, height);
    this.context.putImageData(plain || this.image, 0, 0);
  }

  _drawMap(wanted, width, height) {
    const { viewer } = this, { state } = viewer;
    draw.enlarge(wanted.map, height, width, state.smooth, this.enlarged);
    const [low, high] = viewer.span(wanted.map);
    const name = wanted.map.block.signed ? "diverging" : state.colormap;
    const limit = score.level(wanted.map, state.threshold);
    if (state.show === "mask") {
      this.out.set(viewer.whole(this, width, height));
      draw.fade(this.out, this._inside(limit), 0.8);
    } else if (state.fade) {
      const how = { opacity: state.opacity, signed: wanted.map.block.signed };
      const ramp = draw.ramp(wanted.map, low, high);
      draw.faded(this.pixels, this.enlarged, wanted.atlas.colormaps[name], ramp, this.out, how);
    } else draw.heat(this.base, this.enlarged, viewer.colours(name), draw.ramp(wanted.map, low, high), this.out);
    if (state.show !== "heat") draw.contour(this.out, this._inside(limit), height, width);
    this._bar(state.show === "mask" ? null : name, low, high);
  }

  _inside(limit) {
    const inside = new Uint8Array(this.enlarged.length);
    for (let at = 0; at < inside.length; at++) inside[at] = this.enlarged[at] >= limit ? 1 : 0;
    return inside;
  }

  _drawLabels(labels, width, height) {
    draw.paint(this.base, labels, this.viewer.state.opacity, height, width, this.out);
    this._bar(null);
  }

  _bar(name, low, high) {
    this.bar.hidden = !name;
    if (!name) return;
    const key = `${name}`;
    if (this.barName !== key) {
      const context = this.gradient.getContext("2d"), image = context.createImageData(256, 1), table = this.viewer.atlas.colormaps[name];
      for (let at = 0; at < 256; at++) image.data.set([table[3 * at], table[3 * at + 1], table[3 * at + 2], 255], 4 * at);
      context.putImageData(image, 0, 0);
      this.barName = key;
    }
    this.low.textContent = number(low);
    this.high.textContent = number(high);
  }

  /** Title and alternative text: what is shown, and where it is strongest. */
  _describe(wanted) {
    let text = this.viewer.describe(this.choice);
    this.title.textContent = this.title.title = this.viewer.describe(this.choice, false);
    if (wanted.map) {
      const { map } = wanted, at = map.values.indexOf(255), row = Math.floor(Math.max(at, 0) / map.width);
      const where = `${["top", "middle", "bottom"][Math.min(2, Math.floor((3 * row) / map.height))]} ${["left", "centre", "right"][Math.min(2, Math.floor((3 * (Math.max(at, 0) % map.width)) / map.width))]}`;
      text += `: values ${number(map.low)} to ${number(map.high)}, highest at the ${where}`;
    } else if (wanted.labels) text += `: ${wanted.labels.names.length} labels`;
    this.canvas.setAttribute("aria-label", text);
  }

  /** Cursor, pin, true mask and drawn mask, on the upper canvas. */
  drawOver() {
    const { viewer } = this, { state } = viewer, context = this.over.getContext("2d");
    const { width, height } = this.over, size = 1 / Math.min(state.zoom.scale, 6);  // marks do not grow with the picture
    context.clearRect(0, 0, width, height);
    viewer.masks.paint(context, width, height, this.choice);
    for (const [point, own] of [[viewer.cursor, false], [state.pin, true]]) {
      if (!point) continue;
      const x = point.x * width, y = point.y * height;
      for (const [colour, line] of [["#000", 3.5], ["#fff", 1.5]]) {
        context.strokeStyle = colour;
        context.lineWidth = line * size;
        context.beginPath();
        if (own) { context.arc(x, y, 7 * size, 0, 2 * Math.PI); context.moveTo(x + 1.5 * size, y); context.arc(x, y, 1.5 * size, 0, 2 * Math.PI); }
        else { context.moveTo(x - 9 * size, y); context.lineTo(x + 9 * size, y); context.moveTo(x, y - 9 * size); context.lineTo(x, y + 9 * size); }
        context.stroke();
      }
    }
  }

  /** Fractions (y, x) of the picture under a pointer event. */
  point(event) {
    const box = this.canvas.getBoundingClientRect();
    const clip = (value) => Math.min(Math.max(value, 0), 1 - 1e-9);
    return { y: clip((event.clientY - box.top) / box.height), x: clip((event.clientX - box.left) / box.width) };
  }

  _listen() {
    const { viewer, over } = this;
    over.addEventListener("pointermove", (event) => viewer.hover(this, this.point(event), event));
    over.addEventListener("pointerleave", () => viewer.hover(this, null));
    over.addEventListener("pointerdown", (event) => viewer.press(this, this.point(event), event));
    over.addEventListener("pointerup", (event) => viewer.release(this, this.point(event), event));
    over.addEventListener("pointercancel", () => viewer.cancel());
    over.addEventListener("dblclick", () => viewer.masks.closePolygon());
    this.frame.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      viewer.zoomAt(this.point(event), Math.exp(-event.deltaY / 300));
    }, { passive: false });
  }
}
