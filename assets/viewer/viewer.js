/* Viewer: panels, matrix, controls and readings of one atlas; everything here happens without a server. */
import { Atlas } from "./atlas.js";
import * as compare from "./compare.js";
import { el } from "./controls.js";
import * as draw from "./draw.js";
import { Finder } from "./finder.js";
import { Hand } from "./hand.js";
import { Layout, MOST_PANELS } from "./layout.js";
import { Masks } from "./masks.js";
import { Matrix } from "./matrix.js";
import { Panel } from "./panel.js";
import { Ribbon } from "./ribbon.js";

const DEFAULTS = {
  colormap: "viridis", opacity: 0.6, fade: false, scale: "own", smooth: true, threshold: 0.4, show: "heat", follow: false,
  wipe: false, wipeAt: 0.5, pin: null, mask: "match", outline: false, columns: "", rows: "", ribbon: false, tool: "look",
  zoom: { scale: 1, x: 0.5, y: 0.5 },
};

export class Viewer extends Hand {
  /**
   * root: an empty element. options: more(at, key) -> Promise of an ArrayBuffer with blocks that were only announced;
   * hold() and letGo(index), where a result can be kept beside the next one; edit(axis, value, text), where it can be
   * computed again with another word; change(state) after every change that a link should remember; ready() when a result is on the screen;
   * shelf: masks that other viewers sent, {list() -> [{id, name, values, width, height, digest}], send(mask)}.
   */
  constructor(root, options = {}) {
    super();
    this.root = root;
    this.options = options;
    this.state = structuredClone(DEFAULTS);
    this.own = null;  // the result, and those that are held beside it
    this.held = [];
    this.panels = [];
    this.at = 0;
    this.masks = new Masks(this);
    this.matrix = new Matrix(this);
    this.ribbon = new Ribbon(this);
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
   * that tells it; unknown parts are ignored. drawn: a mask that was drawn on it earlier. about: {key, asked} of it,
   * as Atlas takes them, and held: [{buffer, key, asked}], the results that stand beside it.
   */
  async open(buffer, state = {}, drawn = null, about = {}) {
    const atlas = new Atlas(buffer, about), held = (about.held || []).map((one) => new Atlas(one.buffer, one));
    this._letGo();
    Object.assign(this, { own: atlas, held });
    const { facts } = atlas, several = (name) => (name && atlas.axis(name)?.values.length > 1 ? name : "");
    this.state = { ...structuredClone(DEFAULTS), ...(facts.look || {}), columns: several(facts.columns), rows: several(facts.rows) };
    this.panels = (facts.panels || [{}]).map((choice) => new Panel(this, { ...begun(atlas), ...choice }));
    this.at = Math.min(facts.active || 0, this.panels.length - 1);
    this.masks.drawn = drawn;
    if (!this.results().some((one) => this.masks.drawnOn(one))) this.masks.drawn = null;
    this.fresh = this.remember();
    const told = typeof state === "function" ? state(this) : state;
    this.restore(told);
    if (held.length && !told?.panels?.some((choice) => choice?.of)) this._beside();
    this.layout.build();
    this.say("");
    await this.refresh();
    this.root.dataset.ready = "true";
    this.options.ready?.();
  }

  /** Of which result the controls speak: the active panel's. */
  get atlas() {
    const panel = this.panels[this.at];
    return (panel && this.atlasOf(panel.choice)) || this.own;
  }

  /** The result that a choice is of, undefined where it is let go; of a difference that of the first panel. */
  atlasOf(choice) {
    if (choice.of === compare.DIFFERENCE) return this.atlasOf(this.pair()[0]?.choice || {});
    return choice.of ? this.held[Number(choice.of) - 1] : this.own;
  }

  /** The panels that are not themselves a difference: the first two of them are what a wipe and a difference show. */
  pair() { return this.panels.filter(({ choice }) => choice.of !== compare.DIFFERENCE); }

  results() { return [this.own, ...this.held]; }

  /** A choice's axes as far as another result has them, else as it begins. of: the number of that result. */
  fitted(choice, of) {
    const atlas = this.results()[of], known = atlas.axes.filter(({ name, values }) => values.includes(choice[name]));
    return { ...begun(atlas), ...Object.fromEntries(known.map(({ name }) => [name, choice[name]])), ...(of ? { of: String(of) } : {}) };
  }

  /** Let what every result shows of the same stand side by side. */
  _beside() {
    const own = this.panels.map(({ choice }) => choice), active = own[this.at];
    const rows = compare.interleaved(this.results().map((_, of) => own.map((choice) => this.fitted(choice, of))), MOST_PANELS);
    this.panels = rows.map((choice) => new Panel(this, choice));
    this.at = Math.max(0, rows.findIndex((choice) => !choice.of && Object.keys(active).every((name) => choice[name] === active[name])));
  }

  /** Keep this result beside the next one. */
  hold() {
    if (this.held.length >= compare.MOST_HELD) return;
    this.held.push(this.own);
    this.options.hold();
    this.refresh();
    this.say("Held: the next result comes beside this one.");
  }

  /** Let go of a held result, counted from 0, with its panels. */
  letGo(index) {
    const active = this.active();
    this.held.splice(index, 1);
    this.options.letGo(index);
    this.panels = this.panels.filter(({ choice }) => Number(choice.of) !== index + 1);
    for (const { choice } of this.panels) if (Number(choice.of) > index + 1) choice.of = String(choice.of - 1);
    if (!this.pair().length) this.panels = [new Panel(this, this.fitted(active.choice, 0))];
    this._mend(active);
  }

  /** After panels went: what needs two of them ends, and one is the active one. */
  _mend(active) {
    const few = this.pair().length < 2;
    if (few) {
      this.state.wipe = false;
      this.panels = this.pair();
    }
    this.at = Math.max(0, Math.min(this.panels.includes(active) ? this.panels.indexOf(active) : this.at, this.panels.length - 1));
    this.layout.place();
    this.refresh();
  }

  /**
   * Show the new result and the one that was held last in one frame, wiped, with what they differ by beside it.
   * change: {axis, from, to}, the value on an axis that the held one has, and the new one.
   */
  compare({ axis, from, to }) {
    const own = this.fitted(this.active().choice, 0), held = this.fitted(this.active().choice, this.held.length);
    for (const [choice, value] of [[own, to], [held, from]]) if (this.atlasOf(choice).axis(axis)?.values.includes(value)) choice[axis] = value;
    this.panels = [own, held, { ...own, of: compare.DIFFERENCE }].map((choice) => new Panel(this, choice));
    this.at = 0;
    this.state.wipe = true;
    this.layout.place();
    return this.refresh();
  }

  /** Let a panel show another result, and be the active one. */
  showOf(panel, of) {
    panel.choice = this.fitted(panel.choice, Number(of));
    this.activate(panel);
  }

  close() {
    this.ended.abort();
    this.layout.fit.disconnect();
    this._letGo();
    this.root.replaceChildren();
  }

  _letGo() {
    this.stop();
    for (const atlas of this.results()) atlas?.close();
    this.own = null;
    this.held = [];
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
    for (const name of ["smooth", "wipe", "outline", "follow", "fade", "ribbon"]) among(name, [true, false]);
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
      const base = this.panels[0].choice, told = state.panels.slice(0, MOST_PANELS);
      this.panels = told.map((choice) => new Panel(this, this._known(choice, base)));
      if (this.pair().length < 2) this.panels = this.pair();
      if (!this.panels.length) this.panels = [new Panel(this, base)];
    }
    if (Number.isInteger(state.active)) this.at = clamp(state.active, 0, this.panels.length - 1);
  }

