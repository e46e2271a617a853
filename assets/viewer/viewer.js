/* Viewer: panels, matrix, controls and readings of one atlas; everything here happens without a server. */
import { Atlas } from "./atlas.js";
import { el } from "./controls.js";
import * as draw from "./draw.js";
import { Finder } from "./finder.js";
import { Hand } from "./hand.js";
import { Layout, MOST_PANELS } from "./layout.js";
import { Masks } from "./masks.js";
import { Matrix } from "./matrix.js";
import { Panel } from "./panel.js";

const DEFAULTS = {
  colormap: "viridis", opacity: 0.6, scale: "own", smooth: true, threshold: 0.4, show: "heat", follow: false,
  wipe: false, wipeAt: 0.5, pin: null, mask: "match", outline: false, columns: "", rows: "", tool: "look",
  zoom: { scale: 1, x: 0.5, y: 0.5 },
};

export class Viewer extends Hand {
  /**
   * root: an empty element. options: more(at) -> Promise of an ArrayBuffer with blocks that were only announced;
   * change(state) after every change that a link should remember; ready() when a result is on the screen;
   * shelf: masks that other viewers sent, {list() -> [{id, name, values, width, height, digest}], send(mask)}.
   */
  constructor(root, options = {}) {
    super();
    this.root = root;
    this.options = options;
    this.state = structuredClone(DEFAULTS);
    this.panels = [];
    this.at = 0;
    this.masks = new Masks(this);
    this.matrix = new Matrix(this);
    this.finder = new Finder(this);
    this.layout = new Layout(this);
    this.luts = new Map();
    this.cache = new Map();
    this.pending = new Map();
    this.ended = new AbortController();
    root.addEventListener("keydown", (event) => this._key(event), { signal: this.ended.signal });
    root.addEventListener("keyup", (event) => { if (event.key === " ") this.bare(false); }, { signal: this.ended.signal });
    root.addEventListener("focusout", () => this.bare(false), { signal: this.ended.signal });
  }

  // ------------------------------------------------------------------------------------------- a result

  /**
   * Show an atlas (an ArrayBuffer). state: what a link or an earlier view remembers of it, or a function of this viewer
   * that tells it; unknown parts are ignored. drawn: a mask that was drawn on it earlier.
   */
  async open(buffer, state = {}, drawn = null) {
    const atlas = new Atlas(buffer);
    this._letGo();
    this.atlas = atlas;
    const { facts } = atlas, first = Object.fromEntries(atlas.axes.map((axis) => [axis.name, axis.values[axis.first]]));
    const several = (name) => (name && atlas.axis(name)?.values.length > 1 ? name : "");
    this.state = { ...structuredClone(DEFAULTS), ...(facts.look || {}), columns: several(facts.columns), rows: several(facts.rows) };
    this.panels = (facts.panels || [{}]).map((choice) => new Panel(this, { ...first, ...choice }));
    this.at = Math.min(facts.active || 0, this.panels.length - 1);
    const same = drawn && Object.values(atlas.pictures).some(({ digest }) => digest === drawn.digest);
    this.masks.drawn = same ? drawn : null;
    this.fresh = this.remember();
    this.restore(typeof state === "function" ? state(this) : state);
    this.layout.build();
    await this.refresh();
    this.root.dataset.ready = "true";
    this.options.ready?.();
  }

  close() {
    this.ended.abort();
    this.layout.fit.disconnect();
    this._letGo();
    this.root.replaceChildren();
  }

  _letGo() {
    this.stop();
    this.atlas?.close();
    this.atlas = null;
    this.panels = [];
    this.masks.drawn = null;
    this.masks.corners = [];
    for (const kept of [this.luts, this.cache, this.pending]) kept.clear();
    delete this.root.dataset.ready;
  }

  /** What a link remembers: plain values only. */
  remember() {
    const { zoom, ...rest } = this.state;
    return { ...structuredClone(rest), zoom: { ...zoom }, active: this.at, panels: this.panels.map((panel) => ({ ...panel.choice })) };
  }

