/* Help: what the controls and the keys do. */
// @ts-check
/** @import { Viewer } from "./types" */
import { el } from "./controls.js";
import * as keys from "./keys.js";

/** What each control does, and where its default is from. */
export const HELP = {
  Colours: "Colours of the values. viridis, cividis, magma and grey are even, and safe for the colour-blind; turbo is "
    + "not. Signed maps are always blue to red around zero. Default viridis, our choice.",
  Scale: "Each map from its own least to its own largest value, or one scale for all that is shown, so that a weak map "
    + "looks weak. Default own, as in the paper's figures.",
  Cells: "Bilinear between the cells, or the cells as they were recorded. Default smooth, as in the paper.",
  "Threshold as": "What the threshold below draws: nothing, an outline, or the paper's Figure 2, faded outside.",
  Opacity: "Of the colours over the picture. Default 0.6, our choice; the paper gives none.",
  "Clear at zero": "The opacity follows the value, so that what is zero, or lowest, leaves the picture as it is.",
  Threshold: "A share of the map's maximum. The paper gives none; 0.4 as in CLIP-ES. Otsu's value parts this map's "
    + "histogram best.",
  "Score against": "The mask that AP, IoU and pointing are measured with: the true one, where the picture is a drawn "
    + "scene, one that you draw or load, or one that another tab sent. Those that you make live in this page, and are "
    + "not in its address: save what you want to keep.",
  "Send to the other tabs": "The drawn mask, where that is chosen; else the active panel's map above its threshold, or "
    + "the label under the pin.",
  Segment: "A click on a thing, or a box dragged around it, asks the server for its mask, which becomes the drawn "
    + "one. Shift and a click add a point in it, Alt and a click one outside. The embedded segmenter knows drawn "
    + "scenes alone.",
  Pointer: "While Mask is open: segment asks for a mask, brush, rubber and polygon (a click per corner) draw one, look "
    + "reads and pins. While Threshold is open, a click takes the value under it. Otherwise the pointer reads, and a "
    + "click pins.",
  "Add panel": "One more picture beside, up to four, with the same cursor and zoom. Its axes are chosen while it is the"
    + " active one.",
  "Double click, or F2": "On a word or class: write another, and it runs again with everything else as it was, and "
    + "comes back as a wipe with the difference.",
  "CLIP's weight": "How much CLIP's opinion on a proposed mask counts beside the head's, for classes that the head was "
    + "trained with and for others. Names, labels and segments follow at once, without a run, and so do the recipe and "
    + "the address. ODISE's paper: 0.3 and 0.7.",
  Uncertainty: "Entropy of the classes' shares of a pixel's score: 0 where one class has all, 1 where all have the "
    + "same. Ours; the paper shows none.",
  Hold: "Keeps this result beside the next one: another prompt, seed, picture, method or model. Every panel can show "
    + "either.",
  "A − B": "The first panel's map minus the second's, in their true values, where the grids agree; of labels, the share"
    + " of panels that do not have the most frequent one.",
  "Match t": "Every panel stands at the t of the active one, or nearest to it, whatever list of t its arm has. Off, "
    + "each is moved by itself: t of generation and t of noise apart.",
  "A/B wipe": "The first two panels in one frame; drag the border between them.",
};

/**
 * All of it, to be opened.
 * @param {Viewer} viewer
 */
export function helpPart(viewer) {
  const told = Object.entries(HELP).flatMap(([name, text]) => [el("dt", { text: name }), el("dd", { text })]);
  const summary = el("summary", { text: "What the controls and keys do" });
  return el("details", { class: "dv-more" }, summary, keys.told(viewer), el("dl", { class: "dv-help" }, ...told));
}
