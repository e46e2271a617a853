/* Prompting: what a click or a dragged box means, asked of the server; its mask is what maps are scored against. */
// @ts-check
/** @import { Mask, Point, Prompt, Segmented, Viewer } from "./types" */
import { button, el, select } from "./controls.js";

const SMALLEST = 0.01;  // share of the picture that a box spans at least each way; less is a click

/**
 * The prompt after a click: a new one, or one more point of the last.
 * @param {Prompt | null} before
 * @param {Point} point
 * @param {{ more: boolean, not: boolean }} how whether it is one more point, and whether it is one outside the mask
 * @returns {Prompt}
 */
export function clicked(before, { y, x }, { more, not }) {
  const point = { y, x, label: not ? 0 : 1 };
  if (!before || !(more || not)) return { points: [{ ...point, label: 1 }], box: null };
  return { ...before, points: [...before.points, point] };
}

/**
 * The prompt of a box between two corners, null where it is too small to be meant.
 * @param {Point} from
 * @param {Point} to
 * @returns {Prompt | null}
 */
export function boxed(from, to) {
  const [x0, x1] = [from.x, to.x].map(clamp).sort((a, b) => a - b);
  const [y0, y1] = [from.y, to.y].map(clamp).sort((a, b) => a - b);
  return x1 - x0 < SMALLEST || y1 - y0 < SMALLEST ? null : { points: [], box: [x0, y0, x1, y1] };
}

/** @param {number} value */
const clamp = (value) => Math.min(Math.max(value, 0), 1);

/**
 * A mask from its bits, row by row, the highest of each byte first.
 * @param {Uint8Array} bits
 * @param {number} height
 * @param {number} width
 * @returns {Mask}
 */
export function unpacked(bits, height, width) {
  const values = Uint8Array.from({ length: height * width }, (_, at) => (bits[at >> 3] >> (7 - (at & 7))) & 1);
  return { values, height, width };
}

export class Prompting {
  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    /** @type {Prompt | null} */
    this.prompt = null;  // what was asked last
    this.digest = "";  // of its picture
    /** @type {Prompt | null} */
    this.drawn = null;  // the box that is being dragged
    this.model = "";  // "" is the first that the server offers
    this.round = 0;
  }

  /** Whether there is a server to ask. */
  get offered() { return Boolean(this.viewer.options.segment); }

  /**
   * A click on the active panel's picture.
   * @param {Point} point
   * @param {{ more: boolean, not: boolean }} how
   */
  click(point, how) {
    const same = this.digest === this.viewer.masks.digest();
    return this.ask(clicked(same ? this.prompt : null, point, how));
  }

  /**
   * A box is dragged from one corner to another, or no longer.
   * @param {Point | null} from
   * @param {Point} [to]
   */
  drag(from, to) { this.drawn = from && to ? boxed(from, to) : null; }

  /** Ask what the dragged box holds. Returns whether there was one. */
  drop() {
    const { drawn } = this;
    this.drawn = null;
    if (drawn) this.ask(drawn);
    return drawn !== null;
  }

  forget() {
    this.prompt = this.drawn = null;
    this.round += 1;
  }

  /**
   * Take the mask of a prompt as the drawn one.
   * @param {Prompt} prompt
   */
  async ask(prompt) {
    const { viewer } = this, { segment } = viewer.options, { atlas, masks } = viewer, digest = masks.digest();
    if (!segment || !atlas.key) return;
    Object.assign(this, { prompt, digest });
    const round = this.round += 1, picture = viewer.content(viewer.active().choice).picture;
    for (const panel of viewer.panels) panel.drawOver();
    viewer.say("Asking for the mask …");
    const model = this.model || segment.models[0][0];
    const answer = await segment.ask({ key: atlas.key, picture, ...listed(prompt), model }).catch(unheard);
    if (round !== this.round || !viewer.results().some((one) => one === atlas)) return;
    if (answer.error !== undefined) { viewer.say(answer.error); return; }
    const bits = Uint8Array.from(atob(answer.mask), (letter) => letter.charCodeAt(0));
    masks.take(unpacked(bits, answer.height, answer.width), digest);
    viewer.say(told(answer));
  }

  /**
   * The points and the box of what was asked, on a panel's upper canvas.
   * @param {CanvasRenderingContext2D} context
   * @param {number} width
   * @param {number} height
   * @param {string} digest of the panel's picture
   */
  paint(context, width, height, digest) {
    const prompt = this.drawn || this.prompt;
    if (!prompt || this.viewer.state.tool !== "segment" || (!this.drawn && digest !== this.digest)) return;
    for (const [strokeStyle, lineWidth] of /** @type {const} */ ([["#000", 4], ["#fff", 2]])) {
      Object.assign(context, { strokeStyle, lineWidth });
      if (prompt.box) {
        const [x0, y0, x1, y1] = prompt.box;
        context.strokeRect(x0 * width, y0 * height, (x1 - x0) * width, (y1 - y0) * height);
      }
      for (const { x, y, label } of prompt.points) {
        context.beginPath();
        context.moveTo(x * width - 6, y * height);
        context.lineTo(x * width + 6, y * height);
        if (label) { context.moveTo(x * width, y * height - 6); context.lineTo(x * width, y * height + 6); }
        context.stroke();
      }
    }
  }
}

/**
 * A prompt as the server reads it.
 * @param {Prompt} prompt
 */
function listed({ points, box }) {
  return { points: points.map(({ y, x }) => [y, x]), labels: points.map(({ label }) => label), box };
}

/** @returns {Segmented} */
function unheard() {
  return { error: "The server could not be asked for the mask; look whether it still runs, and try again." };
}

/** @param {Extract<Segmented, { error?: undefined }>} answer */
function told({ share, sure, warning }) {
  const found = `The mask is ${(100 * share).toFixed(1)}% of the picture`, expected = `expected IoU ${sure.toFixed(2)}`;
  return `${found}, ${expected}. ${warning || "Shift and a click add a point in it, Alt and a click one outside."}`;
}

/**
 * Which segmenter is asked, where there are several, and a way to ask at the pinned pixel without a pointer.
 * @param {Viewer} viewer
 */
export function segmenterChoice(viewer) {
  const { prompting } = viewer, models = viewer.options.segment?.models || [];
  const node = el("div", { class: "dv-segmenter" });
  if (models.length > 1) {
    node.append(select({
      label: "Segmenter", value: prompting.model || models[0][0], options: models,
      change: (value) => { prompting.model = value; },
    }).node);
  }
  const here = () => prompting.click(viewer.state.pin || { y: 0.5, x: 0.5 }, { more: false, not: false });
  node.append(button({ text: "Segment at the pin", title: "Ask for the mask at the pinned pixel", click: here }));
  return node;
}
