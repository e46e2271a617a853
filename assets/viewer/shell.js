/* Shell: the viewers of the page's tabs, the address that says what they show, and what they hand to each other. */
// @ts-check
/** @import { Choice, Mask, Remembered, SentMask } from "./types" */
/** @import { Failure, Result, Server } from "./slot.js" */
import { Board } from "./board.js";
import * as links from "./links.js";
import * as page from "./page.js";
import { Slot, fitted } from "./slot.js";
import { weighs, weightsOf } from "./weighing.js";

const SHELF = 8;  // masks that are kept for the other tabs
const REST = 300;  // milliseconds without a change before the address is written
const OWN = "inspector";  // of the document: "ready" when what was asked for is on the screen, "failed" if it cannot be

class Shell {
  constructor() {
    this.asked = new URLSearchParams(location.search);
    /** @type {Map<string, Slot>} */
    this.slots = new Map();
    /** @type {string | null} */
    this.active = null;  // until the server has read the address
    /** @type {SentMask[]} */
    this.masks = [];
    this.sent = 0;
    /** @type {{ key: string, word: string, text: string } | null} */
    this.edited = null;  // what Python is asked to compute again
    this.step = "";  // what the browser's Back leads away from
    this.later = 0;
    this.following = 0;
    this.board = new Board((tab, choice) => this.turnTo(tab, choice));
    /** @type {(mask: Mask & { name: string }) => string} */
    const send = (mask) => this.keep(mask);
    this.shelf = { list: () => this.masks, send, board: this.board };
    this.flag("waiting");
  }

  /** The tab that is open; undefined until it is mounted. */
  slot() {
    return this.active === null ? undefined : this.slots.get(this.active);
  }

  /**
   * A tab's component is on the page.
   * @param {string} name
   * @param {HTMLElement} root which will hold its viewer
   * @param {Result | Failure | null} value what Python said
   * @param {Server} server
   */
  mount(name, root, value, server) {
    const known = this.slots.get(name), slot = known || new Slot(name, root, server);
    known?.mount(root, server);
    this.slots.set(name, slot);
    this.take(name, value);
    if (slot.value) this.show(slot);
  }

  /**
   * A new result for a tab, or none.
   * @param {string} name
   * @param {Result | Failure | null} value
   */
  take(name, value) {
    const slot = this.slots.get(name);
    if (!slot || !value || value.nonce === slot.value?.nonce) return;
    if (value.failed) {
      slot.fail();
      if (name === this.active) this.flag("failed");
      return;
    }
    if (!value.atlas) return;
    this.board.drop(name);
    slot.take(value);
    if (this.active === null && value.how === "carry") this.start(name);  // the page's own start was lost
    this.show(slot);
  }

  /**
   * The server has read the address: this tab is open.
   * @param {string} name
   */
  start(name) {
    this.active = null;
    this.select(name);
  }

  /**
   * A tab was opened: let go of the one that was left, show this one's result.
   * @param {string} name
   */
  select(name, byHand = false) {
    if (byHand && this.active === null) return;  // the page is only being built
    if (this.active === name) return;
    this.slot()?.leave();
    this.active = name;
    this.flag("waiting");
    const slot = this.slots.get(name);
    if (slot?.failed && !slot.value) this.flag("failed");
    if (slot) this.show(slot);
  }

  /**
   * Show a tab's result where that tab is open.
   * @param {Slot} slot
   */
  async show(slot) {
    const { value } = slot;
    if (slot.name !== this.active || !value) return;
    const round = slot.round += 1, current = () => round === slot.round && slot.name === this.active;
    this.flag("waiting");
    try {
      const buffers = await slot.buffers(value);
      if (!current()) return;
      const { fromLink, state } = slot;
      await slot.open(value, buffers, (shown) => (fromLink ? links.decode(this.asked, shown) : fitted(state, shown)), {
        change: (now) => this.changed(slot, now),
        edit: (axis, from, to) => this.edit(slot, axis, from, to),
        probe: (words) => this.ask(slot, slot.probe(words)),
        weighed: () => this.follow(slot.name),
        shelf: this.shelf,
      });
    } catch (error) {
      if (!current()) return;
      slot.root.textContent = error instanceof Error ? error.message : String(error);
      this.flag("failed");
    }
  }

  /**
   * Have what the active panel shows computed again with another word: the button is Python's, and asks for `edited`.
   * @param {Slot} slot
   * @param {string} axis
   * @param {string} from
   * @param {string} to
   */
  edit(slot, axis, from, to) {
    this.ask(slot, slot.edit(axis, from, to));
  }

