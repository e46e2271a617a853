/* Announced: blocks of maps that come only when they are asked for. */
// @ts-check
/** @import { Block, Viewer } from "./types" */
/** @import { Atlas } from "./atlas.js" */

/**
 * Take the maps of a result's block into it: one request, however often it is asked for. What goes wrong is said.
 * @param {Viewer} viewer
 * @param {Block} block
 * @param {Atlas} atlas
 * @returns {Promise<void>}
 */
export function take(viewer, block, atlas) {
  const { pending, options } = viewer, key = JSON.stringify([atlas.id, block.at]), known = pending.get(key);
  if (known) return known;
  const here = () => viewer.results().includes(atlas);
  const asked = ask(options.more?.(block.at, atlas.key))
    .then((buffer) => { if (here()) atlas.merge(buffer); })
    .catch((error) => { if (here()) viewer.say(error.message); });
  pending.set(key, asked);
  return asked;
}

/** @param {Promise<ArrayBuffer> | undefined} answer undefined where nobody can be asked */
async function ask(answer) {
  if (!answer) throw new Error("These maps are not in the file.");
  return answer;
}
