/* Types: what the viewer's modules hand to each other; the atlas's parts are those of inspector/views/atlas.py. */
import type { Atlas, GridMap } from "./atlas.js";

export type { Held, Kept, Options, Segmenting, Shelf, Side, Viewer } from "./view";

// ------------------------------------------------------------------------------------------------- a file

/**
 * Which value of each axis: what a panel shows, or where a block stands. A panel's `of` says which result it is of: none
 * for the new one, the number of a held one from 1, or DIFFERENCE.
 */
export type Choice = Record<string, string>;

/** One thing to choose. values: keys of the choices; shown: what to call them; first: which one a page starts with. */
export interface Axis {
  name: string;
  values: string[];
  shown: string[];
  control: "slider" | "chips" | "list";
  first: number;
}

/** The JSON at the head of a file. Numbers named `data`, `low` and `high` are bytes from the end of the header. */
export interface Header {
  tab: string;
  axes: Axis[];
  blocks: BlockHeader[];
  pictures: Record<string, { height: number; width: number; digest: string; data: number; length: number }>;
  labels: (LabelsPlace & { height: number; width: number; data: number })[];
  masks: Record<string, { height: number; width: number; data: number }>;
  features: FeaturesHeader | null;
  colormaps: Record<string, number>;
  facts: Facts;
  proposals?: ProposalsHeader | null;
}

/** Where masks (float16), names by head and CLIP, and seen classes lie; shape: proposals, names, height, width. */
export interface ProposalsHeader {
  shape: [number, number, number, number];
  masks: number;
  head: number;
  null: number;
  clip: number | null;
  seen: number;
}

/** int8 vectors, place by place; shape: channels, height, width. */
export interface FeaturesHeader {
  shape: [number, number, number];
  data: number;
}

interface BlockPlace {
  at: Choice;
  inner: string[]; // axes of the maps before (height, width)
  picture: string; // key of the picture they lie over
  signed: boolean; // colours run to both sides of zero
  computed: "" | "similarity" | "self";
}

/** Measures of maps: value of the axis that has masks -> measure -> (offset, count) of its float64 numbers. */
type ScoresHeader = Record<string, Record<string, [number, number]>>;
type MapsHeader = { shape: number[]; data: number; low: number; high: number };
/** Queries and keys, of which `heads` share the channels; shape: of the inner axes, then (2, channels, height, width). */
type ProjectedHeader = { shape: number[]; projected: number; heads: number };
type Nothing<Maps> = { [Name in keyof Maps]?: undefined };

export type BlockHeader = BlockPlace & { scores: ScoresHeader } & (
  | (MapsHeader & Nothing<Omit<ProjectedHeader, "shape">>)
  | (ProjectedHeader & Nothing<Omit<MapsHeader, "shape">>)
  | (Nothing<MapsHeader> & Nothing<ProjectedHeader>));

/** shape: of the inner axes, then (height, width); low and high: of each map, what 0 and 255 stand for. */
type Maps = { shape: number[]; values: Uint8Array; low: Float32Array; high: Float32Array };

/** The bits of float16 queries and keys, laid out as in the file. */
type Projected = { shape: number[]; projected: Uint16Array; heads: number };

/**
 * Maps of one grid, or what they are made of, or only their place where these are still to be fetched. scores: over the
 * axes without masks.
 */
export type Block = BlockPlace & {
  axes: Axis[];
  scores: Record<string, Record<string, Float64Array>>;
} & (
  | (Maps & Nothing<Omit<Projected, "shape">>)
  | (Projected & Nothing<Omit<Maps, "shape">>)
  | (Nothing<Maps> & Nothing<Projected>));

interface LabelsPlace {
  at: Choice;
  colors: string[]; // "#rrggbb" of each label
  names: string[];
  picture: string;
}

/** Values (height x width), row by row. */
export interface Grid {
  values: Uint8Array;
  height: number;
  width: number;
}

