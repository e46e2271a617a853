/* Sheet: a picture with a map or labels over it, as the pixels of one canvas. */
// @ts-check
/** @import { Content, Labels, Viewer } from "./types" */
/** @import { GridMap } from "./atlas.js" */
import { context2d } from "./controls.js";
import * as draw from "./draw.js";
import * as score from "./score.js";

const PALE = 0.8;  // share of white outside of what a threshold shows as a mask

export class Sheet {
  /**
   * Give a canvas its size; throws an Error where the browser has no room for it.
   * @param {HTMLCanvasElement} canvas
   * @param {number} width
   * @param {number} height
   */
  constructor(canvas, width, height) {
    Object.assign(canvas, { width, height });
    this.context = context2d(canvas);
    this.width = width;
    this.height = height;
    this.image = this.context.createImageData(width, height);
    this.out = new Uint32Array(this.image.data.buffer);
    this.enlarged = new Float32Array(width * height);
    this.base = new Uint32Array(width * height);  // the picture's share of what is shown
    /** @type {Uint8ClampedArray} */
    this.pixels = new Uint8ClampedArray(4 * width * height);  // the picture, as the browser scaled it
    /** @type {Uint32Array | null} */
    this.whole = null;  // the picture without colours, once it was asked for
    this.lies = "";  // which picture lies there, and its share
    this.share = NaN;
  }

  /**
   * Mix what a viewer shows of a content, and put it on the canvas.
   * @param {Viewer} viewer
   * @param {Content} content
   * @param {ImageBitmap} picture
   */
  draw(viewer, content, picture) {
    this._lay(viewer, content, picture);
    if (content.map) this._map(viewer, content, content.map);
    else if (content.labels) this._labels(viewer, content.labels);
    else this.out.set(this.base);
    this.show(viewer.isBare);
  }

  /**
   * Put what was drawn on the canvas; bare: the picture without colours instead.
   * @param {boolean} bare
   */
  show(bare) {
    const image = bare ? this.context.createImageData(this.image) : this.image;
    if (bare) new Uint32Array(image.data.buffer).set(this.plain());
    this.context.putImageData(image, 0, 0);
  }

  /** The picture without colours, as 32-bit pixels. */
  plain() {
    return this.whole ||= draw.ground(this.pixels, 1);
  }

  /**
   * Take over the picture, and of it the share that the colours leave.
   * @param {Viewer} viewer
   * @param {Content} content
   * @param {ImageBitmap} picture
   */
  _lay(viewer, content, picture) {
    const lies = `${content.atlas.id} ${content.picture}`, same = this.lies === lies;
    const share = content.map || content.labels ? 1 - viewer.state.opacity : 1;
    if (same && this.share === share) return;
    if (!same) {
      this.pixels = viewer.pixels(content, picture, this.width, this.height);
      this.whole = null;
    }
    draw.ground(this.pixels, share, this.base);
    Object.assign(this, { lies, share });
  }

  /**
   * @param {Viewer} viewer
   * @param {Content} content
   * @param {GridMap} map
   */
  _map(viewer, content, map) {
    const { state } = viewer, { signed } = map.block, { width, height, out } = this;
    draw.enlarge(map, height, width, state.smooth, this.enlarged);
    const [low, high] = viewer.span(map), ramp = draw.ramp(map, low, high), name = colormap(map, state.colormap);
    const limit = score.level(map, state.threshold);
    if (state.show === "mask") {
      out.set(this.plain());
      draw.fade(out, this._inside(limit), PALE);
    } else if (state.fade) {
      const how = { opacity: state.opacity, signed };
      draw.faded(this.pixels, this.enlarged, content.atlas.colormaps[name], ramp, out, how);
    } else draw.heat(this.base, this.enlarged, viewer.colours(name), ramp, out);
    if (state.show !== "heat") draw.contour(out, this._inside(limit), height, width);
  }

  /** @param {number} limit */
  _inside(limit) {
    const inside = new Uint8Array(this.enlarged.length);
    for (let at = 0; at < inside.length; at++) inside[at] = this.enlarged[at] >= limit ? 1 : 0;
    return inside;
  }

  /**
   * @param {Viewer} viewer
   * @param {Labels} labels
   */
  _labels(viewer, labels) {
    draw.paint(this.base, labels, viewer.state.opacity, this.height, this.width, this.out);
  }
}

/**
 * The colours of a map: signed ones are always those that part at zero.
 * @param {GridMap} map
 * @param {string} chosen
 */
export function colormap(map, chosen) {
  return map.block.signed ? "diverging" : chosen;
}
