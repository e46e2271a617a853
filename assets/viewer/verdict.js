/*
 * Verdict: the inspector's part with curves against t, arm by arm: of what is on the screen, from the maps that are
 * there, and of the data set that the model was measured on. Every point leads to its map.
 */
// @ts-check
/** @import { Choice, Viewer } from "./types" */
/** @import { Line } from "./chart.js" */
/** @import { Reading } from "./curves.js" */
import { STYLES, chart, legend } from "./chart.js";
import { shown, telling } from "./contents.js";
import { button, chips, el, number } from "./controls.js";
import { correlation, entropy, summaries } from "./curves.js";
import * as moments from "./moments.js";
import { storedLines } from "./stored.js";

const AT_ONCE = 10;  // milliseconds of measuring before the page has its turn

/** @typedef {{ name: string, style: number, arms: string[] }} Series one line, of one arm or of all its noises */
/** @typedef {{ arm: string, t: number, choice: Choice, values: Record<string, number> }} Measured one map */

/** @type {Record<string, string>} */
export const TITLES = {
  ap: "AP", iou: "IoU", correlation: "Correlation with generation", entropy: "Entropy",
};

/**
 * Whether a result has arms whose curves can be drawn.
 * @param {Viewer} viewer
 */
export const compares = ({ atlas }) => Boolean(atlas.facts.compared && atlas.facts.timesteps);

/**
 * `update` measures what changed, where the part is open; a step alone changes only which points are marked.
 * @param {Viewer} viewer
 */
export function verdictPart(viewer) {
  const body = { head: el("div", { class: "dv-caption" }), key: el("div"), charts: el("div", { class: "dv-charts" }) };
  const title = "Wider: half of the screen for the curves";
  const wider = button({ text: "Wider", title, pressed: false, click: () => {
    const on = viewer.root.querySelector(".dv")?.classList.toggle("dv-wider");
    wider.setAttribute("aria-pressed", String(Boolean(on)));
  } });
  const which = chips({
    label: "Curves of", options: [["shown", "screen"], ["stored", "data set"]], value: "shown",
    change: () => { update(); },
  });
  const head = el("div", { class: "dv-buttons" }, which.node, wider);
  const node = el("div", { class: "dv-verdict" }, head, ...Object.values(body));
  let told = "", measured = "";
  /** @type {Measured[]} */
  let found = [];
  const update = async () => {
    if (node.closest("[hidden]")) return;
    const { verdict } = viewer.atlas.facts, wanted = subject(viewer);
    which.node.hidden = !verdict;
    if (verdict && which.value === "stored") {
      const now = JSON.stringify(["stored", viewer.atlas.id, viewer.matrix.own().layer]);
      if (now !== told) show(body, storedLines(viewer, verdict));
      told = now;
      return;
    }
    if (wanted !== measured) {
      const fresh = await measure(viewer, () => !viewer.showing || wanted !== subject(viewer));
      if (!fresh) return;
      [found, measured] = [fresh, wanted];
    }
    const now = JSON.stringify([measured, standing(viewer)]);
    if (now !== told) show(body, drawnOf(viewer, found));
    told = now;
  };
  return { node, update };
}

/**
 * What the curves are of: they change with it, and not with arm and step.
 * @param {Viewer} viewer
 */
function subject({ atlas, state, masks, matrix }) {
  const { curve = "", ticksBy = "" } = atlas.facts, rest = { ...matrix.own(), [curve]: "", [ticksBy]: "" };
  return JSON.stringify([atlas.id, rest, state.mask, masks.version, state.threshold]);
}

/**
 * The arm that is shown, and its step from 0.
 * @param {Viewer} viewer
 */
function standing(viewer) {
  const { atlas } = viewer, own = viewer.matrix.own(), axis = axisOf(viewer);
  const values = moments.valuesOf(atlas, axis, own);
  return { arm: own[atlas.facts.ticksBy ?? ""], step: moments.placeIn(values, own[axis.name], axis.values) };
}

/** @param {Viewer} viewer */
function axisOf({ atlas }) {
  const axis = atlas.axis(atlas.facts.curve);
  if (!axis) throw new Error("This result has no steps.");
  return axis;
}

/** @typedef {Parameters<typeof chart>[0]} Told what one chart is of */
/** @typedef {{ caption: string, lines: { name: string, style: number }[], charts: Told[] }} Drawn */

/**
 * Draw, and keep the keys on the point that they were on.
 * @param {{ head: HTMLElement, key: HTMLElement, charts: HTMLElement }} body
 * @param {Drawn} drawn
 */
function show({ head, key, charts }, { caption, lines, charts: all }) {
  const { activeElement } = document, inside = charts.contains(activeElement);
  const name = inside && activeElement?.getAttribute("aria-label");
  const at = [...charts.children].findIndex((figure) => figure.contains(activeElement));
  head.textContent = caption;
  key.replaceChildren(legend(lines));
  charts.replaceChildren(...all.map((told) => chart(told)));
  if (!name) return;
  /** @type {NodeListOf<SVGElement> | undefined} */
  const points = charts.children[at]?.querySelectorAll(".dv-point");
  [...(points ?? [])].find((point) => point.getAttribute("aria-label") === name)?.focus();
}

/**
 * The lines of a result: an arm each, several noises of one together, without what only says how far they are apart.
 * @param {Viewer} viewer
 * @returns {Series[]}
 */
