// What is watched: the shadow beside the champion, and the inputs beside the training set.

import { get } from "./api.js";
import { el, fill, problem, table } from "./dom.js";
import { fixed, percent, time } from "./numbers.js";

const VERDICTS = { stable: "good", watch: "caution", drifted: "bad" };
const verdict = (name) => el(`span.badge.${VERDICTS[name] ?? "none"}`, {}, name);

function shadowWords(report) {
  if (!report.version) return el("p.note", {}, "No version is asked beside the champion.");
  const rows = [
    ["Materials that both predicted", String(report.n)],
    ["Mean difference, log₁₀(S/cm)", fixed(report.mean_difference, 3)],
    ["Mean absolute difference", fixed(report.mean_absolute_difference, 3)],
    ["Outside the champion's interval", report.share_outside_interval === null ? "–" : percent(report.share_outside_interval, 1)],
    ["Failed", String(report.n_failed)],
  ];
  return [
    el("p", {}, `Version ${report.version} beside ${report.champion}, since ${time(report.since)}.`),
    report.problem ? el("p.error", {}, report.problem) : null,
    table("", [{ name: "Quantity" }, { name: "Value", number: true }], rows),
  ];
}

function driftWords(report) {
  const rows = report.periods.flatMap((period) => period.features.map((feature, n) => [
    n ? "" : `${period.days} days, ${period.n_materials} materials`,
    feature.name.replaceAll("_", " "),
    String(feature.n),
    fixed(feature.psi, 3),
    fixed(feature.by_chance, 3),
    verdict(feature.verdict),
  ]));
  const columns = [{ name: "Period" }, { name: "Feature" }, { name: "Inputs", number: true }, { name: "Index", number: true }, { name: "By chance", number: true }, { name: "Verdict" }];
  return [
    el("p", {}, report.periods.map((period) => [`${period.days} days: `, verdict(period.verdict), " "])),
    table("Population stability index against the training set", columns, rows),
    el("details", {}, el("summary", {}, "How to read it"), el("ul.note", {}, report.notes.map((note) => el("li", {}, note)))),
  ];
}

/** The two panels and how they are read again. */
export function watchPanels() {
  const places = [["Shadow", "shadow", shadowWords], ["Drift of the inputs", "drift", driftWords]].map(([title, path, words]) => ({
    path, words, place: el("div.stack"), title,
  }));
  const parts = el("div.charts", {}, places.map(({ title, place }) => el("section.panel", {}, el("h2", {}, title), place)));
  const refresh = () => Promise.all(places.map(async ({ path, words, place }) => {
    try {
      fill(place, words(await get(path)));
    } catch (error) {
      fill(place, problem(error));
    }
  }));
  return { parts, refresh };
}
