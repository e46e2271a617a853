/* Filling: the ribbon of a run that is still under way, of the pictures that the status line brings with each step. */
// @ts-check
import { el } from "./controls.js";
import { moved } from "./matrix.js";

const GAP = 2;  // pixels between places
const LINE = 20;  // pixels of the line below them

/** @typedef {{
 *   step: number, steps: number, timestep: string, source: string,
 * }} Moment step: from 1, of `steps`; source: of the picture predicted at it
 */

export class Filling {
  /**
   * Watch the status line of the tab that a viewer is in. What it says is read from the page and not handed over: so
   * nothing of a run hangs on a viewer, which there is none of before the first result.
   * @param {HTMLElement} root the viewer's
   */
  constructor(root) {
    this.root = root;
    this.tab = root.closest(".tabitem") ?? root;
    this.steps = 0;
    this.message = "";  // of the status line
    /** @type {Map<number, Moment>} */
    this.moments = new Map();
    /** @type {number | null} */
    this.large = null;  // the step that lies over the stage
    this.places = el("div", { class: "dv-places", role: "group", "aria-label": "Steps of the run so far" });
    this.told = el("div", { class: "dv-caption" });
    this.node = el("section", { class: "dv-film dv-filling", "aria-label": "The run so far" }, this.places, this.told);
    this.figure = el("figure", { class: "dv-large" });
    this.bare = el("div", { class: "dv dv-bare" });  // where no result is shown yet
    this.fit = new ResizeObserver(() => this._arrange());
    this.fit.observe(this.node);
    this.places.addEventListener("keydown", (event) => this._key(event));
    this.ended = new AbortController();
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.large !== null) this.show(null);
    }, { signal: this.ended.signal });
    this.watch = new MutationObserver(() => this.look());
    this.watch.observe(this.tab, { subtree: true, childList: true, attributeFilter: ["data-step"] });
  }

  close() {
    this.ended.abort();
    this.watch.disconnect();
    this.fit.disconnect();
    this.end();
  }

  /** Take what the status line says now. */
  look() {
    /** @type {HTMLElement | null} */
    const status = this.tab.querySelector(".status-line .status.running");
    if (!status) { if (this.steps) this.end(); return; }
    const told = read(status.dataset, status.querySelector("img")?.src);
    if (told && this.moments.get(told.step)?.source !== told.source) {
      if (begins(this.moments, this.steps, told)) this._begin(told.steps);
      this._add(told);
    }
    this.message = status.querySelector("span")?.textContent ?? "";
    this._say();
    if (this.steps && !this.node.isConnected) this._mount();
  }

  /** The run has ended, or another one begins: what was there before comes back. */
  end() {
    this.steps = 0;
    this.moments.clear();
    this.large = null;
    for (const node of [this.node, this.figure, this.bare]) node.remove();
  }

  /** @param {number} steps */
  _begin(steps) {
    this.end();
    this.steps = steps;
    this.places.replaceChildren(...Array.from({ length: steps }, () => el("div", { class: "dv-place" })));
  }

  _mount() {
    const shown = this.root.querySelector(":scope > .dv:not(:empty)");
    if (!shown) this.root.append(this.bare);
    (shown ?? this.bare).append(this.node);
    this._arrange();
  }

  /** @param {Moment} moment */
  _add(moment) {
    const { step } = moment, first = !this.moments.size;
    this.moments.set(step, moment);
    const image = el("img", { src: moment.source, alt: "" });
    const button = el("button", { type: "button", class: "dv-place", "aria-label": named(moment) }, image);
    button.tabIndex = first ? 0 : -1;
    button.addEventListener("pointerenter", (event) => { if (event.pointerType !== "touch") this.show(step); });
    button.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") this.show(null); });
    // A finger that is lifted has left at once: by touch, a second tap takes the picture away.
    button.addEventListener("click", (event) => {
      const touched = event instanceof PointerEvent && event.pointerType === "touch";
      this.show(touched && this.large === step ? null : step);
    });
    button.addEventListener("blur", () => { if (!button.matches(":hover")) this.show(null); });
    this.places.children[step - 1]?.replaceWith(button);
  }

  /**
   * Lay the picture of a step over the stage; null takes it away.
   * @param {number | null} step
   */
  show(step) {
    this.large = step;
    const moment = step === null ? undefined : this.moments.get(step);
    if (moment) {
      const source = moment.source, text = named(moment);
      this.figure.replaceChildren(el("img", { src: source, alt: `Predicted at ${text}` }), el("figcaption", { text }));
      this.node.before(this.figure);
    } else this.figure.remove();
    for (const [at, place] of [...this.places.children].entries()) {
      if (place instanceof HTMLButtonElement) place.setAttribute("aria-pressed", String(at + 1 === step));
    }
    this._say();
  }

  /** The step that is pointed at, else what the status line says: on a telephone this lies over that one. */
  _say() {
    const moment = this.moments.get(this.large ?? 0), text = moment ? named(moment) : this.message;
    if (this.told.textContent !== text) this.told.textContent = text;  // a change would be looked at again
  }

  _arrange() {
    const { clientWidth: wide, clientHeight: high } = this.node;
    if (!wide || high <= LINE || !this.steps) return;
    const { across, side } = grid(this.steps, wide, high - LINE);
    this.places.style.setProperty("--dv-across", String(across));
    this.places.style.setProperty("--dv-side", `${side}px`);
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    const there = [...this.places.querySelectorAll("button")], at = there.findIndex((one) => one === event.target);
    const next = moved(event.key, at, there.length);
    if (next === null) return;
    event.preventDefault();
    event.stopPropagation();
    if (!there[next]) return;
    for (const one of there) one.tabIndex = one === there[next] ? 0 : -1;
    there[next].focus();
  }
}

/**
 * What a status line says of a step; null where it says nothing of one.
 * @param {DOMStringMap} told
 * @param {string | undefined} source
 * @returns {Moment | null}
 */
export function read({ step, steps, timestep = "" }, source) {
  if (!(Number(step) >= 1) || !(Number(steps) >= Number(step)) || !source) return null;
  return { step: Number(step), steps: Number(steps), timestep, source };
}

/**
 * Whether a step is of another run than those that are there.
 * @param {Map<number, unknown>} there
 * @param {number} steps of the run that is there
 * @param {Moment} told
 */
export function begins(there, steps, told) {
  return told.steps !== steps || there.has(told.step) || [...there.keys()].some((step) => step > told.step);
}

/**
 * How many of `count` squares stand side by side, and their side in pixels, so that they are largest.
 * @param {number} count
 * @param {number} wide
 * @param {number} high
 */
export function grid(count, wide, high) {
  let best = { across: count, side: 0 };
  for (let rows = 1; rows <= count; rows++) {
    const across = Math.ceil(count / rows);
    const side = Math.floor(Math.min((wide + GAP) / across, (high + GAP) / rows) - GAP);
    if (side > best.side) best = { across, side };
  }
  return best;
}

/** @param {Moment} moment */
const named = ({ step, steps, timestep }) => `step ${step} of ${steps}, t = ${timestep}`;
