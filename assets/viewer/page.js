/* Page: what opens and closes around the viewers, the small picture of the source, and what is copied. */
// @ts-check
import { el } from "./controls.js";

const HELPED = "inspector-helped";  // in the browser's store once the help was closed
const COPIED = 1500;  // milliseconds that a button says so

/** @typedef {"help" | "source"} Part of the page that stands behind a button */

/**
 * Open or close a part of the page.
 * @param {Part} name
 * @param {boolean} open
 */
function opens(name, open) {
  document.documentElement.classList.toggle(`open-${name}`, open);
  for (const button of document.querySelectorAll(`[data-opens="${name}"][aria-expanded]`)) {
    button.setAttribute("aria-expanded", String(open));
  }
  if (name === "help" && !open) try { localStorage.setItem(HELPED, "yes"); } catch { /* the help comes again */ }
}

const LISTS = ".options, [role=listbox]";

/** @type {(name: Part) => boolean} */
const isOpen = (name) => document.documentElement.classList.contains(`open-${name}`);

/** Whether the help was read before; it is not shown where the browser keeps no note of that. */
function helped() {
  try { return Boolean(localStorage.getItem(HELPED)); } catch { return true; }
}

/**
 * Close what is open but what was clicked in.
 * @param {Element} target
 */
function closeOthers(target) {
  if (isOpen("source") && !target.closest(".source-popped, [data-opens], .modal, dialog")) opens("source", false);
  for (const pill of document.querySelectorAll(".pill")) {
    /** @type {HTMLElement | null} */
    const label = pill.querySelector("button.label-wrap");
    const elsewhere = !pill.contains(target) && !target.closest(LISTS);
    if (label?.classList.contains("open") && elsewhere) label.click();
  }
}

/** The small picture says which one Run will use. */
function thumb() {
  /** @type {HTMLImageElement | null} */
  const small = document.querySelector(".thumb img");
  /** @type {HTMLImageElement | null} */
  const large = document.querySelector(".source img");
  if (!small || small.src === (large?.src || "")) return;
  if (large) small.src = large.src;
  else small.removeAttribute("src");
}

/**
 * Put a text on the clipboard; where the browser keeps it shut, by way of a selection.
 * @param {string} text
 */
async function copy(text) {
  try { await navigator.clipboard.writeText(text); } catch {
    const area = el("textarea", { "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

/**
 * Copy what a button stands for, and let it say so.
 * @param {HTMLElement} button
 * @param {() => string} address
 */
async function copyOf(button, address) {
  const beside = () => button.parentElement?.querySelector("pre")?.textContent ?? "";
  await copy(button.dataset.copy === "link" ? address() : beside());
  const text = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = text; }, COPIED);
}

/**
 * Open a tab of the page by its name.
 * @param {string} name
 */
export function openTab(name) {
  /** @type {NodeListOf<HTMLElement>} */
  const tabs = document.querySelectorAll("[role=tab]");
  [...tabs].find(({ textContent }) => textContent.trim().toLowerCase() === name)?.click();
}

/**
 * Let the link be copied, or not where no address leads to what is shown.
 * @param {boolean} leads
 */
export function offerLink(leads) {
  for (const button of document.querySelectorAll("[data-copy=link]")) button.toggleAttribute("disabled", !leads);
}

/**
 * Answer what is clicked and typed outside of the viewers.
 * @param {{ skip(): void, address(): string }} shell skip: lead the keys to the picture; address: of what is shown
 */
export function listen({ skip, address }) {
  // A list is gone once something in it is pressed: what lies below it is not what was clicked.
  let chosen = false;
  document.addEventListener("pointerdown", ({ target }) => {
    chosen = target instanceof Element && Boolean(target.closest(LISTS));
  }, true);
  document.addEventListener("click", (event) => {
    const { target } = event;
    if (!(target instanceof Element)) return;
    /** @type {(name: string) => HTMLElement | null} */
    const within = (name) => target.closest(`[data-${name}]`);
    const opener = within("opens"), copied = within("copy"), name = opener?.dataset.opens;
    if (name === "help" || name === "source") opens(name, !isOpen(name));
    if (within("skip")) {
      event.preventDefault();
      skip();
    }
    if (event.isTrusted && !chosen) closeOthers(target);
    chosen = false;
    if (copied) copyOf(copied, address);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const name of /** @type {Part[]} */ (["source", "help"])) if (isOpen(name)) opens(name, false);
    closeOthers(document.body);
  });
  const watched = { subtree: true, childList: true, attributes: true, attributeFilter: ["src"] };
  new MutationObserver(thumb).observe(document.documentElement, watched);
  if (!helped()) opens("help", true);
}