  /** What fits of a choice that a link tells, and for the rest `base`. */
  _known(choice, base) {
    const told = choice && typeof choice === "object" ? choice : {};
    if (told.of === compare.DIFFERENCE) return { ...base, of: told.of };
    const of = this.held.findIndex((_, index) => String(index + 1) === told.of) + 1;
    return this.fitted({ ...base, ...told }, of);
  }

  // ------------------------------------------------------------------------------------------- choices

  active() { return this.panels[this.at]; }

  activate(panel) {
    this.at = this.panels.indexOf(panel);
    this.refresh();
  }

  /**
   * Change axes of the active panel; shared axes (`facts.linked`) change in every panel that has the value, and where a
   * difference is the active one, all change in the two that it is of.
   */
  choose(change) {
    const linked = this.atlas.facts.linked || [], two = this.active().choice.of === compare.DIFFERENCE ? this.pair().slice(0, 2) : [];
    for (const [index, panel] of this.panels.entries()) {
      for (const [axis, value] of Object.entries(change)) {
        const wanted = index === this.at || linked.includes(axis) || two.includes(panel);
        if (wanted && this.atlasOf(panel.choice).axis(axis)?.values.includes(value)) panel.choice[axis] = value;
      }
    }
    this.refresh();
  }

  set(name, value) {
    this.state[name] = value;
    if (["columns", "rows"].includes(name)) this.matrix.build();
    this.refresh();
  }

  /** One more panel, as the active one, or last of all what the others differ by. */
  add(of = "") {
    if (this.panels.length >= MOST_PANELS) return;
    const { choice } = this.matrix.own() === this.active().choice ? this.active() : this.pair().at(-1), end = this.pair().length;
    const at = of ? end : Math.min(this.at + 1, end);
    this.panels.splice(at, 0, new Panel(this, { ...choice, ...(of ? { of } : {}) }));
    this.at = at;
    this.layout.place();
    this.refresh();
  }

  remove(panel) {
    if (this.pair().length < 2 && panel.choice.of !== compare.DIFFERENCE) return;
    const active = this.active(), index = this.panels.indexOf(panel);
    this.panels.splice(index, 1);
    if (this.at > index) this.at -= 1;
    this._mend(active);
  }

