/* Matrix: small pictures of the maps along two axes; a click shows one large, a mask scores them all. */
import { DIFFERENCE } from "./compare.js";
import { el } from "./controls.js";
import * as draw from "./draw.js";

const SIDE = 64;  // pixels of a small picture's longer side
const MOST = 24;  // columns; of a longer axis evenly spaced ones are shown

export class Matrix {
  constructor(viewer) {
    this.viewer = viewer;
    this.node = el("div", { class: "dv-matrix" });
    this.cells = [];
    this.up = false;  // drawn up into a table; else one row
  }

  /** Build the cells anew for the axes chosen. */
  build() {
    const { viewer } = this, { atlas, state } = viewer;
    const columns = atlas.axis(state.columns), rows = this.up ? atlas.axis(state.rows) : undefined;
    this.cells = [];
    this.node.replaceChildren();
    if (!columns) return;
    const across = spaced(columns), down = rows ? spaced(rows) : [null];
    const table = el("div", { class: "dv-grid", role: "grid", "aria-label": `Maps by ${state.columns}${rows ? ` and ${state.rows}` : ""}` });
    if (rows) table.append(el("div", { class: "dv-row dv-heads", role: "row" }, el("div", { class: "dv-rowhead", role: "columnheader", text: "" }), ...across.map((column) => el("div", { role: "columnheader", text: named(columns, column) }))));
    for (const [level, row] of down.entries()) {
      const line = el("div", { class: "dv-row", role: "row" });
      if (row !== null) line.append(el("div", { class: "dv-rowhead", role: "rowheader", text: rows.shown[rows.values.indexOf(row)] }));
      for (const column of across) line.append(this._cell(columns, column, rows, row, level));
      table.append(line);
    }
    this.node.append(table);
  }

  _cell(columns, column, rows, row, level) {
    const canvas = el("canvas", { "aria-hidden": "true" }), score = el("span", { class: "dv-score" });
    const text = named(columns, column);
    const change = { [columns.name]: column, ...(rows ? { [rows.name]: row } : {}) };
    const button = el("button", { type: "button", class: "dv-cell", onclick: () => this.viewer.choose(change) }, canvas, el("span", { class: "dv-name", text }), score);
    button.addEventListener("keydown", (event) => this._move(event, button));
    this.cells.push({ canvas, score, change, button, text, level });
    return el("div", { role: "gridcell" }, button);
  }

  _move(event, button) {
    const at = this.cells.findIndex((cell) => cell.button === button), { level } = this.cells[at];
    const line = this.cells.filter((cell) => cell.level === level).length, last = this.cells.length - 1, place = at - level * line;
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + line, ArrowUp: at - line, Home: at - place, End: at - place + line - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (next >= 0 && next <= last) this._rove(this.cells[next], true);
  }

  /** Let one cell alone be a stop of the Tab key. */
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
    const round = (this.round = (this.round || 0) + 1), agrees = (cell) => Object.entries(cell.change).every(([axis, value]) => own[axis] === value);
    const now = this.cells.find(agrees) || this.cells[0];
    if (now && !this.node.contains(document.activeElement)) this._rove(now);
    if (now && now !== this.seen) { this.seen = now; this._intoView(now.button); }
    for (const cell of this.cells) {
      const choice = { ...own, ...cell.change }, content = viewer.content(choice);
      const picture = await atlas.picture(content.picture);
      if (round !== this.round || atlas !== viewer.atlas) return;
      this._draw(cell, content, picture);
      cell.button.setAttribute("aria-pressed", String(agrees(cell)));
      const found = viewer.masks.score(content.map, choice, ["ap"]);
      cell.score.textContent = found ? `AP ${found.ap.toFixed(2)}` : "";
      cell.button.setAttribute("aria-label", `${viewer.describe(choice)}${found ? `, AP ${found.ap.toFixed(2)}` : ""}`);
      cell.button.classList.toggle("dv-away", !content.map && !content.labels && Boolean(content.block));
    }
  }

  /** Scroll along the row, and no further out, until a cell is seen. */
  _intoView(button) {
    const own = this.node.getBoundingClientRect(), cell = button.getBoundingClientRect();
    if (cell.left < own.left || cell.right > own.right) this.node.scrollLeft += cell.left - own.left - (own.width - cell.width) / 2;
  }

  _draw(cell, content, picture) {
    const { viewer } = this, { state } = viewer, { canvas } = cell;
    const scale = SIDE / Math.max(picture.width, picture.height);
    const width = Math.max(1, Math.round(picture.width * scale)), height = Math.max(1, Math.round(picture.height * scale));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d"), image = context.createImageData(width, height), out = new Uint32Array(image.data.buffer);
    const shown = content.map || content.labels;
    const base = draw.ground(viewer.pixels(content, picture, width, height), shown ? 1 - state.opacity : 1);
    if (content.map) {
      const [low, high] = viewer.span(content.map), name = content.map.block.signed ? "diverging" : state.colormap;
      draw.heat(base, draw.enlarge(content.map, height, width, state.smooth), viewer.colours(name), draw.ramp(content.map, low, high), out);
    } else if (content.labels) draw.paint(base, content.labels, state.opacity, height, width, out);
    else out.set(base);
    context.putImageData(image, 0, 0);
  }
}

/** What a column is called: of "3 of 20, t = 851" the last part. */
function named(axis, value) {
  const whole = axis.shown[axis.values.indexOf(value)];
  return axis.control === "slider" ? whole.split(", ").pop() : whole;
}

function spaced(axis) {
  const count = axis.values.length;
  if (count <= MOST) return axis.values;
  return Array.from({ length: MOST }, (_, index) => axis.values[Math.round((index * (count - 1)) / (MOST - 1))]);
}