  /**
   * @param {Slot} slot
   * @param {Shell["edited"]} edited null where nothing is shown
   */
  ask(slot, edited) {
    if (!edited) return;
    this.edited = edited;
    /** @type {HTMLElement | null} */
    const button = document.querySelector(`.edit-${slot.name}`);
    button?.click();
  }

  /**
   * A view is another one: the address follows, the first time at once.
   * @param {Slot} slot
   * @param {Remembered} state
   */
  changed(slot, state) {
    if (slot.name !== this.active) return;
    slot.state = state;
    clearTimeout(this.later);
    if (slot.said) this.later = setTimeout(() => this.write(), REST);
    else { slot.said = true; this.write(); this.flag("ready"); }
  }

  /** The parameters that open the page as it is. */
  link() {
    const slot = this.slot(), params = new URLSearchParams();
    params.set("tab", this.active || "");
    for (const [name, value] of Object.entries(slot?.value?.link || {})) params.set(name, value);
    if (slot?.viewer?.showing) {
      for (const [name, value] of links.encode(slot.viewer)) params.append(name, value);
      for (const [name, value] of links.weighed(slot.viewer)) params.set(name, value);
    }
    for (const [at, { link }] of (slot?.held || []).entries()) {
      const { tab, ...rest } = link;
      params.set(at ? `held${at + 1}` : "held", String(new URLSearchParams(rest)));
    }
    for (const [name, value] of this.asked) if (name.startsWith("__")) params.set(name, value);  // Gradio's own
    return params;
  }

  /** Whether an address leads to what is shown: a file may have said more than an address can. */
  leads() {
    const slot = this.slot();
    return [slot?.value, ...(slot?.held || [])].every((value) => Object.keys(value?.link || {}).length > 0);
  }

  /**
   * The recipe's weights are others: what is shown follows, if it has two opinions to weigh.
   * @param {string} name the tab's
   * @param {unknown} seen
   * @param {unknown} unseen
   */
  weigh(name, seen, unseen) {
    const viewer = this.slots.get(name)?.viewer, weights = [Number(seen), Number(unseen)];
    if (!viewer?.showing || !weighs(viewer.own) || String(weights) === String(weightsOf(viewer.own))) return;
    if (weights.every(Number.isFinite)) viewer.weigh([weights[0], weights[1]]);
  }

  /**
   * The viewer's weights are others: the recipe follows, by a button that asks `weights` and no server.
   * @param {string} name the tab's
   */
  follow(name) {
    clearTimeout(this.following);
    /** @type {HTMLElement | null} */
    const button = document.querySelector(`.weigh-${name}`);
    this.following = setTimeout(() => button?.click(), REST);
  }

  /**
   * The weights that a tab's result is shown with; null where there is nothing to weigh.
   * @param {string} name
   */
  weights(name) {
    const viewer = this.slots.get(name)?.viewer;
    return viewer?.showing && weighs(viewer.own) ? weightsOf(viewer.own) : null;
  }

  /** Keep the address current; another tab or result is a new step for the browser's Back. */
  write() {
    const slot = this.slot(), address = `${location.pathname}?${this.link()}`;
    const step = JSON.stringify([this.active, slot?.value?.link, slot?.held.map(({ link }) => link)]);
    page.offerLink(this.leads());
    if (this.step && this.step !== step) history.pushState(history.state, "", address);
    else history.replaceState(history.state, "", address);
    this.step = step;
  }

  /** What the open tab shows, for Python to write files of. */
  taken() {
    const slot = this.slot();
    if (!slot?.value) return null;
    const { name, value, held, earlier } = slot;
    return { tab: name, key: value.key, held: held.map(({ key }) => key), earlier, state: slot.view() };
  }

  /**
   * Keep a mask for all tabs, and let the board be of it; returns its id.
   * @param {Mask & { name: string }} mask
   */
  keep(mask) {
    this.sent += 1;
    const kept = { ...mask, id: `sent:${this.sent}` };
    this.masks = [...this.masks, kept].slice(-SHELF);
    this.board.keep(kept);
    return kept.id;
  }

  /**
   * Open a tab with a choice in its active panel.
   * @param {string} name
   * @param {Choice} choice
   */
  turnTo(name, choice) {
    const slot = this.slots.get(name);
    if (slot?.viewer) { slot.viewer.choose(choice); return; }
    slot?.turn(choice);
    page.openTab(name);
  }

  /** @param {"waiting" | "ready" | "failed"} text */
  flag(text) {
    document.documentElement.dataset[OWN] = text;
  }
}

addEventListener("popstate", () => location.reload());

export const shell = new Shell();

page.listen({
  skip: () => shell.slot()?.viewer?.active()?.canvas.focus(),
  address: () => `${location.origin}${location.pathname}?${shell.link()}`,
});
