// Elements are made here and nowhere else: data becomes text nodes and attributes, never markup.

/** Return the element of an id of the page. */
export const byId = (id) => document.getElementById(id);

/**
 * Make an element: `el("td.number", {title: "..."}, "text", child)`. The key `on` holds listeners by event. Children
 * that are null or undefined are left out.
 */
export function el(name, properties = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties)) {
    if (key === "on") {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else if (value !== undefined && value !== null && value !== false) {
      node.setAttribute(key, value === true ? "" : String(value));
    }
  }
  node.append(...children.flat(3).filter((child) => child !== null && child !== undefined));
  return node;
}

/** Replace what an element holds. */
export function fill(node, ...children) {
  node.replaceChildren(...children.flat(3).filter((child) => child !== null && child !== undefined));
  return node;
}

/** Return a formula with its amounts as subscripts; only for formulas that the service has read. */
export function formula(text) {
  const parts = String(text).split(/(?<=[A-Za-z)\]])(\d+(?:\.\d+)?)/);
  return parts.map((part, n) => (n % 2 ? el("sub", {}, part) : part)).filter((part) => part !== "");
}

/** Return a text in which what stands between backticks is code. */
export const withCode = (text) => text.split("`").map((part, n) => (n % 2 ? el("code", {}, part) : part));

/** Return a source with its DOI as a link. */
export function source(text) {
  if (!text) return "";
  const found = /\b10\.\d{4,9}\/[^\s;,]+/.exec(text);
  if (!found) return text;
  const start = text.slice(0, found.index).replace(/(https?:\/\/doi\.org\/|doi:)$/, "");
  const link = el("a", { href: `https://doi.org/${encodeURI(found[0])}`, rel: "noopener noreferrer" }, found[0]);
  return [start, link, text.slice(found.index + found[0].length)];
}

/** Make a table: `columns` are `{name, number}`, `rows` lists of cells, whose first is the row's header. */
export function table(caption, columns, rows) {
  const kind = (n) => (columns[n].number ? ".number" : "");
  const head = columns.map((column, n) => el(`th${kind(n)}`, { scope: "col" }, column.name));
  const body = rows.map((cells) =>
    el("tr", {}, cells.map((cell, n) =>
      el(`${n ? "td" : "th"}${kind(n)}`, n ? {} : { scope: "row" }, cell))));
  const made = el("table", {}, caption ? el("caption", {}, caption) : null,
    columns.some((column) => column.name) ? el("thead", {}, el("tr", {}, head)) : null, el("tbody", {}, body));
  return scrolling(made, caption);
}

/** Let a table that is wider than the screen scroll by itself, by keyboard too. */
export function scrolling(content, name) {
  return el("div.scroll", { tabindex: "0", role: "region", "aria-label": name || "Table" }, content);
}

/** Make a button that calls `action`. */
export function button(text, action, kind = "") {
  return el(`button${kind}`, { type: "button", on: { click: action } }, text);
}

/** Say an error with what the service said of it. */
export function problem(error) {
  const id = error.requestId ? ` (request ${error.requestId})` : "";
  return el("p.error", {}, `${error.message}${error.status >= 500 ? id : ""}`);
}
