/* Links: what a viewer shows as the parameters of an address, and back. What an address says is never taken on trust. */
import { DIFFERENCE } from "./compare.js";
import { MOST_PANELS } from "./layout.js";
import { DRAWN } from "./masks.js";

const FLAGS = ["smooth", "follow", "wipe", "outline"];
const WORDS = ["colormap", "scale", "show", "mask", "columns", "rows"];
const NUMBERS = ["opacity", "threshold", "wipeAt"];
const POINTS = { pin: ["y", "x"], zoom: ["scale", "y", "x"] };
const ON = ["on", "1", "true"], OFF = ["off", "0", "false"];
const short = (value) => String(Number(value.toFixed(4)));

/**
 * [name, value] pairs for what differs from how the viewer began with its result. An axis on which the panels agree
 * stands once (word=horse), another once per panel, in their order (arm=generation&arm=noise once).
 */
export function encode(viewer) {
  const now = viewer.remember(), { fresh } = viewer, out = [];
  const panels = now.panels, same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
  if (panels.length !== fresh.panels.length) out.push(["panels", String(panels.length)]);
  for (const name of axes(viewer)) {
    const of = (panel) => panel[name] ?? (name === "of" ? "0" : ""), values = panels.map(of);
    if (same(values, fresh.panels.map(of))) continue;
    for (const value of new Set(values).size > 1 ? values : values.slice(0, 1)) out.push([name, value]);
  }
  if (now.active !== fresh.active) out.push(["active", String(now.active + 1)]);
  for (const name of FLAGS) if (now[name] !== fresh[name]) out.push([name, now[name] ? "on" : "off"]);
  for (const name of NUMBERS) if (now[name] !== fresh[name]) out.push([name, short(now[name])]);
  const own = (value) => value !== DRAWN && !value.startsWith("sent:");  // masks that live in this page alone
  for (const name of WORDS) if (now[name] !== fresh[name] && (name !== "mask" || own(now[name]))) out.push([name, now[name]]);
  for (const [name, parts] of Object.entries(POINTS)) {
    if (now[name] && !same(now[name], fresh[name])) out.push([name, parts.map((part) => short(now[name][part])).join(",")]);
  }
  return out;
}

/** What is told per panel: of which result it is, and the axes that the results have. */
function axes(viewer) {
  return [...new Set(["of", ...viewer.results().flatMap((atlas) => atlas.axes.map(({ name }) => name))])];
}

/** The state that the parameters (URLSearchParams) tell, for `Viewer.restore`, which takes of it what fits. */
export function decode(params, viewer) {
  const { fresh } = viewer, state = {};
  for (const name of [...WORDS, ...NUMBERS]) if (params.has(name)) state[name] = params.get(name);
  for (const name of FLAGS) {
    if (ON.includes(params.get(name))) state[name] = true;
    else if (OFF.includes(params.get(name))) state[name] = false;
  }
  for (const [name, parts] of Object.entries(POINTS)) {
    const values = (params.get(name) || "").split(",").map(Number);
    if (values.length === parts.length) state[name] = Object.fromEntries(parts.map((part, index) => [part, values[index]]));
  }
  const told = axes(viewer).map((name) => [name, params.getAll(name)]).filter(([, values]) => values.length);
  const longest = Math.max(fresh.panels.length, ...told.map(([, values]) => values.length));
  const count = Math.min(Math.max(Number.parseInt(params.get("panels"), 10) || longest, 1), MOST_PANELS);
  state.panels = Array.from({ length: count }, (_, index) => {
    const panel = { ...fresh.panels[Math.min(index, fresh.panels.length - 1)] };
    for (const [name, values] of told) panel[name] = values[Math.min(index, values.length - 1)];
    return panel;
  });
  const known = (name, value) => (name === "of" ? value === DIFFERENCE || viewer.results()[Number(value)] : viewer.results().some((atlas) => atlas.axis(name)?.values.includes(value)));
  const unknown = told.flatMap(([name, values]) => values.filter((value) => !known(name, value)).map((value) => `${name} ${value.slice(0, 40)}`));
  if (unknown.length) setTimeout(() => viewer.say(`The address asks for what this result does not have: ${unknown.join(", ")}.`));
  if (params.has("active")) state.active = Number(params.get("active")) - 1;
  return state;
}
