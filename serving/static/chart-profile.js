// The energy of lithium along its path.

import { fixed } from "./numbers.js";
import { axis, draw, faded } from "./plot.js";

/** Draw the path of a migration. */
export const drawProfile = (node, path) =>
  draw(node, (colours) => ({
    traces: [{
      type: "scatter",
      mode: "lines",
      x: path.distance_angstrom,
      y: path.energy_eV,
      line: { color: colours["series-2"], width: 2 },
      fill: "tozeroy",
      fillcolor: faded(colours["series-2"], 0.12),
      hovertext: path.energy_eV.map((energy, n) => `${fixed(path.distance_angstrom[n])} Å: ${fixed(energy, 3)} eV`),
      hoverinfo: "text",
    }],
    layout: {
      xaxis: axis(colours, "Way, Å", { rangemode: "tozero" }),
      yaxis: axis(colours, "Energy, eV", { rangemode: "tozero" }),
    },
  }));
