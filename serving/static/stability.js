// What happens on lithium metal: the staircase of the hull with its phases, beside what was learned.

import { el, fill, formula, problem, table } from "./dom.js";
import { drawWindow } from "./chart-window.js";
import { fixed, percent, range } from "./numbers.js";
import { interphase } from "./verdict.js";

function learnedTable(lithium) {
  const { hull } = lithium;
  const rows = [
    ["Reaction energy, eV/atom", lithium.reaction_energy_eV_per_atom, hull?.reaction_energy_eV_per_atom],
    ["Reduction limit, V", lithium.reduction_limit_V, hull?.reduction_limit_V],
    ["Oxidation limit, V", lithium.oxidation_limit_V, hull?.oxidation_limit_V],
  ].map(([name, learned, found]) => [name, learned ? fixed(learned.mean) : "–", range(learned), found === null ? "none" : fixed(found)]);
  const columns = [{ name: "Quantity" }, { name: "Learned", number: true }, { name: "Interval", number: true }, { name: "Hull", number: true }];
  return table("Learned from the composition, beside the hull", columns, rows);
}

function probabilities(lithium) {
  if (!lithium.interphase) return null;
  const rows = Object.entries(lithium.interphase.probabilities).map(([name, share]) => [interphase(name), percent(share, 1)]);
  return table("Interphase, learned", [{ name: "Class" }, { name: "Probability", number: true }], rows);
}

/** The phases of a mixture with their amounts, formulas as formulas. */
const phases = (products) =>
  products.flatMap((one, n) => [n ? " + " : "", Math.abs(one.amount - 1) < 5e-3 ? "" : `${fixed(one.amount, 2).replace(/\.?0+$/, "")} `, ...formula(one.formula)]);

function stepTable(found) {
  const rows = found.staircase.map((step) => [
    el("span.whole", {}, step.upper_V === null ? `above ${fixed(step.lower_V)}` : `${fixed(step.lower_V)} to ${fixed(step.upper_V)}`),
    fixed(step.lithium_uptake, 2),
    el("span.phases", {}, phases(step.products)),
    fixed(step.reaction_energy_lower_eV_per_atom, 3),
    interphase(step.class),
  ]);
  const columns = [{ name: "V against Li⁺/Li" }, { name: "Li taken up", number: true }, { name: "Phases" }, { name: "Energy at lower end, eV/atom", number: true }, { name: "Class" }];
  return table("Phases in equilibrium", columns, rows);
}

/** Show the stability of a prediction in `part`; `ask` asks for the window of a composition. */
export async function showStability(part, prediction, ask) {
  const lithium = prediction.li_metal;
  const chart = el("div.chart.low", { role: "img" });
  const caption = el("figcaption");
  const steps = el("div.stack");
  part.append(el("div.split.uneven", {},
    el("figure", {}, chart, caption), el("div.stack", {}, learnedTable(lithium), probabilities(lithium))), steps);
  if (!lithium.hull) {
    fill(chart, el("p.note", {}, "The table of phases knows no compound of an element of this material, or there are too many elements; there is no staircase."));
    chart.classList.remove("chart", "low");
    return;
  }
  try {
    const found = await ask({ formula: prediction.formula });
    const upper = found.oxidation_limit_V === null ? "without an upper limit" : `to ${fixed(found.oxidation_limit_V)} V`;
    const text = `Staircase of the hull (${found.table}): nothing is taken up or given up from ${fixed(found.reduction_limit_V)} V ${upper}.`;
    chart.setAttribute("aria-label", text);
    caption.textContent = text;
    fill(steps, stepTable(found), found.notes.length ? el("ul.note", {}, found.notes.map((note) => el("li", {}, note))) : null);
    await drawWindow(chart, found);
  } catch (error) {
    if (error.name !== "AbortError") fill(chart, problem(error));
  }
}
