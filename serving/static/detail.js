// One material in full: what is known at once first, then what takes another question.

import { query } from "./api.js";
import { again } from "./predict.js";
import { button, el, fill, formula, problem, source as cited, table, withCode } from "./dom.js";
import { drawArrhenius, temperaturesOfLine } from "./chart-arrhenius.js";
import { drawKnown } from "./chart-known.js";
import { keyFigures } from "./figures.js";
import { fixed, percent, range, scientific, significant } from "./numbers.js";
import { release, save } from "./plot.js";
import { showStability } from "./stability.js";
import { showStructure } from "./structure.js";
import { verdict } from "./verdict.js";

const several = (conductivity, temperatures) =>
  Array.isArray(conductivity) ? conductivity : [{ ...conductivity, temperature_C: temperatures[0] }];

/** Make a part with a figure: its title, what it shows in words, and a button that saves it. */
export function figure(title, kind, description, more = []) {
  const node = el(`div.chart.${kind}`, { role: "img", "aria-label": description });
  const caption = el("figcaption", {}, description);
  const format = kind === "high" ? "png" : "svg";
  const keep = button("Save figure", () => save(node, title.toLowerCase().replaceAll(/[^a-z]+/g, "-"), format), ".small");
  keep.setAttribute("aria-label", `Save figure: ${title}`);
  const part = el("section.panel", {}, el("div.head", {}, el("h3", {}, title), keep), el("figure", {}, node, caption), more);
  return { part, node, caption };
}

/** Draw, and say in the figure's place what went wrong where it cannot be drawn. */
export async function attempt(node, drawing, signal) {
  try {
    return await drawing();
  } catch (error) {
    if (!signal.aborted) fill(node, problem(error));
    return null;
  }
}

function domainPart(domain) {
  const rows = domain.nearest.map((one) => [
    formula(one.formula), fixed(one.distance, 3), one.measured_S_per_cm === null ? "–" : scientific(one.measured_S_per_cm), cited(one.source)]);
  return el("section.panel", {},
    el("h3", {}, "How far from what is known ", verdict(domain)),
    el("p.note", {}, `${percent(domain.distance, 1)} of the atoms differ from the nearest material that the model has learned from`
      + (domain.novelty === null ? ". " : `, and ${percent(domain.novelty, 1)} of what could be known of the conductivity from the formula is not. `)
      + (domain.in_domain ? "The materials of papers that the model was tested on were as near." : "Predictions this far out are off by two decades and more on average.")),
    table("Nearest known materials", [{ name: "Material" }, { name: "Distance", number: true }, { name: "Measured, S/cm", number: true }, { name: "Source" }], rows));
}

function otherValues(prediction) {
  const rows = [
    ["Formation energy, eV/atom", prediction.formation_energy_eV_per_atom, fixed],
    ["Shear modulus, GPa", prediction.shear_modulus_GPa, significant],
    [`Band gap${prediction.band_gap_eV ? ` (${prediction.band_gap_eV.functional})` : ""}, eV`, prediction.band_gap_eV, fixed],
  ].map(([name, value, shown]) => [name, value ? shown(value.mean) : "–", value ? `${shown(value.lower)} to ${shown(value.upper)}` : "–"]);
  const { dendrites } = prediction.li_metal;
  return [
    table("Learned from the composition", [{ name: "Quantity" }, { name: "Mean", number: true }, { name: "Interval", number: true }], rows),
    dendrites && el("p.note", {}, `Shear modulus above ${fixed(dendrites.threshold_GPa, 1)} GPa, twice that of lithium: ${dendrites.met}. ${dendrites.note}.`),
  ];
}

function arrheniusTable(line) {
  const rows = line.map((one) => [fixed(one.temperature_C, one.temperature_C % 1 ? 1 : 0), scientific(one.S_per_cm), range(one.log10_S_per_cm)]);
  const columns = [{ name: "°C", number: true }, { name: "S/cm", number: true }, { name: "log₁₀, interval", number: true }];
  return el("details", {}, el("summary", {}, "Values"), table("Arrhenius line", columns, rows));
}

let current = null;

/** Show nothing. */
export function closeDetail(part) {
  current?.abort();
  release(part);
  part.hidden = true;
  fill(part);
}

/** Show a row of predictions in `part`; `options` are those that it was predicted with. */
export async function showDetail(part, row, options) {
  closeDetail(part);
  current = new AbortController();
  const { signal } = current;
  const { prediction } = row;
  const values = several(prediction.conductivity, options.temperatures);
  const level = percent(options.confidence);
  const title = el("h2", { id: "one-title", tabindex: "-1" }, formula(prediction.formula));
  const from = [prediction.id ?? row.source.name, `model ${row.model.version}${row.model.alias ? ` (${row.model.alias})` : ""}`, `${level} intervals`];
  const beside = figure("Beside measured electrolytes", "middle", `Mean and ${level} interval of the prediction (diamond), measured electrolytes (circles).`);
  const line = figure("Arrhenius line", "middle", `Mean and ${level} band over the temperature.`);
  const stability = el("section.panel.wide", {}, el("h3", {}, "Stability against lithium metal"));
  const rest = el("section.panel", {}, el("h3", {}, "Other properties"), otherValues(prediction));
  const structure = el("section.panel.wide", { hidden: true });
  fill(part,
    el("div.panel", {},
      el("div.head", {}, title, el("p.note", {}, from.filter(Boolean).join(" · "))),
      keyFigures(prediction, values, options),
      prediction.warnings.length ? el("ul.warnings", { "aria-label": "Warnings" }, prediction.warnings.map((text) => el("li", {}, withCode(text)))) : null),
    el("div.charts", {}, beside.part, line.part, structure, stability, domainPart(prediction.domain), rest));
  part.hidden = false;

  const drawBeside = attempt(beside.node, async () => {
    const measured = await drawKnown(beside.node, values, options.confidence);
    if (signal.aborted) return;
    const rows = measured.toReversed().map((one) => [formula(one.formula), one.name, scientific(one.S_per_cm), fixed(one.temperature_C, 0), cited(one.source)]);
    const columns = [{ name: "Material" }, { name: "Name" }, { name: "S/cm", number: true }, { name: "°C", number: true }, { name: "Source" }];
    beside.part.append(el("details", {}, el("summary", {}, "Measured values and their sources"), table("Measured electrolytes", columns, rows)));
  }, signal);
  const drawLine = attempt(line.node, async () => {
    const asked = { ...options, temperatures: temperaturesOfLine(options.temperatures) };
    const answer = await again(row.source, asked, signal);
    const [found] = answer.predictions;
    if (found.error) throw new Error(found.error.message);
    await drawArrhenius(line.node, found.conductivity, options.temperatures);
    line.part.append(arrheniusTable(found.conductivity));
  }, signal);
  const judge = attempt(stability, () => showStability(stability, prediction, (body) => query("window", body, { signal })), signal);
  await Promise.all([drawBeside, drawLine, judge]);
  // The landscape takes longest, so it comes when all else is there.
  if (!signal.aborted) await attempt(structure, () => showStructure(structure, row.source, signal), signal);
}
