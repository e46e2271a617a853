/* Layout: the elements around a viewer's panels, and what they say of its state. */
import { DIFFERENCE } from "./compare.js";
import { el, number } from "./controls.js";
import * as ui from "./controls.js";
import * as draw from "./draw.js";
import { DRAWN } from "./masks.js";
import { LINES } from "./readout.js";
import * as readout from "./readout.js";
import * as score from "./score.js";

const COLORMAPS = { viridis: "viridis", cividis: "cividis", magma: "magma", grey: "grey", turbo: "turbo (not even)" };
const TOOLS = [["brush", "Brush"], ["wipe", "Rubber"], ["polygon", "Polygon"], ["look", "Look"]];
const SIDES = ["Pixel", "Threshold", "Mask", "Look", "Numbers"];
export const MOST_PANELS = 4;
const BESIDE = 46;  // pixels of a panel's height that its title and its colour bar take
const GAP = 12;  // between panels

// What each control does, and where its default is from.
const HELP = {
  Colours: "Colours of the values. viridis, cividis, magma and grey are even, and safe for the colour-blind; turbo is not. Signed maps are always blue to red around zero. Default viridis, our choice.",
  Scale: "Each map from its own least to its own largest value, or one scale for all that is shown, so that a weak map looks weak. Default own, as in the paper's figures.",
  Cells: "Bilinear between the cells, or the cells as they were recorded. Default smooth, as in the paper.",
  "Threshold as": "What the threshold below draws: nothing, an outline, or the paper's Figure 2, faded outside.",
  Opacity: "Of the colours over the picture. Default 0.6, our choice; the paper gives none.",
  "Clear at zero": "The opacity follows the value, so that what is zero, or lowest, leaves the picture as it is.",
  "Threshold": "A share of the map's maximum. The paper gives none; 0.4 as in CLIP-ES. Otsu's value parts this map's histogram best.",
  "Score against": "The mask that AP, IoU and pointing are measured with: the true one, where the picture is a drawn scene, one that you draw or load, or one that another tab sent. Those that you make live in this page, and are not in its address: save what you want to keep.",
  "Send to the other tabs": "The drawn mask, where that is chosen; else the active panel's map above its threshold, or the label under the pin.",
  Pointer: "While Mask is open: brush, rubber and polygon (a click per corner) draw a mask, look reads and pins. While Threshold is open, a click takes the value under it. Otherwise the pointer reads, and a click pins.",
  "Add panel": "One more picture beside, up to four, with the same cursor and zoom. Its axes are chosen while it is the active one.",
  "Double click, or F2": "On a word or class: write another, and it runs again with everything else as it was, and comes back as a wipe with the difference.",
  Hold: "Keeps this result beside the next one: another prompt, seed, picture, method or model. Every panel can show either.",
  "A − B": "The first panel's map minus the second's, in their true values, where the grids agree; of labels, the share of panels that do not have the most frequent one.",
  "A/B wipe": "The first two panels in one frame; drag the border between them.",
};

export class Layout {
  constructor(viewer) {
    this.viewer = viewer;
    this.live = el("div", { class: "dv-live", role: "status", "aria-live": "polite" });
    this.controls = new Map();
    this.side = SIDES[0];
    this.fit = new ResizeObserver(() => this.arrange());
  }

  /** Build everything for the viewer's atlas. */
  build() {
    const { viewer } = this;
    this.of = viewer.atlas;  // whose axes the controls are
    this.controls.clear();
    this.panels = el("div", { class: "dv-panels", onscrollend: () => this._swiped() });
    this.wipe = this._wipe();
    this.pinned = el("div", { class: "dv-pinned" });
    this.table = el("div", { class: "dv-scores" });
    this.graph = el("div", { class: "dv-threshold" });
    viewer.root.replaceChildren(el("div", { class: "dv", role: "group", "aria-label": `Viewer: ${viewer.atlas.facts.title || viewer.atlas.tab}` },
      el("div", { class: "dv-stage" }, this.panels, this._warning(), this.live), this._side(), this.dock = this._axes(), this.film = this._film()));
    this.fit.disconnect();
    this.fit.observe(this.panels);
    this.place();
    viewer.matrix.build();
  }

