/* Masks: the true ones of a drawn scene and one that a person draws or loads; what maps are scored against. */
import { DIFFERENCE } from "./compare.js";
import { el } from "./controls.js";
import * as score from "./score.js";

const SIDE = 128;  // longer side of a mask, as in scoring elsewhere
export const DRAWN = "drawn";
const MEASURES = ["ap", "iou", "iouBest", "pointing", "chance"];

export class Masks {
  constructor(viewer) {
    this.viewer = viewer;
    this.drawn = null;  // {values, height, width} or null
    this.version = 0;  // of what was drawn
    this.radius = 5;  // of the brush, in mask pixels
    this.corners = [];
  }

  /** Names that may be chosen: "", those of the result, "drawn" where there is one, and what other tabs sent. */
  names() {
    const own = Object.keys(this.viewer.atlas?.masks || {});
    return ["", ...own, ...(this.drawn ? [DRAWN] : []), ...this.sent().map(({ id }) => id)];
  }

  /** Masks that other viewers sent. */
  sent() {
    return this.viewer.options.shelf?.list() || [];
  }

  /** How a mask is called in a list. */
  title(name) {
    if (name === DRAWN) return "the drawn mask";
    const sent = this.sent().find(({ id }) => id === name);
    if (!sent) return `true mask: ${name}`;
    const same = Object.values(this.viewer.atlas.pictures).some(({ digest }) => digest === sent.digest);
    return `sent: ${sent.name}${same ? "" : " (of another picture)"}`;
  }

  /** The mask that is chosen, or null. "match" takes the true mask of the word or class a panel shows. */
  of(choice) {
    const { state } = this.viewer, atlas = this.viewer.atlasOf(choice);
    if (choice.of === DIFFERENCE) return null;
    if (state.mask === DRAWN) return this.drawnOn(atlas) ? this.drawn : null;
    if (state.mask !== "match") return atlas.masks[state.mask] || this.sent().find(({ id }) => id === state.mask) || null;
    const { axis, names } = atlas.facts.matches || {};
    return (axis && atlas.masks[names[choice[axis]]]) || null;
  }

  /**
   * {ap, iou, iouBest, pointing, chance} of a panel's map against the chosen mask, null without either. What the
   * server measured of the map itself is taken as it is, so that one number stands everywhere; the rest is worked out
   * here, of the 8-bit map. needed: measures without which nothing has to be worked out.
   */
  score(map, choice, needed = MEASURES) {
    const mask = map && this.of(choice);
    if (!mask) return null;
    const known = this._measured(map, choice, mask);
    return needed.every((name) => name in known) ? known : { ...score.score(map, mask, this.viewer.state.threshold), ...known };
  }

  _measured(map, choice, mask) {
    const { state } = this.viewer, atlas = this.viewer.atlasOf(choice), { axis, names, threshold } = atlas.facts.matches || {};
    const own = map.block.scores?.[choice[axis]];
    if (!own || atlas.masks[names[choice[axis]]] !== mask) return {};
    const found = {};
    for (const [name, values] of Object.entries(own)) {
      if (!Number.isNaN(values[map.moment]) && (name !== "iou" || state.threshold === threshold)) found[name === "iou_best" ? "iouBest" : name] = values[map.moment];
    }
    return found;
  }

  /** Whether the drawn mask is of a picture that a result has: what is drawn on one says nothing of another. */
  drawnOn(atlas) {
    return Object.values(atlas.pictures).some(({ digest }) => digest === this.drawn?.digest);
  }

  /** An empty mask that fits the picture, kept if there is one. */
  _own() {
    if (!this.drawn) {
      const { width, height } = this.size();
      this.drawn = { values: new Uint8Array(width * height), width, height, digest: this.digest() };
    }
    return this.drawn;
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
    const canvas = el("canvas", { width: mask.width, height: mask.height }), context = canvas.getContext("2d");
    const image = context.createImageData(mask.width, mask.height);
    mask.values.forEach((value, at) => image.data.fill(value ? 255 : 0, 4 * at, 4 * at + 3) && (image.data[4 * at + 3] = 255));
    context.putImageData(image, 0, 0);
    el("a", { href: canvas.toDataURL("image/png"), download: "mask.png" }).click();
  }

  /** {width, height} of a mask that is made here. */
  size() {
    const { width, height } = this.viewer.size(), scale = SIDE / Math.max(width, height);
    return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
  }

