/* Draw: maps and labels over a picture, on a canvas, from 8-bit values. Functions only; they keep nothing. */
// @ts-check
/** @import { Grid, Labels, ValueMap } from "./types" */

const LITTLE = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/**
 * Positions and weights of bilinear enlargement with half-pixel centres, `from` cells to `to` pixels.
 * @param {number} from
 * @param {number} to
 * @param {boolean} smooth false: each pixel takes its nearest cell
 */
export function taps(from, to, smooth) {
  const first = new Int32Array(to), second = new Int32Array(to), share = new Float32Array(to);
  for (let pixel = 0; pixel < to; pixel++) {
    const place = Math.min(Math.max(((pixel + 0.5) * from) / to - 0.5, 0), from - 1);
    first[pixel] = smooth ? Math.floor(place) : Math.min(Math.floor((pixel * from) / to), from - 1);
    second[pixel] = smooth ? Math.min(first[pixel] + 1, from - 1) : first[pixel];
    share[pixel] = smooth ? place - first[pixel] : 0;
  }
  return { first, second, share };
}

/**
 * The map's 8-bit values at (height, width), Float32Array, still 0 to 255.
 * @param {{ values: ArrayLike<number>, height: number, width: number }} map
 * @param {number} height
 * @param {number} width
 */
export function enlarge(map, height, width, smooth = true, out = new Float32Array(height * width)) {
  const across = taps(map.width, width, smooth), down = taps(map.height, height, smooth);
  const rows = new Float32Array(map.height * width), values = map.values;
  for (let row = 0; row < map.height; row++) {
    const from = row * map.width, to = row * width;
    for (let x = 0; x < width; x++) {
      const left = values[from + across.first[x]];
      rows[to + x] = left + (values[from + across.second[x]] - left) * across.share[x];
    }
  }
  for (let y = 0; y < height; y++) {
    const top = down.first[y] * width, bottom = down.second[y] * width, share = down.share[y], to = y * width;
    if (share === 0) out.set(rows.subarray(top, top + width), to);
    else for (let x = 0; x < width; x++) out[to + x] = rows[top + x] + (rows[bottom + x] - rows[top + x]) * share;
  }
  return out;
}

/**
 * A colour as a 32-bit pixel without alpha.
 * @param {number} red
 * @param {number} green
 * @param {number} blue
 */
export function packed(red, green, blue) {
  return (LITTLE ? blue << 16 | green << 8 | red : red << 24 | green << 16 | blue << 8) >>> 0;
}

/**
 * Each colour of a table (n x 3 bytes) times `share`, rounded down, as 32-bit pixels without alpha.
 * @param {Uint8Array} table
 * @param {number} share
 */
export function shares(table, share) {
  const out = new Uint32Array(table.length / 3);
  for (let index = 0; index < out.length; index++) {
    const [red, green, blue] = table.subarray(3 * index, 3 * index + 3).map((value) => Math.floor(value * share));
    out[index] = packed(red, green, blue);
  }
  return out;
}

/**
 * A picture's pixels (RGBA bytes) times `share`, as 32-bit pixels with alpha: what `shares` is added to.
 * @param {Uint8Array | Uint8ClampedArray} pixels
 * @param {number} share
 */
export function ground(pixels, share, out = new Uint32Array(pixels.length / 4)) {
  const alpha = LITTLE ? 0xff000000 : 0xff;
  const table = Uint8Array.from({ length: 256 }, (_, value) => Math.floor(value * share));
  for (let index = 0, at = 0; index < out.length; index++, at += 4) {
    const red = table[pixels[at]], green = table[pixels[at + 1]], blue = table[pixels[at + 2]];
    out[index] = ((LITTLE ? blue << 16 | green << 8 | red : red << 24 | green << 16 | blue << 8) | alpha) >>> 0;
  }
  return out;
}

/**
 * Where a map's 8-bit values fall on a colour table that runs from `low` to `high`: index = slope * q + shift.
 * @param {{ low: number, high: number }} map
 * @param {number} low
 * @param {number} high
 */
export function ramp(map, low, high) {
  const span = high - low;
  if (!(span > 0)) return { slope: 0, shift: 0 };
  return { slope: (map.high - map.low) / span, shift: ((map.low - low) / span) * 255 };
}

/**
 * out[i] = base[i] + colours[value]; the sum of two rounded-down shares never carries over into the next byte.
 * @param {Uint32Array} base
 * @param {Float32Array} values 0 to 255
 * @param {Uint32Array} colours 256 of them
 * @param {{ slope: number, shift: number }} ramp
 * @param {Uint32Array} out
 */
export function heat(base, values, colours, { slope, shift }, out) {
  const lift = shift + 0.5;
  for (let index = 0; index < out.length; index++) {
    const place = (slope * values[index] + lift) | 0;
    out[index] = base[index] + colours[place < 0 ? 0 : place > 255 ? 255 : place];
  }
}

