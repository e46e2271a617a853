/* Announced: blocks of maps that come only when they are asked for. */
// @ts-check
/** @import { Block, Viewer } from "./types" */
/** @import { Atlas } from "./atlas.js" */

/**
 * Take the maps of blocks into their results: one request for all of a result that nobody has asked for yet. What goes
 * wrong is said.
 * @param {Viewer} viewer
 * @param {[Block, Atlas][]} missing
 */
export async function take(viewer, missing) {
  const { pending, options } = viewer;
  for (const atlas of new Set(missing.map(([, of]) => of))) {
    const blocks = missing.flatMap(([block, of]) => (of === atlas && !pending.has(named(block, of)) ? [block] : []));
    if (!blocks.length) continue;
    const here = () => viewer.results().includes(atlas);
    const asked = ask(options.more?.(blocks.map(({ at }) => at), atlas.key))
      .then((buffer) => { if (here()) atlas.merge(buffer); })
      .catch((error) => { if (here()) viewer.say(error.message); });
    for (const block of blocks) pending.set(named(block, atlas), asked);
  }
  await Promise.all(missing.map(([block, of]) => pending.get(named(block, of))));
}

/**
 * @param {Block} block
 * @param {Atlas} atlas
 */
const named = ({ at }, { id }) => JSON.stringify([id, at]);

/** @param {Promise<ArrayBuffer> | undefined} answer undefined where nobody can be asked */
async function ask(answer) {
  if (!answer) throw new Error("These maps are not in the file.");
  return answer;
}
