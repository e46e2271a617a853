/* Hand: what pointer and keys do to a viewer, which is the only class that extends this one. */
import { DRAWN } from "./masks.js";

const NEAR = 0.03;  // share of the width within which the wipe's border is taken hold of
const HELD = 400;  // milliseconds after which a finger that rests shows the plain picture

export class Hand {
  hover(panel, point, event) {
    this.cursor = point;
    if (point && this.wiping && event?.buttons) { this.wipeTo(point.x); return; }
    if (point && this.drawing && event?.buttons) this._stroke(point);
    else if (point && this.panning && event?.buttons) this._pan(event);
    for (const other of this.panels) { if (other.over.width) other.drawOver(); }
    this.layout.read();
  }

  press(panel, point, event) {
    if (this.panels[this.at] !== panel) { this.at = this.panels.indexOf(panel); this.layout.sync(); this.matrix.update(); this.layout.scores(); }
    panel.over.setPointerCapture?.(event.pointerId);
    const { tool, wipe, wipeAt } = this.state;
    if (wipe && this.panels.length > 1 && Math.abs(point.x - wipeAt) < NEAR) { this.wiping = true; return; }
    if (tool === "brush" || tool === "wipe") { this.drawing = point; this._stroke(point); }
    else if (tool === "polygon") { this.masks.corner(point); panel.drawOver(); }
    else {
      this.panning = { x: event.clientX, y: event.clientY, moved: false };
      if (event.pointerType === "touch") this.held = setTimeout(() => { if (this.panning && !this.panning.moved) { this.panning.moved = true; this.bare(true); } }, HELD);
    }
  }

  release(panel, point) {
    clearTimeout(this.held);
    this.bare(false);
    panel.canvas.focus({ preventScroll: true });  // so that the keys work on what was clicked; a press would undo it
    if (this.wiping) { this.wiping = false; return; }
    if (this.drawing) { this.drawing = null; this.maskChanged(DRAWN); }
    else if (this.panning) {
      const { moved } = this.panning;
      this.panning = null;
      if (moved) this.options.change?.(this.remember());
      else if (this.state.tool === "cut" && panel.map) this._cut(panel, point);
      else this.pin(point);
    }
  }

  /** A finger that began to scroll the page neither draws nor pins. */
  cancel() {
    clearTimeout(this.held);
    this.bare(false);
    this.drawing = this.panning = null;
    this.wiping = false;
  }

  /** Move the border between the first two panels, a share of the width. */
  wipeTo(share) {
    this.state.wipeAt = share;
    this.layout.sync();
    this.options.change?.(this.remember());
  }

  /** Take the value under a point as the threshold. */
  _cut(panel, point) {
    const { width, height } = this.size(), { map } = panel;
    if (map.high > 0) this.set("threshold", Math.min(Math.max(map.at(point.y * height - 0.5, point.x * width - 0.5, height, width) / map.high, 0), 1));
  }

  _stroke(point) {
    this.masks.brush(point, this.state.tool === "brush" ? 1 : 0, this.drawing);
    this.drawing = point;
    this.state.mask = DRAWN;
    for (const panel of this.panels) panel.drawOver();
  }

  _pan(event) {
    const { zoom } = this.state, box = this.active().canvas.getBoundingClientRect();
    const dx = event.clientX - this.panning.x, dy = event.clientY - this.panning.y;
    if (Math.hypot(dx, dy) > 3) this.panning.moved = true;
    if (zoom.scale <= 1 || !this.panning.moved) return;
    Object.assign(this.panning, { x: event.clientX, y: event.clientY });
    zoom.x = Math.min(Math.max(zoom.x - dx / box.width, 0), 1);
    zoom.y = Math.min(Math.max(zoom.y - dy / box.height, 0), 1);
    this.applyZoom();
  }

  pin(point) {
    this.state.pin = point;
    this.refresh();
  }

