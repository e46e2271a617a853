/* Controls: labelled inputs made of plain elements, each with its role, its name and its keys. */

/** An element with attributes ("class", "on..." handlers, "text") and children; text never becomes markup. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "text") node.textContent = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

let count = 0;
export const unique = () => `dense-viewer-${++count}`;

/** A named range input with a read-out. get/set: `control.value`; shown: value -> text. */
export function slider({ label, min, max, step, value, shown = String, title, change }) {
  const id = unique();
  const output = el("output", { for: id, text: shown(value) });
  const input = el("input", { type: "range", id, min, max, step, title });
  input.value = value;
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
    set value(next) { input.value = next; say(); },
  };
}

/** A named list to choose from. options: [value, text] pairs. */
export function select({ label, options, value, title, change }) {
  const id = unique();
  const input = el("select", { id, title }, ...options.map(([key, text]) => el("option", { value: key, text })));
  input.value = value;
  input.addEventListener("change", () => change(input.value));
  return {
    node: el("div", { class: "dv-field" }, el("label", { for: id, text: label }), input),
    input,
    get value() { return input.value; },
    set value(next) { input.value = next; },
  };
}

/** Chips, one of which is chosen: a radio group with one tab stop, arrow keys move. options: [value, text]. */
export function chips({ label, options, value, change }) {
  const name = unique();
  const group = el("div", { class: "dv-chips", role: "radiogroup", "aria-labelledby": name });
  const buttons = new Map();
  let chosen = value;
  const mark = () => buttons.forEach((button, key) => {
    button.setAttribute("aria-checked", String(key === chosen));
    button.tabIndex = key === chosen ? 0 : -1;
  });
  const choose = (key, focus) => {
    chosen = key;
    mark();
    if (focus) buttons.get(key).focus();
    change(key);
  };
  for (const [key, text] of options) {
    const button = el("button", { type: "button", role: "radio", class: "dv-chip", text, onclick: () => choose(key, false) });
    buttons.set(key, button);
    group.append(button);
  }
  group.addEventListener("keydown", (event) => {
    const keys = [...buttons.keys()], at = keys.indexOf(chosen);
    const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const next = event.key === "Home" ? 0 : event.key === "End" ? keys.length - 1 : move && (at + move + keys.length) % keys.length;
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    choose(keys[next], true);
  });
  mark();
  return {
    node: el("div", { class: "dv-field dv-wide" }, el("span", { id: name, class: "dv-label", text: label }), group),
    input: group,
    get value() { return chosen; },
    set value(next) { chosen = next; mark(); },
    /** Fill every chip by its share, from 0 to 1; null empties them. */
    fill(shares) {
      for (const [key, button] of buttons) button.style.setProperty("--dv-share", `${100 * (shares?.get(key) || 0)}%`);
    },
  };
}

/** A push button; pressed: undefined for a plain one, else whether it is down. */
export function button({ text, title, pressed, click, classes = "" }) {
  const node = el("button", { type: "button", class: `dv-button ${classes}`, text, title, "aria-label": title && title !== text ? title : undefined });
  if (pressed !== undefined) node.setAttribute("aria-pressed", String(pressed));
  node.addEventListener("click", () => click(node));
  return node;
}

/** A number as people read it: three significant digits, no needless zeros. */
export function number(value) {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(1).replace("e+", "e");
  return String(Number(value.toPrecision(3)));
}
