// Short verdicts as coloured words; the words alone say it too.

import { el } from "./dom.js";

/** Whether a material lies within what the model has learned from. */
export const verdict = (domain) =>
  el(`span.badge.${domain.in_domain ? "good" : "caution"}`, {}, domain.in_domain ? "inside" : "outside");

const KINDS = { stable: "good", passivating: "caution", "mixed-conducting": "bad" };

/** What kind of interphase forms. */
export const interphase = (name) => el(`span.badge.${KINDS[name] ?? "none"}`, {}, name ?? "unknown");
