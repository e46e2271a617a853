/* What Python says of the cases that both sides compute, written by tests/views/shared_cases.py. */
import { readFileSync } from "node:fs";

export const shared = JSON.parse(readFileSync(new URL("./shared.json", import.meta.url), "utf-8"));

/** A grid with its values as bytes. */
export const grid = (told) => ({ ...told, values: Uint8Array.from(told.values) });

/** The largest difference between two lists of numbers. */
export function apart(found, expected) {
  if (found.length !== expected.length) return Infinity;
  return Math.max(...Array.from(found, (value, index) => Math.abs(value - expected[index])));
}
