// The Arrhenius line: the logarithm of the conductivity over the inverse temperature, with its band.

import { fixed, power } from "./numbers.js";
import { axis, draw, faded } from "./plot.js";

const ZERO = 273.15;
const COLDEST = -20;
const HOTTEST = 120;
const STEP = 10;
const inverse = (celsius) => 1000 / (celsius + ZERO);

/** Return the temperatures [°C] of the line, which reaches as far as what was asked for. */
export function temperaturesOfLine(asked) {
  const [coldest, hottest] = [Math.min(COLDEST, ...asked), Math.max(HOTTEST, ...asked)];
  const step = Math.max(STEP, (hottest - coldest) / 40);
  const grid = Array.from({ length: Math.floor((hottest - coldest) / step) + 1 }, (_, n) => coldest + step * n);
  return [...new Set([...grid, hottest, ...asked])].sort((a, b) => a - b);
}

/** Draw a line of predictions, with those that were asked for as points. */
export async function drawArrhenius(node, line, asked) {
  const x = line.map((one) => inverse(one.temperature_C));
  const part = (name) => line.map((one) => one.log10_S_per_cm[name]);
  const points = line.filter((one) => asked.includes(one.temperature_C));
  const bounds = [Math.floor(Math.min(...part("lower"))), Math.ceil(Math.max(...part("upper")))];
  const step = bounds[1] - bounds[0] > 10 ? 2 : 1;
  const ticks = Array.from({ length: Math.floor((bounds[1] - bounds[0]) / step) + 1 }, (_, n) => bounds[0] + step * n);
  const [hottest, coldest] = [line.at(-1).temperature_C, line[0].temperature_C];
  const degrees = [-150, -100, -50, -20, 0, 25, 50, 80, 120, 200, 300, 500, 800].filter((one) => one >= coldest && one <= hottest);
  const margin = 0.03 * (x[0] - x.at(-1));
  const range = [x.at(-1) - margin, x[0] + margin];
  const edge = { type: "scatter", mode: "lines", x, line: { width: 0 }, hoverinfo: "skip" };
  await draw(node, (colours) => ({
    traces: [
      { ...edge, name: "lower", y: part("lower") },
      { ...edge, name: "upper", y: part("upper"), fill: "tonexty", fillcolor: faded(colours["series-1"], 0.18) },
      {
        type: "scatter",
        mode: "lines",
        name: "mean",
        x,
        y: part("mean"),
        line: { color: colours["series-1"], width: 2 },
        hovertext: line.map((one) => `${fixed(one.temperature_C, 0)} °C: ${fixed(one.log10_S_per_cm.mean)}, ${fixed(one.log10_S_per_cm.lower)} to ${fixed(one.log10_S_per_cm.upper)}`),
        hoverinfo: "text",
      },
      {
        type: "scatter",
        mode: "markers",
        name: "asked",
        x: points.map((one) => inverse(one.temperature_C)),
        y: points.map((one) => one.log10_S_per_cm.mean),
        marker: { size: 9, color: colours["series-1"], symbol: "diamond" },
        hoverinfo: "skip",
      },
      // An axis of its own needs a line of its own, though it shows nothing.
      { type: "scatter", x: [inverse(25)], y: [null], xaxis: "x2", hoverinfo: "skip" },
    ],
    layout: {
      xaxis: axis(colours, "1000 / T, K⁻¹", { range }),
      xaxis2: axis(colours, "Temperature, °C", {
        range, overlaying: "x", side: "top", tickvals: degrees.map(inverse), ticktext: degrees.map((one) => fixed(one, 0)), showgrid: false,
      }),
      yaxis: axis(colours, "Conductivity, S/cm", { range: bounds, tickvals: ticks, ticktext: ticks.map(power) }),
      margin: { l: 56, r: 20, t: 44, b: 44 },
    },
  }));
}