/**
 * As `heat`, with an opacity that follows the value, so that what is low leaves the picture as it is: that of a colour
 * is its place in the table, for signed maps its distance from the middle, times `opacity`; 0 where all is one value.
 * @param {Uint8Array | Uint8ClampedArray} pixels the picture's, RGBA
 * @param {Float32Array} values 0 to 255
 * @param {Uint8Array} table 256 colours of 3 bytes
 * @param {{ slope: number, shift: number }} ramp
 * @param {Uint32Array} out
 * @param {{ opacity: number, signed: boolean }} how
 */
export function faded(pixels, values, table, { slope, shift }, out, { opacity, signed }) {
  const alpha = LITTLE ? 0xff000000 : 0xff, flat = slope === 0;
  for (let index = 0, at = 0; index < out.length; index++, at += 4) {
    const share = Math.min(Math.max((slope * values[index] + shift) / 255, 0), 1), place = Math.round(255 * share);
    const weight = flat ? 0 : opacity * (signed ? Math.abs(2 * share - 1) : share);
    const red = (weight * table[3 * place] + (1 - weight) * pixels[at] + 0.5) | 0;
    const green = (weight * table[3 * place + 1] + (1 - weight) * pixels[at + 1] + 0.5) | 0;
    const blue = (weight * table[3 * place + 2] + (1 - weight) * pixels[at + 2] + 0.5) | 0;
    out[index] = ((LITTLE ? blue << 16 | green << 8 | red : red << 24 | green << 16 | blue << 8) | alpha) >>> 0;
  }
}

/**
 * Labels (h x w) at (height, width), nearest neighbour.
 * @param {Grid} labels
 * @param {number} height
 * @param {number} width
 */
export function enlargeLabels(labels, height, width) {
  const out = new Uint8Array(height * width);
  for (let y = 0; y < height; y++) {
    const from = Math.min(Math.floor((y * labels.height) / height), labels.height - 1) * labels.width;
    for (let x = 0; x < width; x++) {
      out[y * width + x] = labels.values[from + Math.min(Math.floor((x * labels.width) / width), labels.width - 1)];
    }
  }
  return out;
}

/**
 * Labels in their colours over a ground, both at (height, width).
 * @param {Uint32Array} base
 * @param {Grid & Pick<Labels, "colors">} labels
 * @param {number} opacity
 * @param {number} height
 * @param {number} width
 * @param {Uint32Array} out
 */
export function paint(base, labels, opacity, height, width, out) {
  const bytes = labels.colors.flatMap((color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16)));
  const colours = shares(new Uint8Array(bytes), opacity), grid = enlargeLabels(labels, height, width);
  for (let at = 0; at < grid.length; at++) out[at] = base[at] + colours[grid[at]];
}

/**
 * 1 where a pixel of `inside` has a neighbour (of four) that is not; the picture's border counts as inside.
 * @param {Uint8Array} inside
 * @param {number} height
 * @param {number} width
 */
export function edges(inside, height, width) {
  const out = new Uint8Array(inside.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x, own = inside[at];
      if (own && ((x > 0 && !inside[at - 1]) || (x < width - 1 && !inside[at + 1]) ||
                  (y > 0 && !inside[at - width]) || (y < height - 1 && !inside[at + width]))) out[at] = 1;
    }
  }
  return out;
}

/**
 * Paint a contour of `inside`: a light line with a dark one around it, so that it reads on any ground.
 * @param {Uint32Array} out
 * @param {Uint8Array} inside
 * @param {number} height
 * @param {number} width
 */
export function contour(out, inside, height, width, light = packed(255, 255, 255), reach = 1) {
  const alpha = LITTLE ? 0xff000000 : 0xff, line = edges(inside, height, width);
  /** @type {(radius: number, colour: number) => void} */
  const trace = (radius, colour) => {
    for (let at = 0; at < line.length; at++) {
      if (!line[at]) continue;
      const y = Math.floor(at / width), x = at - y * width;
      for (let dy = -radius; dy <= radius; dy++) {
        for (let dx = -radius; dx <= radius; dx++) {
          const within = y + dy >= 0 && y + dy < height && x + dx >= 0 && x + dx < width;
          if (within) out[at + dy * width + dx] = (colour | alpha) >>> 0;
        }
      }
    }
  };
  trace(reach + 1, packed(0, 0, 0));
  trace(reach, light);
}

/**
 * Fade everything outside to white by `share`, as the paper's Figure 2.
 * @param {Uint32Array} out
 * @param {Uint8Array} inside
 * @param {number} share
 */
export function fade(out, inside, share) {
  const bytes = new Uint8Array(out.buffer, out.byteOffset, out.byteLength), first = LITTLE ? 0 : 1;
  for (let at = 0; at < inside.length; at++) {
    if (inside[at]) continue;
    for (let channel = first; channel < first + 3; channel++) {
      const value = bytes[4 * at + channel];
      bytes[4 * at + channel] = value + (255 - value) * share;
    }
  }
}