  /** Paint or wipe a disc around a point, and the line from the last one. */
  brush(point, value, from = point) {
    const mask = this._own(), { width, height } = mask;
    const steps = Math.max(1, Math.ceil(Math.hypot((point.x - from.x) * width, (point.y - from.y) * height)));
    for (let step = 0; step <= steps; step++) {
      const cx = (from.x + ((point.x - from.x) * step) / steps) * width, cy = (from.y + ((point.y - from.y) * step) / steps) * height;
      for (let y = Math.max(0, Math.floor(cy - this.radius)); y <= Math.min(height - 1, cy + this.radius); y++) {
        for (let x = Math.max(0, Math.floor(cx - this.radius)); x <= Math.min(width - 1, cx + this.radius); x++) {
          if (Math.hypot(x + 0.5 - cx, y + 0.5 - cy) <= this.radius) mask.values[y * width + x] = value;
        }
      }
    }
    this.cached = null;
  }

  corner(point) {
    this.corners.push(point);
  }

  /** Fill the polygon of the corners so far (even-odd), add it to the mask. */
  closePolygon() {
    const enough = this.corners.length >= 3;
    if (enough) {
      const mask = this._own(), canvas = el("canvas", { width: mask.width, height: mask.height }), context = canvas.getContext("2d");
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

  /** Take a picture file as mask: its light half. */
  async load(file) {
    const mask = this._own(), canvas = el("canvas", { width: mask.width, height: mask.height }), context = canvas.getContext("2d");
    const bitmap = await createImageBitmap(file), bent = (bitmap.width * mask.height) / (bitmap.height * mask.width);
    if (Math.abs(bent - 1) > 0.02) this.viewer.say("The mask has another shape than the picture and was stretched to fit.");
    context.drawImage(bitmap, 0, 0, mask.width, mask.height);
    bitmap.close();
    const { data } = context.getImageData(0, 0, mask.width, mask.height);
    for (let at = 0; at < mask.values.length; at++) {
      const light = 0.299 * data[4 * at] + 0.587 * data[4 * at + 1] + 0.114 * data[4 * at + 2];
      mask.values[at] = data[4 * at + 3] > 127 && light > 127 ? 1 : 0;
    }
    this.cached = null;
    this.viewer.maskChanged(DRAWN);
  }

  /** Take a map above its threshold as mask: what one tab finds, another can be scored against. */
  take(mask) {
    this.drawn = { ...mask, values: mask.values.slice(), digest: this.digest() };
    this.cached = null;
    this.viewer.maskChanged(DRAWN);
  }

  clear() {
    this.drawn = null;
    this.corners = [];
    this.cached = null;
    this.viewer.maskChanged("match");
  }

  /** The chosen mask's outline, and the polygon that is being drawn, on a panel's upper canvas; choice: the panel's. */
  paint(context, width, height, choice) {
    const { viewer } = this;
    const mask = viewer.state.outline ? this.of(choice) : viewer.state.mask === DRAWN ? this.of(choice) : null;
    if (mask) {
      const key = `${width}x${height}`, known = this.cached?.get(mask);
      const path = known?.key === key ? known.path : outline(mask, width, height);
      (this.cached ||= new Map()).set(mask, { key, path });
      const size = 1 / Math.min(viewer.state.zoom.scale, 6);
      for (const [colour, line] of [["#000", 3.5], ["#ffd400", 1.5]]) {
        Object.assign(context, { strokeStyle: colour, lineWidth: line * size });
        context.stroke(path);
      }
    }
    if (this.corners.length) {
      context.beginPath();
      this.corners.forEach(({ x, y }) => context.lineTo(x * width, y * height));
      Object.assign(context, { strokeStyle: "#ffd400", lineWidth: 2 });
      context.stroke();
      for (const { x, y } of this.corners) { context.beginPath(); context.arc(x * width, y * height, 3, 0, 2 * Math.PI); context.stroke(); }
    }
  }
}

/** The borders between a mask's inside and outside as one path, along pixel edges. */
function outline(mask, width, height) {
  const path = new Path2D(), across = width / mask.width, down = height / mask.height;
  const inside = (y, x) => x >= 0 && y >= 0 && x < mask.width && y < mask.height && mask.values[y * mask.width + x];
  for (let y = 0; y <= mask.height; y++) {
    for (let x = 0; x <= mask.width; x++) {
      if (x < mask.width && !inside(y, x) !== !inside(y - 1, x)) { path.moveTo(x * across, y * down); path.lineTo((x + 1) * across, y * down); }
      if (y < mask.height && !inside(y, x) !== !inside(y, x - 1)) { path.moveTo(x * across, y * down); path.lineTo(x * across, (y + 1) * down); }
    }
  }
  return path;
}
