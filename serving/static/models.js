// The page of models: versions with their figures, which of them answers, and what is watched.

import { get, send } from "./api.js";
import { confirm } from "./confirm.js";
import { button, el, fill, problem, table } from "./dom.js";
import { gateWords } from "./gate.js";
import { fixed, time } from "./numbers.js";
import { watchPanels } from "./watch.js";

const ROLES = { champion: "good", challenger: "caution", rollback: "none", shadow: "none" };

function figuresOf(metrics) {
  const shown = Object.entries(metrics ?? {}).filter(([, value]) => typeof value === "number");
  return shown.length ? table("Metrics", [{ name: "Metric" }, { name: "Value", number: true }], shown.map(([name, value]) => [name, fixed(value, 4)])) : null;
}

class Models {
  constructor(part, may) {
    this.may = may;
    this.list = el("div");
    this.detail = el("div.stack");
    this.said = el("div", { role: "status" });
    this.watch = watchPanels();
    fill(part,
      el("h1", { id: "models-title" }, "Models"),
      el("section.panel.stack", {}, el("div.head", {}, el("h2", {}, "Versions"), may("admin") ? button("Roll back", () => this.rollBack(), ".small") : null), this.said, this.list, this.detail),
      this.watch.parts);
    part.classList.add("stack");
  }

  async refresh() {
    try {
      this.found = await get("models");
      fill(this.list, table("", ["Version", "Is", "Name", "Learned from", "Made", "Gate", ""].map((name) => ({ name })), this.found.models.map((model) => this.row(model))));
    } catch (error) {
      fill(this.list, problem(error));
    }
    await this.watch.refresh();
  }

  row(model) {
    const aliases = [...new Set([...model.aliases, ...(this.found.shadow === model.version ? ["shadow"] : [])])];
    const rows = !model.data?.n_rows ? "" : ` (${model.data.n_rows} rows)`;
    return [
      button(model.version, () => this.open(model.version), ".open"),
      aliases.length ? aliases.map((name) => [el(`span.badge.${ROLES[name] ?? "none"}`, {}, name), " "]) : "–",
      model.name ?? "–",
      `${model.data?.name ?? "–"}${rows}`,
      time(model.created),
      model.gate ? `${model.gate.verdict}, against ${model.gate.champion}` : "–",
      this.actions(model),
    ];
  }

  actions(model) {
    const isChampion = model.version === this.found.champion;
    const made = (text, action) => {
      const one = button(text, action, ".small");
      one.setAttribute("aria-label", `${text}: version ${model.version}`);
      return one;
    };
    return el("div.actions", {},
      this.may("write") && !isChampion ? made("Compare", () => this.compare(model.version)) : null,
      this.may("admin") && !isChampion ? made("Promote", () => this.promote(model.version)) : null,
      this.may("admin") && !isChampion
        ? (this.found.shadow === model.version ? made("Stop shadow", () => this.shadow(null)) : made("Shadow", () => this.shadow(model.version)))
        : null);
  }

  /** Do something and say what came of it. */
  async attempt(waiting, work) {
    fill(this.said, el("p.note", {}, waiting));
    try {
      const words = await work();
      fill(this.said, el("p.good", {}, words));
    } catch (error) {
      fill(this.said, problem(error));
      return error;
    }
    await this.refresh();
    return null;
  }

  async open(version) {
    try {
      const model = await get(`models/${encodeURIComponent(version)}`);
      fill(this.detail, el("h3", {}, `Version ${version}`), figuresOf(model.metrics),
        model.card ? el("details", { open: true }, el("summary", {}, "Card"), el("pre.log", { tabindex: "0" }, model.card)) : null);
    } catch (error) {
      fill(this.detail, problem(error));
    }
  }

  compare(version) {
    return this.attempt(`Version ${version} is being compared with the champion.`, async () => {
      const { gate } = await send("POST", `models/${encodeURIComponent(version)}/gate`);
      return `Version ${version}: ${gateWords(gate)}.`;
    });
  }

  async promote(version) {
    const text = `Version ${version} answers in place of version ${this.found.champion}, which stays as rollback.`;
    if (!(await confirm("Promote this version?", text, "Promote"))) return;
    const promote = (force) => this.attempt("The gate compares.", async () => {
      const answer = await send("POST", `models/${encodeURIComponent(version)}/promote`, { force });
      return `Version ${answer.champion} answers; version ${answer.rollback} is kept for a rollback.`;
    });
    const error = await promote(false);
    if (error?.code !== "gate_refused") return;
    if (await confirm("Promote it all the same?", error.message, "Promote all the same")) await promote(true);
  }

  async rollBack() {
    const text = `Version ${this.found.rollback ?? "–"} answers in place of version ${this.found.champion}.`;
    if (!(await confirm("Go back to the version before?", text, "Roll back"))) return;
    await this.attempt("The version before is being brought back.", async () => {
      const answer = await send("POST", "models/rollback");
      return `Version ${answer.champion} answers again.`;
    });
  }

  shadow(version) {
    return this.attempt("The shadow is being changed.", async () => {
      const answer = await send("PUT", "shadow", { version });
      return answer.version ? `Version ${answer.version} is asked beside the champion.` : "No version is asked beside the champion.";
    });
  }
}

let made = null;

/** Show or hide the page. */
export function showModels(part, shown, may) {
  if (!shown) return;
  made ??= new Models(part, may);
  made.refresh();
}
