/* Masks: the true ones of a drawn scene and one that a person draws or loads; what maps are scored against. */
// @ts-check
/** @import { Choice, Mask, Point, Score, Viewer } from "./types" */
/** @import { Atlas, GridMap } from "./atlas.js" */
import { DIFFERENCE } from "./compare.js";
import { context2d, el } from "./controls.js";
import * as regions from "./regions.js";
import * as score from "./score.js";

const SIDE = 128;  // longer side of a mask, as in scoring elsewhere
export const DRAWN = "drawn";
/** @type {(keyof Score)[]} */
const MEASURES = ["ap", "iou", "iouBest", "pointing", "chance"];
/** @type {Score} */
const UNASKED = { ap: NaN, iou: NaN, iouBest: NaN, pointing: NaN, chance: NaN };

export class Masks {
  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    /** @type {Mask | null} */
    this.drawn = null;
    this.version = 0;  // of what was drawn
    this.radius = 5;  // of the brush, in mask pixels
    /** @type {Point[]} */
    this.corners = [];
    /** @type {Map<Mask, { key: string, path: Path2D }> | null} */
    this.cached = null;  // outlines
  }

  /** Names that may be chosen: "", those of the result, "drawn" where there is one, and what other tabs sent. */
  names() {
    const own = Object.keys(this.viewer.atlas.masks);
    return ["", ...own, ...(this.drawn ? [DRAWN] : []), ...this.sent().map(({ id }) => id)];
  }

  /** Masks that other viewers sent. */
  sent() {
    return this.viewer.options.shelf?.list() || [];
  }

  /**
   * How a mask is called in a list.
   * @param {string} name
   */
  title(name) {
    if (name === DRAWN) return "the drawn mask";
    const sent = this.sent().find(({ id }) => id === name);
    if (!sent) return `true mask: ${name}`;
    const same = Object.values(this.viewer.atlas.pictures).some(({ digest }) => digest === sent.digest);
    return `sent: ${sent.name}${same ? "" : " (of another picture)"}`;
  }

  /**
   * The mask that is chosen, or null. "match" takes the true mask of the word or class a panel shows.
   * @param {Choice} choice
   * @returns {Mask | null}
   */
  of(choice) {
    const { state } = this.viewer, atlas = this.viewer.atlasOf(choice);
    if (choice.of === DIFFERENCE) return null;
    if (state.mask === DRAWN) return this.drawnOn(atlas) ? this.drawn : null;
    if (state.mask !== "match") {
      return atlas.masks[state.mask] || this.sent().find(({ id }) => id === state.mask) || null;
    }
    const { matches } = atlas.facts;
    return (matches && atlas.masks[matches.names[choice[matches.axis]]]) || null;
  }

  /**
   * The mask of one of `names`, null where it is of another picture than the active panel's result.
   * @param {string} name
   * @returns {Mask | null}
   */
  named(name) {
    const { atlas } = this.viewer, own = Object.values(atlas.pictures).map(({ digest }) => digest);
    if (name === DRAWN) return this.drawnOn(atlas) ? this.drawn : null;
    const sent = this.sent().find(({ id, digest }) => id === name && own.includes(digest ?? ""));
    return atlas.masks[name] ?? sent ?? null;
  }

  /**
   * A panel's map against the chosen mask, null without either. What the server measured of the map itself is taken as
   * it is, so that one number stands everywhere; the rest is worked out here, of the 8-bit map.
   * @param {GridMap | null} map
   * @param {Choice} choice
   * @param {(keyof Score)[]} needed where all of these were measured, nothing is worked out and the others are NaN
   * @returns {Score | null}
   */
  score(map, choice, needed = MEASURES) {
    const mask = map && this.of(choice);
    if (!mask) return null;
    const known = this._measured(map, choice, mask);
    const enough = needed.every((name) => name in known);
    return { ...(enough ? UNASKED : score.score(map, mask, this.viewer.state.threshold)), ...known };
  }

  /**
   * What the server measured of a map against this mask, at this threshold.
   * @param {GridMap} map
   * @param {Choice} choice
   * @param {Mask} mask
   */
  _measured(map, choice, mask) {
    const { state } = this.viewer, atlas = this.viewer.atlasOf(choice), { matches } = atlas.facts;
    const value = matches && choice[matches.axis];
    /** @type {Partial<Score>} */
    const found = {};
    if (!value || atlas.masks[matches.names[value]] !== mask) return found;
    for (const name of MEASURES) {
      const measured = map.block.scores[value]?.[name === "iouBest" ? "iou_best" : name]?.[map.moment] ?? NaN;
      if (Number.isNaN(measured) || (name === "iou" && state.threshold !== matches.threshold)) continue;
      found[name] = measured;
    }
    return found;
  }

  /**
   * Whether the drawn mask is of a picture that a result has: what is drawn on one says nothing of another.
   * @param {Atlas} atlas
   */
  drawnOn(atlas) {
    return Object.values(atlas.pictures).some(({ digest }) => digest === this.drawn?.digest);
  }

  /** The drawn mask, begun as an empty one that fits the picture. */
  _own() {
    if (this.drawn) return this.drawn;
    const { width, height } = this.size();
    return this.drawn = { values: new Uint8Array(width * height), width, height, digest: this.digest() };
  }

  /** A canvas of the drawn mask's size. */
  _canvas() {
    const { width, height } = this._own();
    return context2d(el("canvas", { width, height }));
  }

  /** By which another result is known to show the same picture. */
  digest() {
    const { viewer } = this;
    return viewer.atlas.pictures[viewer.content(viewer.active().choice).picture].digest;
  }

  /** Offer the chosen mask as a picture file, white inside. */
  save() {
    const mask = this.of(this.viewer.active().choice);
    if (!mask) { this.viewer.say("There is no mask to save: draw one, or choose one under “Score against”."); return; }
    const canvas = el("canvas", { width: mask.width, height: mask.height }), context = context2d(canvas);
    const image = context.createImageData(mask.width, mask.height);
    regions.paintWhite(mask, image.data);
    context.putImageData(image, 0, 0);
    el("a", { href: canvas.toDataURL("image/png"), download: "mask.png" }).click();
  }

  /** {width, height} of a mask that is made here. */
  size() {
    return regions.fitted(this.viewer.size(), SIDE);
  }

  /**
   * Paint or wipe a disc around a point, and the line from the last one.
   * @param {Point} point
   * @param {0 | 1} value
   */
  brush(point, value, from = point) {
    regions.stroke(this._own(), from, point, this.radius, value);
    this.cached = null;
  }

  /** @param {Point} point the next corner of a polygon */
  corner(point) {
    this.corners.push(point);
  }

  /** Fill the polygon of the corners so far (even-odd), add it to the mask. */
  closePolygon() {
    const enough = this.corners.length >= 3;
    if (enough) {
      const mask = this._own(), context = this._canvas();
      context.beginPath();
      this.corners.forEach(({ x, y }) => context.lineTo(x * mask.width, y * mask.height));
      context.fill("evenodd");
      const { data } = context.getImageData(0, 0, mask.width, mask.height);
      for (let at = 0; at < mask.values.length; at++) if (data[4 * at + 3] > 127) mask.values[at] = 1;
      this.cached = null;
    }
    this.corners = [];
    if (enough) this.viewer.maskChanged(DRAWN);
    else for (const panel of this.viewer.panels) panel.drawOver();
  }

  /**
   * Take a picture file as mask: its light half.
   * @param {Blob} file
   */
  async load(file) {
    const mask = this._own(), context = this._canvas(), { viewer } = this;
    const bitmap = await createImageBitmap(file), bent = (bitmap.width * mask.height) / (bitmap.height * mask.width);
    if (Math.abs(bent - 1) > 0.02) viewer.say("The mask has another shape than the picture and was stretched to fit.");
    context.drawImage(bitmap, 0, 0, mask.width, mask.height);
    bitmap.close();
    regions.takeLight(mask, context.getImageData(0, 0, mask.width, mask.height).data);
    this.cached = null;
    viewer.maskChanged(DRAWN);
  }

  /**
   * Take a map above its threshold, or what a segmenter found, as mask: what is found once can be scored against.
   * @param {Mask} mask
   * @param {string} digest of its picture
   */
  take(mask, digest = this.digest()) {
    this.drawn = { ...mask, values: mask.values.slice(), digest };
    this.cached = null;
    this.viewer.maskChanged(DRAWN);
  }

  clear() {
    this.drawn = null;
    this.corners = [];
    this.cached = null;
    this.viewer.prompting.forget();
    this.viewer.maskChanged("match");
  }

  /**
   * The chosen mask's outline, and the polygon that is being drawn, on a panel's upper canvas.
   * @param {CanvasRenderingContext2D} context
   * @param {number} width
   * @param {number} height
   * @param {Choice} choice the panel's
   */
  paint(context, width, height, choice) {
    const { viewer } = this;
    const mask = viewer.state.outline ? this.of(choice) : viewer.state.mask === DRAWN ? this.of(choice) : null;
    if (mask) {
      const key = `${width}x${height}`, known = this.cached?.get(mask);
      const path = known?.key === key ? known.path : outline(mask, width, height);
      (this.cached ||= new Map()).set(mask, { key, path });
      const size = 1 / Math.min(viewer.state.zoom.scale, 6);
      for (const [strokeStyle, line] of /** @type {const} */ ([["#000", 3.5], ["#ffd400", 1.5]])) {
        Object.assign(context, { strokeStyle, lineWidth: line * size });
        context.stroke(path);
      }
    }
    const atlas = viewer.atlasOf(choice);
    viewer.prompting.paint(context, width, height, atlas.pictures[viewer.content(choice).picture]?.digest);
    if (this.corners.length) {
      context.beginPath();
      this.corners.forEach(({ x, y }) => context.lineTo(x * width, y * height));
      Object.assign(context, { strokeStyle: "#ffd400", lineWidth: 2 });
      context.stroke();
      for (const { x, y } of this.corners) {
        context.beginPath();
        context.arc(x * width, y * height, 3, 0, 2 * Math.PI);
        context.stroke();
      }
    }
  }
}

/**
 * A mask's borders as one path, at (height, width).
 * @param {Mask} mask
 * @param {number} width
 * @param {number} height
 */
function outline(mask, width, height) {
  const path = new Path2D(), across = width / mask.width, down = height / mask.height;
  for (const [x0, y0, x1, y1] of regions.borders(mask)) {
    path.moveTo(x0 * across, y0 * down);
    path.lineTo(x1 * across, y1 * down);
  }
  return path;
}
