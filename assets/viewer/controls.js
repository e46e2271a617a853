/* Controls: labelled inputs made of plain elements, each with its role, its name and its keys. */
// @ts-check

/** @typedef {string | number | boolean | null | undefined | ((event: Event) => void)} Attribute */

/**
 * An element with attributes ("class", "on..." handlers, "text") and children; text never becomes markup. What is
 * undefined, null or false is left out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, Attribute>} attributes
 * @param {...(Node | string | null | undefined)} children
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (name === "text") node.textContent = String(value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

let made = 0;

/**
 * What draws on a canvas. Throws an Error where the browser has no more memory for one.
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2DSettings} [settings]
 */
export function context2d(canvas, settings) {
  const context = canvas.getContext("2d", settings);
  if (!context) throw new Error("This browser has no room for another picture; close some tabs.");
  return context;
}

/** A name that no other element of the page has. */
export const unique = () => `dense-viewer-${++made}`;

/**
 * A named range input with a read-out. get/set: `control.value`; shown: value -> text.
 * @param {{
 *   label: string, min: number, max: number, step: number, value: number, title?: string,
 *   shown?: (value: number) => string, change: (value: number) => void,
 * }} options
 */
export function slider({ label, min, max, step, value, shown = String, title, change }) {
  const id = unique();
  const output = el("output", { for: id, text: shown(value) });
  const input = el("input", { type: "range", id, min, max, step, title });
  input.value = String(value);
  const say = () => {
    output.textContent = shown(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => { say(); change(Number(input.value)); });
  say();
  return {
    node: el("div", { class: "dv-field" }, el("label", { for: id, text: label }), input, output),
    input,
    get value() { return Number(input.value); },
    set value(next) { input.value = String(next); say(); },
  };
}

/**
 * A named list to choose from. options: [value, text] pairs.
 * @template {string} Value
 * @param {{
 *   label: string, options: [Value, string][], value: Value, title?: string, change: (value: Value) => void,
 * }} options
 */
export function select({ label, options, value, title, change }) {
  const id = unique();
  const input = el("select", { id, title }, ...options.map(([key, text]) => el("option", { value: key, text })));
  input.value = value;
  const chosen = () => /** @type {Value} */ (input.value);  // there are no others in the list
  input.addEventListener("change", () => change(chosen()));
  return {
    node: el("div", { class: "dv-field" }, el("label", { for: id, text: label }), input),
    input,
    get value() { return chosen(); },
    set value(next) { input.value = next; },
  };
}

/**
 * Chips, one of which is chosen: a radio group with one tab stop, arrow keys move. options: [value, text] pairs; edit:
 * takes what a double click, or F2, wrote over a chip.
 * @template {string} Value
 * @param {{
 *   label: string, options: [Value, string][], value: Value, change: (value: Value) => void,
 *   edit?: (value: string, text: string) => void,
 * }} options
 */
export function chips({ label, options, value, change, edit }) {
  const name = unique();
  const group = el("div", { class: "dv-chips", role: "radiogroup", "aria-labelledby": name });
  /** @type {Map<Value, HTMLButtonElement>} */
  const buttons = new Map();
  let chosen = value;
  const mark = () => buttons.forEach((chip, key) => {
    chip.setAttribute("aria-checked", String(key === chosen));
    chip.tabIndex = key === chosen ? 0 : -1;
  });
  /** @type {(key: Value) => void} */
  const choose = (key) => {
    chosen = key;
    mark();
    change(key);
  };
  for (const [key, text] of options) {
    const chip = el("button", { type: "button", role: "radio", class: "dv-chip", text, onclick: () => choose(key) });
    if (edit) chip.addEventListener("dblclick", () => editing(chip, key, edit));
    buttons.set(key, chip);
    group.append(chip);
  }
  group.addEventListener("keydown", (event) => {
    const own = event.key === "F2" && [...buttons].find(([, chip]) => chip === event.target);
    if (edit && own) editing(own[1], own[0], edit);
    const keys = [...buttons.keys()], next = moved(event.key, keys.indexOf(chosen), keys.length);
    if (next === null) return;
    event.preventDefault();
    event.stopPropagation();
    buttons.get(keys[next])?.focus();
    choose(keys[next]);
  });
  mark();
  return {
    node: el("div", { class: "dv-field dv-wide" }, el("span", { id: name, class: "dv-label", text: label }), group),
    input: group,
    get value() { return chosen; },
    set value(next) { chosen = next; mark(); },
    /**
     * Fill every chip by its share, from 0 to 1, and draw its curve, of numbers likewise; null empties them.
     * @param {Map<string, number> | null} shares
     * @param {Map<string, number[]> | null} curves
     */
    fill(shares, curves = null) {
      for (const [key, chip] of buttons) {
        chip.style.setProperty("--dv-share", `${100 * (shares?.get(key) || 0)}%`);
        const curve = curves?.get(key);
        chip.style.setProperty("--dv-curve", curve ? spark(curve) : "none");
      }
    },
  };
}

/**
 * Let a chip be written over: Enter takes what was written, Escape and leaving do not.
 * @param {HTMLElement} chip
 * @param {string} key
 * @param {(key: string, text: string) => void} edit
 */
function editing(chip, key, edit) {
  const input = el("input", { class: "dv-edit", "aria-label": `Instead of ${key}`, size: Math.max(key.length + 2, 8) });
  let open = true;
  /** @type {(taken: boolean) => void} */
  const end = (taken) => {
    if (!open) return;
    open = false;
    const text = input.value.trim();
    input.replaceWith(chip);
    chip.focus();
    if (taken && text && text !== key) edit(key, text);
  };
  input.value = key;
  input.addEventListener("blur", () => end(false));
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter" || event.key === "Escape") end(event.key === "Enter");
  });
  chip.replaceWith(input);
  input.focus();
  input.select();
}

