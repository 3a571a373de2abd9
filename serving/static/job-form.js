// The form that starts a training job.

import { send } from "./api.js";
import { el, fill, problem } from "./dom.js";

const NUMBERS = [
  { key: "seed", label: "Seed", least: 0 },
  { key: "members", label: "Members", least: 2, hint: "Networks in the ensemble" },
  { key: "folds", label: "Folds", least: 2, hint: "Of the cross-validation" },
  { key: "epochs", label: "Epochs", least: 1 },
];

/** Make the form; `started` is called with the job. `offer` shows the data sets that can be chosen. */
export function jobForm(may, started) {
  const choices = el("div.checks");
  const from = el("select", { id: "job-from" }, el("option", { value: "scratch" }, "scratch"), el("option", { value: "champion" }, "the champion (fine-tuned)"));
  const name = el("input", { id: "job-name", type: "text", maxlength: "100", autocomplete: "off" });
  const promote = el("select", { id: "job-promote" }, el("option", { value: "never" }, "never"), el("option", { value: "if_better" }, "if the gate says better"));
  const unlabelled = el("input", { type: "checkbox", checked: true });
  const numbers = NUMBERS.map((one) => ({
    ...one,
    input: el("input", { id: `job-${one.key}`, type: "number", min: String(one.least), step: "1", placeholder: "default" }),
  }));
  const field = (label, input, hint) =>
    el("div.field", {}, el("label", { for: input.id }, label), input, hint ? el("p.hint", {}, hint) : null);
  const answer = el("div", { role: "status" });
  const go = el("button.primary", { type: "submit" }, "Start training");
  const form = el("form.stack", {},
    el("fieldset", {}, el("legend", {}, "Data sets to learn from"), choices),
    el("div.fields", {}, field("Name of the model", name), field("Start from", from), may("admin") ? field("Promote", promote) : null,
      numbers.map(({ label, input, hint }) => field(label, input, hint))),
    el("label.check", {}, unlabelled, "Show compounds without a measurement too, where they are at hand"),
    el("div.actions", {}, go), answer);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const datasets = [...choices.querySelectorAll("input:checked")].map((box) => box.value);
    if (!datasets.length) {
      fill(answer, el("p.fault", {}, "Choose a data set to learn from."));
      return;
    }
    const body = { datasets, from: from.value, promote: promote.value, unlabelled: unlabelled.checked };
    if (name.value.trim()) body.name = name.value.trim();
    for (const { key, input } of numbers) if (input.value !== "") body[key] = Number(input.value);
    go.disabled = true;
    try {
      const job = await send("POST", "jobs", body);
      fill(answer, el("p.good", {}, `Job ${job.id} waits for its turn.`));
      started(job);
    } catch (error) {
      fill(answer, problem(error));
    } finally {
      go.disabled = false;
    }
  });

  function offer(datasets) {
    const chosen = new Set([...choices.querySelectorAll("input:checked")].map((box) => box.value));
    const useful = datasets.filter((one) => one.purpose === "training");
    fill(choices, useful.length
      ? useful.map((one) => el("label", {}, el("input", { type: "checkbox", value: one.id, checked: chosen.has(one.id) }), `${one.name} (${one.n_rows} rows)`))
      : el("p.note", {}, "Bring a data set first."));
  }
  return { form, offer };
}
