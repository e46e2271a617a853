/* Hand: what the pointer does to a viewer: read, pin, draw, drag the picture and the border of a wipe. */
// @ts-check
/** @import { Point, Viewer } from "./types" */
/** @import { Panel } from "./panel.js" */
import { DRAWN } from "./masks.js";
import * as zoom from "./zoom.js";

const NEAR = 0.03;  // share of the width within which the wipe's border is taken hold of
const RESTS = 400;  // milliseconds after which a finger that rests shows the plain picture
const STILL = 3;  // pixels that a pointer may move without dragging

/** @typedef {{ x: number, y: number, moved: boolean }} Drag from where on the screen */

export class Hand {
  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    /** @type {Point | null} */
    this.drawing = null;  // where the last stroke ended, while one is drawn
    /** @type {Point | null} */
    this.boxing = null;  // the first corner of a box, while one is drawn
    /** @type {Drag | null} */
    this.panning = null;
    this.wiping = false;
    /** @type {{ from: Point, how: { more: boolean, not: boolean } } | null} */
    this.asking = null;  // where a prompt for the segmenter was begun
    this.resting = 0;
  }

  /**
   * The pointer moved over a panel's picture, or left it.
   * @param {Point | null} point
   * @param {PointerEvent} [event]
   */
  hover(point, event) {
    const { viewer } = this, down = event?.buttons ? event : null;
    viewer.cursor = point;
    if (point && this.wiping && down) { this.wipeTo(point.x); return; }
    if (point && this.asking && down) viewer.prompting.drag(this.asking.from, point);
    else if (point && this.boxing && down) viewer.state.region = { kind: "box", points: [this.boxing, point] };
    else if (point && this.drawing && down) this._stroke(this.drawing, point);
    else if (point && this.panning && down) this._pan(this.panning, down);
    for (const panel of viewer.panels) panel.drawOver();
    viewer.layout.read();
  }

  /**
   * @param {Panel} panel
   * @param {Point} point
   * @param {PointerEvent} event
   */
  press(panel, point, event) {
    const { viewer } = this, { tool, wipe, wipeAt } = viewer.state;
    if (viewer.active() !== panel) this._turn(panel);
    panel.over.setPointerCapture?.(event.pointerId);
    if (wipe && viewer.panels.length > 1 && Math.abs(point.x - wipeAt) < NEAR) { this.wiping = true; return; }
    if (tool === "segment") this.asking = { from: point, how: { more: event.shiftKey, not: event.altKey } };
    else if (tool === "brush" || tool === "wipe") this._stroke(point, point);
    else if (tool === "polygon") { viewer.masks.corner(point); panel.drawOver(); }
    else if (tool === "box") this.boxing = point;
    else if (tool === "corner") this._corner(point);
    else {
      const panning = this.panning = { x: event.clientX, y: event.clientY, moved: false };
      if (event.pointerType === "touch") this.resting = setTimeout(() => this._rest(panning), RESTS);
    }
  }

  /**
   * @param {Panel} panel
   * @param {Point} point
   */
  release(panel, point) {
    const { viewer, panning, boxing, asking } = this, drawn = this.drawing !== null, wiped = this.wiping;
    const boxed = asking !== null && viewer.prompting.drop();
    this.cancel();
    panel.canvas.focus({ preventScroll: true });  // so that the keys work on what was clicked; a press would undo it
    if (wiped) return;
    if (asking && !boxed) viewer.prompting.click(asking.from, asking.how);
    else if (boxing) this._boxed(boxing, point);
    else if (drawn) viewer.maskChanged(DRAWN);
    else if (panning?.moved) viewer.changed();
    else if (panning && viewer.state.tool === "cut" && panel.map) this._cut(panel, point);
    else if (panning) {
      viewer.state.region = null;
      viewer.pin(point);
    }
  }

  /** A finger that began to scroll the page neither draws nor pins, nor asks. */
  cancel() {
    clearTimeout(this.resting);
    this.viewer.prompting.drag(null);
    this.viewer.bare(false);
    this.drawing = this.boxing = this.panning = this.asking = null;
    this.wiping = false;
  }

  /**
   * Move the border between the first two panels.
   * @param {number} share of the width
   */
  wipeTo(share) {
    this.viewer.state.wipeAt = share;
    this.viewer.layout.sync();
    this.viewer.changed();
  }

  /**
   * Let a panel be the active one; its picture stays as it is.
   * @param {Panel} panel
   */
  _turn(panel) {
    const { viewer } = this;
    viewer.at = viewer.panels.indexOf(panel);
    viewer.layout.sync();
    viewer.matrix.update();
    viewer.layout.scores();
  }

  /** @param {Drag} panning */
  _rest(panning) {
    if (this.panning !== panning || panning.moved) return;
    panning.moved = true;
    this.viewer.bare(true);
  }

  /**
   * Take the value under a point as the threshold.
   * @param {Panel} panel
   * @param {Point} point
   */
  _cut({ map }, point) {
    const { width, height } = this.viewer.size();
    if (!map || !(map.high > 0)) return;
    const value = map.at(point.y * height - 0.5, point.x * width - 0.5, height, width);
    this.viewer.set("threshold", Math.min(Math.max(value / map.high, 0), 1));
  }

  /**
   * A box was drawn; where its corners are one, that pixel is meant.
   * @param {Point} from
   * @param {Point} to
   */
  _boxed(from, to) {
    const { viewer } = this, { width, height } = viewer.size();
    const drawn = Math.hypot((to.x - from.x) * width, (to.y - from.y) * height) >= 1;
    viewer.state.region = drawn ? { kind: "box", points: [from, to] } : null;
    viewer.pin(drawn ? null : to);
  }

  /**
   * One more corner of the polygon; the first begins it.
   * @param {Point} point
   */
  _corner(point) {
    const { viewer } = this, { region } = viewer.state, before = region?.kind === "polygon" ? region.points : [];
    viewer.set("region", { kind: "polygon", points: [...before, point] });
  }

  /**
   * @param {Point} from
   * @param {Point} to
   */
  _stroke(from, to) {
    const { viewer } = this;
    viewer.masks.brush(to, viewer.state.tool === "brush" ? 1 : 0, from);
    this.drawing = to;
    viewer.state.mask = DRAWN;
    for (const panel of viewer.panels) panel.drawOver();
  }

  /**
   * @param {Drag} panning
   * @param {PointerEvent} event
   */
  _pan(panning, { clientX, clientY }) {
    const { viewer } = this, { state } = viewer, box = viewer.active().canvas.getBoundingClientRect();
    const dx = clientX - panning.x, dy = clientY - panning.y;
    if (Math.hypot(dx, dy) > STILL) panning.moved = true;
    if (state.zoom.scale <= 1 || !panning.moved) return;
    Object.assign(panning, { x: clientX, y: clientY });
    state.zoom = zoom.dragged(state.zoom, { y: dy / box.height, x: dx / box.width });
    zoom.apply(viewer);
  }
}
