/* Ask: the inspector's part with what else a recorded run answers: by which words, from where, of which layers. */
// @ts-check
/** @import { Choice, Kept, State, Viewer } from "./types" */
import { button, chips, el, slider, unique } from "./controls.js";
import { called } from "./dock.js";
import * as questions from "./questions.js";

const MOST_MASKS = 8;  // of a table
/** @type {[State["tool"], string][]} */
const REGIONS = [["look", "Pixel"], ["box", "Box"], ["corner", "Polygon"]];
/** @type {Record<string, string>} what a view tells, by its name */
const TOLD = {
  word: "How much each place attends to a word, mean of all heads.",
  "without start": "Each place's attention without the start token, which takes most of it; the other tokens sum to 1.",
  head: "One head of one layer; layers have different numbers of heads.",
  against: "Each place's word: the one of those below with the most attention there.",
  self: "Where a place, or the mean over a region, looks by self-attention: from where it takes what it becomes.",
  probe: "A word that need not be in the prompt, held against what the run recorded; it competes with no other word.",
};

/**
 * `sync` follows the state and what the active panel shows.
 * @param {Viewer} viewer
 * @param {Kept} kept whose region tool it writes
 */
export function askPart(viewer, kept) {
  const said = el("div", { class: "dv-caption" }), own = el("div"), which = viewsPart(viewer);
  const node = el("div", { class: "dv-axes" }, which?.node, said, own, probeField(viewer), unkept(viewer));
  let built = "";
  /** @type {(() => void)} */
  let follow = () => {};
  return {
    node,
    sync() {
      const choice = viewer.matrix.own(), kind = kindOf(choice), key = `${viewer.atlas.id} ${kind} ${choice.layer}`;
      if (built !== key) {
        const made = parts(viewer, kept, choice);
        said.textContent = TOLD[kind] ?? "";
        own.replaceChildren(...made.nodes);
        follow = made.sync;
        built = key;
      }
      which?.sync(kind);
      follow();
    },
  };
}

/**
 * What is asked, of what there is; null without questions.
 * @param {Viewer} viewer
 */
function viewsPart(viewer) {
  const { own } = viewer, axis = own.facts.questions && own.axis(questions.VIEW);
  if (!axis) return null;
  /** @type {[string, string][]} */
  const options = axis.values.map((value, at) => [value, axis.shown[at]]);
  /** @type {(view: string) => void} */
  const change = (view) => viewer.choose({ [questions.VIEW]: view });
  const made = chips({ label: called(own, axis.name), options, value: axis.values[0], change });
  return { node: made.node, sync(/** @type {string} */ view) { made.value = view; } };
}

/** @param {Choice} choice */
const kindOf = ({ view = questions.WORD }) => view;

/**
 * @param {Viewer} viewer
 * @param {Kept} kept
 * @param {Choice} choice
 * @returns {{ nodes: Node[], sync: () => void }}
 */
function parts(viewer, kept, choice) {
  /** @type {{ node: Node, sync: () => void }[]} */
  const made = [];
  if (kindOf(choice) === questions.SELF) made.push(regionPart(viewer, kept));
  if (kindOf(choice) === questions.AGAINST) made.push(rivalsPart(viewer));
  if (choice.layer === questions.MIXED) made.push(mixturePart(viewer));
  return { nodes: made.map(({ node }) => node), sync() { for (const one of made) one.sync(); } };
}

/**
 * What the pointer chooses: a pixel, a box or a polygon.
 * @param {Viewer} viewer
 * @param {Kept} kept
 */
function regionPart(viewer, kept) {
  const again = button({ text: "Start anew", title: "Forget the region", click: () => viewer.set("region", null) });
  const which = chips({ label: "From", options: REGIONS, value: kept.asking, change: (value) => {
    kept.asking = viewer.state.tool = value;
    if (value === "look") viewer.state.region = null;
    viewer.refresh();
  } });
  const told = el("div", { class: "dv-caption" });
  const table = el("div", { class: "dv-scores dv-wide" });
  const show = button({ text: "Table of masks", title: "How much each mask's region looks at each",
    click: () => table.replaceChildren(tableOf(viewer)) });
  const buttons = el("div", { class: "dv-buttons" }, again, show);
  const node = el("div", { class: "dv-axes" }, which.node, buttons, told, table);
  let shown = "";
  return {
    node,
    sync() {
      const { region } = viewer.state;
      which.value = kept.asking;
      again.hidden = !region;
      const now = JSON.stringify([viewer.matrix.own(), viewer.masks.version]);
      if (now !== shown) table.replaceChildren();  // it is of what was shown then
      shown = now;
      told.textContent = {
        box: "Drag over a picture.", corner: "Click one corner after another; the region is closed by itself.",
      }[String(kept.asking)] ?? "Click a pixel.";
    },
  };
}

/**
 * How much of its self-attention the region of each mask pays to that of each: of true, drawn and sent ones.
 * @param {Viewer} viewer
 */
