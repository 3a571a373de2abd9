// The few figures that a material is known by.

import { el } from "./dom.js";
import { conductivity, fixed, percent, range } from "./numbers.js";
import { interphase, verdict } from "./verdict.js";

const entry = (name, value, more, kind = "") =>
  el(`div${kind}`, {}, el("dt", {}, name), el("dd.value", {}, value), el("dd.range", {}, more));

function conductivityEntry(one) {
  const { mean, lower, upper } = one.log10_S_per_cm;
  const { shown, unit } = conductivity([10 ** mean, 10 ** lower, 10 ** upper]);
  const degrees = fixed(one.temperature_C, one.temperature_C % 1 ? 1 : 0);
  return entry(`Conductivity at ${degrees} °C`, `${shown[0]} ${unit}`,
    [`${shown[1]} to ${shown[2]} ${unit}`, el("br"), `log₁₀(S/cm) ${fixed(mean)} (${range(one.log10_S_per_cm)})`], ".conductivity");
}

const newness = ({ novelty, distance }) => (novelty === null ? `distance ${fixed(distance, 3)}` : `novelty ${fixed(novelty)}`);

/** Return the figures of a prediction as a list of terms. */
export function keyFigures(prediction, values, options) {
  const energy = prediction.activation_energy_eV;
  const { interphase: learned, hull } = prediction.li_metal;
  const probability = learned && percent(learned.probabilities[learned.class], 1);
  const upper = hull && (hull.oxidation_limit_V === null ? "no limit" : `${fixed(hull.oxidation_limit_V)} V`);
  return el("dl.figures", {},
    values.map(conductivityEntry),
    entry("Activation energy", energy ? `${fixed(energy.mean)} eV` : "–", energy ? `${range(energy)} eV` : "not learned by this model"),
    entry("Interphase on lithium", learned ? interphase(learned.class) : "–", learned ? `probability ${probability}` : "not learned by this model"),
    entry("Window against Li⁺/Li", hull ? `${fixed(hull.reduction_limit_V)} to ${upper}` : "–", hull ? `by the hull of ${hull.table}` : "the hull does not know an element"),
    entry("Domain", verdict(prediction.domain), newness(prediction.domain)));
}
