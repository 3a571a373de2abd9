// A table as a file that spreadsheets and programs read, with nothing in it that a spreadsheet would run.

const RUNS = /^[=+\-@\t\r]/;

/** Return a cell. Text that a spreadsheet would take for a formula gets an apostrophe before it; numbers stay as they are. */
function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const text = RUNS.test(value) ? `'${value}` : value;
  return /[",\r\n;]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Return a table as CSV: the names of the columns, then rows of values. */
export const csv = (rows) => rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");

const interval = (name, of) => [
  [name, (one) => of(one)?.mean],
  [`${name}_lower`, (one) => of(one)?.lower],
  [`${name}_upper`, (one) => of(one)?.upper],
];

/** The columns of predictions at these temperatures: names, and what is in them. */
function columns(temperatures) {
  const several = temperatures.length > 1;
  const conductivities = temperatures.flatMap((temperature, n) => {
    const at = (one) => (Array.isArray(one.conductivity) ? one.conductivity[n] : one.conductivity);
    const suffix = several ? `_at_${temperature}_C` : "";
    return [
      [`S_per_cm${suffix}`, (one) => at(one).S_per_cm],
      ...interval(`log10_S_per_cm${suffix}`, (one) => at(one).log10_S_per_cm),
    ];
  });
  return [
    ["id", (one) => one.id],
    ["formula", (one) => one.formula],
    ["input", (one) => one.input],
    ...(several ? [] : [["temperature_C", () => temperatures[0]]]),
    ...conductivities,
    ...interval("activation_energy_eV", (one) => one.activation_energy_eV),
    ["interphase", (one) => one.li_metal.interphase?.class],
    ...interval("reaction_energy_eV_per_atom", (one) => one.li_metal.reaction_energy_eV_per_atom),
    ["hull_class", (one) => one.li_metal.hull?.class],
    ["hull_reduction_limit_V", (one) => one.li_metal.hull?.reduction_limit_V],
    ["hull_oxidation_limit_V", (one) => one.li_metal.hull?.oxidation_limit_V],
    ["shear_modulus_GPa", (one) => one.shear_modulus_GPa?.mean],
    ["band_gap_eV", (one) => one.band_gap_eV?.mean],
    ["in_domain", (one) => one.domain.in_domain],
    ["domain_distance", (one) => one.domain.distance],
    ["domain_novelty", (one) => one.domain.novelty],
    ["warnings", (one) => one.warnings.join("; ")],
  ];
}

/** Return predictions as CSV; one that failed has its formula or name and the error. */
export function predictionsAsCsv(rows, { temperatures, confidence }) {
  const named = columns(temperatures);
  const head = [...named.map(([name]) => name), "confidence", "model_version", "error"];
  const lines = rows.map(({ prediction, source, model }) => {
    if (!prediction.error) {
      return [...named.map(([, of]) => of(prediction)), confidence, model.version, null];
    }
    const known = { id: prediction.id ?? null, formula: source.formula };
    return [...named.map(([name]) => known[name] ?? null), confidence, model?.version, prediction.error.message];
  });
  return csv([head, ...lines]);
}

/** Offer a text as a file. */
export function download(text, name, type = "text/csv") {
  // With a mark of the encoding, without which spreadsheets take UTF-8 for something else.
  const address = URL.createObjectURL(new Blob(["\ufeff", text], { type: `${type};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
