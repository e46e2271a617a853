/* View: what a viewer is to its parts, and what its page gives it. */
import type { Atlas, GridMap } from "./atlas.js";
import type { Board } from "./board.js";
import type { Finder } from "./finder.js";
import type { Hand } from "./hand.js";
import type { Layout } from "./layout.js";
import type { Masks } from "./masks.js";
import type { Matrix } from "./matrix.js";
import type { Panel } from "./panel.js";
import type { Prompting } from "./prompting.js";
import type { Ribbon } from "./ribbon.js";
import type { Block, Choice, Content, Mask, Point, Question, Remembered, Segmented, SentMask, State } from "./types";

/** What a page can do for its viewer; a file that stands alone does nothing of it. */
export interface Options {
  more?(at: Choice[], key: string): Promise<ArrayBuffer>; // blocks that were only announced, as an atlas of their own
  hold?(): void; // the result is kept beside the next one
  letGo?(key: string): void; // a held one no longer
  edit?(axis: string, value: string, text: string): void; // compute it again with another word
  probe?(words: string): void; // compute maps of words that are not in the prompt, of the queries that were kept
  weighed?(): void; // proposals are named with other weights
  change?(state: Remembered): void; // after every change that a link should remember
  ready?(): void; // a result is on the screen
  segment?: Segmenting;
  shelf?: Shelf;
}

/** Masks of points and boxes. models: [name, title] of the segmenters that can be asked, the usual one first. */
export interface Segmenting {
  models: [string, string][];
  ask(asked: Question): Promise<Segmented>;
}

/** What the tabs share: masks that viewers sent, and which map of each tab finds the last one best. */
export interface Shelf {
  list(): SentMask[];
  send(mask: Mask & { name: string }): string; // returns its id
  board: Board;
}

/** A result that stands beside another. */
export interface Held {
  buffer: ArrayBuffer;
  key?: string;
  asked?: Record<string, string>;
}

/** Parts of the inspector. */
export type Side = "Pixel" | "Ask" | "Threshold" | "Mask" | "Look" | "Numbers" | "Verdict" | "Proposals";

/** What stays from one result to the next: the part that is open, and what the pointer does while that is Mask or Ask. */
export interface Kept {
  side: Side;
  tool: State["tool"];
  asking: State["tool"];
}

/** What the parts of a viewer ask of it; nothing of a result is asked while none is open. */
export interface Viewer {
  readonly root: HTMLElement;
  readonly options: Options;
  readonly showing: boolean; // whether a result is open
  readonly own: Atlas; // the new result; throws an Error while none is open
  readonly atlas: Atlas; // the active panel's, else the new one
  held: Atlas[];
  state: State;
  fresh: Remembered; // as it was when the result was opened
  panels: Panel[];
  at: number; // which panel is active
  cursor: Point | null;
  playing: number; // a timer, 0 while nothing moves
  isBare: boolean; // pictures are shown without colours
  readonly shared: [number, number] | null; // the ends of all unsigned maps, where they have one scale
  readonly farthest: number; // from zero, of all signed ones
  readonly luts: Map<string, Uint32Array>; // what was made once, by name
  readonly cache: Map<string, Uint8ClampedArray>;
  readonly pending: Map<string, Promise<void>>; // blocks that were asked for
  readonly masks: Masks;
  readonly prompting: Prompting;
  readonly matrix: Matrix;
  readonly ribbon: Ribbon;
  readonly finder: Finder;
  readonly hand: Hand;
  readonly layout: Layout;
  active(): Panel;
  activate(panel: Panel): void;
  panelOf(choice: Choice): Panel; // a new one
  pair(): Panel[]; // all but a difference
  results(): Atlas[]; // the new one and those that are held; none while none is open
  atlasOf(choice: Choice): Atlas;
  choose(change: Choice): void;
  set<Name extends keyof State>(name: Name, value: State[Name]): void;
  step(name: string | undefined, by: number): boolean;
  pin(point: Point | null): void;
  weigh(weights: [number, number] | null): void;
  zoomAt(point: Point, factor: number): void;
  content(choice: Choice): Content;
  describe(choice: Choice, whole?: boolean): string;
  remember(): Remembered;
  changed(): void; // what a link remembers
  size(): { width: number; height: number };
  maps(): string[]; // names of the colours
  span(map: GridMap): [number, number];
  colours(name: string): Uint32Array;
  pixels(content: Content, picture: ImageBitmap, width: number, height: number): Uint8ClampedArray;
  bare(on: boolean): void;
  fetch(missing: [Block, Atlas][]): Promise<void>;
  refresh(): Promise<void>;
  maskChanged(name: string): void;
  say(text: string): void;
}