  /** Take over from a link what fits this atlas; anything else is ignored, since links come from anywhere. */
  restore(state) {
    if (!state || typeof state !== "object") return;
    const clamp = (value, low, high) => Math.min(Math.max(Number(value), low), high);
    const own = this.state, { atlas } = this;
    const among = (name, values) => { if (values.includes(state[name])) own[name] = state[name]; };
    among("colormap", this.maps());
    among("scale", ["own", "shared"]);
    among("show", ["heat", "outline", "mask"]);
    for (const name of ["smooth", "wipe", "outline", "follow"]) among(name, [true, false]);
    const several = atlas.axes.filter((axis) => axis.values.length > 1).map((axis) => axis.name);
    among("columns", ["", ...several]);
    among("rows", ["", ...several]);
    among("mask", ["match", ...this.masks.names()]);
    for (const [name, low, high] of [["opacity", 0, 1], ["threshold", 0, 1], ["wipeAt", 0, 1]]) {
      if (Number.isFinite(Number(state[name])) && state[name] !== null && state[name] !== undefined) own[name] = clamp(state[name], low, high);
    }
    if (state.pin && Number.isFinite(state.pin.x) && Number.isFinite(state.pin.y)) own.pin = { y: clamp(state.pin.y, 0, 0.999999), x: clamp(state.pin.x, 0, 0.999999) };
    if (state.zoom && [state.zoom.scale, state.zoom.x, state.zoom.y].every(Number.isFinite)) own.zoom = { scale: clamp(state.zoom.scale, 1, 16), x: clamp(state.zoom.x, 0, 1), y: clamp(state.zoom.y, 0, 1) };
    if (Array.isArray(state.panels) && state.panels.length) {
      const base = this.panels[0].choice;
      this.panels = state.panels.slice(0, MOST_PANELS).map((choice) => new Panel(this, { ...base, ...this._known(choice) }));
    }
    if (Number.isInteger(state.active)) this.at = clamp(state.active, 0, this.panels.length - 1);
  }

  _known(choice) {
    const out = {};
    for (const axis of this.atlas.axes) {
      const value = choice && typeof choice === "object" ? choice[axis.name] : undefined;
      if (axis.values.includes(value)) out[axis.name] = value;
    }
    return out;
  }

  // ------------------------------------------------------------------------------------------- choices

  active() { return this.panels[this.at]; }

  activate(panel) {
    this.at = this.panels.indexOf(panel);
    this.refresh();
  }

  /** Change axes of the active panel; shared axes (`facts.linked`) change in every panel. */
  choose(change) {
    const linked = this.atlas.facts.linked || [];
    for (const [index, panel] of this.panels.entries()) {
      for (const [axis, value] of Object.entries(change)) {
        if (index === this.at || linked.includes(axis)) panel.choice[axis] = value;
      }
    }
    this.refresh();
  }

  set(name, value) {
    this.state[name] = value;
    if (["columns", "rows"].includes(name)) this.matrix.build();
    this.refresh();
  }

  add() {
    if (this.panels.length >= MOST_PANELS) return;
    this.panels.splice(this.at + 1, 0, new Panel(this, { ...this.active().choice }));
    this.at += 1;
    this.layout.place();
    this.refresh();
  }

  remove(panel) {
    if (this.panels.length < 2) return;
    const index = this.panels.indexOf(panel);
    this.panels.splice(index, 1);
    this.at = Math.min(this.at > index ? this.at - 1 : this.at, this.panels.length - 1);
    if (this.panels.length < 2) this.state.wipe = false;
    this.layout.place();
    this.refresh();
  }

  /** {picture, map, labels, block} of a choice: what a panel draws. */
  content(choice) {
    const { atlas } = this, block = atlas.block(choice), labels = block ? null : atlas.labelsAt(choice);
    const map = block ? atlas.map(choice, this.state.pin || { y: 0.5, x: 0.5 }) : null;
    const own = block?.picture || labels?.picture || atlas.facts.plain?.[choice[atlas.facts.plainAxis]] || Object.keys(atlas.pictures)[0];
    const stepped = this.state.follow ? `${own}/${choice.step}` : own;
    return { picture: atlas.pictures[stepped] ? stepped : own, map, labels, block };
  }

  /** A choice in words, axis by axis. */
  describe(choice) {
    const { atlas } = this, block = atlas.block(choice) || atlas.labelsAt(choice);
    const named = block ? [...Object.keys(block.at), ...(block.inner || [])] : atlas.axes.map((axis) => axis.name);
    const told = atlas.axes.filter((axis) => named.includes(axis.name)), several = told.filter((axis) => axis.values.length > 1);
    return (several.length ? several : told).map((axis) => this._shown(axis, choice)).join(" · ") || atlas.facts.title || atlas.tab;
  }

  _shown(axis, choice) {
    const block = this.atlas.block(choice), place = block?.inner?.indexOf(axis.name) ?? -1;
    const last = place >= 0 && block.shape ? block.shape[place] - 1 : axis.values.length - 1;
    const names = this.atlas.facts.ticks?.[axis.name]?.[choice[this.atlas.facts.ticksBy]] || axis.shown;
    return names[Math.min(axis.values.indexOf(choice[axis.name]), last)] ?? "";
  }

  // ------------------------------------------------------------------------------------------- drawing

