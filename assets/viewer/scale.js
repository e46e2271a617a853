/* Scale: which values stand at the two ends of a map's colours. */
// @ts-check
/** @import { Viewer } from "./types" */

/** @typedef {{ low: number, high: number, zero: boolean, block: { signed: boolean } }} Ends of a map */

/**
 * The ends of one scale for many maps: of the unsigned ones, null without any, and how far from zero the signed go.
 * @param {Ends[]} maps
 * @returns {{ shared: [number, number] | null, farthest: number }}
 */
export function range(maps) {
  const signed = maps.filter(({ block }) => block.signed), others = maps.filter(({ block }) => !block.signed);
  const farthest = Math.max(...signed.map(reach));
  if (!others.length) return { shared: null, farthest };
  return { shared: [Math.min(...others.map(({ low }) => low)), Math.max(...others.map(({ high }) => high))], farthest };
}

/**
 * The values at the ends of a map's colours; a signed one's are as far from zero on both sides.
 * @param {Ends} map
 * @param {{ state: { scale: Viewer["state"]["scale"] } } & Pick<Viewer, "shared" | "farthest">} viewer
 * @returns {[number, number]}
 */
export function span(map, { state, shared, farthest }) {
  if (map.block.signed) {
    const top = state.scale === "shared" ? farthest : reach(map);
    return [-top, top];
  }
  return shared ?? [map.zero ? Math.min(0, map.low) : map.low, map.high];
}

/** @param {Ends} map how far from zero its values go */
function reach({ low, high }) {
  return Math.max(Math.abs(low), Math.abs(high));
}