/** Whole numbers with a colour and a name for each. of: the choice of the maps that they were made of here. */
export type Labels = LabelsPlace & Grid & { of?: Choice };

/** An 8-bit map: value q stands for low + q / 255 * (high - low). */
export interface ValueMap extends Grid {
  low: number;
  high: number;
}

/** Zeros and ones. digest: of the picture that it was made on. */
export interface Mask extends Grid {
  digest?: string;
}

/** A mask that another viewer sent. */
export interface SentMask extends Mask {
  id: string;
  name: string;
}

/** What a segmenter is asked by. label: 1 for a point in the mask, 0 for one that is not; box: x0, y0, x1, y1 as shares. */
export interface Prompt {
  points: (Point & { label: number })[];
  box: [number, number, number, number] | null;
}

/** A prompt about a picture of a result, as the server reads it: points as [y, x] and box as shares of the sides. */
export interface Question {
  key: string;
  picture: string;
  points: number[][];
  labels: number[];
  box: number[] | null;
  model: string;
}

/** The server's answer: bits in base 64, row by row; sure: the IoU that is expected; share: of the picture. */
export type Segmented =
  | { mask: string; height: number; width: number; sure: number; share: number; warning: string; error?: undefined }
  | { error: string };

/** A PNG and, once it was asked for, what it decodes to. */
export interface Picture {
  height: number;
  width: number;
  digest: string;
  bytes: Uint8Array<ArrayBuffer>;
  bitmap: ImageBitmap | null;
}

/** Vectors of unit length, place by place. */
export interface Features {
  channels: number;
  height: number;
  width: number;
  vectors: Float32Array;
}

/**
 * What a trained head proposed, as inspector/results/proposed.py tells it: count masks, and for each of them and each
 * name, the classes first, a probability by the head and by CLIP.
 */
export interface Proposals {
  count: number;
  names: number;
  height: number;
  width: number;
  masks: Float32Array;
  head: Float32Array;
  null: Float32Array;
  clip: Float32Array | null;
  seen: Uint8Array;
}

/** How a pixel of no class is scored. */
export interface Rule {
  rule: string; // "constant", "power" or "words"
  background: number;
  power: number;
}

/** What else names proposals: the weights that the result was made with, and how segments are made and painted. */
export interface Ensemble extends Rule {
  weights: [number, number]; // of CLIP's opinion, for classes seen in training and for others
  shares: boolean; // whether both opinions together are divided by their sum over the names
  called: string; // by whom, where there is one opinion alone
  things: number[]; // 1 for a class that is one
  shades: string[][]; // colours of a class's segments
  sure: number;
  overlap: number;
}

/** What else a page shows of a result; inspector/views/atlases.py says it for each tab. Axes are told by name. */
export interface Facts {
  title?: string;
  warning?: string;
  names?: Record<string, string>; // axis -> what it is called
  columns?: string; // axes of the table of all maps
  rows?: string;
  panels?: Choice[]; // what is open at first, and which of them is active
  active?: number;
  linked?: string[]; // axes that change in every panel
  zero?: boolean; // colours begin at zero, not at a map's least value
  ranked?: string; // the axis whose values compete for a pixel, and those that do not take part
  unranked?: string[];
  votes?: string[]; // values of axes whose labels mean the same in every result
  given?: string[]; // values of axes that stand for what is known, and not for what a model says
  curve?: string; // the axis that a pixel's values are drawn over
  ticks?: Record<string, Record<string, string[]>>; // axis -> value of the axis `ticksBy` -> what to call its values
  ticksBy?: string;
  previews?: boolean; // there are pictures of the steps
  timesteps?: Record<string, number[]>; // value of the axis `ticksBy` -> t of each of its steps
  compared?: Compared;
  verdict?: Stored | null;
  matches?: Matches;
  ensemble?: Ensemble;
  questions?: Questions;
  brief?: Record<string, string[]>; // axis -> what its values are called where there is little room
  usual?: Choice; // values of axes that a title does not tell
  look?: Partial<State>;
  keys?: { arrows?: string; updown?: string; brackets?: string };
  plainAxis?: string; // what shows a picture alone: value of this axis -> key of the picture
  plain?: Record<string, string>;
  colormaps?: string[];
}

