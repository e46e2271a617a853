/* Shell: the viewers of the page's tabs, the address that says what they show, and what they hand to each other. */
import { Board } from "./board.js";
import { MOST_HELD } from "./compare.js";
import * as ui from "./controls.js";
import { Filling } from "./filling.js";
import * as links from "./links.js";
import { Viewer } from "./viewer.js";

const SHELF = 8;  // masks that are kept for the other tabs
const REST = 300;  // milliseconds without a change before the address is written
const HELPED = "inspector-helped";  // in the browser's store once the help was closed
const OWN = "inspector";  // of the document: "ready" when what was asked for is on the screen, "failed" when it cannot be

class Shell {
  constructor() {
    this.asked = new URLSearchParams(location.search);
    this.slots = new Map();
    this.active = null;  // until the server has read the address
    this.masks = [];
    this.sent = 0;
    this.board = new Board((tab, choice) => this.turnTo(tab, choice));
    this.shelf = { list: () => this.masks, send: (mask) => this.keep(mask), board: this.board };
    this.flag("waiting");
  }

  /**
   * A tab's component is on the page: `root` will hold its viewer, `value` is what Python said; server: {more, renew},
   * which ask for maps that were only announced, and for an atlas that was swept away.
   */
  mount(name, root, value, server) {
    const slot = this.slots.get(name) || { name, value: null, viewer: null, state: null, drawn: null, earlier: [], held: [] };
    slot.viewer?.close();
    slot.filling?.close();
    Object.assign(slot, { root, server, viewer: null, filling: new Filling(root) });
    this.slots.set(name, slot);
    this.take(name, value);
    if (slot.value) this.show(slot);
  }

  /**
   * A new result for a tab. value: {atlas, key, link, asked, how}, and held: others, likewise, that stand beside it
   * from the start; how is "link" for the one that the address asked for,
   * "fresh" to begin with value.state, "carry" to keep the choices that fit; {failed} says why there is none.
   */
  take(name, value) {
    const slot = this.slots.get(name);
    if (!slot || !value || value.nonce === slot.value?.nonce) return;
    if (value.failed) {
      slot.failed = true;
      slot.change = null;
      if (name === this.active) this.flag("failed");  // what was shown before stays
      return;
    }
    if (!value.atlas) return;
    slot.failed = false;
    slot.drawn = slot.viewer?.masks.drawn ?? slot.drawn;  // which stays where the new result is of the same picture
    if (slot.value && slot.value.key !== value.key) {
      slot.earlier = [slot.value.key, ...slot.earlier.filter((key) => key !== value.key)].slice(0, 4);
    }
    slot.state = value.how === "carry" ? this.carried(slot) : value.state;
    slot.fromLink = value.how === "link";
    slot.value = value;
    if (value.held) slot.held = value.held;
    if (this.active === null && value.how === "carry") this.start(name);  // the page's own start was lost
    this.show(slot);
  }

  /** What the present view hands to the next result: everything but choices that may mean something else there. */
  carried(slot) {
    const state = slot.viewer?.atlas ? slot.viewer.remember() : slot.state;
    if (!state) return null;
    const { panels, active, pin, ...rest } = state, own = panels?.filter((choice) => !choice.of);
    return { ...rest, carried: own?.length ? own : rest.carried };
  }

  /** The server has read the address: this tab is open. */
  start(name) {
    this.active = null;
    this.select(name);
  }

  /** A tab was opened: let go of the one that was left, show this one's result. */
  select(name, byHand = false) {
    if (byHand && this.active === null) return;  // the page is only being built
    if (this.active === name) return;
    const left = this.slots.get(this.active);
    if (left) this.leave(left);
    this.active = name;
    this.flag("waiting");
    const slot = this.slots.get(name);
    if (slot?.failed && !slot.value) this.flag("failed");
    if (slot) this.show(slot);
  }

  leave(slot) {
    slot.round = (slot.round || 0) + 1;
    if (!slot.viewer) return;
    if (slot.viewer.atlas) { slot.state = slot.viewer.remember(); slot.drawn = slot.viewer.masks.drawn; }
    slot.viewer.close();
    slot.viewer = null;
  }

