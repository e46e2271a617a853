/* Viewer: what is shown of one result, and of those held beside it; everything here happens without a server. */
// @ts-check
/** @import { About, Block, Choice, Content, Held, Mask, Options, Point, Remembered, State } from "./types" */
/** @import { Viewer as Asked } from "./types" */
/** @import { GridMap } from "./atlas.js" */
import * as announced from "./announced.js";
import { Atlas } from "./atlas.js";
import { DIFFERENCE } from "./compare.js";
import * as contents from "./contents.js";
import { Finder } from "./finder.js";
import { Hand } from "./hand.js";
import * as keys from "./keys.js";
import { Layout } from "./layout.js";
import { Masks } from "./masks.js";
import { Matrix } from "./matrix.js";
import * as memory from "./memory.js";
import * as paints from "./paints.js";
import { Panel } from "./panel.js";
import * as panels from "./panels.js";
import * as playing from "./playing.js";
import { Prompting } from "./prompting.js";
import * as results from "./results.js";
import { Ribbon } from "./ribbon.js";
import * as scale from "./scale.js";
import * as weighing from "./weighing.js";
import * as zoom from "./zoom.js";

const SLOW = 60;  // milliseconds that the hand must rest before what is slower is drawn

/** @implements {Asked} */
export class Viewer {
  /**
   * @param {HTMLElement} root an empty element
   * @param {Options} options
   */
  constructor(root, options = {}) {
    this.root = root;
    this.options = options;
    this.state = structuredClone(memory.DEFAULTS);
    /** @type {Atlas | null} */
    this._own = null;
    /** @type {Atlas[]} */
    this.held = [];
    /** @type {Panel[]} */
    this.panels = [];
    this.at = 0;
    /** @type {Point | null} */
    this.cursor = null;
    this.playing = 0;
    this.isBare = false;
    /** @type {[number, number] | null} */
    this.shared = null;
    this.farthest = 0;
    this.later = 0;
    /** @type {Masks} */
    this.masks = new Masks(this);
    /** @type {Prompting} */
    this.prompting = new Prompting(this);
    /** @type {Matrix} */
    this.matrix = new Matrix(this);
    /** @type {Ribbon} */
    this.ribbon = new Ribbon(this);
    /** @type {Finder} */
    this.finder = new Finder(this);
    /** @type {Hand} */
    this.hand = new Hand(this);
    /** @type {Layout} */
    this.layout = new Layout(this);
    this.fresh = this.remember();
    /** @type {Map<string, Uint32Array>} */
    this.luts = new Map();
    /** @type {Map<string, Uint8ClampedArray>} */
    this.cache = new Map();
    /** @type {Map<string, Promise<void>>} */
    this.pending = new Map();
    this.ended = new AbortController();
    const { signal } = this.ended;
    root.addEventListener("keydown", (event) => keys.press(this, event), { signal });
    root.addEventListener("keyup", (event) => { if (event.key === " ") this.bare(false); }, { signal });
    root.addEventListener("focusout", () => this.bare(false), { signal });
  }

  // ------------------------------------------------------------------------------------------- a result

  /**
   * Show an atlas. Throws an Error with a plain sentence for what is none.
   * @param {ArrayBuffer} buffer
   * @param {unknown} state what a link or an earlier view remembers of it, or a function of this viewer that tells it;
   *   unknown parts are ignored
   * @param {Mask | null} drawn a mask that was drawn on it earlier
   * @param {About & { held?: Held[] }} about held: the results that stand beside it
   */
  async open(buffer, state = {}, drawn = null, about = {}) {
    const atlas = new Atlas(buffer, about), held = (about.held || []).map((one) => new Atlas(one.buffer, one));
    this._letGo();
    Object.assign(this, { _own: atlas, held });
    memory.begin(this);
    this.masks.drawn = drawn;
    if (!this.results().some((one) => this.masks.drawnOn(one))) this.masks.drawn = null;
    this.fresh = this.remember();
    const besides = this.restore(typeof state === "function" ? state(this) : state);
    weighing.weigh(this, this.state.weights);
    if (held.length && !besides) results.beside(this);
    this.layout.build();
    this.say("");
    await this.refresh();
    this.root.dataset.ready = "true";
    this.options.ready?.();
  }

  get showing() { return this._own !== null; }

  get own() {
    if (!this._own) throw new Error("No result is open.");
    return this._own;
  }

  get atlas() {
    const panel = this.panels[this.at];
    return panel ? this.atlasOf(panel.choice) : this.own;
  }

  results() { return this._own ? [this._own, ...this.held] : []; }

  /**
   * The result that a choice is of; of a difference that of the first panel.
   * @param {Choice} choice
   * @returns {Atlas}
   */
  atlasOf(choice) {
    if (choice.of === DIFFERENCE) return this.atlasOf(this.pair()[0]?.choice || {});
    return (choice.of && this.held[Number(choice.of) - 1]) || this.own;
  }

