/* File: the parts of an atlas as inspector/views/atlas.py lays them out in bytes. */
// @ts-check
/** @import { Block, BlockHeader, Features, FeaturesHeader, Header, Proposals, ProposalsHeader } from "./types" */

const MAGIC = "DIATLAS1";

/**
 * The header of a file, and where its arrays begin. Throws an Error with a plain sentence for anything else.
 * @param {ArrayBuffer} buffer
 * @returns {{ header: Header, start: number }}
 */
export function parse(buffer) {
  const bytes = new Uint8Array(buffer);
  const magic = String.fromCharCode(...bytes.subarray(0, 8));
  if (magic !== MAGIC) throw new Error("That file is no atlas of this inspector.");
  const length = new DataView(buffer).getUint32(8, true), start = 12 + length;
  return { header: JSON.parse(new TextDecoder().decode(bytes.subarray(12, start))), start };
}

/**
 * Give a block the maps that a file has of it, if it has them.
 * @param {Block} own
 * @param {BlockHeader} block
 * @param {ArrayBuffer} buffer
 * @param {number} start
 */
export function fillBlock(own, block, buffer, start) {
  if (block.projected !== undefined) {
    const size = block.shape.reduce((product, length) => product * length, 1);
    const halves = new Uint16Array(buffer, start + block.projected, size);
    Object.assign(own, { shape: block.shape, projected: halves, heads: block.heads });
  }
  if (block.data === undefined) return;
  const count = block.shape.slice(0, -2).reduce((product, size) => product * size, 1);
  const size = block.shape.reduce((product, length) => product * length, 1);
  Object.assign(own, {
    shape: block.shape,
    values: new Uint8Array(buffer, start + block.data, size),
    low: new Float32Array(buffer, start + block.low, count),
    high: new Float32Array(buffer, start + block.high, count),
  });
}

/**
 * The bits of a mask, a byte each.
 * @param {Uint8Array} packed eight to a byte, the lowest first
 * @param {number} count
 */
export function unpackBits(packed, count) {
  const out = new Uint8Array(count);
  for (let index = 0; index < count; index++) out[index] = (packed[index >> 3] >> (index & 7)) & 1;
  return out;
}

/**
 * Vectors of unit length of the int8 ones in a file.
 * @param {FeaturesHeader} features
 * @param {ArrayBuffer} buffer
 * @param {number} start
 * @returns {Features}
 */
export function unitVectors(features, buffer, start) {
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

/**
 * The proposals of a file.
 * @param {ProposalsHeader} told
 * @param {ArrayBuffer} buffer
 * @param {number} start
 * @returns {Proposals}
 */
export function proposalsOf({ shape: [count, names, height, width], masks, head, null: nothing, clip, seen }, buffer,
  start) {
  /** @type {(at: number, size: number) => Float32Array} */
  const floats = (at, size) => new Float32Array(buffer, start + at, size);
  return {
    count, names, height, width,
    masks: Float32Array.from(new Uint16Array(buffer, start + masks, count * height * width), half),
    head: floats(head, count * names),
    null: floats(nothing, count),
    clip: clip === null ? null : floats(clip, count * names),
    seen: new Uint8Array(buffer, start + seen, names),
  };
}

/**
 * The number that the 16 bits of a half-precision float stand for.
 * @param {number} bits
 */
export function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
