/* Matrix: small pictures of the maps along two axes; a click shows one large, a mask scores them all. */
// @ts-check
/** @import { Axis, Choice, Content, Viewer } from "./types" */
import { DIFFERENCE } from "./compare.js";
import { context2d, el } from "./controls.js";
import * as contents from "./contents.js";
import * as draw from "./draw.js";
import * as moments from "./moments.js";
import { fitted } from "./regions.js";

const SIDE = 64;  // pixels of a small picture's longer side
const MOST = 24;  // columns; of a longer axis evenly spaced ones are shown
const MOST_ROWS = 48;  // likewise

/** @typedef {{
 *   canvas: HTMLCanvasElement, score: HTMLElement, button: HTMLButtonElement, text: string,
 *   change: Choice, level: number,
 * }} Cell change: what it chooses; level: which row of the table it is in */

export class Matrix {
  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.node = el("div", { class: "dv-matrix" });
    /** @type {Cell[]} */
    this.cells = [];
    /** @type {Cell | null} */
    this.seen = null;  // the cell that was last scrolled to
    this.up = false;  // drawn up into a table; else one row
    this.key = "";  // of the columns and rows that were built
  }

  /**
   * What columns and rows there are: of steps those of the active panel's arm, and where rows are arms, those that have
   * the same t.
   */
  _plan() {
    const { viewer } = this, { atlas, state } = viewer, { curve, ticksBy = "" } = atlas.facts;
    const columns = atlas.axis(state.columns), rows = this.up ? atlas.axis(state.rows) : undefined;
    const own = this.own(), arms = rows?.name === ticksBy && columns?.name === curve && moments.company(atlas, own);
    const choice = arms ? { ...own, [ticksBy]: arms[0] } : own;
    const across = columns ? spaced(moments.valuesOf(atlas, columns, choice)) : [];
    const names = across.map((value) => (columns ? named(viewer, columns, { ...choice, [columns.name]: value }) : ""));
    /** @type {(string | null)[]} */
    const down = arms || (rows ? spaced(moments.valuesOf(atlas, rows, own), MOST_ROWS) : [null]);
    return { columns, rows, across, down, names };
  }

  /** Build the cells anew where the active panel's have other columns or rows. */
  follow() {
    const { across, down, names } = this._plan();
    if (this.key !== JSON.stringify([across, down, names])) this.build();
  }

  /** Build the cells anew for the axes chosen. */
  build() {
    const { state } = this.viewer, { columns, rows, across, down, names } = this._plan();
    this.key = JSON.stringify([across, down, names]);
    this.cells = [];
    this.node.replaceChildren();
    if (!columns) return;
    const label = `Maps by ${state.columns}${rows ? ` and ${state.rows}` : ""}`;
    const table = el("div", { class: "dv-grid", role: "grid", "aria-label": label });
    if (rows) {
      table.append(el("div", { class: "dv-row dv-heads", role: "row" },
        el("div", { class: "dv-rowhead", role: "columnheader", text: "" }),
        ...names.map((text) => el("div", { role: "columnheader", text }))));
    }
    for (const [level, row] of down.entries()) {
      const line = el("div", { class: "dv-row", role: "row" });
      if (rows && row !== null) {
        line.append(el("div", { class: "dv-rowhead", role: "rowheader", text: rows.shown[rows.values.indexOf(row)] }));
      }
      for (const [at, column] of across.entries()) {
        line.append(this._cell(columns, column, names[at], rows, row, level));
      }
      table.append(line);
    }
    this.node.append(table);
  }

  /**
   * @param {Axis} columns
   * @param {string} column
   * @param {string} text what the column is called
   * @param {Axis | undefined} rows
   * @param {string | null} row null where there is one row for no axis
   * @param {number} level
   */
  _cell(columns, column, text, rows, row, level) {
    const canvas = el("canvas", { "aria-hidden": "true" }), score = el("span", { class: "dv-score" });
    const change = { [columns.name]: column, ...(rows && row !== null ? { [rows.name]: row } : {}) };
    const button = el("button", { type: "button", class: "dv-cell", onclick: () => this.viewer.choose(change) },
      canvas, el("span", { class: "dv-name", text }), score);
    button.addEventListener("keydown", (event) => this._move(event, button));
    this.cells.push({ canvas, score, change, button, text, level });
    return el("div", { role: "gridcell" }, button);
  }

  /**
   * @param {KeyboardEvent} event
   * @param {HTMLButtonElement} button
   */
  _move(event, button) {
    const at = this.cells.findIndex((cell) => cell.button === button), { level } = this.cells[at];
    const line = this.cells.filter((cell) => cell.level === level).length, last = this.cells.length - 1;
    const next = moved(event.key, at, line);
    if (next === null) return;
    event.preventDefault();
    event.stopPropagation();
    if (next >= 0 && next <= last) this._rove(this.cells[next], true);
  }

  /**
   * Let one cell alone be a stop of the Tab key.
   * @param {Cell} cell
   */
  _rove(cell, focus = false) {
    for (const other of this.cells) other.button.tabIndex = other === cell ? 0 : -1;
    if (focus) cell.button.focus();
  }

  /** The choice whose other maps the cells are; of a difference the first panel's. */
  own() {
    const { choice } = this.viewer.active();
    return choice.of === DIFFERENCE ? this.viewer.pair()[0].choice : choice;
  }

  /** The choices that the cells stand for. */
  choices() {
    const own = this.own();
    return this.cells.map((cell) => ({ ...own, ...cell.change }));
  }

  /** Redraw every cell for the active panel's other choices; score it where there is a mask. */
  async update() {
    const { viewer } = this, { atlas } = viewer, own = this.own();
    if (viewer.ribbon.shown()) { await viewer.ribbon.update(); return; }
    const round = (this.round = (this.round || 0) + 1);
    if (this.up && viewer.state.rows === atlas.facts.ticksBy) await this._fetch();
    if (round !== this.round || !viewer.showing || atlas !== viewer.atlas) return;
    /** @type {(name: string) => string} */
    const stood = (name) => {
      const axis = atlas.axis(name), values = axis ? moments.valuesOf(atlas, axis, own) : [];
      return axis ? values[moments.placeIn(values, own[name], axis.values)] : "";
    };
    /** @type {(cell: Cell) => boolean} */
    const agrees = (cell) => Object.entries(cell.change).every(([axis, value]) => stood(axis) === value);
    const now = this.cells.find(agrees) || this.cells[0];
    if (now && !this.node.contains(document.activeElement)) this._rove(now);
    if (now && now !== this.seen) { this.seen = now; this._intoView(now.button); }
    for (const cell of this.cells) {
      const choice = { ...own, ...cell.change }, content = viewer.content(choice);
      const picture = await atlas.picture(content.picture);
      if (round !== this.round || !viewer.showing || atlas !== viewer.atlas) return;
      this._draw(cell, content, picture);
      cell.button.setAttribute("aria-pressed", String(agrees(cell)));
      const found = viewer.masks.score(content.map, choice, ["ap"]);
      cell.score.textContent = found ? `AP ${found.ap.toFixed(2)}` : "";
      const label = [viewer.describe(choice), cell.score.textContent].filter(Boolean).join(", ");
      cell.button.setAttribute("aria-label", label);
      const recorded = Boolean(content.block || atlas.facts.questions);  // else it is a picture alone
      cell.button.classList.toggle("dv-away", !content.map && !content.labels && recorded);
    }
  }

  /** Fetch the maps of all arms, which are one layer's. */
  async _fetch() {
    const { viewer } = this, missing = this.choices().flatMap((choice) => viewer.content(choice).missing);
    await viewer.fetch(missing);
  }

  /**
   * Scroll along the row, and no further out, until a cell is seen.
   * @param {HTMLElement} button
   */
  _intoView(button) {
    const own = this.node.getBoundingClientRect(), cell = button.getBoundingClientRect();
    const hidden = cell.left < own.left || cell.right > own.right;
    if (hidden) this.node.scrollLeft += cell.left - own.left - (own.width - cell.width) / 2;
  }

  /**
   * @param {Cell} cell
   * @param {Content} content
   * @param {ImageBitmap} picture
   */
  _draw(cell, content, picture) {
    const { viewer } = this, { state, atlas } = viewer, { canvas } = cell;
    const { width, height } = fitted(picture, SIDE);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = context2d(canvas), image = context.createImageData(width, height);
    const out = new Uint32Array(image.data.buffer), shown = content.map || content.labels;
    const base = draw.ground(viewer.pixels(content, picture, width, height), shown ? 1 - state.opacity : 1);
    if (content.map) {
      const [low, high] = viewer.span(content.map), name = content.map.block.signed ? "diverging" : state.colormap;
      const values = draw.enlarge(content.map, height, width, state.smooth);
      const ramp = draw.ramp(content.map, low, high);
      const how = { opacity: state.opacity, signed: content.map.block.signed };
      const pixels = viewer.pixels(content, picture, width, height);
      if (state.fade) draw.faded(pixels, values, atlas.colormaps[name], ramp, out, how);
      else draw.heat(base, values, viewer.colours(name), ramp, out);
    } else if (content.labels) draw.paint(base, content.labels, state.opacity, height, width, out);
    else out.set(base);
    context.putImageData(image, 0, 0);
  }
}