  async show(slot) {
    if (slot.name !== this.active || !slot.value) return;
    const round = (slot.round = (slot.round || 0) + 1), current = () => round === slot.round && slot.name === this.active;
    this.flag("waiting");
    try {
      const [buffer, ...held] = await Promise.all([slot.value, ...slot.held].map((value, at) => this.fetch(slot, value, at > 0)));
      if (!current()) return;
      const there = slot.held.map((value, at) => ({ ...value, buffer: held[at] })).filter((one) => one.buffer), lost = slot.held.length - there.length;
      slot.held = slot.held.filter((_, at) => held[at]);
      const state = slot.fromLink ? (viewer) => links.decode(this.asked, viewer) : (viewer) => fitted(slot.state, viewer);
      slot.viewer ||= new Viewer(slot.root, {
        more: (at, key) => this.more(slot, at, key), change: (now) => this.changed(slot, now), shelf: this.shelf,
        hold: () => { slot.held = [...slot.held, slot.value]; },
        edit: (axis, from, to) => this.edit(slot, axis, from, to),
        letGo: (index) => { slot.held = slot.held.filter((_, at) => at !== index); },
      });
      slot.said = false;
      await slot.viewer.open(buffer, state, slot.drawn, { key: slot.value.key, asked: slot.value.asked, held: there });
      const { region } = this.board;
      if (region && Object.values(slot.viewer.own.pictures).some(({ digest }) => digest === region.digest)) slot.viewer.maskChanged(region.id);
      if (slot.change && slot.held.length) await slot.viewer.compare(slot.change);
      slot.change = null;
      if (lost) slot.viewer.say("A held result is no longer kept; compute it again to compare with it.");
      slot.fromLink = false;
    } catch (error) {
      if (!current()) return;
      slot.root.textContent = error.message;
      this.flag("failed");
    }
  }

  /** Hold what is shown and have it computed again with another word: the button is Python's, and asks for `edited`. */
  edit(slot, axis, from, to) {
    const { viewer } = slot;
    if (!viewer.held.includes(viewer.own)) {
      if (viewer.held.length >= MOST_HELD) viewer.letGo(0);
      viewer.hold();
    }
    slot.change = { axis, from, to };
    this.edited = { key: slot.value.key, word: from, text: to };
    document.querySelector(`.edit-${slot.name}`)?.click();
  }

  /** The bytes of a result's atlas, asked for again where it was swept away. besides: null where it is gone, else an Error. */
  async fetch(slot, value, besides) {
    let answer = await fetch(value.atlas.url);
    if (!answer.ok && await slot.server.renew(value.key)) answer = await fetch(value.atlas.url, { cache: "reload" });
    if (answer.ok) return answer.arrayBuffer();
    if (besides) return null;
    throw new Error("The maps could not be fetched; press Run to compute them again.");
  }

  async more(slot, at, key) {
    const text = await slot.server.more({ key, at });
    if (text === "busy") throw new Error("Too many ask for maps at once; try again in a moment.");
    if (typeof text !== "string" || !text) throw new Error("Those maps are no longer kept; press Run to compute them again.");
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
  }

  changed(slot, state) {
    if (slot.name !== this.active) return;
    slot.state = state;
    clearTimeout(this.later);
    if (slot.said) this.later = setTimeout(() => this.write(), REST);
    else { slot.said = true; this.write(); this.flag("ready"); }
  }

  /** The parameters that open the page as it is. */
  link() {
    const slot = this.slots.get(this.active), params = new URLSearchParams();
    params.set("tab", this.active || "");
    for (const [name, value] of Object.entries(slot?.value?.link || {})) params.set(name, value);
    if (slot?.viewer?.atlas) for (const [name, value] of links.encode(slot.viewer)) params.append(name, value);
    (slot?.held || []).forEach(({ link }, at) => {
      const { tab, ...rest } = link;
      params.set(at ? `held${at + 1}` : "held", String(new URLSearchParams(rest)));
    });
    for (const [name, value] of this.asked) if (name.startsWith("__")) params.set(name, value);  // Gradio's own
    return params;
  }

  /** Whether an address leads to what is shown: a file may have said more than an address can. */
  leads() {
    const slot = this.slots.get(this.active);
    return [slot?.value, ...(slot?.held || [])].every((value) => Object.keys(value?.link || {}).length > 0);
  }

  /** Keep the address current; another tab or result is a new step for the browser's Back. */
  write() {
    for (const button of document.querySelectorAll("[data-copy=link]")) button.disabled = !this.leads();
    const slot = this.slots.get(this.active), step = JSON.stringify([this.active, slot?.value?.link, slot?.held.map(({ link }) => link)]);
    const address = `${location.pathname}?${this.link()}`;
    if (this.step && this.step !== step) history.pushState(history.state, "", address);
    else history.replaceState(history.state, "", address);
    this.step = step;
  }

