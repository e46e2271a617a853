/* Slot: what a tab of the page shows: its result, those held beside it, and its viewer while the tab is open. */
// @ts-check
/** @import { About, Choice, Mask, Options, Question, Remembered, Segmented, Shelf, Viewer as View } from "./types" */
import { MOST_HELD } from "./compare.js";
import { Filling } from "./filling.js";
import { PROBE } from "./questions.js";
import * as results from "./results.js";
import { Viewer } from "./viewer.js";

const EARLIER = 4;  // keys of results before the present one that are remembered
let edits = 0;

/**
 * What is told of a view. carried: choices that may not fit; beside: what is held shall stand beside what it says.
 * @typedef {Partial<Remembered> & { carried?: Choice[], beside?: boolean }} Told
 */

/**
 * A result, as inspector/ui/viewer.py tells it. link: the parameters that lead to it; how: "link" for the one that the
 * address asked for, "fresh" to begin with `state`, "carry" to keep the choices that fit; held: others that stand
 * beside it from the start; edited: the number of the change that it answers; segmenters: [name, title] of those that
 * may be asked for masks.
 * @typedef {{
 *   failed?: undefined, nonce: number, atlas: { url: string }, key: string, link: Record<string, string>,
 *   asked: Record<string, string>, how: "link" | "fresh" | "carry", state: Told | null, held?: Result[],
 *   edited?: number | null, segmenters?: [string, string][],
 * }} Result
 */

/**
 * A word that was written over. key: the result's that it was of; id: the number by which its answer is known.
 * @typedef {{ axis: string, from: string, to: string, key: string, id: number }} Change
 */

/** @typedef {{ nonce: number, failed: string, atlas?: undefined }} Failure says why there is no result */

/**
 * What asks Python for maps that were only announced, for an atlas that was swept away, and for the mask of a prompt.
 * @typedef {{
 *   more(asked: { key: string, at: Choice[] }): Promise<unknown>, renew(key: string): Promise<unknown>,
 *   segment(asked: Question): Promise<Segmented>,
 * }} Server
 */

export class Slot {
  /**
   * @param {string} name the tab's
   * @param {HTMLElement} root which holds the viewer
   * @param {Server} server
   */
  constructor(name, root, server) {
    this.name = name;
    this.root = root;
    this.filling = new Filling(root);  // what a run that is under way shows
    this.server = server;
    /** @type {Result | null} */
    this.value = null;
    /** @type {Result[]} */
    this.held = [];
    /** @type {Viewer | null} */
    this.viewer = null;
    /** @type {Told | null} */
    this.state = null;
    /** @type {Mask | null} */
    this.drawn = null;
    /** @type {string[]} */
    this.earlier = [];
    /** @type {Result | null} */
    this.shown = null;  // what the viewer shows: the value, once its maps have come
    /** @type {Change | null} */
    this.change = null;  // the word that was written over, until its result has come
    /** @type {Change | null} */
    this.arrived = null;  // likewise, until that result is shown
    this.probing = false;  // words that are not in the prompt were asked
    this.failed = false;
    this.fromLink = false;
    this.said = false;  // whether the address tells of the present result
    this.round = 0;
  }

  /**
   * The component of the tab was built anew.
   * @param {HTMLElement} root
   * @param {Server} server
   */
  mount(root, server) {
    this.viewer?.close();
    this.filling.close();
    Object.assign(this, { root, server, viewer: null, filling: new Filling(root) });
  }

  /** There is no new result; what was shown before stays. */
  fail() {
    this.failed = true;
    this.probing = false;
    this.change = this.arrived = null;
  }

  /** @param {Result} value a new one */
  take(value) {
    const before = this.value?.key;
    this.failed = false;
    this.drawn = this.viewer?.masks.drawn ?? this.drawn;  // which stays where the new result is of the same picture
    if (before && before !== value.key) {
      this.earlier = [before, ...this.earlier.filter((key) => key !== value.key)].slice(0, EARLIER);
    }
    this.state = value.how === "carry" ? this._carried() : { ...value.state, beside: !value.held };
    this.fromLink = value.how === "link";
    this._arrive(value);
    this.value = value;
    if (value.held) this.held = value.held;
  }

  /**
   * Hold what a word was written over in, now that its answer has come; any other answer comes as it is.
   * @param {Result} value
   */
  _arrive({ edited }) {
    const { change, shown } = this;
    this.change = null;
    this.arrived = change && edited === change.id ? change : null;
    if (!this.arrived || !shown || this.held.some(({ key }) => key === change?.key)) return;
    this.held = [...this.held.slice(1 - MOST_HELD), shown];
  }

  /**
   * What the present view shows, or showed when its tab was left.
   * @returns {Told | null}
   */
  view() {
    return this.viewer?.showing ? this.viewer.remember() : this.state;
  }

  /**
   * What the present view hands to the next result: everything but choices that may mean something else there.
   * @returns {Told | null}
   */
  _carried() {
    const state = this.view();
    if (!state) return null;
    const { panels, active, pin, weights, ...rest } = state, own = panels?.filter((choice) => !choice.of);
    return { ...rest, carried: own?.length ? own : rest.carried };
  }

