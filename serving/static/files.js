// The files that were chosen or dropped, and what they are.

import { byId, button, el, fill } from "./dom.js";

let chosen = [];
let changed = () => {};

/** Return the chosen files. */
export const files = () => [...chosen];

/** Tell what a file is by its name: cif, poscar, json, zip or table; null for what is not read. */
export function kindOf(name) {
  const base = name.split("/").pop().toLowerCase();
  const suffix = base.split(".").pop();
  if (suffix === "cif") return "cif";
  if (["vasp", "poscar"].includes(suffix) || /^(poscar|contcar)/.test(base)) return "poscar";
  if (["csv", "xlsx"].includes(suffix)) return "table";
  return ["json", "zip"].includes(suffix) ? suffix : null;
}

/** Take no file any more. */
export function clearFiles() {
  chosen = [];
  show();
}

function add(more) {
  const wrong = more.filter((file) => kindOf(file.name) === null).map((file) => file.name);
  byId("files-fault").textContent = wrong.length
    ? `${wrong.slice(0, 3).join(", ")}: of no kind that is read; .cif, POSCAR, .vasp, .csv, .xlsx, .json and .zip are`
    : "";
  chosen = [...chosen, ...more.filter((file) => kindOf(file.name) !== null)];
  show();
  changed();
}

function show() {
  fill(byId("chosen"), chosen.map((file) => {
    const remove = button("Remove", () => {
      chosen = chosen.filter((other) => other !== file);
      show();
      byId("files").focus();
    }, ".small.plain");
    remove.setAttribute("aria-label", `Remove ${file.name}`);
    return el("li", {}, el("span", {}, file.name), remove);
  }));
}

/** Listen to the field of files and to what is dropped anywhere on its part of the page; `added` is called after. */
export function listenToFiles(added) {
  changed = added;
  const input = byId("files");
  input.addEventListener("change", () => {
    add([...input.files]);
    input.value = "";
  });
  const area = byId("drop");
  const page = byId("predict");
  const over = (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    area.classList.add("over");
  };
  page.addEventListener("dragenter", over);
  page.addEventListener("dragover", over);
  page.addEventListener("dragleave", (event) => page.contains(event.relatedTarget) || area.classList.remove("over"));
  page.addEventListener("drop", (event) => {
    area.classList.remove("over");
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    add([...event.dataTransfer.files]);
  });
}