  zoomAt(point, factor) {
    const { zoom } = this.state, scale = Math.min(Math.max(zoom.scale * factor, 1), 16);
    zoom.x = Math.min(Math.max(zoom.x + (point.x - zoom.x) * (1 - zoom.scale / scale), 0), 1);
    zoom.y = Math.min(Math.max(zoom.y + (point.y - zoom.y) * (1 - zoom.scale / scale), 0), 1);
    zoom.scale = scale;
    if (scale === 1) Object.assign(zoom, { x: 0.5, y: 0.5 });
    this.applyZoom();
    this.options.change?.(this.remember());
  }

  applyZoom() {
    const { scale, x, y } = this.state.zoom, half = 0.5 / scale;
    const cx = Math.min(Math.max(x, half), 1 - half), cy = Math.min(Math.max(y, half), 1 - half);
    for (const panel of this.panels) {
      panel.stack.style.transform = scale > 1 ? `translate(${50 - 100 * cx * scale}%, ${50 - 100 * cy * scale}%) scale(${scale})` : "";
      panel.stack.classList.toggle("dv-near", scale >= 4);
      // On a touch screen a finger on the picture scrolls the page, unless it draws or moves a picture that is zoomed.
      panel.over.style.touchAction = ["look", "cut"].includes(this.state.tool) && scale <= 1 ? "pan-y" : "none";
      if (panel.over.width) panel.drawOver();
    }
  }

  _key(event) {
    if (!this.atlas || event.altKey || event.ctrlKey || event.metaKey) return;
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (typing && event.key !== "Escape") return;
    const { keys = {} } = this.atlas.facts;
    const act = {
      ArrowLeft: () => (event.shiftKey ? this._nudge(0, -1) : this.step(keys.arrows, -1)),
      ArrowRight: () => (event.shiftKey ? this._nudge(0, 1) : this.step(keys.arrows, 1)),
      ArrowUp: () => (event.shiftKey ? this._nudge(-1, 0) : this.step(keys.updown, -1)),
      ArrowDown: () => (event.shiftKey ? this._nudge(1, 0) : this.step(keys.updown, 1)),
      "[": () => this.step(keys.brackets, -1),
      "]": () => this.step(keys.brackets, 1),
      "+": () => this.zoomAt(this.cursor || this._pinned(), 1.5),
      "-": () => this.zoomAt(this.cursor || this._pinned(), 1 / 1.5),
      0: () => this.zoomAt({ y: 0.5, x: 0.5 }, 1e-9),
      " ": event.target.tagName === "CANVAS" ? () => this.bare(true) : null,
      Enter: this._drawnByKey(),
      c: this.state.tool === "polygon" ? () => { this.masks.corner(this._pinned()); for (const panel of this.panels) panel.drawOver(); } : null,
      Escape: () => { this.stop(); this.masks.corners = []; if (this.state.pin) this.pin(null); else for (const panel of this.panels) panel.drawOver(); },
    }[event.key];
    const onButton = /^(BUTTON|SUMMARY)$/.test(event.target.tagName) && ["Enter", " "].includes(event.key);
    if (!act || onButton) return;
    event.preventDefault();
    act();
  }

  _pinned() { return this.state.pin || { y: 0.5, x: 0.5 }; }

  /** What Enter does while a mask is drawn: a dab at the pinned pixel, or the end of a polygon; null otherwise. */
  _drawnByKey() {
    const { tool } = this.state;
    if (this.masks.corners.length) return () => this.masks.closePolygon();
    if (tool !== "brush" && tool !== "wipe") return null;
    return () => { this.masks.brush(this._pinned(), tool === "brush" ? 1 : 0); this.maskChanged(DRAWN); };
  }

  _nudge(down, across) {
    const { width, height } = this.size(), pin = this._pinned();
    const clip = (value) => Math.min(Math.max(value, 0), 1 - 1e-9);
    this.pin({ y: clip(pin.y + down / height), x: clip(pin.x + across / width) });
  }
}