/**
 * Numbers from 0 to 1 as a CSS image of a line, left to right, stretched over whatever it lies in.
 * @param {number[]} values
 */
export function spark(values) {
  const last = Math.max(values.length - 1, 1);
  const points = values.map((value, at) => `${((100 * at) / last).toFixed(1)},${(23 - 22 * value).toFixed(1)}`)
    .join(" ");
  const look = "fill='none' stroke='#d55e00' stroke-width='2' vector-effect='non-scaling-stroke'";
  const box = "xmlns='http://www.w3.org/2000/svg' viewBox='0 0 100 24' preserveAspectRatio='none'";
  const svg = `<svg ${box}><polyline points='${points}' ${look}/></svg>`;
  return `url("data:image/svg+xml,${encodeURIComponent(svg)}")`;
}

/**
 * Which of `count` chips, one after the other in a circle, a key leads to from the one at `at`; null for other keys.
 * @param {string} key
 * @param {number} at
 * @param {number} count
 */
export function moved(key, at, count) {
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  if (key === "ArrowRight" || key === "ArrowDown") return (at + 1) % count;
  if (key === "ArrowLeft" || key === "ArrowUp") return (at - 1 + count) % count;
  return null;
}

/**
 * A push button; pressed: undefined for a plain one, else whether it is down.
 * @param {{
 *   text: string, title?: string, pressed?: boolean, classes?: string, click: (node: HTMLButtonElement) => void,
 * }} options
 */
export function button({ text, title, pressed, click, classes = "" }) {
  const named = title && title !== text ? title : undefined;
  const node = el("button", { type: "button", class: `dv-button ${classes}`, text, title, "aria-label": named });
  if (pressed !== undefined) node.setAttribute("aria-pressed", String(pressed));
  node.addEventListener("click", () => click(node));
  return node;
}

/**
 * A number as people read it: three significant digits, no needless zeros, a dash for what is not finite.
 * @param {number} value
 */
export function number(value) {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(1).replace("e+", "e");
  return String(Number(value.toPrecision(3)));
}
