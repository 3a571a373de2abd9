// Data sets: bring a table, see what was found in it row by row, take it away.

import { get, send, upload } from "./api.js";
import { confirm } from "./confirm.js";
import { button, el, fill, problem, scrolling, table } from "./dom.js";
import { time } from "./numbers.js";

const SHOWN = 200;

function rowNotes(title, notes) {
  if (!notes.length) return null;
  const rows = notes.slice(0, SHOWN).map((note) => [String(note.line), note.id, note.reason]);
  const more = notes.length > SHOWN ? el("p.note", {}, `and ${notes.length - SHOWN} more`) : null;
  return el("div", {}, table(`${title}: ${notes.length}`, [{ name: "Line", number: true }, { name: "Id" }, { name: "Reason" }], rows), more);
}

/** Say what was found in a data set. */
function report(dataset) {
  const counts = [
    `${dataset.n_rows} rows that can be used`,
    `${dataset.n_failed} that cannot`,
    `${dataset.n_with_structure} with a structure`,
    `${dataset.n_censored} reported as below a limit`,
  ];
  return el("div.stack", {},
    el("p", {}, `${counts.join(", ")}. SHA-256 ${dataset.digest.slice(0, 16)}…`),
    rowNotes("Rows that cannot be used", dataset.failed),
    rowNotes("Notes", dataset.notes),
    el("details", {}, el("summary", {}, "Check of the data"), el("pre.log", {}, JSON.stringify(dataset.check, null, 1))));
}

function uploadForm(may, done) {
  const file = el("input", { type: "file", id: "dataset-file", accept: ".csv,.xlsx", required: true });
  const cifs = el("input", { type: "file", id: "dataset-cifs", accept: ".zip" });
  const name = el("input", { id: "dataset-name", type: "text", maxlength: "100", autocomplete: "off" });
  const readers = el("select", { id: "dataset-readers" }, el("option", { value: "owner" }, "only me"), el("option", { value: "group" }, "the group"));
  const purpose = el("select", { id: "dataset-purpose" }, el("option", { value: "training" }, "training"), el("option", { value: "holdout" }, "holdout"));
  const answer = el("div", { role: "status" });
  const go = el("button.primary", { type: "submit" }, "Bring data");
  const field = (label, input, hint) =>
    el("div.field", {}, el("label", { for: input.id }, label), input, hint ? el("p.hint", {}, hint) : null);
  const form = el("form.stack", { "aria-labelledby": "bring-title" },
    el("div.fields", {},
      field("Table", file, "CSV or xlsx, one measurement a row"),
      field("Structures", cifs, "A zip of CIFs, where there are some"),
      field("Name", name, "That of the file unless given"),
      field("Who may see its rows", readers),
      may("admin") ? field("Purpose", purpose, "A holdout is never learned from") : null),
    el("div.actions", {}, go), answer);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!file.files.length) {
      fill(answer, el("p.fault", {}, "Choose a table."));
      return;
    }
    const body = new FormData();
    body.set("file", file.files[0]);
    if (cifs.files.length) body.set("cifs", cifs.files[0]);
    if (name.value.trim()) body.set("name", name.value.trim());
    body.set("readers", readers.value);
    body.set("purpose", purpose.value);
    go.disabled = true;
    fill(answer, el("p.note", {}, "The table is being read."));
    try {
      const dataset = await upload("datasets", body);
      form.reset();
      fill(answer, el("p.good", {}, `${dataset.name} is kept.`), report(dataset));
      done();
    } catch (error) {
      fill(answer, problem(error));
    } finally {
      go.disabled = false;
    }
  });
  return form;
}

function listed(datasets, detail, changed) {
  const rows = datasets.map((one) => [
    button(one.name, () => fill(detail, el("h3", {}, one.name), report(one)), ".open"),
    one.owner ?? "–",
    one.readers === "group" ? "the group" : "the owner",
    one.purpose,
    String(one.n_rows),
    String(one.n_failed),
    time(one.created),
    removal(one, detail, changed),
  ]);
  const columns = [{ name: "Name" }, { name: "Owner" }, { name: "Seen by" }, { name: "Purpose" }, { name: "Rows", number: true }, { name: "Failed", number: true }, { name: "Brought" }, { name: "" }];
  return table("", columns, rows);
}

function removal(one, detail, changed) {
  const remove = button("Delete", async () => {
    const text = `${one.name} with ${one.n_rows} rows is deleted. What models have learned from it stays learned.`;
    if (!(await confirm("Delete this data set?", text, "Delete"))) return;
    try {
      await send("DELETE", `datasets/${encodeURIComponent(one.id)}`);
      fill(detail);
      changed();
    } catch (error) {
      fill(detail, problem(error));
    }
  }, ".small");
  remove.setAttribute("aria-label", `Delete ${one.name}`);
  return remove;
}

/** The panel of data sets; `changed` is called with the list whenever it is read. */
export function datasetPanel(may, changed) {
  const list = el("div");
  const detail = el("div.stack", { "aria-live": "polite" });
  async function refresh() {
    try {
      const { datasets } = await get("datasets");
      fill(list, datasets.length ? listed(datasets, detail, refresh) : el("p.note", {}, "No data set is kept yet."));
      changed(datasets);
    } catch (error) {
      fill(list, problem(error));
    }
  }
  const part = el("section.panel.stack", {}, el("h2", { id: "bring-title" }, "Data sets"), uploadForm(may, refresh), scrolling(list, "Data sets"), detail);
  return { part, refresh };
}
