/* Links: what a viewer shows as the parameters of an address, and back; what an address says is not taken on trust. */
// @ts-check
/** @import { Choice, Remembered, Viewer } from "./types" */
import { DIFFERENCE } from "./compare.js";
import { MOST_PANELS } from "./grid.js";
import { DRAWN } from "./masks.js";
import * as moments from "./moments.js";

/** @type {("fade" | "smooth" | "follow" | "wipe" | "outline" | "ribbon" | "together")[]} */
const FLAGS = ["fade", "smooth", "follow", "wipe", "outline", "ribbon", "together"];
/** @type {("colormap" | "scale" | "show" | "mask" | "columns" | "rows")[]} */
const WORDS = ["colormap", "scale", "show", "mask", "columns", "rows"];
/** @type {("opacity" | "threshold" | "wipeAt")[]} */
const NUMBERS = ["opacity", "threshold", "wipeAt"];
/** @type {["pin" | "zoom", string[]][]} */
const POINTS = [["pin", ["y", "x"]], ["zoom", ["scale", "y", "x"]]];
const ON = ["on", "1", "true"], OFF = ["off", "0", "false"];
/** @type {(value: number) => string} */
const short = (value) => String(Number(value.toFixed(4)));

/**
 * [name, value] pairs for what differs from how the viewer began with its result. An axis on which the panels agree
 * stands once (word=horse), another once per panel, in their order (arm=generation&arm=noise once).
 * @param {Pick<Viewer, "results" | "fresh" | "remember">} viewer
 */
export function encode(viewer) {
  const now = viewer.remember(), { fresh } = viewer, { panels } = now;
  /** @type {[string, string][]} */
  const out = [];
  /** @type {(one: unknown, other: unknown) => boolean} */
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
  if (panels.length !== fresh.panels.length) out.push(["panels", String(panels.length)]);
  for (const name of axes(viewer)) {
    /** @type {(panel: Choice) => string} */
    const of = (panel) => panel[name] ?? (name === "of" ? "0" : "");
    const values = panels.map(of);
    const begun = panels.map((_, at) => of(fresh.panels[Math.min(at, fresh.panels.length - 1)]));
    const whole = name === "of" && viewer.results().length > 1;  // where it is left out, what is held stands beside
    if (!whole && same(values, begun)) continue;
    for (const value of new Set(values).size > 1 ? values : values.slice(0, 1)) out.push([name, value]);
  }
  if (now.active !== fresh.active) out.push(["active", String(now.active + 1)]);
  for (const name of FLAGS) if (now[name] !== fresh[name]) out.push([name, now[name] ? "on" : "off"]);
  for (const name of NUMBERS) if (now[name] !== fresh[name]) out.push([name, short(now[name])]);
  /** @type {(value: string) => boolean} */
  const own = (value) => value !== DRAWN && !value.startsWith("sent:");  // masks that live in this page alone
  for (const name of WORDS) {
    if (now[name] !== fresh[name] && (name !== "mask" || own(now[name]))) out.push([name, now[name]]);
  }
  for (const [name, parts] of POINTS) {
    /** @type {(point: Record<string, number> | null) => string} */
    const written = (point) => (point ? parts.map((part) => short(point[part])).join(",") : "");
    const point = written(now[name]);
    if (point && point !== written(fresh[name])) out.push([name, point]);
  }
  return [...out, ...questions(now)];
}

/**
 * [name, value] pairs for what a recorded run is asked: a region, words that compete, weights of resolutions.
 * @param {Pick<Remembered, "region" | "rivals" | "mixture">} state
 * @returns {[string, string][]}
 */
function questions({ region, rivals, mixture }) {
  /** @type {[string, string][]} */
  const out = [];
  const corners = region?.points.map(({ y, x }) => `${short(y)},${short(x)}`).join(";");
  if (region && (region.kind === "box" || region.points.length > 2)) out.push(["region", `${region.kind}:${corners}`]);
  if (rivals.length) out.push(["rivals", rivals.join(",")]);
  const weights = Object.entries(mixture ?? {}).map(([height, weight]) => `${height}:${short(weight)}`);
  if (weights.length) out.push(["mixture", weights.join(",")]);
  return out;
}

/**
 * What the parameters tell of it.
 * @param {URLSearchParams} params
 * @returns {Record<string, unknown>}
 */
