// What the address holds after #, so that a result can be shared: formulas, temperature, confidence and the page. Never a
// key, and nothing of a file.

const LONGEST = 6000;

/** Return what the address asks for. */
export function read() {
  const given = new URLSearchParams(location.hash.slice(1));
  return {
    view: given.get("view") ?? "predict",
    formulas: given.getAll("f"),
    temperature: given.get("t"),
    confidence: given.get("c"),
  };
}

/** Put a question into the address; one that is too long for an address is left out. */
export function write({ formulas, temperature, confidence }) {
  const state = new URLSearchParams();
  for (const formula of formulas) state.append("f", formula);
  if (formulas.length) {
    state.set("t", temperature);
    state.set("c", confidence);
  }
  const text = state.toString();
  history.replaceState(null, "", text && text.length <= LONGEST ? `#${text}` : location.pathname + location.search);
}
