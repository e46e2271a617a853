/* Atlas: a recorded result, of which any map is there at once; nothing of it is ever taken as markup. */
// @ts-check
/** @import { About, Block, BlockHeader, Choice, Labels, Mask, Picture, Point } from "./types" */
import * as file from "./file.js";

let opened = 0;

/** One map: 8-bit values (height x width), value q standing for low + q / 255 * (high - low). */
export class GridMap {
  /**
   * @param {Uint8Array} values
   * @param {number} height
   * @param {number} width
   * @param {number} low
   * @param {number} high
   * @param {Block} block which it is of
   * @param {number} moment its index in the block where the axis that has masks is left out, as in `scores`
   * @param {boolean} zero whether its colours begin at zero
   */
  constructor(values, height, width, low, high, block, moment = 0, zero = false) {
    this.values = values;
    this.height = height;
    this.width = width;
    this.low = low;
    this.high = high;
    this.block = block;
    this.moment = moment;
    this.zero = zero;
  }

  /**
   * True value at (y, x) in pixels of a picture of size (h, w), bilinear with half-pixel centres.
   * @param {number} y
   * @param {number} x
   * @param {number} h
   * @param {number} w
   */
  at(y, x, h, w) {
    const row = Math.min(Math.max(((y + 0.5) * this.height) / h - 0.5, 0), this.height - 1);
    const column = Math.min(Math.max(((x + 0.5) * this.width) / w - 0.5, 0), this.width - 1);
    const top = Math.floor(row), left = Math.floor(column);
    const bottom = Math.min(top + 1, this.height - 1), right = Math.min(left + 1, this.width - 1);
    const down = row - top, along = column - left, v = this.values, n = this.width;
    const upper = v[top * n + left] * (1 - along) + v[top * n + right] * along;
    const lower = v[bottom * n + left] * (1 - along) + v[bottom * n + right] * along;
    return this.low + ((upper * (1 - down) + lower * down) / 255) * (this.high - this.low);
  }
}

export class Atlas {
  /**
   * Parse a whole file. Throws an Error with a plain sentence for anything else.
   * @param {ArrayBuffer} buffer
   * @param {About} about
   */
  constructor(buffer, about = {}) {
    const { header, start } = file.parse(buffer);
    this.key = about.key || "";
    this.asked = about.asked || {};
    this.id = ++opened;
    this.tab = header.tab;
    this.axes = header.axes;
    this.facts = header.facts;
    /** @type {Block[]} */
    this.blocks = header.blocks.map((block) => this._block(block, buffer, start));
    /** @type {Labels[]} */
    this.labels = header.labels.map((labels) => ({
      ...labels,
      values: new Uint8Array(buffer, start + labels.data, labels.height * labels.width),
    }));
    /** @type {Record<string, Picture>} */
    this.pictures = {};
    for (const [key, { data, length, ...picture }] of Object.entries(header.pictures)) {
      this.pictures[key] = { ...picture, bytes: new Uint8Array(buffer, start + data, length), bitmap: null };
    }
    /** @type {Record<string, Mask>} */
    this.masks = {};
    for (const [name, { height, width, data }] of Object.entries(header.masks)) {
      const packed = new Uint8Array(buffer, start + data, Math.ceil((height * width) / 8));
      this.masks[name] = { height, width, values: file.unpackBits(packed, height * width) };
    }
    /** @type {Record<string, Uint8Array>} */
    this.colormaps = {};
    for (const [name, offset] of Object.entries(header.colormaps)) {
      this.colormaps[name] = new Uint8Array(buffer, start + offset, 768);
    }
    this.features = header.features && file.unitVectors(header.features, buffer, start);
    this.proposals = header.proposals ? file.proposalsOf(header.proposals, buffer, start) : null;
    /** @type {[number, number] | null} */
    this.weights = null;  // that its names were last weighed with, if it was anew
    this.bytes = buffer.byteLength;
  }

  /**
   * @param {BlockHeader} block
   * @param {ArrayBuffer} buffer
   * @param {number} start
   */
  _block(block, buffer, start) {
    const { at, inner, picture, signed, computed } = block;
    const axes = inner.flatMap((name) => this.axis(name) ?? []);
    /** @type {Block} */
    const out = { at, inner, picture, signed, computed, axes, scores: {} };
    for (const [value, measures] of Object.entries(block.scores)) {
      out.scores[value] = {};
      for (const [name, [offset, count]] of Object.entries(measures)) {
        out.scores[value][name] = new Float64Array(buffer, start + offset, count);
      }
    }
    file.fillBlock(out, block, buffer, start);
    return out;
  }

