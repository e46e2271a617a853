/* Stored: the curves that a model's data set keeps, as a chart takes them; a point leads to an example. */
// @ts-check
/** @import { Stored, Viewer } from "./types" */
/** @import { Line } from "./chart.js" */
import { STYLES } from "./chart.js";
import { number } from "./controls.js";

/** @type {[string, string, string][]} part of the data set, measure, title */
const CHARTS = [
  ["given", "ap", "AP, drawn scenes"],
  ["given", "iou", "IoU at 0.4, drawn scenes"],
  ["given", "entropy", "Entropy, drawn scenes"],
  ["generated", "correlation", "Correlation with generation, generated pictures"],
  ["generated", "entropy", "Entropy, generated pictures"],
];
const MEAN = "mean";  // of all layers, which is always there

/**
 * The charts of the shown layer, or of the mean of all where that one was not kept.
 * @param {Viewer} viewer
 * @param {Stored} stored
 */
export function storedLines(viewer, stored) {
  const { layer } = viewer.matrix.own(), kept = stored.curves.some((curve) => curve.layer === layer) ? layer : MEAN;
  const arms = [...new Set(stored.curves.map(({ arm }) => arm))];
  const lines = arms.map((name, at) => ({ name, style: at % STYLES.length }));
  const onPage = Boolean(viewer.options.shelf);
  const charts = CHARTS.map(([of, measure, title]) => {
    const [up] = title.split(",");
    const own = stored.curves.filter((curve) => curve.of === of && curve.measure === measure && curve.layer === kept);
    return { title, across: "t", up, lines: own.map((curve) => lineOf(curve, lines, up, stored, onPage)) };
  }).filter((one) => one.lines.length);
  const named = kept === MEAN ? "mean of all layers" : `mean of ${kept}×${kept}`, { given, generated } = stored.count;
  const leads = onPage ? " A point leads to an example." : "";
  const pictures = `${given} drawn scenes and ${generated} generated pictures, ${stored.seeds} noises each`;
  const caption = `${pictures}; ${named}; bands are 95% intervals over pictures.${leads}`;
  return { caption, lines, charts };
}

/**
 * @param {Stored["curves"][number]} curve
 * @param {{ name: string, style: number }[]} lines
 * @param {string} title
 * @param {Stored} stored
 * @param {boolean} onPage whether an address leads anywhere
 * @returns {Line}
 */
function lineOf({ of, arm, layer, points }, lines, title, { examples }, onPage) {
  return {
    name: arm,
    style: lines.find(({ name }) => name === arm)?.style ?? 0,
    along: points.map(([x, y]) => ({ x, y })),
    bands: points.flatMap(([x, y, half]) => (half === null ? [] : [{ x, low: y - half, high: y + half }])),
    points: points.map(([x, y, half]) => {
      const address = onPage ? examples[of]?.[arm]?.[String(x)] : undefined;
      const text = `${arm}, t = ${x}: ${title} ${number(y)}${half === null ? "" : ` ± ${number(half)}`}`;
      return { x, y, text, ...(address ? { href: `?${address}&layer=${encodeURIComponent(layer)}` } : {}) };
    }),
  };
}
