/* Paints: colour tables and scaled pictures, made once and kept until a viewer lets go of its result. */
// @ts-check
/** @import { Content, Viewer } from "./types" */
import { context2d, el } from "./controls.js";
import * as draw from "./draw.js";

const TABLES = 16, PICTURES = 64;  // that are kept at most

/**
 * Names of the colours that can be chosen.
 * @param {Viewer} viewer
 */
export function maps({ atlas }) {
  return atlas.facts.colormaps || Object.keys(atlas.colormaps).filter((name) => name !== "diverging");
}

/**
 * The colour table of a name at the current opacity.
 * @param {Viewer} viewer
 * @param {string} name
 */
export function colours({ atlas, luts, state }, name) {
  return kept(luts, TABLES, `${name} ${state.opacity}`, () => draw.shares(atlas.colormaps[name], state.opacity));
}

/**
 * RGBA bytes of the picture of a content at a size, scaled by the browser.
 * @param {Viewer} viewer
 * @param {Content} content
 * @param {ImageBitmap} picture
 * @param {number} width
 * @param {number} height
 */
export function pixels(viewer, content, picture, width, height) {
  return kept(viewer.cache, PICTURES, `${content.atlas.id} ${content.picture} ${width}x${height}`, () => {
    const context = context2d(el("canvas", { width, height }), { willReadFrequently: true });
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, 0, 0, width, height);
    return context.getImageData(0, 0, width, height).data;
  });
}

/**
 * What a store has of a name; else it is made, and where there are too many all others go.
 * @template Value
 * @param {Map<string, Value>} store
 * @param {number} most
 * @param {string} name
 * @param {() => Value} make
 */
function kept(store, most, name, make) {
  const known = store.get(name);
  if (known) return known;
  if (store.size > most) store.clear();
  const made = make();
  store.set(name, made);
  return made;
}
