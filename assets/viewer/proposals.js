/*
 * Proposals: the inspector's part with every mask that a head or a segmenter proposed, what it, CLIP and both call it,
 * and the weights of CLIP's opinion, which act here and now.
 */
// @ts-check
/** @import { Viewer } from "./types" */
/** @import { Found } from "./ensemble.js" */
import { context2d, el, button, moved, slider } from "./controls.js";
import * as draw from "./draw.js";
import * as ensemble from "./ensemble.js";
import { HELP } from "./help.js";
import { weighs, weightsOf } from "./weighing.js";

const SIDE = 72;  // pixels of a small picture
const ROOM = 0.25;  // of a mask's longer side, left around it
const PALE = 0.72;  // share of white outside of the mask

/** @typedef {{ node: HTMLButtonElement, canvas: HTMLCanvasElement, told: HTMLElement }} Card of a proposal */

/**
 * `sync` follows the state, `update` draws the pictures, once the part is seen.
 * @param {Viewer} viewer whose new result has proposals
 */
export function proposalsPart(viewer) {
  const { own } = viewer, { count = 0 } = own.proposals || {};
  const group = el("div", { class: "dv-proposals", role: "radiogroup", "aria-label": "Proposed masks" });
  const cards = Array.from({ length: count }, (_, index) => card(viewer, index));
  const caption = el("div", { class: "dv-caption" }), scales = weighs(own) ? sliders(viewer) : null;
  const head = el("div", { class: "dv-weighing" }, caption, scales?.back);
  const node = el("div", { class: "dv-weighed" }, scales?.node, head, group);
  let said = "", drawn = false;
  group.addEventListener("keydown", (event) => {
    const nodes = [...group.querySelectorAll("button")], at = nodes.findIndex((one) => one === event.target);
    const next = at < 0 ? null : moved(event.key, at, nodes.length);
    if (next === null) return;
    event.preventDefault();
    event.stopPropagation();
    nodes[next].click();
    nodes[next].focus();
  });
  const mark = () => {
    const chosen = shownOf(viewer), first = group.querySelector("button");
    for (const [index, one] of cards.entries()) {
      one.node.setAttribute("aria-checked", String(index === chosen));
      one.node.tabIndex = index === chosen || (chosen < 0 && one.node === first) ? 0 : -1;
    }
  };
  return {
    node,
    sync() {
      if (node.closest("[hidden]") || !own.proposals) return;
      const now = weightsOf(own).join();
      if (said !== now) {
        const order = tell(viewer, cards), held = document.activeElement;
        group.replaceChildren(...order.map((index) => cards[index].node));
        if (held instanceof HTMLElement && group.contains(held)) held.focus();
        caption.textContent = told(viewer);
        said = now;
      }
      scales?.sync();
      mark();
    },
    async update() {
      if (drawn || node.closest("[hidden]")) return;
      drawn = true;
      const picture = await own.picture(Object.keys(own.pictures)[0]);
      for (const [index, { canvas }] of cards.entries()) if (own.proposals) paint(viewer, canvas, picture, index);
    },
  };
}

/** @param {Viewer} viewer */
function sliders(viewer) {
  const { own } = viewer;
  let waiting = 0;
  /** @type {(at: 0 | 1) => ReturnType<typeof slider>} */
  const one = (at) => slider({
    label: ["CLIP's weight, seen", "CLIP's weight, unseen"][at], title: HELP["CLIP's weight"],
    min: 0, max: 1, step: 0.05, value: weightsOf(own)[at], shown: (value) => value.toFixed(2),
    change: (value) => {
      clearTimeout(waiting);
      const [seen, unseen] = weightsOf(own);
      waiting = setTimeout(() => viewer.weigh(at ? [seen, value] : [value, unseen]));  // the last of a swarm of events
    },
  });
  const both = [one(0), one(1)];
  const back = button({ text: "As run", title: "The weights that this was run with", click: () => viewer.weigh(null) });
  for (const { node } of both) node.classList.add("dv-wide");
  return {
    node: el("div", {}, ...both.map(({ node }) => node)),
    back,
    sync() {
      for (const [at, scale] of both.entries()) scale.value = weightsOf(own)[at];
      back.disabled = !viewer.state.weights;
    },
  };
}

/**
 * @param {Viewer} viewer
 * @param {number} index
 * @returns {Card}
 */
function card(viewer, index) {
  const canvas = el("canvas", { width: SIDE, height: SIDE, "aria-hidden": "true" }), said = el("span");
  const pick = () => {
    const own = viewer.panels.findIndex(({ choice }) => !choice.of);
    if (viewer.active().choice.of && own >= 0) viewer.at = own;
    viewer.choose({ view: "proposal", proposal: String(index + 1) });
  };
  const about = { type: "button", role: "radio", class: "dv-proposal", onclick: pick };
  return { node: el("button", about, canvas, said), canvas, told: said };
}

/**
 * Which proposal the active panel shows, from 0; -1 where it shows none of the new result.
 * @param {Viewer} viewer
 */
