// The page of predictions: asks for what the form holds and shows what comes.

import { Refused, get } from "./api.js";
import { button, byId, el, fill, problem } from "./dom.js";
import { clearComplaints, complain, fieldOf, formulas, readForm } from "./form.js";
import { clearFiles, files, listenToFiles } from "./files.js";
import { closeDetail, showDetail } from "./detail.js";
import { plotly } from "./plot.js";
import { predictions } from "./predict.js";
import { showTable } from "./results.js";
import { read, write } from "./state.js";

const EXAMPLES = ["Li6PS5Cl", "Li7La3Zr2O12", "Li10GeP2S12", "Li1.3Al0.3Ti1.7(PO4)3", "Li3N"];

let running = null;

const say = (text) => (byId("status").textContent = text);

function reset() {
  running?.abort();
  closeDetail(byId("one"));
  byId("many").hidden = true;
  fill(byId("many"));
  fill(byId("trouble"));
  byId("empty").hidden = false;
  say("");
}

function busy(is) {
  byId("go").disabled = is;
  byId("stop").hidden = !is;
}

function show(rows, options) {
  const failed = rows.filter((row) => row.prediction.error);
  if (rows.length === 1) {
    if (failed.length) complain(rows[0].source.formula ? "formulas" : "files", rows[0].prediction.error.message);
    else showDetail(byId("one"), rows[0], options);
  } else {
    const mark = showTable(byId("many"), rows, options, async (row) => {
      mark(row);
      const shown = showDetail(byId("one"), row, options);
      byId("one-title").focus();
      byId("one").scrollIntoView({ block: "start" });
      await shown;
    });
  }
  const good = rows.length - failed.length;
  const count = `${good} ${good === 1 ? "material" : "materials"} predicted`;
  say(failed.length ? `${count}, ${failed.length} failed.` : `${count}.`);
  byId("empty").hidden = true;
}

/** Predict what the form holds. */
export async function run() {
  const asked = readForm();
  if (!asked) return;
  if (!asked.formulas.length && !files().length) {
    complain("formulas", "Type a formula or choose a file.");
    return;
  }
  reset();
  const controller = new AbortController();
  running = controller;
  write({ formulas: asked.formulas, temperature: asked.options.temperatures.join(","), confidence: byId("confidence").value });
  busy(true);
  say("Predicting.");
  const rows = [];
  try {
    for await (const more of predictions(asked.formulas, files(), asked.options, controller.signal)) {
      rows.push(...more);
      say(`Predicting: ${rows.length} done.`);
    }
  } catch (error) {
    if (controller.signal.aborted) {
      if (running === controller) say("Stopped.");
    } else {
      say("");
      const field = error instanceof Refused && fieldOf(error.field);
      if (field) complain(field, error.message);
      else fill(byId("trouble"), problem(error));
    }
  } finally {
    if (running === controller) busy(false);
  }
  if (rows.length && running === controller) show(rows, asked.options);
  if (matchMedia("(max-width: 60rem)").matches && rows.length) byId("status").scrollIntoView({ block: "start" });
}

/** Put what the address asks for into the form; returns whether there is something to predict. */
export function fromAddress() {
  const state = read();
  if (!state.formulas.length) return false;
  byId("formulas").value = state.formulas.join("\n");
  if (state.temperature) byId("temperature").value = state.temperature.replaceAll(",", ", ");
  if (state.confidence) byId("confidence").value = state.confidence;
  return true;
}

/** Offer the versions of the model besides the champion, where there are any. */
export async function offerModels() {
  const { models, champion } = await get("models");
  const others = models.filter((model) => model.version !== champion);
  byId("model-field").hidden = others.length === 0;
  byId("model").append(...others.map((model) =>
    el("option", { value: model.version }, `${model.version}${model.aliases.length ? ` (${model.aliases.join(", ")})` : ""}`)));
}

/** Make the form work. */
export function start() {
  byId("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    run();
  });
  byId("formulas").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      run();
    }
  });
  byId("stop").addEventListener("click", () => {
    running?.abort();
    byId("go").disabled = false;
    byId("go").focus();
  });
  byId("ask").addEventListener("reset", () => {
    clearFiles();
    clearComplaints();
    reset();
    write({ formulas: [] });
    busy(false);
  });
  listenToFiles(() => byId("go").focus());
  byId("examples").append(...EXAMPLES.flatMap((text) => [" ", button(text, () => {
    byId("formulas").value = [...formulas(), text].join("\n");
    byId("go").focus();
  }, ".small")]));
  // Loaded while the reader types.
  (window.requestIdleCallback ?? setTimeout)(() => plotly().catch(() => {}));
}