  /** Draw panels now, and what is slower (matrix, readings) when the hand rests. */
  refresh() {
    const { state } = this;
    this.shared = state.scale === "shared" ? this._range() : null;
    this.layout.sync();
    const { atlas } = this;
    const drawn = Promise.all(this.panels.map((panel) => panel.update())).then(() => {
      if (this.atlas === atlas) this.layout.read();
    });
    clearTimeout(this.later);
    this.later = setTimeout(async () => {
      await drawn;  // the first pictures of a result are still being decoded
      if (this.atlas !== atlas) return;
      this.matrix.update();
      this.layout.scores();
      this.options.change?.(this.remember());
    }, 60);
    return drawn;
  }

  _range() {
    const choices = [...this.panels.map((panel) => panel.choice), ...this.matrix.choices()];
    const all = choices.map((choice) => this.content(choice).map).filter(Boolean), maps = all.filter((map) => !map.block.signed);
    this.farthest = Math.max(...all.filter((map) => map.block.signed).flatMap((map) => [Math.abs(map.low), Math.abs(map.high)]));
    return maps.length ? [Math.min(...maps.map((map) => map.low)), Math.max(...maps.map((map) => map.high))] : null;
  }

  /** Values at the two ends of the colours of a map. */
  span(map) {
    if (map.block.signed) {
      const top = this.state.scale === "shared" ? this.farthest : Math.max(Math.abs(map.low), Math.abs(map.high));
      return [-top, top];
    }
    if (this.shared) return this.shared;
    return [this.atlas.facts.zero ? Math.min(0, map.low) : map.low, map.high];
  }

  maps() { return this.atlas.facts.colormaps || Object.keys(this.atlas.colormaps).filter((name) => name !== "diverging"); }

  /** The colour table of a name at the current opacity. */
  colours(name) {
    const key = `${name} ${this.state.opacity}`;
    if (!this.luts.has(key)) {
      if (this.luts.size > 16) this.luts.clear();
      this.luts.set(key, draw.shares(this.atlas.colormaps[name], this.state.opacity));
    }
    return this.luts.get(key);
  }

  /** RGBA bytes of a picture at a size, scaled by the browser once. */
  pixels(key, picture, width, height) {
    const name = `${key} ${width}x${height}`;
    if (!this.cache.has(name)) {
      if (this.cache.size > 64) this.cache.clear();
      const canvas = el("canvas", { width, height }), context = canvas.getContext("2d", { willReadFrequently: true });
      context.imageSmoothingQuality = "high";
      context.drawImage(picture, 0, 0, width, height);
      this.cache.set(name, context.getImageData(0, 0, width, height).data);
    }
    return this.cache.get(name);
  }

  /** The picture of a panel without colours, as 32-bit pixels. */
  whole(panel, width, height) {
    if (!panel.plain || panel.plain.length !== width * height) panel.plain = draw.ground(panel.pixels, 1);
    return panel.plain;
  }

  /** Show the pictures without colours for as long as a key or a finger is held. */
  bare(on) {
    if (this.isBare === on) return;
    this.isBare = on;
    for (const panel of this.panels) if (panel.context) panel.show();
  }

  size() {
    const picture = this.atlas.pictures[this.content(this.active().choice).picture];
    return { width: picture.width, height: picture.height };
  }

  /** The maps of a block that was only announced: one request, however often it is asked for. */
  fetchBlock(block) {
    const key = JSON.stringify(block.at), { atlas } = this;
    if (!this.pending.has(key)) {
      const asked = this.options.more ? this.options.more(block.at) : Promise.reject(new Error("These maps are not in the file."));
      this.pending.set(key, asked.then((buffer) => { if (atlas === this.atlas) atlas.merge(buffer); })
        .catch((error) => { if (atlas === this.atlas) this.say(error.message); }));
    }
    return this.pending.get(key);
  }

  /** Move along an axis of the active panel by `by` places; past an end it stays there. */
  step(name, by, around = false) {
    const axis = name && this.atlas.axis(name);
    if (!axis) return false;
    const count = axis.values.length, at = axis.values.indexOf(this.active().choice[name]) + by;
    if (!around && (at < 0 || at >= count)) return false;
    this.choose({ [name]: axis.values[(at + count) % count] });
    return true;
  }

  play(name) {
    if (this.playing) return this.stop();
    const axis = this.atlas.axis(name);
    if (this.active().choice[name] === axis.values[axis.values.length - 1]) this.choose({ [name]: axis.values[0] });
    this.playing = setInterval(() => { if (!this.step(name, 1)) this.stop(); }, 250);
    this.layout.sync();
  }

  stop() {
    clearInterval(this.playing);
    this.playing = null;
    if (this.atlas) this.layout.sync();
  }

  maskChanged(name) {
    this.masks.version += 1;
    this.state.mask = name;
    this.masks.cached = null;
    this.layout.maskNames();
    this.refresh();
  }

  /** Tell everybody, readers of the screen included. */
  say(text) {
    this.layout.live.textContent = text;
  }
}