  close() {
    this.ended.abort();
    this._letGo();
    this.layout.close();
    this.root.replaceChildren();
  }

  _letGo() {
    playing.stop(this);
    for (const atlas of this.results()) atlas.close();
    this._own = null;
    this.held = [];
    this.panels = [];
    this.masks.drawn = null;
    this.masks.corners = [];
    this.prompting.forget();
    for (const kept of [this.luts, this.cache, this.pending]) kept.clear();
    delete this.root.dataset.ready;
  }

  /**
   * What a link remembers: plain values only.
   * @returns {Remembered}
   */
  remember() {
    const choices = this.panels.map(({ choice }) => ({ ...choice }));
    return { ...structuredClone(this.state), active: this.at, panels: choices };
  }

  changed() { this.options.change?.(this.remember()); }

  /** @param {unknown} told what a link tells */
  restore(told) { return memory.restore(this, told); }

  // ------------------------------------------------------------------------------------------- choices

  active() { return this.panels[this.at]; }

  /** @param {Panel} panel */
  activate(panel) {
    this.at = this.panels.indexOf(panel);
    this.refresh();
  }

  /** @param {Choice} choice */
  panelOf(choice) { return new Panel(this, choice); }

  /** The panels that are not themselves a difference: the first two of them are what a wipe and a difference show. */
  pair() { return this.panels.filter(({ choice }) => choice.of !== DIFFERENCE); }

  /** @param {Choice} change */
  choose(change) { panels.choose(this, change); }

  /**
   * @template {keyof State} Name
   * @param {Name} name
   * @param {State[Name]} value
   */
  set(name, value) {
    this.state[name] = value;
    if (name === "columns" || name === "rows") this.matrix.build();
    this.refresh();
  }

  /** @param {Point | null} point */
  pin(point) { this.set("pin", point); }

  /**
   * @param {Point} point which stays where it is
   * @param {number} factor
   */
  zoomAt(point, factor) {
    this.state.zoom = zoom.zoomed(this.state.zoom, point, factor);
    zoom.apply(this);
    this.changed();
  }

  /**
   * @param {string | undefined} name
   * @param {number} by
   */
  step(name, by) { return playing.step(this, name, by); }

  /** @param {string} name which mask is chosen now, of masks that are others than before */
  maskChanged(name) {
    this.masks.version += 1;
    this.state.mask = name;
    this.masks.cached = null;
    this.layout.maskNames();
    this.refresh();
  }

  /**
   * Name the new result's proposals with other weights of CLIP's opinion; null: with those that it was made with.
   * @param {[number, number] | null} weights
   */
  weigh(weights) {
    weighing.weigh(this, weights);
    this.refresh();
    this.options.weighed?.();
  }

  // ------------------------------------------------------------------------------------------- drawing

  /**
   * @param {Choice} choice
   * @returns {Content}
   */
  content(choice) { return contents.content(this, choice); }

  /** @param {Choice} choice */
  describe(choice, whole = true) { return contents.describe(this, choice, whole); }

  /** Draw panels now, and what is slower (matrix, readings) when the hand rests. */
  refresh() {
    const own = this._own;
    if (own) this.matrix.follow();
    Object.assign(this, this.state.scale === "shared" ? scale.range(contents.seen(this)) : { shared: null });
    this.layout.sync();
    const drawn = Promise.all(this.panels.map((panel) => panel.update())).then(() => {
      if (this._own === own) this.layout.read();
    });
    clearTimeout(this.later);
    this.later = setTimeout(async () => {
      await drawn;  // the first pictures of a result are still being decoded
      if (this._own !== own) return;
      this.matrix.update();
      this.layout.scores();
      this.changed();
    }, SLOW);
    return drawn;
  }

  /** @param {GridMap} map */
  span(map) { return scale.span(map, this); }

  maps() { return paints.maps(this); }

  /** @param {string} name */
  colours(name) { return paints.colours(this, name); }

  /**
   * @param {Content} content
   * @param {ImageBitmap} picture
   * @param {number} width
   * @param {number} height
   */
  pixels(content, picture, width, height) { return paints.pixels(this, content, picture, width, height); }

  /**
   * Show the pictures without colours for as long as a key or a finger is held.
   * @param {boolean} on
   */
  bare(on) {
    if (this.isBare === on) return;
    this.isBare = on;
    for (const panel of this.panels) panel.show();
  }

  size() {
    const { width, height } = this.atlas.pictures[this.content(this.active().choice).picture];
    return { width, height };
  }

  /** @param {[Block, Atlas][]} missing */
  fetch(missing) { return announced.take(this, missing); }

  /**
   * Tell everybody, readers of the screen included.
   * @param {string} text
   */
  say(text) { this.layout.live.textContent = text; }
}
