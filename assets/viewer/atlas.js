/* Atlas: reads the file that inspector/views/atlas.py writes; nothing of it is ever taken as markup. */

const MAGIC = "DIATLAS1";
let opened = 0;

/** One map: 8-bit values (height x width), value q standing for low + q / 255 * (high - low). */
export class GridMap {
  constructor(values, height, width, low, high, block) {
    Object.assign(this, { values, height, width, low, high, block });
  }

  /** True value at (y, x) in pixels of a picture of size (h, w), bilinear with half-pixel centres. */
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
   * Parse a whole file. Throws an Error with a plain sentence for anything else. key: the server's name of the result;
   * asked: {name: text} of what it answers.
   */
  constructor(buffer, { key = "", asked = {} } = {}) {
    const { header, start } = parse(buffer);
    Object.assign(this, { key, asked, id: ++opened });
    this.tab = header.tab;
    this.axes = header.axes;
    this.facts = header.facts;
    this.blocks = header.blocks.map((block) => this._block(block, buffer, start));
    this.labels = header.labels.map((labels) => ({
      ...labels,
      values: new Uint8Array(buffer, start + labels.data, labels.height * labels.width),
    }));
    this.pictures = {};
    for (const [key, picture] of Object.entries(header.pictures)) {
      const bytes = new Uint8Array(buffer, start + picture.data, picture.length);
      this.pictures[key] = { height: picture.height, width: picture.width, digest: picture.digest, bytes, bitmap: null };
    }
    this.masks = {};
    for (const [name, mask] of Object.entries(header.masks)) {
      const packed = new Uint8Array(buffer, start + mask.data, Math.ceil((mask.height * mask.width) / 8));
      this.masks[name] = { height: mask.height, width: mask.width, values: unpackBits(packed, mask.height * mask.width) };
    }
    this.colormaps = {};
    for (const [name, offset] of Object.entries(header.colormaps)) {
      this.colormaps[name] = new Uint8Array(buffer, start + offset, 768);
    }
    this.features = header.features && unitVectors(header.features, buffer, start);
    this.bytes = buffer.byteLength;
  }

  _block(block, buffer, start) {
    const axes = block.inner.map((name) => this.axis(name));
    const out = { ...block, axes, scores: {} };
    for (const [value, measures] of Object.entries(block.scores)) {
      out.scores[value] = Object.fromEntries(Object.entries(measures).map(([name, [offset, count]]) => [name, new Float64Array(buffer, start + offset, count)]));
    }
    if (block.data !== undefined) fillBlock(out, block, buffer, start);
    return out;
  }

  /** Take the maps of another file of the same result: blocks that were only announced so far. */
  merge(buffer) {
    const { header, start } = parse(buffer);
    for (const block of header.blocks) {
      const own = this.blocks.find((other) => sameAt(other.at, block.at));
      if (own && block.data !== undefined) fillBlock(own, block, buffer, start);
    }
    this.bytes += buffer.byteLength;
  }

  axis(name) {
    return this.axes.find((axis) => axis.name === name);
  }

  /** The block for a choice {axis: value}, or null; it may be announced only (no `values` yet). */
  block(choice) {
    return this.blocks.find((block) => Object.entries(block.at).every(([axis, value]) => choice[axis] === value)) || null;
  }

  labelsAt(choice) {
    return this.labels.find((item) => Object.entries(item.at).every(([axis, value]) => choice[axis] === value)) || null;
  }

  /** The map of a choice, null where there is none or it has not come yet. A slider past the end takes the last. */
  map(choice, pinned) {
    const block = this.block(choice);
    if (!block) return null;
    if (block.computed === "similarity") return pinned ? this.similarity(pinned, block) : null;
    if (!block.values) return null;
    const ranked = this.facts.matches?.axis;
    let index = 0, moment = 0;  // moment: the index where the axis that has masks is left out, as in `scores`
    block.axes.forEach((axis, place) => {
      const length = block.shape[place], at = Math.min(Math.max(axis.values.indexOf(choice[axis.name]), 0), length - 1);
      index = index * length + at;
      if (axis.name !== ranked) moment = moment * length + at;
    });
    const [height, width] = block.shape.slice(-2), size = height * width;
    const values = block.values.subarray(index * size, (index + 1) * size);
    return Object.assign(new GridMap(values, height, width, block.low[index], block.high[index], block), { moment, zero: this.facts.zero });
  }

  /** Cosine similarity of every place to the one under a point given as fractions (y, x) of the picture. */
  similarity(point, block) {
    const { channels, height, width, vectors } = this.features;
    const row = Math.min(Math.floor(point.y * height), height - 1), column = Math.min(Math.floor(point.x * width), width - 1);
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
    return new GridMap(Uint8Array.from(cosines, (value) => (value - low) * scale + 0.5), height, width, low, high, block);
  }

  /** The decoded picture of a key, as an ImageBitmap. */
  async picture(key) {
    const picture = this.pictures[key];
    if (!picture) throw new Error(`This result has no picture ${key}.`);
    if (!picture.bitmap) picture.bitmap = await createImageBitmap(new Blob([picture.bytes], { type: "image/png" }));
    return picture.bitmap;
  }

  /** Let go of everything that was decoded. */
  close() {
    for (const picture of Object.values(this.pictures)) picture.bitmap?.close();
    this.blocks = this.labels = [];
    this.pictures = this.masks = {};
    this.features = null;
  }
}

function fillBlock(own, block, buffer, start) {
  const count = block.shape.slice(0, -2).reduce((product, size) => product * size, 1);
  const size = block.shape.reduce((product, length) => product * length, 1);
  own.shape = block.shape;
  own.values = new Uint8Array(buffer, start + block.data, size);
  own.low = new Float32Array(buffer, start + block.low, count);
  own.high = new Float32Array(buffer, start + block.high, count);
}

function sameAt(first, second) {
  const names = Object.keys(first);
  return names.length === Object.keys(second).length && names.every((name) => first[name] === second[name]);
}

function parse(buffer) {
  const bytes = new Uint8Array(buffer);
  const magic = String.fromCharCode(...bytes.subarray(0, 8));
  if (magic !== MAGIC) throw new Error("That file is no atlas of this inspector.");
  const length = new DataView(buffer).getUint32(8, true), start = 12 + length;
  return { header: JSON.parse(new TextDecoder().decode(bytes.subarray(12, start))), start };
}

function unpackBits(packed, count) {
  const out = new Uint8Array(count);
  for (let index = 0; index < count; index++) out[index] = (packed[index >> 3] >> (index & 7)) & 1;
  return out;
}

function unitVectors(features, buffer, start) {
  const [channels, height, width] = features.shape;
  const stored = new Int8Array(buffer, start + features.data, channels * height * width);
  const vectors = Float32Array.from(stored);
  for (let place = 0; place < height * width; place++) {
    let squares = 0;
    for (let channel = 0; channel < channels; channel++) squares += vectors[place * channels + channel] ** 2;
    const scale = 1 / Math.max(Math.sqrt(squares), 1e-9);
    for (let channel = 0; channel < channels; channel++) vectors[place * channels + channel] *= scale;
  }
  return { channels, height, width, vectors };
}
