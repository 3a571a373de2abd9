// The page of data sets and training jobs; it looks again by itself while it is shown.

import { datasetPanel } from "./datasets.js";
import { el, fill, problem } from "./dom.js";
import { isUnfinished, jobList } from "./jobs.js";
import { jobForm } from "./job-form.js";

const SOON = 3000;
const LATER = 15_000;

let made = null;
let timer = null;

function make(part, may) {
  const list = jobList();
  const trouble = el("div", { role: "alert" });
  const { form, offer } = jobForm(may, () => look());
  const data = datasetPanel(may, offer);
  fill(part,
    el("h1", { id: "training-title" }, "Training"),
    data.part,
    el("section.panel.stack", {}, el("h2", {}, "New job"), form),
    el("section.panel.stack", {}, el("h2", {}, "Jobs"), trouble, list.parts));
  part.classList.add("stack");

  async function look() {
    clearTimeout(timer);
    let wait = LATER;
    try {
      const jobs = await list.refresh();
      if (jobs.some(isUnfinished)) wait = SOON;
      fill(trouble);
    } catch (error) {
      fill(trouble, problem(error));
    }
    if (!part.hidden) timer = setTimeout(look, wait);
  }
  return { look, data };
}

/** Show or hide the page. */
export function showTraining(part, shown, may) {
  clearTimeout(timer);
  if (!shown) return;
  made ??= make(part, may);
  made.data.refresh();
  made.look();
}
