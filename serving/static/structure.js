// The crystal of a file, and the way of lithium in it.

import { query } from "./api.js";
import { button, el, fill, formula, table } from "./dom.js";
import { kindOf } from "./files.js";
import { colour } from "./elements.js";
import { drawProfile } from "./chart-profile.js";
import { fixed, significant } from "./numbers.js";
import { save } from "./plot.js";
import { Scene } from "./scene.js";

async function bodyOf(file) {
  const kind = kindOf(file.name);
  const text = await file.text();
  return kind === "json" ? { structure: JSON.parse(text) } : { [kind]: text };
}

const elementsOf = (found) => [...new Set(found.sites.flatMap((site) => site.species.map((one) => one.element)))];

/** Return the toggles of what the scene shows. */
function toggles(scene, found) {
  const toggle = (name, label, swatch) => {
    const box = el("input", { type: "checkbox", checked: true });
    box.addEventListener("change", () => scene.show(name, box.checked));
    return el("label", {}, box, swatch, label);
  };
  const atoms = elementsOf(found).filter((symbol) => scene.has(symbol)).map((symbol) => {
    const swatch = el("span.swatch", { "aria-hidden": "true" });
    swatch.style.background = colour(symbol);
    return toggle(symbol, symbol, swatch);
  });
  const others = [["cell", "cell"], ["path", "path"], ["surface", "surface"]].filter(([name]) => scene.has(name));
  return el("fieldset.toggles", { "aria-label": "What is shown" }, atoms, others.map(([name, label]) => toggle(name, label, null)));
}

function views(scene) {
  return el("div.toggles", { role: "group", "aria-label": "View" }, "View along ",
    ["a", "b", "c"].map((name, n) => button(name, () => scene.lookAlong(n), ".small")),
    button("Aslant", () => scene.lookAlong(null), ".small"),
    button("Turn left", () => scene.turn(-15), ".small"),
    button("Turn right", () => scene.turn(15), ".small"));
}

function siteTable(found) {
  const rows = found.sites.map((site, n) => [
    site.label ?? String(n + 1),
    site.species.map((one) => `${one.element} ${significant(one.occupancy, 3)}`).join(", "),
    ...site.fractional.map((one) => fixed(one, 4)),
  ]);
  const columns = [{ name: "Site" }, { name: "Occupancy" }, ...["x", "y", "z"].map((name) => ({ name, number: true }))];
  return el("details", {}, el("summary", {}, `${found.sites.length} sites`), table("Sites of the cell", columns, rows));
}

function barrierTable({ barriers_eV: barriers, ion, resolution_angstrom: resolution }) {
  const rows = [["1", "one direction"], ["2", "two directions"], ["3", "three directions"]].map(([n, name]) => [
    name, barriers[n] === null ? "closed" : fixed(barriers[n], 3)]);
  return [
    table(`Barriers of ${ion} by bond valence`, [{ name: "Through the crystal in" }, { name: "eV", number: true }], rows),
    el("p.note", {}, `Energy above the lowest place from which on one ion wanders through the rigid crystal; grid of ${fixed(resolution, 2)} Å. `
      + "To compare crystals by; it is no activation energy."),
  ];
}

async function showMigration(side, found) {
  const { migration, reason } = found;
  if (!migration) {
    side.append(el("p.note", {}, `No path of lithium: ${reason}.`));
    return;
  }
  const chart = el("div.chart.low", { role: "img", "aria-label": `Energy along the path, up to ${fixed(migration.barriers_eV["1"], 3)} eV` });
  const caption = el("figcaption", {}, `Energy along the path of the lowest barrier; the surface is drawn at ${fixed(migration.surface.energy_eV, 2)} eV.`);
  side.append(...barrierTable(migration), el("figure", {}, chart, caption));
  await drawProfile(chart, migration.path);
}

/** Show the structure of a source in `part`, which stays hidden where there is none. */
export async function showStructure(part, source, signal) {
  const file = await source.file();
  if (!file) return;
  part.hidden = false;
  fill(part, el("h3", {}, "Structure and path of lithium"), el("p.note", {}, "The landscape of lithium is being computed."));
  const found = await query("structure", await bodyOf(file), { signal });
  const view = el("div.chart.high", { role: "img", "aria-label": `Unit cell of ${found.formula}, ${found.sites.length} sites` });
  const scene = new Scene(view, found);
  const keep = button("Save figure", () => save(view, "structure", "png"), ".small");
  keep.setAttribute("aria-label", "Save figure: structure");
  const side = el("div.stack");
  const group = found.space_group_number ? `space group ${found.space_group_number}, ` : "";
  const notes = [...found.notes, ...(found.migration?.notes ?? [])];
  fill(part,
    el("div.head", {}, el("h3", {}, "Structure and path of lithium"), keep),
    el("div.split.uneven", {},
      el("div.stack", {}, toggles(scene, found), el("figure", {}, view, el("figcaption", {}, formula(found.formula), `, ${group}${found.sites.length} sites in the cell; partly filled sites are translucent.`)), views(scene)),
      side));
  await Promise.all([scene.draw(), showMigration(side, found)]);
  side.append(siteTable(found));
  if (notes.length) side.append(el("ul.note", { "aria-label": "Notes" }, notes.map((note) => el("li", {}, note))));
}