/**
 * Which cell a key leads to from the one at `at`, in rows of `line` cells; null for other keys.
 * @param {string} key
 * @param {number} at
 * @param {number} line
 */
export function moved(key, at, line) {
  const start = at - (at % line);
  switch (key) {
    case "ArrowRight": return at + 1;
    case "ArrowLeft": return at - 1;
    case "ArrowDown": return at + line;
    case "ArrowUp": return at - line;
    case "Home": return start;
    case "End": return start + line - 1;
    default: return null;
  }
}

/**
 * What a column is called, where there is little room: of "3 of 20, t = 851" the last part.
 * @param {Viewer} viewer
 * @param {Axis} axis
 * @param {Choice} choice
 */
function named(viewer, axis, choice) {
  const whole = contents.shown(viewer, axis, choice);
  const brief = viewer.atlas.facts.brief?.[axis.name]?.[axis.values.indexOf(choice[axis.name])];
  return brief ?? (axis.control === "slider" ? whole.split(", ").at(-1) ?? whole : whole);
}

/**
 * The values of an axis, or evenly spaced ones of many, the first and the last among them.
 * @param {string[]} values
 */
export function spaced(values, most = MOST) {
  const count = values.length;
  if (count <= most) return values;
  return Array.from({ length: most }, (_, index) => values[Math.round((index * (count - 1)) / (most - 1))]);
}