  /** {atlas, picture, map, labels, block, missing} of a choice: what a panel draws; missing: [block, atlas] to be fetched. */
  content(choice) {
    if (choice.of === compare.DIFFERENCE) return this._between();
    const atlas = this.atlasOf(choice), block = atlas.block(choice), labels = block ? null : atlas.labelsAt(choice);
    const map = block ? atlas.map(choice, this.state.pin || { y: 0.5, x: 0.5 }) : null;
    const own = block?.picture || labels?.picture || atlas.facts.plain?.[choice[atlas.facts.plainAxis]] || Object.keys(atlas.pictures)[0];
    const stepped = this.state.follow ? `${own}/${choice.step}` : own;
    const missing = block && !block.values && !block.computed ? [[block, atlas]] : [];
    return { atlas, picture: atlas.pictures[stepped] ? stepped : own, map, labels, block, missing };
  }

  /** What the panels differ by: the first two's maps, or the labels of all; neither where their grids do not agree. */
  _between() {
    const found = this.pair().map(({ choice }) => this.content(choice)), [first, second] = found, labelled = found.filter(({ labels }) => labels);
    let map = null;
    if (first.map && second?.map) map = compare.difference(first.map, second.map);
    else if (labelled.length > 1) map = compare.disagreement(labelled.map(({ labels }) => labels));
    return { atlas: first.atlas, picture: first.picture, map, labels: null, block: map?.block, missing: [first, second].flatMap((one) => one?.missing || []) };
  }

  /** A choice in words, axis by axis; whole: with what sets its result apart, where others stand beside it. */
  describe(choice, whole = true) {
    if (choice.of === compare.DIFFERENCE) return this._describeBetween();
    const atlas = this.atlasOf(choice), block = atlas.block(choice) || atlas.labelsAt(choice);
    const named = block ? [...Object.keys(block.at), ...(block.inner || [])] : atlas.axes.map((axis) => axis.name);
    const told = atlas.axes.filter((axis) => named.includes(axis.name)), several = told.filter((axis) => axis.values.length > 1);
    const axes = (several.length ? several : told).map((axis) => this._shown(axis, choice));
    return [...(whole && this.held.length ? [this.named(Number(choice.of || 0))] : []), ...axes].join(" · ") || atlas.facts.title || atlas.tab;
  }

  /** How a result is called beside the others. */
  named(of) {
    const text = compare.apart(this.results().map(({ asked }) => asked))[of];
    return of ? `held${text ? `: ${text}` : this.held.length > 1 ? ` ${of}` : ""}` : text || "new";
  }

  _describeBetween() {
    const pair = this.pair(), found = pair.map(({ choice }) => this.content(choice));
    if (!found[0].map && found.filter(({ labels }) => labels).length > 1) return "Where the labels disagree";
    const grids = found.slice(0, 2).map(({ map }) => (map ? `${map.height} x ${map.width}` : "no map")), agree = grids[0] === grids[1];
    return agree ? "A − B, the first two panels" : `A − B: the grids differ (${grids.join(" and ")})`;
  }

  _shown(axis, choice) {
    const { facts } = this.atlasOf(choice), block = this.atlasOf(choice).block(choice), place = block?.inner?.indexOf(axis.name) ?? -1;
    const last = place >= 0 && block.shape ? block.shape[place] - 1 : axis.values.length - 1;
    const names = facts.ticks?.[axis.name]?.[choice[facts.ticksBy]] || axis.shown;
    return names[Math.min(axis.values.indexOf(choice[axis.name]), last)] ?? "";
  }

  // ------------------------------------------------------------------------------------------- drawing

  /** Draw panels now, and what is slower (matrix, readings) when the hand rests. */
  refresh() {
    const { state } = this;
    this.shared = state.scale === "shared" ? this._range() : null;
    this.layout.sync();
    const { own } = this;
    const drawn = Promise.all(this.panels.map((panel) => panel.update())).then(() => {
      if (this.own === own) this.layout.read();
    });
    clearTimeout(this.later);
    this.later = setTimeout(async () => {
      await drawn;  // the first pictures of a result are still being decoded
      if (this.own !== own) return;
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
    return [map.zero ? Math.min(0, map.low) : map.low, map.high];
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

  /** RGBA bytes of the picture of a content at a size, scaled by the browser once. */
  pixels(content, picture, width, height) {
    const name = `${content.atlas.id} ${content.picture} ${width}x${height}`;
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

  /** The maps of a result's block that was only announced: one request, however often it is asked for. */
  fetchBlock(block, atlas = this.atlas) {
    const key = JSON.stringify([atlas.id, block.at]), here = () => this.results().includes(atlas);
    if (!this.pending.has(key)) {
      const asked = this.options.more ? this.options.more(block.at, atlas.key) : Promise.reject(new Error("These maps are not in the file."));
      this.pending.set(key, asked.then((buffer) => { if (here()) atlas.merge(buffer); })
        .catch((error) => { if (here()) this.say(error.message); }));
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
    if (this.own) this.layout.sync();
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

/** The choice that a result begins with. */
function begun(atlas) {
  return Object.fromEntries(atlas.axes.map((axis) => [axis.name, axis.values[axis.first]]));
}