  /**
   * Take the maps of another file of the same result: blocks that were only announced so far.
   * @param {ArrayBuffer} buffer
   */
  merge(buffer) {
    const { header, start } = file.parse(buffer);
    for (const block of header.blocks) {
      const own = this.blocks.find((other) => within(other.at, block.at) && within(block.at, other.at));
      if (own) file.fillBlock(own, block, buffer, start);
    }
    this.bytes += buffer.byteLength;
  }

  /** @param {string | undefined} name */
  axis(name) {
    return this.axes.find((axis) => axis.name === name);
  }

  /**
   * The block for a choice, or null; it may be announced only (no `values` yet).
   * @param {Choice} choice
   */
  block(choice) {
    return this.blocks.find(({ at }) => within(at, choice)) || null;
  }

  /** @param {Choice} choice */
  labelsAt(choice) {
    return this.labels.find(({ at }) => within(at, choice)) || null;
  }

  /**
   * The map of a choice, null where there is none or it has not come yet. A slider past the end takes the last.
   * @param {Choice} choice
   * @param {Point | null} [pinned] the place that a map of similarities is for
   */
  map(choice, pinned) {
    const block = this.block(choice);
    if (!block) return null;
    if (block.computed === "similarity") return pinned ? this.similarity(pinned, block) : null;
    if (!block.values) return null;
    const ranked = this.facts.matches?.axis;
    let index = 0, moment = 0;
    for (const [place, axis] of block.axes.entries()) {
      const length = block.shape[place], at = axis.values.indexOf(choice[axis.name]);
      const kept = Math.min(Math.max(at, 0), length - 1);
      index = index * length + kept;
      if (axis.name !== ranked) moment = moment * length + kept;
    }
    const [height, width] = block.shape.slice(-2), size = height * width;
    const values = block.values.subarray(index * size, (index + 1) * size);
    const low = block.low[index], high = block.high[index];
    return new GridMap(values, height, width, low, high, block, moment, Boolean(this.facts.zero));
  }

  /**
   * Cosine similarity of every place to the one under a point of the picture; null without features.
   * @param {Point} point
   * @param {Block} block
   */
  similarity(point, block) {
    if (!this.features) return null;
    const { channels, height, width, vectors } = this.features;
    const row = Math.min(Math.floor(point.y * height), height - 1);
    const column = Math.min(Math.floor(point.x * width), width - 1);
    const from = (row * width + column) * channels, cosines = new Float32Array(height * width);
    let low = Infinity, high = -Infinity;
    for (let place = 0, at = 0; place < cosines.length; place++) {
      let sum = 0;
      for (let channel = 0; channel < channels; channel++) sum += vectors[from + channel] * vectors[at++];
      cosines[place] = sum;
      if (sum < low) low = sum;
      if (sum > high) high = sum;
    }
    const scale = high > low ? 255 / (high - low) : 0;
    const values = Uint8Array.from(cosines, (value) => (value - low) * scale + 0.5);
    return new GridMap(values, height, width, low, high, block);
  }

  /**
   * The decoded picture of a key.
   * @param {string} key
   * @returns {Promise<ImageBitmap>}
   */
  async picture(key) {
    const picture = this.pictures[key];
    if (!picture) throw new Error(`This result has no picture ${key}.`);
    picture.bitmap ||= await createImageBitmap(new Blob([picture.bytes], { type: "image/png" }));
    return picture.bitmap;
  }

  /** Let go of everything that was decoded. */
  close() {
    for (const picture of Object.values(this.pictures)) picture.bitmap?.close();
    this.blocks = [];
    this.labels = [];
    this.pictures = {};
    this.masks = {};
    this.features = this.proposals = null;
  }
}

/**
 * Whether a choice lies at a place, which names some of its axes.
 * @param {Choice} place
 * @param {Choice} choice
 */
function within(place, choice) {
  return Object.entries(place).every(([axis, value]) => choice[axis] === value);
}