function askedIn(params) {
  /** @type {Record<string, unknown>} */
  const told = {}, region = params.get("region"), rivals = params.get("rivals"), mixture = params.get("mixture");
  if (region !== null) {
    const [kind, corners = ""] = region.split(":");
    told.region = { kind, points: corners.split(";").map((corner) => corner.split(",").map(Number)).map(placed) };
  }
  if (rivals !== null) told.rivals = rivals.split(",");
  if (mixture !== null) {
    const parts = mixture.split(",").map((part) => part.split(":"));
    told.mixture = Object.fromEntries(parts.map(([height, weight]) => [height, Number(weight)]));
  }
  return told;
}

/** @param {number[]} numbers */
const placed = ([y, x]) => ({ y, x });

/**
 * [name, value] pairs for the weights that proposals are named with instead of the result's own, which are a request's.
 * @param {Pick<Viewer, "state">} viewer
 * @returns {[string, string][]}
 */
export function weighed({ state: { weights } }) {
  return weights ? [["seen_weight", short(weights[0])], ["unseen_weight", short(weights[1])]] : [];
}

/**
 * What is told per panel: of which result it is, and the axes that the results have.
 * @param {Pick<Viewer, "results">} viewer
 */
function axes(viewer) {
  return [...new Set(["of", ...viewer.results().flatMap((atlas) => atlas.axes.map(({ name }) => name))])];
}

/**
 * The state that the parameters tell, for `Viewer.restore`, which takes of it what fits.
 * @param {URLSearchParams} params
 * @param {Pick<Viewer, "results" | "fresh" | "say">} viewer
 */
export function decode(params, viewer) {
  const { fresh } = viewer;
  /** @type {Record<string, unknown>} */
  const state = askedIn(params);
  for (const name of [...WORDS, ...NUMBERS]) if (params.has(name)) state[name] = params.get(name);
  for (const name of FLAGS) {
    const flag = params.get(name) ?? "";
    if (ON.includes(flag)) state[name] = true;
    else if (OFF.includes(flag)) state[name] = false;
  }
  for (const [name, parts] of POINTS) {
    const values = (params.get(name) || "").split(",").map(Number);
    if (values.length !== parts.length) continue;
    state[name] = Object.fromEntries(parts.map((part, index) => [part, values[index]]));
  }
  /** @type {[string, string[]][]} */
  const all = axes(viewer).map((name) => [name, params.getAll(name)]);
  const told = all.filter(([, values]) => values.length);
  const longest = Math.max(fresh.panels.length, ...told.map(([, values]) => values.length));
  const asked = Number.parseInt(params.get("panels") ?? "", 10);
  const count = Math.min(Math.max(asked || longest, 1), MOST_PANELS);
  state.panels = Array.from({ length: count }, (_, index) => {
    const panel = { ...fresh.panels[Math.min(index, fresh.panels.length - 1)] };
    for (const [name, values] of told) panel[name] = values[Math.min(index, values.length - 1)];
    return params.has("t") ? atTime(panel, Number(params.get("t")), viewer) : panel;
  });
  /** @type {(name: string, value: string) => boolean} */
  const known = (name, value) => (name === "of"
    ? value === DIFFERENCE || Boolean(viewer.results()[Number(value)])
    : viewer.results().some((atlas) => atlas.axis(name)?.values.includes(value)));
  const unknown = told.flatMap(([name, values]) => values
    .filter((value) => !known(name, value))
    .map((value) => `${name} ${value.slice(0, 40)}`)).join(", ");
  if (unknown) setTimeout(() => viewer.say(`The address asks for what this result does not have: ${unknown}.`));
  if (viewer.results().length > 1 && !params.has("of")) state.beside = true;
  if (params.has("active")) state.active = Number(params.get("active")) - 1;
  return state;
}

/**
 * A panel's choice at the step of its arm that is nearest to t: an address may tell t and leave the number open.
 * @param {Choice} panel
 * @param {number} t
 * @param {Pick<Viewer, "results">} viewer
 * @returns {Choice}
 */
function atTime(panel, t, viewer) {
  const atlas = viewer.results()[Number(panel.of) || 0], steps = atlas ? moments.timesteps(atlas, panel) : [];
  const axis = atlas?.axis(atlas.facts.curve);
  if (!axis || !steps.length || !Number.isFinite(t)) return panel;
  return { ...panel, [axis.name]: axis.values[moments.nearest(steps, t)] };
}
