// Jobs: their state, progress and log, and how to stop them.

import { ask, get, send } from "./api.js";
import { confirm } from "./confirm.js";
import { button, el, fill, problem, table } from "./dom.js";
import { duration, fixed, time } from "./numbers.js";
import { gateWords } from "./gate.js";

const UNFINISHED = new Set(["queued", "running", "cancelling"]);
const BADGES = { succeeded: "good", failed: "bad", cancelled: "none", running: "caution", cancelling: "caution", queued: "none" };
const KEPT_LOG = 200_000;

/** Tell whether a job still changes. */
export const isUnfinished = (job) => UNFINISHED.has(job.state);

function progressOf(job) {
  const { progress } = job;
  if (!progress?.fits_total || !isUnfinished(job)) return job.ended ? `ended ${time(job.ended)}` : "–";
  const done = `${progress.fits_done} of ${progress.fits_total} ${job.kind === "simulation" ? "campaigns" : "fits"}`;
  const left = progress.seconds_left === null ? "" : `, about ${duration(progress.seconds_left)} left`;
  return el("div", {}, el("progress", { max: String(progress.fits_total), value: String(progress.fits_done), "aria-label": done }), el("span.note", {}, done + left));
}

/** Only an address of the web is made a link. */
function runLink(job) {
  if (!job.run_url || !/^https?:\/\//.test(job.run_url)) return job.run_id ?? null;
  return el("a", { href: job.run_url, rel: "noopener noreferrer" }, "run in MLflow");
}

function facts(job) {
  const rows = [
    ["Started", time(job.started)],
    ["Ended", time(job.ended)],
    ["Attempts", String(job.attempts)],
    ["Request", el("code", {}, JSON.stringify(job.request))],
    ["Run", runLink(job) ?? "–"],
    ["Model", job.version ? `version ${job.version}` : "–"],
  ];
  if (job.reason) rows.push(["Reason", job.reason]);
  if (job.result?.gate) rows.push(["Gate", gateWords(job.result.gate)]);
  const errors = Object.entries(job.result?.cross_validation ?? {}).filter(([, of]) => typeof of?.mae === "number");
  for (const [name, { mae }] of errors) rows.push([`Mean error, ${name.replaceAll("_", " ")}`, `${fixed(mae, 3)} of log₁₀(S/cm)`]);
  const found = Object.entries(job.result?.strategies ?? {});
  for (const [name, { hits }] of found) rows.push([name.replaceAll("_", " "), `${fixed(hits.at(-1), 1)} of ${job.result.n_hits} hits in the mean`]);
  return table("", [{ name: "" }, { name: "" }], rows);
}

/** The log of a job, read on from where it was. */
class Log {
  constructor() {
    this.node = el("pre.log", { tabindex: "0", role: "log", "aria-label": "Log of the job" });
    this.offset = 0;
  }

  async readOn(id) {
    const answer = await ask(`jobs/${encodeURIComponent(id)}/log?offset=${this.offset}`);
    const text = await answer.text();
    this.offset = Number(answer.headers.get("X-Next-Offset") ?? this.offset);
    if (!text) return;
    const atEnd = this.node.scrollTop + this.node.clientHeight >= this.node.scrollHeight - 8;
    this.node.textContent = (this.node.textContent + text).slice(-KEPT_LOG);
    if (atEnd) this.node.scrollTop = this.node.scrollHeight;
  }
}

/** The list of jobs and one in full. */
export function jobList() {
  const list = el("div");
  const detail = el("div.stack");
  let shown = null;

  async function cancel(job) {
    if (!(await confirm("Cancel this job?", `Job ${job.id} ends; what it has computed is dropped.`, "Cancel the job"))) return;
    try {
      await send("POST", `jobs/${encodeURIComponent(job.id)}/cancel`);
      await refresh();
    } catch (error) {
      fill(detail, problem(error));
    }
  }

  async function open(job) {
    shown = { id: job.id, log: new Log(), facts: el("div") };
    fill(detail, el("h3", {}, `Job ${job.id}`), shown.facts, shown.log.node);
    await follow(job);
  }

  async function follow(job) {
    const { facts: place, log } = shown;
    fill(place, facts(job));
    await log.readOn(job.id).catch((error) => fill(place, facts(job), problem(error)));
  }

  function actions(job) {
    if (!["queued", "running"].includes(job.state)) return "";
    const made = button("Cancel", () => cancel(job), ".small");
    made.setAttribute("aria-label", `Cancel job ${job.id}`);
    return made;
  }

  async function refresh() {
    const { jobs } = await get("jobs");
    const rows = jobs.map((job) => [
      button(job.request?.name ?? `${job.kind} ${job.id}`, () => open(job), ".open"),
      el(`span.badge.${BADGES[job.state] ?? "none"}`, {}, job.state),
      progressOf(job),
      job.owner ?? "–",
      time(job.created),
      job.version ?? "–",
      actions(job),
    ]);
    const columns = ["Job", "State", "Progress", "Owner", "Asked", "Version", ""].map((name) => ({ name }));
    const focused = list.contains(document.activeElement) ? document.activeElement.textContent : null;
    fill(list, jobs.length ? table("", columns, rows) : el("p.note", {}, "No job yet."));
    // The table is made anew while somebody may be in it.
    if (focused !== null) [...list.querySelectorAll("button")].find((one) => one.textContent === focused)?.focus();
    const job = shown && jobs.find((one) => one.id === shown.id);
    if (job) await follow(job);
    return jobs;
  }

  return { parts: [list, detail], refresh };
}
