/* Film: all maps in one row below the panels, which draws up into a table. */
// @ts-check
/** @import { Viewer } from "./types" */
import { button, el, select } from "./controls.js";
import { called } from "./dock.js";

/**
 * The row with its head; null where there is nothing to lay in a row.
 * @param {Viewer} viewer
 */
export function film(viewer) {
  const { atlas, matrix, ribbon, state } = viewer, axes = atlas.axes.filter(({ values }) => values.length > 1);
  if (!state.columns) return null;
  /** @type {[string, string][]} */
  const options = axes.map(({ name }) => [name, called(atlas, name)]);
  const columns = select({
    label: "Columns", value: state.columns, options, change: (value) => viewer.set("columns", value),
  });
  const rows = select({
    label: "Rows", value: state.rows, options: [["", "one row"], ...options],
    change: (value) => viewer.set("rows", value),
  });
  const table = button({ text: "▲ Table", title: "All maps as a table", pressed: matrix.up, click: () => {
    matrix.up = !matrix.up;
    say();
    matrix.build();
    viewer.refresh();
  } });
  const head = el("div", { class: "dv-filmhead" }, columns.node, rows.node, table, ribbon.choice.node);
  const node = el("section", { class: "dv-film", "aria-label": "All maps" }, head, matrix.node, ribbon.node);
  const say = () => {
    node.classList.toggle("dv-up", matrix.up);
    table.textContent = matrix.up ? "▼ One row" : "▲ Table";
    table.setAttribute("aria-pressed", String(matrix.up));
    rows.node.hidden = !matrix.up;
  };
  table.hidden = axes.length < 2;
  say();
  return node;
}
