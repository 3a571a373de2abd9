// What the gate says of a model beside the champion, in words.

import { fixed } from "./numbers.js";

/** Return the verdict with the paired differences and their intervals. */
export function gateWords(gate) {
  const parts = Object.entries(gate)
    .filter(([, one]) => one?.paired_difference)
    .map(([name, { mae, champion_mae: champion, paired_difference: difference }]) =>
      `mean error ${fixed(mae)} against ${fixed(champion)} (${name.replaceAll("_", " ")}), difference ${fixed(difference.mean)} [${fixed(difference.lower)}, ${fixed(difference.upper)}]`);
  const rows = gate.n ? ` on ${gate.n} rows of ${gate.n_papers} papers` : "";
  return [`${gate.verdict}, against ${gate.champion}${rows}`, ...parts].join("; ");
}
