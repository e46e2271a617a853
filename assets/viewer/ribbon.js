/* Ribbon: the pictures predicted at the steps, arm below arm, and above them what the word's maps are worth there. */
// @ts-check
/** @import { Choice, Viewer } from "./types" */
/** @import { Atlas } from "./atlas.js" */
/** @import { Strip } from "./strip.js" */
import { telling } from "./contents.js";
import { context2d, el, number } from "./controls.js";
import * as ui from "./controls.js";
import { DRAWN } from "./masks.js";
import { moved } from "./matrix.js";
import * as moments from "./moments.js";
import { LINES, svg } from "./readout.js";
import { ends, mean, middle, path, points, stepAt, stripsOf } from "./strip.js";

const WIDEST = 96;  // pixels that a step takes at most

export class Ribbon {
  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.choice = ui.chips({
      label: "Film of", options: [["maps", "Maps"], ["pictures", "Pictures"]], value: "maps",
      change: (value) => viewer.set("ribbon", value === "pictures"),
    });
    this.choice.node.classList.add("dv-mode");
    this.told = el("div", { class: "dv-caption dv-told" });
    this.high = el("span");
    this.low = el("span");
    this.lines = svg("svg", { class: "dv-lines", "aria-hidden": "true" });
    this.track = el("div", { class: "dv-track", role: "slider", tabindex: 0, "aria-label": "Step" });
    this.node = el("div", { class: "dv-ribbon", hidden: true }, this.told, this.track);
    /** @type {Strip[]} */
    this.strips = [];
    /** @type {Atlas | null} */
    this.of = null;  // whose pictures the strips are
    this.slot = WIDEST;  // pixels of a step
    this.key = "";  // of the values that are drawn
    this.measure = "";
    this._listen();
    new ResizeObserver(() => this._place()).observe(this.node);
  }

  /** Whether the film's row can be this: there are pictures of the steps, and its columns are the steps. */
  possible() {
    const { atlas, state, matrix } = this.viewer, { facts } = atlas;
    return Boolean(facts.previews && facts.timesteps) && state.columns === facts.curve && !matrix.up;
  }

  shown() {
    return this.viewer.state.ribbon && this.possible();
  }

  /** Show maps or pictures, and which step is chosen. */
  sync() {
    const on = this.shown();
    this.choice.node.hidden = !this.possible();
    this.choice.value = on ? "pictures" : "maps";
    this.node.hidden = !on;
    this.viewer.matrix.node.hidden = on;
    if (on) this._mark();
  }

  /** Draw for the active panel's result, word and layer; fetch the maps that are missing for it. */
  async update() {
    const { viewer } = this, { atlas } = viewer, round = (this.round = (this.round || 0) + 1);
    const stale = () => round !== this.round || !viewer.showing || atlas !== viewer.atlas;
    if (this.of !== atlas) {
      const strips = await stripsOf(atlas);
      if (stale()) return;
      this._build(atlas, strips);
    }
    this._measure();
    const missing = this.strips.flatMap((strip) => viewer.content(this._choice(strip, 0)).missing);
    if (!missing.length) return;
    await viewer.fetch(missing);
    if (!stale()) this._measure();
  }

  /**
   * @param {Atlas} atlas
   * @param {Strip[]} strips
   */
  _build(atlas, strips) {
    this.of = atlas;
    this.strips = strips;
    this.key = "";
    const names = strips.map(({ arm }, index) => {
      const dot = el("i");
      dot.style.background = LINES[index];
      return el("div", { class: "dv-arm", title: arm }, dot, el("span", { text: arm }));
    });
    const rows = strips.flatMap(({ row }, index) => [names[index], row]);
    this.track.replaceChildren(el("div", { class: "dv-ends" }, this.high, this.low), this.lines, ...rows);
    this.track.style.setProperty("--dv-arms", String(strips.length));
    this._place();
  }

  /** How many steps there are, and which is chosen, from 0. */
  _steps() {
    const { viewer } = this, axis = viewer.atlas.axis(viewer.atlas.facts.curve);
    const values = axis?.values ?? [], name = axis?.name ?? "";
    return { name, values, shown: axis?.shown ?? [], at: axis ? moments.onAxis(viewer.atlas, viewer.matrix.own()) : 0 };
  }

  /**
   * The active choice at a picture of an arm.
   * @param {Strip} strip
   * @param {number} index
   */
  _choice(strip, index) {
    const { name, values } = this._steps(), by = this.viewer.atlas.facts.ticksBy ?? "";
    return { ...this.viewer.matrix.own(), [by]: strip.arm, [name]: values[index] };
  }

  /** Find the lines' values anew where something but the step has changed. */
  _measure() {
    const { viewer } = this, { state, masks } = viewer, { name } = this._steps();
    const there = this.strips.map((strip) => viewer.content(this._choice(strip, 0)).missing.length);
    const key = JSON.stringify([{ ...viewer.matrix.own(), [name]: "" }, state.mask, masks.version, there]);
    if (key !== this.key) {
      this.key = key;
      const found = this.strips.map((strip) => strip.places.map((_, index) => {
        const choice = this._choice(strip, index), { map } = viewer.content(choice);
        return { ap: masks.score(map, choice, ["ap"])?.ap ?? NaN, mean: map ? mean(map) : NaN };
      }));
      const scored = found.flat().some(({ ap }) => Number.isFinite(ap));
      this.strips.forEach((strip, at) => { strip.values = found[at].map(({ ap, mean: own }) => (scored ? ap : own)); });
      this.measure = scored ? `AP against ${this._mask()}` : "mean of the map";
      this._draw();
    }
    this._mark();
  }

  /** What the chosen mask is called. */
  _mask() {
    const { state, masks } = this.viewer;
    if (state.mask === "match") return "its true mask";
    return state.mask === DRAWN ? "the drawn mask" : masks.title(state.mask);
  }

  /** Give every picture its place and its size, sharp on any screen. */
  _place() {
    const { clientWidth: wide = 0, clientHeight: high = 0 } = this.strips[0]?.row ?? {};
    if (!wide || !high || this.of !== this.viewer.atlas) return;
    this.slot = Math.min(wide / this._steps().values.length, WIDEST);
    for (const { places, pictures, cells } of this.strips) {
      const across = (high * pictures[0].width) / pictures[0].height;
      const every = Math.max(1, Math.ceil((across + 1) / this.slot));
      for (const [index, cell] of cells.entries()) {
        cell.width = Math.round(across * devicePixelRatio);
        cell.height = Math.round(high * devicePixelRatio);
        const context = context2d(cell), left = middle(places[index], this.slot) - across / 2;
        context.imageSmoothingQuality = "high";
        context.drawImage(pictures[index], 0, 0, cell.width, cell.height);
        cell.style.left = `${Math.min(Math.max(left, 0), wide - across)}px`;
        cell.style.width = `${across}px`;
        cell.classList.toggle("dv-between", index % every > 0);
      }
    }
    this._draw();
    this._mark();
  }

  /** Draw the lines, and the numbers at their ends. */
  _draw() {
    const high = this.lines.clientHeight, range = ends(this.strips.flatMap(({ values }) => values));
    this.lines.replaceChildren(svg("line", { class: "dv-at", y1: 0, y2: high }));
    this.low.textContent = range ? number(range[0]) : "";
    this.high.textContent = range ? number(range[1]) : "";
    if (!range) return;
    for (const [index, { values, places }] of this.strips.entries()) {
      const dots = points(values, places, range, this.slot, high), stroke = LINES[index];
      this.lines.append(svg("path", { d: path(dots), fill: "none", stroke, "stroke-width": 2 }));
      for (const [at, dot] of dots.entries()) {
        if (!dot) continue;
        const shown = svg("circle", { cx: dot[0], cy: dot[1], r: dots.length > 1 ? 2.5 : 3.5, fill: stroke });
        shown.dataset.at = String(places[at]);
        if (dots.length > 1) shown.classList.add("dv-dot");
        this.lines.append(shown);
      }
    }
  }

  /** Say and show which step is chosen. */
  _mark() {
    if (this.of !== this.viewer.atlas) return;
    const { values, shown, at } = this._steps(), x = String(middle(at, this.slot));
    for (const side of ["x1", "x2"]) this.lines.querySelector(".dv-at")?.setAttribute(side, x);
    for (const dot of this.lines.querySelectorAll("circle")) {
      dot.classList.toggle("dv-now", dot.dataset.at === String(at));
    }
    for (const { places, cells } of this.strips) {
      for (const [index, cell] of cells.entries()) cell.classList.toggle("dv-now", places[index] === at);
    }
    const told = this._told(at, shown[at]);
    this.told.replaceChildren(...told.map((text) => el("span", { text, title: text })));
    const aria = { valuemin: 1, valuemax: values.length, valuenow: at + 1, valuetext: told.join(", ") };
    for (const [name, value] of Object.entries(aria)) this.track.setAttribute(`aria-${name}`, String(value));
  }

  /**
   * What the lines are of, and what they are worth at a step.
   * @param {number} at
   * @param {string} shown
   */
  _told(at, shown) {
    const own = this.viewer.matrix.own(), { atlas } = this.viewer, { curve, ticksBy } = atlas.facts;
    const others = telling(atlas, own).filter(({ name }) => ![curve, ticksBy].includes(name));
    const [word, ...rest] = others.map((axis) => axis.shown[axis.values.indexOf(own[axis.name])]);
    const read = this.strips.map((strip) => {
      const found = strip.values[strip.places.indexOf(at)];
      return found === undefined ? "" : `${strip.arm} ${number(found)}`;
    }).filter(Boolean).join(", ");
    return [`${word}: ${this.measure}`, rest.join(" · "), `step ${shown}`, read].filter(Boolean);
  }

  _listen() {
    /** @type {(event: PointerEvent) => void} */
    const scrub = (event) => {
      const box = this.strips[0].row.getBoundingClientRect();
      this._choose(stepAt(event.clientX - box.left, this.slot, this._steps().values.length));
    };
    this.track.addEventListener("pointerdown", (event) => {
      if (event.button || !this.strips.length) return;
      this.track.setPointerCapture(event.pointerId);
      scrub(event);
    });
    this.track.addEventListener("pointermove", (event) => {
      if (this.track.hasPointerCapture(event.pointerId)) scrub(event);
    });
    this.track.addEventListener("keydown", (event) => {
      const { at, values } = this._steps(), next = moved(event.key, at, values.length);
      if (next === null) return;
      event.preventDefault();
      event.stopPropagation();
      this._choose(next);
    });
  }

  /** @param {number} index of a step, which may not exist */
  _choose(index) {
    const { name, values, at } = this._steps();
    if (index === at || values[index] === undefined) return;
    this.viewer.choose({ [name]: values[moments.fromAxis(this.viewer.atlas, this.viewer.matrix.own(), index)] });
  }
}