export function seriesOf({ atlas }) {
  const { compared, ticksBy } = atlas.facts, { noises = [], spread = "" } = compared ?? {};
  const arms = atlas.axis(ticksBy)?.values ?? [], others = noises.slice(1);
  return arms.filter((arm) => arm !== spread && !others.includes(arm)).map((arm, at) => {
    const own = arm === noises[0] && others.length ? noises : [arm];
    return { name: own.length > 1 ? `${arm}, ${own.length} noises` : arm, style: at % STYLES.length, arms: own };
  });
}

/**
 * Measure the shown word and layer in all arms and at all t, a little at a time; null where that is no longer wanted.
 * @param {Viewer} viewer
 * @param {() => boolean} stale
 */
async function measure(viewer, stale) {
  const { atlas } = viewer, own = viewer.matrix.own(), { ticksBy = "" } = atlas.facts, axis = axisOf(viewer);
  const arms = seriesOf(viewer).flatMap((series) => series.arms);
  const missing = arms.flatMap((arm) => viewer.content({ ...own, [ticksBy]: arm }).missing);
  await viewer.fetch(missing);
  /** @type {Measured[]} */
  const found = [];
  let until = performance.now() + AT_ONCE;
  for (const arm of arms) {
    for (const [step, t] of moments.timesteps(atlas, { [ticksBy]: arm }).entries()) {
      if (performance.now() > until) {
        await new Promise((resolve) => setTimeout(resolve));
        until = performance.now() + AT_ONCE;
      }
      if (stale()) return null;
      const choice = { ...own, [ticksBy]: arm, [axis.name]: axis.values[step] };
      found.push({ arm, t, choice, values: valuesOf(viewer, choice) });
    }
  }
  return found;
}

/**
 * What one map is worth: against the mask, where there is one, and against generation's at the nearest t.
 * @param {Viewer} viewer
 * @param {Choice} choice
 * @returns {Record<string, number>}
 */
function valuesOf(viewer, choice) {
  const { atlas, masks } = viewer, { map } = viewer.content(choice), { generation = "" } = atlas.facts.compared ?? {};
  const { ticksBy = "", matches } = atlas.facts;
  if (!map) return {};
  const scored = masks.score(map, choice, ["ap", "iou"]), { height, width } = masks.of(choice) ?? masks.size();
  const measured = map.block.scores[choice[matches?.axis ?? ""]]?.entropy?.[map.moment] ?? NaN;
  const known = scored && atlas.masks[matches?.names[choice[matches.axis]] ?? ""] === masks.of(choice);
  const other = choice[ticksBy] === generation ? null : viewer.content(moments.inArm(atlas, choice, generation)).map;
  return {
    ap: scored?.ap ?? NaN,
    iou: scored?.iou ?? NaN,
    correlation: other ? correlation(map, other) : NaN,
    entropy: known && Number.isFinite(measured) ? measured : entropy(map, height, width),
  };
}

/**
 * The charts of what was measured.
 * @param {Viewer} viewer
 * @param {Measured[]} found
 * @returns {Drawn}
 */
function drawnOf(viewer, found) {
  const own = viewer.matrix.own(), { atlas, state } = viewer, series = seriesOf(viewer);
  const { curve, ticksBy } = atlas.facts;
  const others = telling(atlas, own).filter(({ name }) => ![curve, ticksBy].includes(name));
  const said = others.map((axis) => shown(viewer, axis, own)).join(" · ");
  const measures = Object.keys(TITLES).filter((name) => found.some(({ values }) => Number.isFinite(values[name])));
  const charts = measures.map((name) => {
    const title = name === "iou" ? `IoU at ${state.threshold.toFixed(2)}` : TITLES[name];
    const lines = series.map((one) => lineOf(viewer, one, found, name, title));
    return { title, across: "t", up: title, lines: lines.filter(({ points }) => points.length) };
  });
  const several = series.some(({ arms }) => arms.length > 1);
  const band = several ? " The band is one standard deviation over the noises." : "";
  return { caption: `${said}, every arm against t; a point shows its map.${band}`, lines: series, charts };
}

/**
 * @param {Viewer} viewer
 * @param {Series} series
 * @param {Measured[]} found
 * @param {string} name of the measure
 * @param {string} title
 * @returns {Line}
 */
function lineOf(viewer, { name: line, style, arms }, found, name, title) {
  const axis = axisOf(viewer), now = standing(viewer);
  const mine = found.filter(({ arm, values }) => arms.includes(arm) && Number.isFinite(values[name]));
  /** @type {Reading[]} */
  const readings = mine.map(({ arm, t, choice, values }) => ({ t, value: values[name], name: arm, choice }));
  readings.sort((one, other) => one.t - other.t);
  const summed = summaries(readings);
  return {
    name: line,
    style,
    along: summed.map(({ t, mean }) => ({ x: t, y: mean })),
    bands: summed.flatMap(({ t, mean, deviation }) => (
      deviation === null ? [] : [{ x: t, low: mean - deviation, high: mean + deviation }])),
    points: readings.map(({ t, value, name: arm, choice }) => ({
      x: t,
      y: value,
      text: `${arm}, t = ${t}: ${title} ${number(value)}`,
      now: arm === now.arm && axis.values[now.step] === choice[axis.name],
      act: () => viewer.choose(choice),
    })),
  };
}
