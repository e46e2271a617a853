/* Grid: how many panels there may be, and how they stand. */
// @ts-check

export const MOST_PANELS = 4;
const BESIDE = 46;  // pixels of a panel's height that its title and its colour bar take
const GAP = 12;  // between panels

/**
 * The columns that show pictures largest in a box, and how high a picture may be there, both in pixels but the count.
 * Four of a usual shape stand two by two; a square, once it is reached, is kept.
 * @param {number} count
 * @param {{ wide: number, high: number }} box
 * @param {number} ratio width by height of a picture
 */
export function arrange(count, { wide, high }, ratio) {
  /** @type {(columns: number) => number} */
  const height = (columns) => {
    const rows = Math.ceil(count / columns);
    return (high - GAP * (rows - 1)) / rows - BESIDE;
  };
  /** @type {(columns: number) => number} */
  const width = (columns) => Math.min((wide - GAP * (columns - 1)) / columns, height(columns) * ratio);
  let best = count === 4 && ratio > 0.4 && ratio < 2.5 ? 2 : 1;
  for (let columns = 2; columns <= count && best * best !== count; columns++) {
    if (width(columns) >= width(best)) best = columns;
  }
  return { columns: best, high: Math.max(0, Math.floor(height(best))) };
}
