// What is asked for: read from the form, with what is wrong said at the field.

import { byId } from "./dom.js";

const FIELDS = ["formulas", "files", "temperature", "confidence", "model"];

/** Say what is wrong with a field, and take the reader there. */
export function complain(name, message) {
  byId(`${name}-fault`).textContent = message;
  byId(name).setAttribute("aria-invalid", "true");
  byId(name).focus();
}

/** Take back all complaints. */
export function clearComplaints() {
  for (const name of FIELDS) {
    byId(`${name}-fault`).textContent = "";
    byId(name).removeAttribute("aria-invalid");
  }
}

/** Return the field of the form that an error of the service is about, or null. */
export function fieldOf(path) {
  if (!path) return null;
  if (path.startsWith("temperature_C")) return "temperature";
  if (path.startsWith("file")) return "files";
  return FIELDS.find((name) => path.startsWith(name)) ?? null;
}

/** Return the formulas, one a line. */
export const formulas = () => byId("formulas").value.split("\n").map((line) => line.trim()).filter(Boolean);

/** Read the form: formulas and options; null where a field is wrong, which is then said. */
export function readForm() {
  clearComplaints();
  const texts = byId("temperature").value.split(/[,;\s]+/).filter(Boolean);
  const temperatures = [...new Set(texts.map((text) => Number(text.replace("−", "-"))))];
  if (!texts.length || temperatures.some(Number.isNaN)) {
    complain("temperature", "Numbers of degrees Celsius with commas between them are right, such as 25, 60.");
    return null;
  }
  const confidence = Number(byId("confidence").value) / 100;
  if (!(confidence >= 0.05 && confidence <= 0.99)) {
    complain("confidence", "A number from 5 to 99 is right.");
    return null;
  }
  return { formulas: formulas(), options: { temperatures, confidence, model: byId("model").value } };
}