  /**
   * Let the active panel begin with a choice when the tab is opened.
   * @param {Choice} choice
   */
  turn(choice) {
    const { panels = [], active = 0 } = this.state || {};
    if (!panels[active]) return;
    const turned = panels.map((panel, at) => (at === active ? { ...panel, ...choice } : panel));
    this.state = { ...this.state, panels: turned };
  }

  /** Let go of the viewer: another tab is opened. */
  leave() {
    this.round += 1;
    if (!this.viewer) return;
    this.state = this.view();
    if (this.viewer.showing) this.drawn = this.viewer.masks.drawn;
    this.viewer.close();
    this.viewer = null;
  }

  /**
   * The bytes of the result, and of those held; null for a held one that is gone. Throws an Error where the result is.
   * @param {Result} value
   */
  async buffers(value) {
    for (;;) {
      const wanted = this.held, all = [value, ...wanted].map((one) => fetched(one, this.server));
      const [own, ...held] = await Promise.all(all);
      if (!own) throw new Error("The maps could not be fetched; press Run to compute them again.");
      if (wanted === this.held) return { own, held };  // else something was held or let go meanwhile
    }
  }

  /**
   * Show the result.
   * @param {Result} value
   * @param {{ own: ArrayBuffer, held: (ArrayBuffer | null)[] }} buffers
   * @param {(viewer: View) => unknown} state what it begins with
   * @param {Pick<Options, "change" | "edit" | "probe" | "weighed"> & { shelf: Shelf }} options
   */
  async open(value, buffers, state, options) {
    const { key, asked, segmenters: models } = value;
    const there = this.held.flatMap((one, at) => {
      const buffer = buffers.held[at];
      return buffer ? [{ one, buffer }] : [];
    });
    const lost = this.held.length - there.length;
    this.held = there.map(({ one }) => one);
    const viewer = this.viewer ||= new Viewer(this.root, {
      ...options,
      more: (at, of) => this._more(at, of),
      segment: models?.length ? { models, ask: (question) => this.server.segment(question) } : undefined,
      hold: () => { if (this.shown) this.held = [...this.held, this.shown]; },
      letGo: (gone) => {
        const at = this.held.findIndex((one) => one.key === gone);
        this.held = this.held.filter((_, index) => index !== at);
      },
    });
    this.said = false;
    this.shown = value;
    const held = there.map(({ one, buffer }) => ({ key: one.key, asked: one.asked, buffer }));
    await viewer.open(buffers.own, state, this.drawn, { key, asked, held });
    const { region } = options.shelf.board;
    const same = Object.values(viewer.own.pictures).some(({ digest }) => digest === region?.digest);
    if (region && same) viewer.maskChanged(region.id);
    if (this.arrived && this.held.length) await results.wipe(viewer, this.arrived);
    this.arrived = null;
    const probes = this.probing ? viewer.own.axis(PROBE)?.values : undefined;
    this.probing = false;
    if (probes?.length) viewer.choose({ view: PROBE, [PROBE]: probes[probes.length - 1] });
    if (lost) viewer.say("A held result is no longer kept; compute it again to compare with it.");
    this.fromLink = false;
  }

  /**
   * A word of the active panel's result is written over; returns what Python needs of it, null while nothing is shown.
   * @param {string} axis
   * @param {string} from
   * @param {string} to
   */
  edit(axis, from, to) {
    if (!this.viewer?.showing) return null;
    const { key } = this.viewer.atlas;
    this.change = { axis, from, to, key, id: ++edits };
    return { key, word: from, text: to, id: edits };
  }

  /**
   * Words that are not in the prompt are asked of the active panel's result, which shows the last of them then; returns
   * what Python needs, as `edit`.
   * @param {string} words with commas
   */
  probe(words) {
    if (!this.viewer?.showing) return null;
    this.probing = true;
    return { key: this.viewer.atlas.key, word: "", text: words, id: null };
  }

  /**
   * Maps that were only announced.
   * @param {Choice[]} at
   * @param {string} key
   */
  async _more(at, key) {
    const text = await this.server.more({ key, at });
    if (text === "busy") throw new Error("Too many ask for maps at once; try again in a moment.");
    if (typeof text !== "string" || !text) {
      throw new Error("Those maps are no longer kept; press Run to compute them again.");
    }
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
  }
}

/**
 * The bytes of a result's atlas, asked for again where it was swept away; null where it is gone.
 * @param {Result} value
 * @param {Server} server
 */
async function fetched({ atlas, key }, server) {
  let answer = await fetch(atlas.url);
  if (!answer.ok && await server.renew(key)) answer = await fetch(atlas.url, { cache: "reload" });
  return answer.ok ? answer.arrayBuffer() : null;
}

/**
 * A carried state for another result: the panels' choices where all of them exist there.
 * @param {Told | null} state
 * @param {Pick<View, "atlas">} viewer
 */
export function fitted(state, { atlas }) {
  if (!state?.carried) return state;
  const { carried, ...rest } = state;
  /** @type {(choice: Choice) => boolean} */
  const fits = (choice) => atlas.axes
    .every(({ name, values }) => choice[name] === undefined || values.includes(choice[name]));
  return { ...rest, beside: true, ...(carried.every(fits) ? { panels: carried } : {}) };
}
