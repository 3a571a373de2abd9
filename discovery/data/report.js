"use strict";

// Figures are written in the colours of the light scheme; in the dark one each is exchanged for its like.
const DARK = JSON.parse(document.getElementById("dark").textContent);
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const PAPER_WIDTH = 660; // Of A4 between its margins [CSS pixels].

const charts = [...document.querySelectorAll("script[data-for]")].map((script) => ({
  node: document.getElementById(script.dataset.for),
  text: script.textContent,
}));

function recoloured(text) {
  return JSON.parse(text, (_, value) => (typeof value === "string" && DARK[value]) || value);
}

function draw(paper) {
  for (const { node, text } of charts) {
    const figure = dark.matches && !paper ? recoloured(text) : JSON.parse(text);
    const size = paper ? { width: PAPER_WIDTH, autosize: false } : {};
    Plotly.react(node, figure.data, { ...figure.layout, ...size }, { responsive: true, displaylogo: false });
  }
}

draw(false);
dark.addEventListener("change", () => draw(false));
window.addEventListener("beforeprint", () => draw(true));
window.addEventListener("afterprint", () => draw(false));
