// Plotly, loaded when the first figure is drawn, in the colours of the page, which may change from light to dark.

let loading = null;

/** Return Plotly. */
export function plotly() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = document.querySelector('meta[name="plotly"]').content;
    script.addEventListener("load", () => resolve(window.Plotly));
    script.addEventListener("error", () => {
      loading = null;
      reject(new Error("the library for figures could not be loaded"));
    });
    document.head.append(script);
  });
  return loading;
}

/** Return the colours of the page as it is now. */
export function theme() {
  const style = getComputedStyle(document.documentElement);
  const names = ["surface", "text", "muted", "line", "border", "series-1", "series-2", "series-3", "bad", "good", "caution"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/** Return a text for a figure, in which nothing is markup. */
export const plain = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** Return a colour of the form #rrggbb with an opacity. */
export function faded(colour, opacity) {
  const [red, green, blue] = [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
  return `rgba(${red},${green},${blue},${opacity})`;
}

/** Return an axis in the house style; no dragging, so that a finger scrolls the page. */
export function axis(colours, title, more = {}) {
  return {
    title: { text: title, font: { size: 12, color: colours.text }, standoff: 8 },
    tickfont: { size: 11, color: colours.muted },
    gridcolor: colours.line,
    linecolor: colours.border,
    tickcolor: colours.border,
    ticks: "outside",
    ticklen: 4,
    zeroline: false,
    showline: true,
    fixedrange: true,
    automargin: true,
    tickangle: 0,
    ...more,
  };
}

const drawn = new Map();

/**
 * Draw a figure into a node: `make(colours)` returns its traces and layout. It is drawn again when the colours of the page
 * change.
 */
export async function draw(node, make) {
  const library = await plotly();
  const redraw = () => {
    const colours = theme();
    const { traces, layout } = make(colours);
    const common = {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colours.text },
      margin: { l: 56, r: 12, t: 8, b: 44 },
      hoverlabel: { bgcolor: colours.surface, bordercolor: colours.border, font: { color: colours.text, size: 12 } },
      dragmode: false,
      showlegend: false,
      autosize: true,
    };
    return library.react(node, traces, { ...common, ...layout }, { displayModeBar: false, responsive: true });
  };
  drawn.set(node, redraw);
  await redraw();
}

/** Save a figure as a file: a vector graphic, or a picture of a figure in three dimensions. */
export async function save(node, name, format = "svg") {
  const library = await plotly();
  await library.downloadImage(node, { format, filename: name, width: 900, height: format === "png" ? 900 : 600, scale: 2 });
}

/** Give back what the figures within a part of the page hold. */
export function release(part) {
  for (const node of [...drawn.keys()]) {
    if (part.contains(node) || !node.isConnected) {
      window.Plotly?.purge(node);
      drawn.delete(node);
    }
  }
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const redraw of drawn.values()) redraw();
});