function tableOf(viewer) {
  const { atlas, masks } = viewer, there = masks.names().filter((name) => name && masks.named(name));
  const names = there.slice(0, MOST_MASKS);
  const own = names.flatMap((name) => masks.named(name) ?? []);
  const shares = own.length ? questions.between(atlas, viewer.matrix.own(), own) : null;
  const text = "There is no mask: draw one under Mask, and send it to the other tabs to keep several.";
  if (!shares) return el("div", { class: "dv-caption", text });
  const titles = names.map((name) => masks.title(name).replace("true mask: ", ""));
  const label = "Share of self-attention from each row's region to each column's";
  return el("table", { "aria-label": label },
    el("thead", {}, el("tr", {},
      ...["from \\ to", ...titles].map((title) => el("th", { scope: "col", text: title })))),
    el("tbody", {}, ...shares.map((row, at) => el("tr", {}, el("th", { scope: "row", text: titles[at] }),
      ...row.map((share) => el("td", { text: share.toFixed(3) }))))));
}

/**
 * The words that compete, each a switch.
 * @param {Viewer} viewer
 */
function rivalsPart(viewer) {
  const { atlas } = viewer, words = atlas.facts.questions?.words ?? [], name = unique();
  /** @type {(word: string) => void} */
  const turn = (word) => {
    const now = questions.rivals(atlas, viewer.state), without = now.filter((one) => one !== word);
    if (now.includes(word) && without.length < 2) { viewer.say("Two words at least compete."); return; }
    viewer.set("rivals", words.filter((one) => (one === word ? !now.includes(word) : now.includes(one))));
  };
  const buttons = words.map((word) => button({ text: word, pressed: false, click: () => turn(word) }));
  const node = el("div", { class: "dv-field dv-wide" },
    el("span", { id: name, class: "dv-label", text: "Words that compete" }),
    el("div", { class: "dv-buttons", role: "group", "aria-labelledby": name }, ...buttons));
  return {
    node,
    sync() {
      const now = questions.rivals(atlas, viewer.state);
      for (const [at, word] of words.entries()) buttons[at].setAttribute("aria-pressed", String(now.includes(word)));
    },
  };
}

/**
 * A weight for each resolution's mean.
 * @param {Viewer} viewer
 */
function mixturePart(viewer) {
  const { atlas } = viewer, first = atlas.facts.questions?.mixture ?? {};
  const heights = Object.keys(first).sort((one, other) => Number(other) - Number(one)), axis = atlas.axis("layer");
  const names = new Map(axis?.values.map((value, at) => [value, axis.shown[at].replace("mean of ", "")]));
  const sliders = heights.map((height) => slider({
    label: `Weight of ${names.get(height)}`, min: 0, max: 1, step: 0.05, value: first[height],
    shown: (value) => value.toFixed(2),
    change: (value) => {
      const next = { ...questions.mixture(atlas, viewer.state), [height]: value };
      if (Object.values(next).some((weight) => weight > 0)) viewer.set("mixture", next);
      else viewer.say("One resolution at least has a weight.");
    },
  }));
  return {
    node: el("div", { class: "dv-axes" }, ...sliders.map(({ node }) => node)),
    sync() {
      const now = questions.mixture(atlas, viewer.state);
      for (const [at, height] of heights.entries()) sliders[at].value = now[height];
    },
  };
}

/**
 * How more can be asked of the next run; null where all was kept, or nobody can be asked.
 * @param {Viewer} viewer
 */
function unkept({ own, options }) {
  const views = own.axis(questions.VIEW)?.values ?? [], { questions: kept } = own.facts;
  /** @type {[boolean, string][]} */
  const wanted = [[views.includes(questions.HEAD), "single heads"], [Boolean(kept?.probes), "words not in the prompt"],
    [views.includes(questions.SELF), "self-attention"]];
  const missing = wanted.filter(([there]) => !there).map(([, name]) => name);
  if (!options.probe || !missing.length) return null;
  const text = `For ${missing.join(", ")} press Run with “Keep for questions after the run” under Recipe.`;
  return el("div", { class: "dv-caption", text });
}

/**
 * Where words are written that are not in the prompt; null where nobody can be asked.
 * @param {Viewer} viewer
 */
function probeField(viewer) {
  const { own, options } = viewer, there = own.axis(questions.PROBE)?.values ?? [];
  if (!own.facts.questions?.probes || !options.probe) return null;
  const id = unique(), input = el("input", { id, class: "dv-edit", placeholder: "dog, tree", autocomplete: "off" });
  const ask = () => {
    const words = input.value.trim();
    if (words) options.probe?.([...there, words].join(", "));
    else viewer.say("Write a word that is not in the prompt.");
  };
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter") ask();
  });
  return el("div", { class: "dv-field dv-wide" },
    el("label", { for: id, text: "Words that are not in the prompt" }), input, button({ text: "Probe", click: ask }));
}
