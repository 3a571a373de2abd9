// The staircase: lithium taken up or given up at every potential, with the window in which nothing happens.

import { fixed } from "./numbers.js";
import { axis, draw, faded, plain } from "./plot.js";

const HIGHEST = 5;

const mixture = (products) => products.map((one) => `${fixed(one.amount, 2).replace(/\.?0+$/, "")} ${one.formula}`).join(" + ");

/** Return the products of a step as text. */
export const products = (step) => mixture(step.products);

/** Draw the document of `POST /window`. */
export async function drawWindow(node, found) {
  const highest = Math.max(HIGHEST, ...found.staircase.map((step) => (step.upper_V ?? step.lower_V) + 0.5));
  const steps = found.staircase.map((step) => ({ ...step, upper: step.upper_V ?? highest }));
  const window = steps.find((step) => step.class === "stable" && step.products.length === 1 && step.lithium_uptake === 0)
    ?? { lower_V: found.reduction_limit_V, upper: found.oxidation_limit_V ?? highest };
  await draw(node, (colours) => ({
    traces: [
      {
        type: "scatter",
        mode: "lines",
        x: steps.flatMap((step) => [step.lower_V, step.upper]),
        y: steps.flatMap((step) => [step.lithium_uptake, step.lithium_uptake]),
        line: { color: colours["series-1"], width: 2 },
        hovertext: steps.flatMap((step) => Array(2).fill(plain(`${fixed(step.lower_V)} to ${step.upper_V === null ? "∞" : fixed(step.upper_V)} V: ${products(step)}`))),
        hoverinfo: "text",
      },
    ],
    layout: {
      xaxis: axis(colours, "Potential against Li⁺/Li, V", { range: [0, highest], dtick: 1 }),
      yaxis: axis(colours, "Li taken up per formula", { zeroline: true, zerolinecolor: colours.border }),
      margin: { l: 56, r: 12, t: 24, b: 44 },
      shapes: window.upper > window.lower_V ? [{
        type: "rect", xref: "x", yref: "paper", x0: window.lower_V, x1: window.upper, y0: 0, y1: 1,
        fillcolor: faded(colours["series-3"], 0.2), line: { width: 0 }, layer: "below",
      }] : [],
      annotations: [{
        x: (window.lower_V + Math.min(window.upper, highest)) / 2, y: 1, xref: "x", yref: "paper", yanchor: "bottom", showarrow: false,
        text: `window ${fixed(window.upper - window.lower_V)} V`, font: { size: 11, color: colours["series-3"] },
      }],
    },
  }));
}
