/* Inspector: the parts beside the panels, of which one is open; what the pointer does follows it. */
// @ts-check
/** @import { Kept, Side, Viewer } from "./types" */
import { askPart } from "./ask.js";
import { el, unique } from "./controls.js";
import { drawingPart } from "./drawing.js";
import { helpPart } from "./help.js";
import { lookPart } from "./look.js";
import { numbersPart } from "./numbers.js";
import { pixelPart } from "./pixel.js";
import { proposalsPart } from "./proposals.js";
import { thresholdPart } from "./threshold.js";
import { compares, verdictPart } from "./verdict.js";

/** @type {Side[]} */
const SIDES = ["Pixel", "Threshold", "Mask", "Look", "Numbers"];
/** @type {Side} */
const VERDICT = "Verdict";  // there where arms are compared
/** @type {Side} */
const PROPOSALS = "Proposals";  // there where a head proposed masks
/** @type {Side} */
const ASK = "Ask";  // there where a recorded run answers further questions
/** @type {Side[]} */
const FINDING = ["Mask", "Numbers"];  // where the best of all maps is told

export class Inspector {
  /**
   * @param {Viewer} viewer
   * @param {Kept} kept which part is open, from one result to the next
   */
  constructor(viewer, kept) {
    this.viewer = viewer;
    this.kept = kept;
    this.pixel = pixelPart(viewer);
    this.threshold = thresholdPart(viewer);
    this.drawing = drawingPart(viewer, kept);
    this.look = lookPart(viewer);
    this.numbers = numbersPart(viewer);
    this.verdict = verdictPart(viewer);
    this.proposals = proposalsPart(viewer);
    this.ask = askPart(viewer, kept);
    const { own } = viewer, questions = own.facts.questions ? [ASK] : [];
    const more = [...(compares(viewer) ? [VERDICT] : []), ...(own.proposals ? [PROPOSALS] : [])];
    this.names = [...SIDES.slice(0, 1), ...questions, ...SIDES.slice(1), ...more];
    const list = el("div", { class: "dv-tabs", role: "tablist", "aria-label": "Inspector" });
    this.node = el("div", { class: "dv-side" }, list);
    this.sides = this.names.map((name) => this._side(name));
    list.append(...this.sides.map(({ button }) => button));
    this.node.append(...this.sides.map(({ body }) => body));
    list.addEventListener("keydown", (event) => this._key(event));
    this._show(this.names.includes(kept.side) ? kept.side : SIDES[0]);
  }

  /** @param {Side} name */
  _side(name) {
    const { board } = this.viewer.options.shelf || {}, { node: numbers } = this.numbers;
    const parts = {
      Pixel: [this.pixel.node], Threshold: [this.threshold.node], Mask: [this.drawing.node],
      Look: [this.look.node, helpPart(this.viewer)], Numbers: [numbers, board?.node], Verdict: [this.verdict.node],
      Proposals: [this.proposals.node], Ask: [this.ask.node],
    }[name];
    const id = unique(), about = { class: "dv-body", role: "tabpanel", id, "aria-label": name, tabindex: 0 };
    const open = () => this.open(name, true);
    const button = el("button", {
      type: "button", role: "tab", class: "dv-tab", text: name, "aria-controls": id, onclick: open,
    });
    return { name, button, body: el("div", about, ...parts) };
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key], { names } = this, at = names.indexOf(this.kept.side);
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    const next = (at + move + names.length) % names.length;
    this.open(names[next]);
    this.sides[next].button.focus();
  }

  /**
   * Open a part; byHand: on a telephone, where it is a sheet, again to close it.
   * @param {Side} name
   */
  open(name, byHand = false) {
    const { viewer, kept } = this, { classList } = this.node;
    const again = kept.side === name && classList.contains("dv-open");
    classList.toggle("dv-open", byHand && !again);
    this._show(name);
    if (FINDING.includes(name)) viewer.finder.update();
    if (name === VERDICT) this.verdict.update();
    if (name === PROPOSALS) this.proposals.update();
    viewer.layout.sync();
    viewer.layout.read();
  }

  /** @param {Side} name */
  _show(name) {
    const { viewer, kept } = this;
    kept.side = name;
    for (const { name: other, button, body } of this.sides) {
      button.setAttribute("aria-selected", String(other === name));
      button.tabIndex = other === name ? 0 : -1;
      body.hidden = other !== name;
      if (other === name && FINDING.includes(name)) body.append(viewer.finder.node);
    }
    /** @type {Partial<Record<Side, Kept["tool"]>>} */
    const tools = { Threshold: "cut", Mask: kept.tool, Ask: kept.asking };
    viewer.state.tool = tools[name] ?? "look";
  }

  /** Let every control say what the state is. */
  sync() {
    for (const part of [this.ask, this.threshold, this.drawing, this.look, this.proposals]) part.sync();
  }

  /** Histogram, area, scores against the mask, and the maps that find it best where that is told. */
  scores() {
    this.threshold.update();
    this.numbers.update();
    if (this.kept.side === VERDICT) this.verdict.update();
    if (this.kept.side === PROPOSALS) this.proposals.update();
    const { finder, options } = this.viewer;
    if (FINDING.includes(this.kept.side) || options.shelf?.board.region) finder.update();
  }
}
