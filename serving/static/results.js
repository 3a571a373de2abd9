// The table of many materials: sorted, in pages, with an error in its row, each row opening its material.

import { button, el, fill, formula, scrolling } from "./dom.js";
import { download, predictionsAsCsv } from "./csv.js";
import { fixed, range, scientific } from "./numbers.js";
import { interphase, verdict } from "./verdict.js";

const PAGE = 100;
const SPAN = [-12, 0];

const at = (prediction, n) => (Array.isArray(prediction.conductivity) ? prediction.conductivity[n] : prediction.conductivity);

/** Draw an interval of log10(S/cm) as a bar between the ends of the scale. */
function track({ mean, lower, upper }) {
  const place = (value) => 100 * Math.min(1, Math.max(0, (value - SPAN[0]) / (SPAN[1] - SPAN[0])));
  const span = el("span.span");
  span.style.left = `${place(lower)}%`;
  span.style.width = `${place(upper) - place(lower)}%`;
  const dot = el("span.dot");
  dot.style.left = `${place(mean)}%`;
  return el("div.track", { "aria-hidden": "true" }, span, dot);
}

/** A column of predictions: its name, what it is sorted by (undefined comes last) and what a cell shows. */
const column = (name, key, cell, number = true) => ({
  name,
  number,
  key: key && ((row) => (row.prediction.error ? undefined : key(row.prediction))),
  cell,
});

function columnsOf(temperatures) {
  const conductivities = temperatures.flatMap((temperature, n) => {
    const degrees = `${fixed(temperature, temperature % 1 ? 1 : 0)} °C`;
    const log10 = (one) => at(one, n).log10_S_per_cm;
    return [
      column(`S/cm at ${degrees}`, (one) => at(one, n).S_per_cm, (one) => scientific(at(one, n).S_per_cm)),
      column(`log₁₀ at ${degrees}`, (one) => log10(one).lower, (one) => range(log10(one))),
      ...(n ? [] : [column("10⁻¹² to 1 S/cm", null, (one) => track(log10(one)), false)]),
    ];
  });
  const activation = (one) => one.activation_energy_eV?.mean;
  const reaction = (one) => one.li_metal.reaction_energy_eV_per_atom?.mean;
  const kind = (one) => one.li_metal.interphase?.class;
  return [
    ...conductivities,
    column("Activation energy, eV", activation, (one) => fixed(activation(one))),
    column("Reaction with Li, eV/atom", reaction, (one) => fixed(reaction(one))),
    column("Interphase", kind, (one) => interphase(kind(one)), false),
    column("Domain", (one) => one.domain.novelty ?? one.domain.distance, (one) => verdict(one.domain), false),
  ];
}

const nameOf = (row) => row.prediction.formula ?? row.source.formula ?? row.source.name ?? "?";
const isShown = (row) => row.prediction.id ?? row.source.name ?? "";

/** Show rows in `part`; `open` is called with the row that is chosen. Returns a function that marks a row as open. */
export function showTable(part, rows, options, open) {
  const columns = columnsOf(options.temperatures);
  const withNames = rows.some((row) => isShown(row) !== "");
  const failed = rows.filter((row) => row.prediction.error).length;
  let order = { name: null, key: null, falling: false };
  let page = 0;
  let current = null;

  const sorted = () => {
    if (!order.key) return rows;
    const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b);
    return [...rows].sort((first, second) => {
      const [a, b] = [order.key(first), order.key(second)];
      if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
      return order.falling ? compare(b, a) : compare(a, b);
    });
  };

  const heading = ({ name, number, key }) => {
    const now = order.name === name;
    const sort = () => {
      // Numbers are first wanted from the largest down.
      order = { name, key, falling: now ? !order.falling : Boolean(number) };
      page = 0;
      show();
      [...part.querySelectorAll(".sort")].find((button) => button.dataset.name === name).focus();
    };
    const content = key ? button(`${name}${now ? (order.falling ? " ↓" : " ↑") : ""}`, sort, ".sort") : name;
    if (key) content.dataset.name = name;
    const sorting = now ? (order.falling ? "descending" : "ascending") : null;
    return el(`th${number ? ".number" : ""}`, { scope: "col", "aria-sort": sorting }, content);
  };

  const line = (row) => {
    const { prediction } = row;
    const shown = nameOf(row);
    const name = prediction.error ? shown : button(formula(shown), () => open(row), ".open");
    const cells = prediction.error
      ? el("td.fault", { colspan: columns.length }, prediction.error.message)
      : columns.map((column) => el(`td${column.number ? ".number" : ""}`, {}, column.cell(prediction)));
    const id = withNames ? el("td", {}, String(isShown(row))) : null;
    return el(`tr${row === current ? ".chosen-row" : ""}`, {}, el("th", { scope: "row" }, name), id, cells);
  };

  const pager = () => {
    const pages = Math.ceil(rows.length / PAGE);
    if (pages < 2) return null;
    const turn = (by) => () => {
      page += by;
      show();
      part.querySelector(".pager button:not(:disabled)").focus();
    };
    const back = button("Previous", turn(-1), ".small");
    const forth = button("Next", turn(1), ".small");
    back.disabled = page === 0;
    forth.disabled = page === pages - 1;
    return el("div.pager", {}, back, forth, `${page * PAGE + 1} to ${Math.min(rows.length, (page + 1) * PAGE)} of ${rows.length}`);
  };

  function show() {
    const names = [{ name: "Material", key: nameOf }, ...(withNames ? [{ name: "Name", key: isShown }] : [])];
    const head = el("tr", {}, [...names, ...columns].map(heading));
    const body = sorted().slice(page * PAGE, (page + 1) * PAGE).map(line);
    const made = el("table.held", {}, el("thead", {}, head), el("tbody", {}, body));
    const save = button("Save as CSV", () => download(predictionsAsCsv(rows, options), "superion.csv"), ".small");
    const count = `${rows.length} materials${failed ? `, ${failed} without a prediction` : ""}`;
    fill(part, el("div.panel", {},
      el("div.head", {}, el("h2", { id: "many-title" }, count), save), scrolling(made, "Predictions"), pager()));
  }

  show();
  part.hidden = false;
  return (row) => {
    current = row;
    show();
  };
}
