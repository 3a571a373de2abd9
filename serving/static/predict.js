// Predictions: what is asked of the service for formulas and files, and what each answer was made from.

import { query, upload } from "./api.js";
import { kindOf } from "./files.js";
import { entry } from "./zip.js";

const CHUNK_BYTES = 8 * 1024 * 1024;
const CHUNK_ITEMS = 500;
const MAX_ID = 256;

/** Where a material came from; `file` returns the one structure as a File, null for a formula. */
const fromFormula = (formula) => ({ formula, name: null, file: async () => null });
const fromFile = (name, file) => ({ formula: null, name, file });

const rowsOf = (answer, sources) =>
  answer.predictions.map((prediction, n) => ({ prediction, source: sources(prediction, n), model: answer.model }));

const failed = (name, error) => ({
  prediction: { id: name, error: { code: error.code ?? "failed", message: error.message } },
  source: fromFile(name, async () => null),
  model: null,
});

/** The fields of a question that are the same for all materials of it. */
function asForm({ temperatures, confidence, model }) {
  const form = new FormData();
  for (const temperature of temperatures) form.append("temperature_C", String(temperature));
  form.set("confidence", String(confidence));
  if (model) form.set("model", model);
  return form;
}

function asBody({ temperatures, confidence, model }, materials) {
  const temperature = temperatures.length === 1 ? temperatures[0] : temperatures;
  return { materials, temperature_C: temperature, confidence, ...(model ? { model } : {}) };
}

/** Ask about one material again, at other temperatures. */
export async function again(source, options, signal) {
  const file = await source.file();
  if (file === null) return query("predict", asBody(options, [{ formula: source.formula }]), { signal });
  const form = asForm(options);
  form.set("file", file, file.name);
  return upload("predict/file", form, { signal, patient: true });
}

async function formulas(texts, options, signal) {
  const answer = await query("predict", asBody(options, texts.map((formula) => ({ formula }))), { signal });
  return rowsOf(answer, (_, n) => fromFormula(texts[n]));
}

/** Tell whether a file is the text of one structure, many of which go in one question. */
const isText = (file) => ["cif", "poscar"].includes(kindOf(file.name));

async function structures(part, options, signal) {
  const materials = await Promise.all(part.map(async (file) => (
    { id: file.name.slice(0, MAX_ID), [kindOf(file.name)]: await file.text() })));
  const answer = await query("predict", asBody(options, materials), { signal });
  return rowsOf(answer, (_, n) => fromFile(part[n].name, async () => part[n]));
}

async function oneFile(file, options, signal) {
  const form = asForm(options);
  form.set("file", file, file.name);
  const answer = await upload("predict/file", form, { signal, patient: true });
  const kind = kindOf(file.name);
  return rowsOf(answer, (prediction) => {
    if (kind === "table") return { ...fromFormula(prediction.formula), name: file.name };
    if (kind !== "zip") return fromFile(file.name, async () => file);
    return fromFile(prediction.id, async () => {
      const content = await entry(file, prediction.id);
      return content && new File([content], prediction.id.split("/").pop());
    });
  });
}

function* chunks(list) {
  let part = [];
  let bytes = 0;
  for (const file of list) {
    if (part.length && (part.length === CHUNK_ITEMS || bytes + file.size > CHUNK_BYTES)) {
      yield part;
      [part, bytes] = [[], 0];
    }
    part.push(file);
    bytes += file.size;
  }
  if (part.length) yield part;
}

/**
 * Predict formulas and files; yields the rows of each part as they come. A file that cannot be answered is a row of its
 * own with the error, unless nothing else was asked.
 */
export async function* predictions(texts, files, options, signal) {
  const steps = [];
  if (texts.length) steps.push([null, () => formulas(texts, options, signal)]);
  for (const part of chunks(files.filter(isText))) {
    steps.push([part.length === 1 ? part[0].name : `${part.length} structures`, () => structures(part, options, signal)]);
  }
  for (const file of files.filter((file) => !isText(file))) {
    steps.push([file.name, () => oneFile(file, options, signal)]);
  }
  for (const [name, step] of steps) {
    try {
      yield await step();
    } catch (error) {
      // A fault of the options is one of the whole question, not of this file.
      if (signal.aborted || steps.length === 1 || name === null || !(error.field ?? "file").startsWith("file")) throw error;
      yield [failed(name, error)];
    }
  }
}