/** Arms with a meaning of their own: what others are held against; single noises of one arm, that first; a deviation. */
export interface Compared {
  generation: string;
  noises: string[];
  spread: string;
}

/**
 * Curves that were measured on a data set, as inspector/views/verdict.py tells them. points: [t, mean, half of the 95%
 * interval]; examples: part -> arm -> t -> the address of one.
 */
export interface Stored {
  count: Record<string, number>;
  seeds: number;
  curves: { of: string; measure: string; layer: string; arm: string; points: [number, number, number | null][] }[];
  examples: Record<string, Record<string, Record<string, string>>>;
}

/**
 * What can be asked of a recorded run without another one. words: that can compete, first those that do at first, with a
 * colour each; members: layers of the choices that stand for several; mixture: height of a grid -> its weight at first;
 * probes: whether words that are not in the prompt can be asked.
 */
export interface Questions {
  words: string[];
  first: string[];
  colors: string[];
  members: Record<string, string[]>;
  mixture: Record<string, number>;
  probes: boolean;
}

/** The axis whose values have masks of their own: value -> name of the mask; threshold: at which `iou` was measured. */
export interface Matches {
  axis: string;
  names: Record<string, string>;
  threshold?: number;
}

// ------------------------------------------------------------------------------------------------- a view

/** A place of the picture, as fractions of its height and width, in [0, 1). */
export type Point = { y: number; x: number };

/** A part of the picture. points: of a pixel one, of a box two corners, of a polygon all. */
export interface Region {
  kind: "pixel" | "box" | "polygon";
  points: Point[];
}

/** scale: 1 for the whole picture, up to 16; y, x: what lies in the middle. */
export type Zoom = Point & { scale: number };

/** What a viewer shows beside its panels' choices. */
export interface State {
  colormap: string;
  opacity: number; // of the colours, 0 to 1
  fade: boolean; // it follows the value
  scale: "own" | "shared";
  smooth: boolean;
  threshold: number; // a fraction of a map's maximum
  show: "heat" | "outline" | "mask";
  follow: boolean; // the picture predicted at a map's step lies below it
  together: boolean; // panels stay at the same t
  wipe: boolean;
  wipeAt: number; // share of the width
  pin: Point | null;
  mask: string; // "" for none, "match", DRAWN, the name of a mask or the id of one that was sent
  outline: boolean;
  columns: string;
  rows: string;
  ribbon: boolean; // the row under the stage is the pictures of the steps
  tool: "look" | "cut" | "brush" | "wipe" | "polygon" | "segment" | "box" | "corner";
  zoom: Zoom;
  weights: [number, number] | null; // that proposals are named with instead of the result's own
  region: Region | null; // whose self-attention is shown; none: the pinned pixel's
  rivals: string[]; // words that compete; none: those that do at first
  mixture: Record<string, number> | null; // weights of the resolutions; none: those at first
}

/** All that a link keeps. */
export interface Remembered extends State {
  active: number;
  panels: Choice[];
}

/** key: the server's name of a result; asked: all that it answers, name -> text. */
export interface About {
  key?: string;
  asked?: Record<string, string>;
}

/**
 * What a choice shows: the picture's key, and the map or the labels over it. block: null for labels and pictures;
 * missing: blocks that are to be fetched first.
 */
export interface Content {
  atlas: Atlas;
  missing: [Block, Atlas][];
  picture: string;
  map: GridMap | null;
  labels: Labels | null;
  block: Block | null;
}

/** A map against a mask, each in [0, 1], NaN where it is undefined or was not worked out. */
export interface Score {
  ap: number; // average precision
  iou: number; // at the threshold
  iouBest: number; // over all thresholds
  pointing: number; // whether the maximum lies in the mask
  chance: number; // the average precision of a map that knows nothing
}