  /** What the models never saw, said beside the maps. */
  _warning() {
    const told = new Set(this.viewer.results().map(({ facts }) => facts.warning).filter(Boolean));
    return told.size ? el("div", { class: "dv-warning", role: "note", text: [...told].join(" ") }) : null;
  }

  /** The inspector: one of its parts is open, and what the pointer does follows it. */
  _side() {
    const parts = { Pixel: [this.pinned], Threshold: [this._threshold()], Mask: [this._masks()], Look: [this._tools(), this._help()], Numbers: [this.table, this.viewer.options.shelf?.board.node] };
    const list = el("div", { class: "dv-tabs", role: "tablist", "aria-label": "Inspector" }), names = SIDES.map(() => ui.unique());
    this.sides = new Map();
    this.sheet = el("div", { class: "dv-side" }, list);
    for (const [index, name] of SIDES.entries()) {
      const body = el("div", { class: "dv-body", role: "tabpanel", id: names[index], "aria-label": name, tabindex: 0 }, ...parts[name]);
      const button = el("button", { type: "button", role: "tab", class: "dv-tab", text: name, "aria-controls": names[index], onclick: () => this.open(name, true) });
      list.append(button);
      this.sheet.append(body);
      this.sides.set(name, { button, body });
    }
    list.addEventListener("keydown", (event) => {
      const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key], at = SIDES.indexOf(this.side);
      if (!move) return;
      event.preventDefault();
      event.stopPropagation();
      this.open(SIDES[(at + move + SIDES.length) % SIDES.length]);
      this.sides.get(this.side).button.focus();
    });
    this.open(this.side);
    return this.sheet;
  }

  /** Open a part of the inspector; byHand: on a telephone, where it is a sheet, again to close it. */
  open(name, byHand = false) {
    const { viewer } = this, same = byHand && this.side === name;
    this.sheet.classList.toggle("dv-open", byHand && !(same && this.sheet.classList.contains("dv-open")));
    this.side = name;
    for (const [other, { button, body }] of this.sides) {
      button.setAttribute("aria-selected", String(other === name));
      button.tabIndex = other === name ? 0 : -1;
      body.hidden = other !== name;
    }
    if (["Mask", "Numbers"].includes(name)) {
      this.sides.get(name).body.append(viewer.finder.node);
      if (this.fields) viewer.finder.update();
    }
    viewer.state.tool = { Threshold: "cut", Mask: this.drawingTool || TOOLS[0][0] }[name] || "look";
    if (this.fields) { this.sync(); this.read(); }
  }

  /** Put the panels into as many columns as show them largest. */
  arrange() {
    this._toActive();
    const { viewer } = this, count = viewer.panels.length, { clientWidth: wide, clientHeight: high } = this.panels;
    if (!viewer.atlas || !wide || !high) return;
    const shown = viewer.state.wipe ? 1 + count - viewer.pair().length : count, { width, height } = viewer.size(), ratio = width / height;
    const fits = (columns) => {
      const rows = Math.ceil(shown / columns);
      return Math.min((wide - GAP * (columns - 1)) / columns, ((high - GAP * (rows - 1)) / rows - BESIDE) * ratio);
    };
    let best = shown === 4 && ratio > 0.4 && ratio < 2.5 ? 2 : 1;
    for (let columns = 2; columns <= shown && best * best !== shown; columns++) if (fits(columns) >= fits(best)) best = columns;
    const rows = Math.ceil(shown / best);
    this.panels.style.setProperty("--dv-columns", best);
    this.panels.style.setProperty("--dv-high", `${Math.max(0, Math.floor((high - GAP * (rows - 1)) / rows - BESIDE))}px`);
  }

  /** Let dock, row of maps and names speak of the active panel's result, where that is another one. */
  follow() {
    const { viewer } = this;
    if (this.of === viewer.atlas) return;
    this.of = viewer.atlas;
    this.controls.clear();
    this.dock.replaceWith(this.dock = this._axes());
    const film = this._film();
    if (this.film && film) this.film.replaceWith(film);
    this.film = film;
    this.maskNames();
    viewer.matrix.build();
  }

  /** A control per axis that has something to choose. */
  _axes() {
    const { viewer } = this, { atlas } = viewer, node = el("div", { class: "dv-dock" });
    for (const axis of atlas.axes.filter((item) => item.values.length > 1)) {
      const options = axis.values.map((value, index) => [value, axis.shown[index]]);
      const label = atlas.facts.names?.[axis.name] || axis.name;
      const change = (value) => viewer.choose({ [axis.name]: value });
      if (axis.control === "slider") {
        const range = ui.slider({
          label, min: 0, max: axis.values.length - 1, step: 1, value: 0,
          shown: (index) => viewer._shown(axis, { ...viewer.active().choice, [axis.name]: axis.values[index] }), change: (index) => change(axis.values[index]),
        });
        const play = ui.button({ text: "Play", title: `Play along ${label}`, pressed: false, click: () => viewer.play(axis.name) });
        range.node.append(play);
        range.node.classList.add("dv-wide");
        this.controls.set(axis.name, { set: (value) => { range.value = axis.values.indexOf(value); }, play });
        node.append(range.node);
      } else {
        const edit = viewer.options.edit && axis.name === atlas.facts.ranked ? (key, text) => viewer.options.edit(axis.name, key, text) : undefined;
        const made = (axis.control === "chips" ? ui.chips : ui.select)({ label, options, value: axis.values[axis.first], change, edit });
        this.controls.set(axis.name, { set: (value) => { made.value = value; }, fill: made.fill });
        node.append(made.node);
      }
    }
    return node;
  }

  /** How it looks: colours, opacity, scale, panels, zoom. */
  _tools() {
    const { viewer } = this, { state } = viewer;
    const fields = {
      colormap: ui.select({ label: "Colours", title: HELP["Colours"], value: state.colormap, options: viewer.maps().map((name) => [name, COLORMAPS[name] || name]), change: (value) => viewer.set("colormap", value) }),
      scale: ui.select({ label: "Scale", title: HELP["Scale"], value: state.scale, options: [["own", "own of each map"], ["shared", "shared"]], change: (value) => viewer.set("scale", value) }),
      smooth: ui.select({ label: "Cells", title: HELP["Cells"], value: String(state.smooth), options: [["true", "smooth"], ["false", "as recorded"]], change: (value) => viewer.set("smooth", value === "true") }),
      show: ui.select({ label: "Threshold as", title: HELP["Threshold as"], value: state.show, options: [["heat", "nothing"], ["outline", "outline"], ["mask", "mask"]], change: (value) => viewer.set("show", value) }),
      opacity: ui.slider({ label: "Opacity", title: HELP["Opacity"], min: 0, max: 1, step: 0.05, value: state.opacity, shown: (value) => value.toFixed(2), change: (value) => viewer.set("opacity", value) }),
    };
    this.fields = fields;
    this.fadeButton = ui.button({ text: "Clear at zero", title: `Clear at zero: ${HELP["Clear at zero"]}`, pressed: state.fade, click: () => viewer.set("fade", !viewer.state.fade) });
    this.addButton = ui.button({ text: "Add panel", click: () => viewer.add() });
    this.wipeButton = ui.button({ text: "A/B wipe", title: "Wipe between the first two panels", pressed: state.wipe, click: () => viewer.set("wipe", !viewer.state.wipe) });
    this.betweenButton = ui.button({ text: "A − B", title: "A − B: one more panel with what the panels differ by", click: () => viewer.add(DIFFERENCE) });
    const stepped = viewer.atlas.facts.previews
      ? ui.button({ text: "Picture of the step", title: "Lay the map over the picture predicted at its step", pressed: state.follow, click: () => viewer.set("follow", !viewer.state.follow) }) : null;
    this.followButton = stepped;
    const zoom = (text, title, factor) => ui.button({ text, title, classes: "dv-small", click: () => viewer.zoomAt(viewer.state.pin || { y: 0.5, x: 0.5 }, factor) });
    return el("div", { class: "dv-tools" }, ...Object.values(fields).map((field) => field.node),
      el("div", { class: "dv-buttons" }, this.fadeButton, this.addButton, this.wipeButton, this.betweenButton, stepped,
        zoom("+", "Zoom in", 1.5), zoom("−", "Zoom out", 1 / 1.5), zoom("1:1", "Whole picture", 1e-9)), this.wipe.node);
  }

  /** The handle that moves the border between the first two panels. */
  _wipe() {
    const { viewer } = this;
    const range = ui.slider({ label: "Border between A and B", min: 0, max: 1, step: 0.01, value: viewer.state.wipeAt, shown: (value) => `${Math.round(100 * value)}%`, change: (value) => viewer.wipeTo(value) });
    range.node.classList.add("dv-wide");
    return range;
  }

  _threshold() {
    const { viewer } = this;
    this.cut = ui.slider({ label: "Threshold, of the maximum", title: HELP.Threshold, min: 0, max: 1, step: 0.01, value: viewer.state.threshold, shown: (value) => value.toFixed(2), change: (value) => viewer.set("threshold", value) });
    this.cut.node.append(ui.button({ text: "Otsu", title: "Otsu's threshold of this map", click: () => { const { map } = viewer.active(); if (map) viewer.set("threshold", Number(score.otsu(map).toFixed(2))); } }));
    this.cut.node.classList.add("dv-wide");
    return el("div", {}, this.cut.node, this.graph);
  }

  _masks() {
    const { viewer } = this, { masks } = viewer;
    this.maskField = ui.select({ label: "Score against", title: HELP["Score against"], value: viewer.state.mask, options: [], change: (value) => viewer.set("mask", value) });
    this.maskNames();
    this.toolField = ui.chips({ label: "Pointer", options: TOOLS, value: this.drawingTool || TOOLS[0][0], change: (value) => { this.drawingTool = viewer.state.tool = value; this.sync(); } });
    const file = el("input", { type: "file", accept: "image/*", class: "dv-file", "aria-label": "A picture file whose light half is the mask", onchange: async () => { if (file.files[0]) { try { await masks.load(file.files[0]); } catch { viewer.say("That file is not a picture that this browser can read."); } file.value = ""; } } });
    const size = ui.slider({ label: "Brush", min: 1, max: 24, step: 1, value: masks.radius, change: (value) => { masks.radius = value; } });
    this.outlineButton = ui.button({ text: "Outline of the mask", pressed: viewer.state.outline, click: () => viewer.set("outline", !viewer.state.outline) });
    return el("div", { class: "dv-axes" }, this.maskField.node, this.toolField.node, size.node,
      el("div", { class: "dv-buttons" }, this.outlineButton,
        ui.button({ text: "Close polygon", click: () => masks.closePolygon() }),
        ui.button({ text: "Load a mask", click: () => file.click() }), file,
        ui.button({ text: "Map above threshold as mask", click: () => { const mask = this.above(); if (mask) masks.take(mask); } }),
        ui.button({ text: "Save the mask", click: () => masks.save() }),
        viewer.options.shelf ? ui.button({ text: "Send to the other tabs", click: () => this.send() }) : null,
        ui.button({ text: "Clear", title: "Clear the drawn mask", click: () => masks.clear() })));
  }

  /** Where the active panel's map reaches the threshold, at the masks' size; null without a map. */
  above() {
    const { viewer } = this, { map } = viewer.active();
    if (!map) return null;
    const { width, height } = viewer.masks.size(), limit = score.level(map, viewer.state.threshold);
    return { values: Uint8Array.from(draw.enlarge(map, height, width), (value) => (value >= limit ? 1 : 0)), width, height };
  }

  /** Offer a region to the other tabs: the drawn mask, the map above its threshold, or the label under the pin. */
  send() {
    const { viewer } = this, panel = viewer.active(), name = viewer.describe(panel.choice), cut = viewer.state.threshold.toFixed(2);
    const found = viewer.state.mask === DRAWN && viewer.masks.drawn ? ["drawn mask", viewer.masks.drawn]
      : panel.map ? [`${name} ≥ ${cut}`, this.above()] : this.region(panel);
    if (!found) { viewer.say("Pin a pixel of the region to send first: click the picture."); return; }
    const [what, mask] = found, { digest } = viewer.atlas.pictures[viewer.content(panel.choice).picture];
    const sent = `${viewer.atlas.facts.title}, ${what}`;
    const id = viewer.options.shelf.send({ ...mask, values: mask.values.slice(), name: sent, digest });
    viewer.maskChanged(id);
    viewer.say(`Sent: ${sent}. The other tabs score their maps of this picture against it; the best of each stand under Numbers.`);
  }

  /** [name, mask] of the label under the pin, or of the class that is chosen; null where there is neither. */
  region(panel) {
    const { labels } = panel, { pin } = this.viewer.state, wanted = labels?.names.indexOf(panel.choice.class);
    if (!labels) return null;
    const label = pin ? labels.values[Math.floor(pin.y * labels.height) * labels.width + Math.floor(pin.x * labels.width)] : wanted;
    if (!(label >= 0)) return null;
    const { width, height } = this.viewer.masks.size(), values = draw.enlargeLabels(labels, height, width);
    return [labels.names[label], { width, height, values: values.map((value) => (value === label ? 1 : 0)) }];
  }

  maskNames() {
    const { viewer } = this, matches = Object.keys(viewer.atlas.masks).length > 0;
    const options = [["match", viewer.atlas.facts.matches && matches ? "the true mask of what is shown" : matches ? "none yet: choose one" : "no mask yet"], ...viewer.masks.names().filter(Boolean).map((name) => [name, viewer.masks.title(name)]), ["", "nothing"]];
    this.maskField.input.replaceChildren(...options.map(([value, text]) => el("option", { value, text })));
    this.maskField.value = viewer.state.mask;
  }

  /** All maps in one row, which draws up into a table. */
  _film() {
    const { viewer } = this, { atlas } = viewer, axes = atlas.axes.filter((axis) => axis.values.length > 1);
    if (!viewer.state.columns) return null;
    const options = axes.map((axis) => [axis.name, atlas.facts.names?.[axis.name] || axis.name]);
    const columns = ui.select({ label: "Columns", value: viewer.state.columns, options, change: (value) => viewer.set("columns", value) });
    const rows = ui.select({ label: "Rows", value: viewer.state.rows, options: [["", "one row"], ...options], change: (value) => viewer.set("rows", value) });
    const draw = ui.button({ text: "▲ Table", title: "All maps as a table", pressed: viewer.matrix.up, click: () => {
      viewer.matrix.up = !viewer.matrix.up;
      say();
      viewer.matrix.build();
      viewer.refresh();
    } });
    const film = el("section", { class: "dv-film", "aria-label": "All maps" }, el("div", { class: "dv-filmhead" }, columns.node, rows.node, draw, viewer.ribbon.choice.node), viewer.matrix.node, viewer.ribbon.node);
    const say = () => {
      film.classList.toggle("dv-up", viewer.matrix.up);
      draw.textContent = viewer.matrix.up ? "▼ One row" : "▲ Table";
      draw.setAttribute("aria-pressed", String(viewer.matrix.up));
      rows.node.hidden = !viewer.matrix.up;
    };
    draw.hidden = axes.length < 2;
    say();
    return film;
  }

  /** What the controls do and the keys. */
  _help() {
    const told = Object.entries(HELP).flatMap(([name, text]) => [el("dt", { text: name }), el("dd", { text })]);
    return el("details", { class: "dv-more" }, el("summary", { text: "What the controls and keys do" }), this._keys(), el("dl", { class: "dv-help" }, ...told));
  }

  /** What the keys do while the viewer has the focus. */
  _keys() {
    const { keys = {}, names = {} } = this.viewer.atlas.facts, name = (axis) => (names[axis] || axis).toLowerCase();
    const told = [["← →", keys.arrows], ["↑ ↓", keys.updown], ["[ ]", keys.brackets]].filter(([, axis]) => axis && this.viewer.atlas.axis(axis)?.values.length > 1);
    const lines = [...told.map(([sign, axis]) => [sign, name(axis)]), ["Shift + arrows", "move the pinned pixel"], ["+ − 0", "zoom (drag to move)"], ["Space, held", "plain picture"], ["Enter, C", "paint, or set a corner, at the pinned pixel while Mask is open"], ["Escape", "let go"]];
    return el("p", { class: "dv-caption", text: `Keys: ${lines.map(([sign, does]) => `${sign} ${does}`).join(" · ")}` });
  }

  /** Put the panels' elements into the page. */
  place() {
    this.panels.replaceChildren(...this.viewer.panels.map((panel) => panel.node));
    this.arrange();
  }

  /** On a telephone the panels lie in a row, and the one that was swiped to is the active one. */
  _swiped() {
    const { viewer } = this, { clientWidth: wide, scrollWidth, scrollLeft } = this.panels;
    const panel = viewer.panels[Math.round(scrollLeft / wide)];
    if (scrollWidth > wide && panel && panel !== viewer.active()) viewer.activate(panel);
  }

  /** Swipe to the active panel. */
  _toActive() {
    const { viewer } = this, wide = this.panels.clientWidth;
    if (this.panels.scrollWidth > wide + 1) this.panels.scrollLeft = viewer.active().node.offsetLeft - viewer.panels[0].node.offsetLeft;
  }

  /** Let every control say what the state is. */
  sync() {
    const { viewer } = this, { state, atlas } = viewer;
    if (!this.fields) return;
    this.follow();
    viewer.ribbon.sync();
    const own = viewer.matrix.own();
    for (const axis of atlas.axes) {
      const control = this.controls.get(axis.name);
      control?.set(own[axis.name]);
      if (control?.play) { control.play.textContent = viewer.playing ? "Pause" : "Play"; control.play.setAttribute("aria-pressed", String(Boolean(viewer.playing))); }
    }
    for (const [name, field] of Object.entries(this.fields)) field.value = typeof state[name] === "boolean" ? String(state[name]) : state[name];
    this.cut.value = state.threshold;
    this.maskField.value = state.mask;
    this.wipe.value = state.wipeAt;
    this.toolField.value = this.drawingTool || TOOLS[0][0];
    for (const [button, on] of [[this.wipeButton, state.wipe], [this.outlineButton, state.outline], [this.followButton, state.follow], [this.fadeButton, state.fade]]) button?.setAttribute("aria-pressed", String(on));
    this.addButton.disabled = viewer.panels.length >= MOST_PANELS;
    const between = viewer.panels.some(({ choice }) => choice.of === DIFFERENCE);
    this.wipeButton.disabled = viewer.pair().length < 2;
    this.betweenButton.disabled = this.addButton.disabled || between || viewer.pair().length < 2;
    const wiping = state.wipe && viewer.pair().length > 1;
    this.wipe.node.hidden = !wiping;
    if (this.panels.classList.toggle("dv-wiping", wiping) !== this.wiped) { this.wiped = wiping; this.arrange(); }
    this.panels.style.setProperty("--dv-border", `${100 * state.wipeAt}%`);
    viewer.panels.forEach((panel, index) => {
      panel.node.classList.toggle("dv-active", index === viewer.at && viewer.panels.length > 1);
      panel.title.setAttribute("aria-pressed", String(index === viewer.at));
      panel.close.hidden = viewer.pair().length < 2;
      panel.sync(index === viewer.at);
      panel.frame.style.clipPath = wiping && index === 1 ? `inset(0 0 0 ${100 * state.wipeAt}%)` : "";
      panel.over.style.cursor = ["look", "cut"].includes(state.tool) ? "crosshair" : "cell";
    });
    viewer.applyZoom();
    if (this.at !== viewer.at) { this.at = viewer.at; this._toActive(); }
  }

  /** Values under the cursor in every panel; ranks, bars and curve at the pinned pixel. */
  read() {
    const { viewer } = this, point = viewer.cursor || viewer.state.pin, { width, height } = viewer.size();
    for (const panel of viewer.panels) {
      if (!point) {
        const centre = panel.map?.block.computed ? "Similarity to the picture's centre; click to choose a pixel." : null;
        panel.readout.textContent = centre || "";
        continue;
      }
      const y = Math.floor(point.y * height), x = Math.floor(point.x * width);
      panel.readout.textContent = `y ${y}, x ${x}: ${this._value(panel, y, x, height, width)}`;
    }
    this._fill(point && { y: Math.floor(point.y * height), x: Math.floor(point.x * width), height, width });
    this._pinned();
  }

  /** The chips of the ranked axis as bars: each one's share of what they all have at a pixel, null of none. */
  _fill(at) {
    const { viewer } = this, { facts } = viewer.atlas, fill = this.controls.get(facts.ranked)?.fill;
    if (!fill) return;
    const rows = at && this._ranked(viewer.active(), at.y, at.x, at.height, at.width);
    if (!rows) { fill(null); return; }
    const counted = rows.filter(([, , , value]) => !(facts.unranked || []).includes(value)), sum = counted.reduce((all, [, value]) => all + Math.max(value, 0), 0);
    fill(new Map(counted.map(([, value, , key]) => [key, sum > 0 ? Math.max(value, 0) / sum : 0])), this._curves(at, counted.map(([, , , key]) => key)));
  }

  /** For every choice of the ranked axis its values at a pixel over the steps, all as shares of the greatest; null without steps. */
  _curves({ y, x, height, width }, keys) {
    const { viewer } = this, { atlas } = viewer, { facts } = atlas, over = facts.curve && atlas.axis(facts.curve), choice = viewer.matrix.own();
    const block = over && viewer.active().map?.block, place = block ? block.inner.indexOf(over.name) : -1;
    if (place < 0 || block.shape[place] < 2) return null;
    const steps = over.values.slice(0, block.shape[place]), found = keys.map((key) => steps.map((step) => atlas.map({ ...choice, [facts.ranked]: key, [over.name]: step }).at(y, x, height, width)));
    const top = Math.max(...found.flat(), 1e-12);
    return new Map(keys.map((key, at) => [key, found[at].map((value) => Math.max(value, 0) / top)]));
  }

  _value(panel, y, x, height, width) {
    if (panel.map) {
      const rows = this._ranked(panel, y, x, height, width), value = panel.map.at(y, x, height, width);
      const place = rows ? rows.findIndex(([, , own]) => own) : -1;
      return number(value) + (place >= 0 ? ` · rank ${place + 1} of ${rows.length}` : "");
    }
    if (panel.labels) {
      const { labels } = panel, row = Math.min(Math.floor((y * labels.height) / height), labels.height - 1);
      const column = Math.min(Math.floor((x * labels.width) / width), labels.width - 1);
      return labels.names[labels.values[row * labels.width + column]] ?? "–";
    }
    return "";
  }

  /** [name, value, own] of every choice along the ranked axis at a pixel, largest first; null without such an axis. */
  _ranked(panel, y, x, height, width) {
    const atlas = this.viewer.atlasOf(panel.choice), axis = atlas.facts.ranked && atlas.axis(atlas.facts.ranked);
    const block = panel.map ? panel.map.block : panel.labels && atlas.blocks.find(({ inner, values }) => inner.includes(axis?.name) && values);
    if (!axis || !block?.inner.includes(axis.name)) return null;
    const without = atlas.facts.unranked || [];
    const rows = axis.values.map((value, index) => {
      const map = atlas.map({ ...panel.choice, ...block.at, [axis.name]: value });
      return [axis.shown[index], map.at(y, x, height, width), value === panel.choice[axis.name], value];
    });
    return rows.filter(([, , own, value]) => own || !without.includes(value)).sort((first, second) => second[1] - first[1]);
  }

  _pinned() {
    const { viewer } = this, { state, atlas } = viewer, panel = viewer.active();
    const key = JSON.stringify([state.pin, viewer.at, viewer.panels.map(({ choice, map, labels }) => [choice, Boolean(map), Boolean(labels)])]);
    if (this.pinKey === key && this.pinned.childNodes.length) return;
    this.pinKey = key;
    this.pinned.replaceChildren();
    if (!state.pin) {
      this.pinned.append(el("div", { class: "dv-caption", text: "Point at the picture to read values, click to pin a pixel." }));
      return;
    }
    this.pinned.append(ui.button({ text: "Let go of the pixel", click: () => viewer.pin(null) }));
    const several = viewer.held.length > 0, { rows, y, x } = this._told(panel, several);
    if (several) for (const other of viewer.pair()) if (other !== panel) this._told(other, several);
    if (!panel.map) return;
    const over = atlas.facts.curve && atlas.axis(atlas.facts.curve), { block } = panel.map;
    const place = over ? block.inner.indexOf(over.name) : -1;
    if (rows && place >= 0 && block.shape[place] > 1) {
      const count = block.shape[place], axis = atlas.axis(atlas.facts.ranked);
      const shown = [...rows.filter(([, , own]) => own), ...rows.filter(([, , own]) => !own)].slice(0, 4);
      const { width, height } = viewer.size(), curve = (value) => over.values.slice(0, count).map((step) => atlas.map({ ...panel.choice, [axis.name]: value, [over.name]: step }).at(y, x, height, width));
      const lines = shown.map(([name, , , value], index) => [name, curve(value), LINES[index]]);
      const at = Math.min(over.values.indexOf(panel.choice[over.name]), count - 1);
      this.pinned.append(readout.curve(lines, over.shown.slice(0, count), at, `Values at the pinned pixel over ${over.name}: ${shown.map(([name]) => name).join(", ")}`));
    }
  }

  /** Value of a panel at the pinned pixel, and its ranks: {rows, y, x}. several: other panels' follow, so the first few. */
  _told(panel, several) {
    const { viewer } = this, { pin } = viewer.state, { width, height } = viewer.size();
    const y = Math.floor(pin.y * height), x = Math.floor(pin.x * width), rows = this._ranked(panel, y, x, height, width);
    const value = panel.map && rows ? "" : `: ${this._value(panel, y, x, height, width)}`;
    this.pinned.append(el("div", { class: "dv-caption", text: `At y ${y}, x ${x}, ${viewer.describe(panel.choice)}${value}` }));
    if (rows) this.pinned.append(readout.bars(rows, several ? 3 : undefined));
    return { rows, y, x };
  }

  /** Under each panel of labels, the colours of those that occur. */
  _legend() {
    for (const { labels, legend } of this.viewer.panels) {
      legend.hidden = !labels;
      const there = new Set(labels?.values);
      legend.replaceChildren(...(labels?.names || []).map((name, index) => {
        if (!there.has(index)) return null;
        const dot = el("i");
        dot.style.background = labels.colors[index];
        return el("li", {}, dot, name);
      }).filter(Boolean));
    }
  }

  /** Histogram, area, and scores against the mask, of every panel. */
  scores() {
    const { viewer } = this, { state } = viewer, { map } = viewer.active();
    this._legend();
    this.graph.replaceChildren();
    this.cut.node.hidden = !map;  // labels have no threshold
    if (map) {
      const share = Math.min(Math.max(score.level(map, state.threshold) / 255, 0), 1), { width, height } = viewer.size();
      const fine = draw.enlarge(map, Math.min(height, 256), Math.min(width, 256));
      const area = score.areaAbove(fine, score.level(map, state.threshold));
      this.graph.append(readout.histogram(score.histogram(map), share, `Histogram of the map's values; ${Math.round(100 * area)}% of the picture is above the threshold`),
        el("div", { class: "dv-caption", text: `Values from ${number(map.low)} to ${number(map.high)}; ${(100 * area).toFixed(1)}% of the picture at or above ${number(state.threshold * map.high)}` }));
    }
    const rows = viewer.panels.map((panel) => [viewer.describe(panel.choice), viewer.masks.score(panel.map, panel.choice)]).filter(([, found]) => found);
    this.table.replaceChildren();
    if (["Mask", "Numbers"].includes(this.side) || viewer.options.shelf?.board.region) viewer.finder.update();
    if (!rows.length) return;
    const head = ["map", "AP", "chance", `IoU at ${state.threshold.toFixed(2)}`, "best IoU", "pointing"];
    const cells = ({ ap, chance, iou, iouBest, pointing }) => [ap, chance, iou, iouBest, pointing].map((value) => el("td", { text: Number.isFinite(value) ? value.toFixed(3) : "–" }));
    this.table.append(el("table", {}, el("thead", {}, el("tr", {}, ...head.map((text) => el("th", { scope: "col", text })))),
      el("tbody", {}, ...rows.map(([name, found]) => el("tr", {}, el("th", { scope: "row", text: name }), ...cells(found))))));
  }
}