  /** What the open tab shows, for Python to write files of: {tab, key, held, earlier, state}. */
  taken() {
    const slot = this.slots.get(this.active);
    return slot?.value ? { tab: slot.name, key: slot.value.key, held: slot.held.map(({ key }) => key), earlier: slot.earlier, state: slot.viewer?.atlas ? slot.viewer.remember() : slot.state } : null;
  }

  /** Keep a mask for all tabs, and let the board be of it; returns its id. */
  keep(mask) {
    const kept = { ...mask, id: `sent:${(this.sent += 1)}` };
    this.masks = [...this.masks, kept].slice(-SHELF);
    this.board.keep(kept);
    return kept.id;
  }

  /** Open a tab with a choice in its active panel. */
  turnTo(name, choice) {
    const slot = this.slots.get(name), { viewer } = slot;
    if (viewer) { viewer.choose(choice); return; }
    const { panels = [], active = 0 } = slot.state || {};
    if (panels[active]) slot.state = { ...slot.state, panels: panels.with(active, { ...panels[active], ...choice }) };
    [...document.querySelectorAll("[role=tab]")].find((tab) => tab.textContent.trim().toLowerCase() === name)?.click();
  }

  flag(text) {
    document.documentElement.dataset[OWN] = text;
  }
}

/** A carried state for another result: the panels' choices where all of them exist there. */
function fitted(state, viewer) {
  if (!state?.carried) return state;
  const { carried, ...rest } = state;
  const fits = carried.every((choice) => viewer.atlas.axes.every(({ name, values }) => choice[name] === undefined || values.includes(choice[name])));
  return fits ? { ...rest, panels: carried } : rest;
}

/** Put a text on the clipboard; where the browser keeps it shut, by way of a selection. */
async function copy(text) {
  try { await navigator.clipboard.writeText(text); } catch {
    const area = ui.el("textarea", { "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

addEventListener("popstate", () => location.reload());

// ------------------------------------------------------------------------------------------- what opens and closes

/** Open or close a part of the page that stands behind a button: "help", "source". */
function opens(name, open) {
  document.documentElement.classList.toggle(`open-${name}`, open);
  for (const button of document.querySelectorAll(`[data-opens="${name}"][aria-expanded]`)) button.setAttribute("aria-expanded", String(open));
  if (name === "help" && !open) try { localStorage.setItem(HELPED, "yes"); } catch { /* the help comes again */ }
}

const isOpen = (name) => document.documentElement.classList.contains(`open-${name}`);

/** Close what is open but what was clicked in. */
function closeOthers(target) {
  if (isOpen("source") && !target.closest(".source-popped, [data-opens], .modal, dialog")) opens("source", false);
  for (const pill of document.querySelectorAll(".pill")) {
    const label = pill.querySelector("button.label-wrap");
    if (label?.classList.contains("open") && !pill.contains(target) && !target.closest(".options, [role=listbox]")) label.click();
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-opens]");
  if (button) opens(button.dataset.opens, !isOpen(button.dataset.opens));
  if (event.target.closest?.("[data-skip]")) {
    event.preventDefault();
    shell.slots.get(shell.active)?.viewer?.active()?.canvas.focus();
  }
  if (event.isTrusted) closeOthers(event.target);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const name of ["source", "help"]) if (isOpen(name)) opens(name, false);
  closeOthers(document.body);
});

/** The small picture says which one Run will use. */
function thumb() {
  const small = document.querySelector(".thumb img"), large = document.querySelector(".source img");
  if (small && small.src !== (large?.src || "")) { if (large) small.src = large.src; else small.removeAttribute("src"); }
}

new MutationObserver(thumb).observe(document.documentElement, { subtree: true, childList: true, attributes: true, attributeFilter: ["src"] });
let helped = "yes";
try { helped = localStorage.getItem(HELPED); } catch { /* as if it had been read */ }
if (!helped) opens("help", true);

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  const from = button.dataset.copy;
  await copy(from === "link" ? `${location.origin}${location.pathname}?${shell.link()}` : button.parentElement.querySelector("pre").textContent);
  const text = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = text; }, 1500);
});

export const shell = new Shell();
