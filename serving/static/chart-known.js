// The conductivity of a material with its interval, on a logarithmic axis beside measured electrolytes.

import { get } from "./api.js";
import { conductivity, fixed, lowered, power } from "./numbers.js";
import { draw, axis, faded, plain } from "./plot.js";

let asked = null;

/** Return the measured electrolytes; asked for once. */
export function known() {
  asked ??= get("known").then((answer) => answer.known).catch((error) => {
    asked = null;
    throw error;
  });
  return asked;
}

const HOT = 40;

/** Draw the predictions [{temperature_C, log10_S_per_cm, S_per_cm}] of one material. */
export async function drawKnown(node, predictions, confidence) {
  const measured = (await known()).filter((one) => one.temperature_C < HOT).reverse();
  const names = [...measured.map((one) => lowered(one.formula))];
  const rows = [...names.map((name, n) => `${n}`), ...predictions.map((_, n) => `p${n}`)];
  const shown = predictions.map((one) => `predicted, ${fixed(one.temperature_C, one.temperature_C % 1 ? 1 : 0)} °C`);
  const lowest = Math.floor(Math.min(...measured.map((one) => Math.log10(one.S_per_cm)), ...predictions.map((one) => one.log10_S_per_cm.lower)) - 0.2);
  const highest = Math.ceil(Math.max(...measured.map((one) => Math.log10(one.S_per_cm)), ...predictions.map((one) => one.log10_S_per_cm.upper)) + 0.2);
  const step = highest - lowest > node.clientWidth / 60 ? 2 : 1;
  const ticks = Array.from({ length: Math.floor((highest - lowest) / step) + 1 }, (_, n) => lowest + step * n);
  await draw(node, (colours) => {
    const band = predictions[0].log10_S_per_cm;
    return {
      traces: [
        {
          type: "scatter",
          mode: "markers",
          x: measured.map((one) => Math.log10(one.S_per_cm)),
          y: names.map((_, n) => `${n}`),
          marker: { size: 8, color: colours.surface, symbol: "circle", line: { color: colours.muted, width: 1.6 } },
          hovertext: measured.map((one) => {
            const { shown: [value], unit } = conductivity([one.S_per_cm]);
            return plain(`${one.name}: ${value} ${unit} at ${fixed(one.temperature_C, 0)} °C. ${one.source ?? ""}`);
          }),
          hoverinfo: "text",
        },
        {
          type: "scatter",
          mode: "markers",
          name: "prediction",
          x: predictions.map((one) => one.log10_S_per_cm.mean),
          y: predictions.map((_, n) => `p${n}`),
          error_x: {
            type: "data",
            symmetric: false,
            array: predictions.map(({ log10_S_per_cm: log10 }) => log10.upper - log10.mean),
            arrayminus: predictions.map(({ log10_S_per_cm: log10 }) => log10.mean - log10.lower),
            color: colours["series-1"],
            thickness: 2,
            width: 5,
          },
          marker: { size: 10, color: colours["series-1"], symbol: "diamond" },
          hovertext: predictions.map((one) => `${fixed(one.log10_S_per_cm.lower)} to ${fixed(one.log10_S_per_cm.upper)} (${fixed(100 * confidence, 0)} %)`),
          hoverinfo: "text",
        },
      ],
      layout: {
        xaxis: axis(colours, "Conductivity, S/cm", { range: [lowest, highest], tickvals: ticks, ticktext: ticks.map(power) }),
        yaxis: axis(colours, null, {
          type: "category",
          categoryarray: rows,
          categoryorder: "array",
          tickvals: rows,
          ticktext: [...names, ...shown].map(plain),
          range: [-0.7, rows.length - 0.3],
          ticks: "",
        }),
        margin: { l: 8, r: 22, t: 8, b: 44 },
        shapes: [{
          type: "rect", xref: "x", yref: "paper", x0: band.lower, x1: band.upper, y0: 0, y1: 1,
          fillcolor: faded(colours["series-1"], 0.1), line: { width: 0 }, layer: "below",
        }],
      },
    };
  });
  return measured;
}