function shownOf(viewer) {
  const { choice } = viewer.active();
  return choice.view === "proposal" && !choice.of ? Number(choice.proposal) - 1 : -1;
}

/**
 * Let every card say what its mask is called; returns their order, the surest first.
 * @param {Viewer} viewer
 * @param {Card[]} cards
 */
function tell({ own }, cards) {
  const { proposals: made } = own, names = own.axis("class")?.values ?? [];
  if (!made) return [];
  const { shares = false, called = "CLIP" } = own.facts.ensemble || {};
  const together = ensemble.best(made, ensemble.named(made, weightsOf(own), shares), names.length);
  const head = ensemble.best(made, made.head, names.length);
  const clip = made.clip ? ensemble.best(made, made.clip, names.length) : head;
  /** @type {(found: Found) => string} */
  const said = ({ index, score }) => `${names[index]} ${score.toFixed(2)}`;
  for (const [at, { node, told: place }] of cards.entries()) {
    const { index, score } = together[at], unseen = made.seen[index] ? "" : "unseen";
    place.replaceChildren(
      el("b", {}, el("span", { text: names[index] }), el("span", { text: score.toFixed(2) })),
      ...(made.clip ? [line("head", said(head[at]))] : []),
      line(called, said(clip[at])),
      line("nothing", made.null[at].toFixed(2), unseen),
    );
    const by = made.clip ? `, by the head ${said(head[at])}` : "";
    node.setAttribute("aria-label", `Mask ${at + 1}: ${said(together[at])}${by}, by ${called} ${said(clip[at])}`);
  }
  return together.map((_, at) => at).sort((one, other) => together[other].score - together[one].score);
}

/**
 * @param {string} who
 * @param {string} text
 */
function line(who, text, more = "") {
  return el("span", { class: "dv-opinion" }, el("i", { text: who }), el("span", { text }), more || null);
}

/**
 * What the weights do to the whole picture.
 * @param {Viewer} viewer
 */
function told({ own, state }) {
  const labels = own.labelsAt({ view: "labels" }), truth = own.labelsAt({ view: "truth" });
  const classes = own.axis("class")?.values.length ?? 0;
  const iou = labels && truth ? ensemble.meanIou(labels.values, truth.values, classes) : NaN;
  const measured = Number.isFinite(iou) ? `mIoU ${iou.toFixed(3)}. ` : "";
  const below = state.weights ? "The tables below are of the weights it was run with; saved files follow. " : "";
  const both = own.proposals?.clip ? " by both together" : "";
  return `${measured}${below}Surest first; in bold what they are called${both}.`;
}

/**
 * Draw the mask's part of the picture, pale outside of the mask.
 * @param {Viewer} viewer
 * @param {HTMLCanvasElement} canvas
 * @param {ImageBitmap} picture
 * @param {number} index
 */
function paint({ own }, canvas, picture, index) {
  if (!own.proposals) return;
  const { width, height } = picture, mask = draw.enlarge(ensemble.maskOf(own.proposals, index), height, width);
  const { x, y, side } = framed(mask, height, width), context = context2d(canvas, { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, x, y, side, side, 0, 0, SIDE, SIDE);
  const image = context.getImageData(0, 0, SIDE, SIDE);
  for (let at = 0; at < SIDE * SIDE; at++) {
    const row = Math.floor(y + ((Math.floor(at / SIDE) + 0.5) * side) / SIDE);
    const column = Math.floor(x + (((at % SIDE) + 0.5) * side) / SIDE);
    const there = row >= 0 && column >= 0 && row < height && column < width;
    if (!there || mask[row * width + column] >= 0.5) continue;
    for (let channel = 4 * at; channel < 4 * at + 3; channel++) {
      image.data[channel] += (255 - image.data[channel]) * PALE;
    }
  }
  context.putImageData(image, 0, 0);
}

/**
 * The square that shows a mask with some room around it; the whole picture where there is nothing of it.
 * @param {Float32Array} mask from 0 to 1
 * @param {number} height
 * @param {number} width
 */
export function framed(mask, height, width) {
  let [top, left, bottom, right] = [height, width, -1, -1];
  for (let at = 0; at < mask.length; at++) {
    if (mask[at] < 0.5) continue;
    const row = Math.floor(at / width), column = at % width;
    [top, bottom] = [Math.min(top, row), Math.max(bottom, row)];
    [left, right] = [Math.min(left, column), Math.max(right, column)];
  }
  if (bottom < 0) [top, left, bottom, right] = [0, 0, height - 1, width - 1];
  const longest = Math.max(height, width), wide = (1 + 2 * ROOM) * Math.max(bottom - top + 1, right - left + 1);
  const side = Math.min(Math.max(wide, longest / 4), longest);
  /** @type {(middle: number, length: number) => number} */
  const from = (middle, length) => (side > length
    ? (length - side) / 2
    : Math.min(Math.max(middle - side / 2, 0), length - side));
  return { x: from((left + right + 1) / 2, width), y: from((top + bottom + 1) / 2, height), side };
}
