// Who asks and which of the pages is shown.

import { Refused, get } from "./api.js";
import { fromAddress, offerModels, run, start } from "./ask.js";
import { byId, fill, problem } from "./dom.js";
import { forget } from "./session.js";
import { showModels } from "./models.js";
import { showTraining } from "./training.js";
import { read } from "./state.js";

const ROLES = ["read", "write", "admin"];
const PAGES = { predict: "read", training: "write", models: "read" };
const SHOW = { training: showTraining, models: showModels };

let me = null;

/** Tell whether the caller has a role or one above it. */
const may = (role) => me !== null && ROLES.indexOf(me.role) >= ROLES.indexOf(role);

function showWho() {
  const keyed = me.key !== null;
  byId("who").textContent = keyed ? `${me.name} (${me.role})` : "";
  byId("forget").hidden = !keyed;
  for (const link of document.querySelectorAll("[data-view]")) {
    link.hidden = link.dataset.view !== "predict" && !may(PAGES[link.dataset.view]);
  }
}

function showView() {
  const asked = read().view;
  const view = PAGES[asked] && may(PAGES[asked]) ? asked : "predict";
  for (const name of Object.keys(PAGES)) byId(name).hidden = name !== view;
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  for (const [name, show] of Object.entries(SHOW)) show(byId(name), name === view, may);
}

async function begin() {
  start();
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault();
    byId("main").focus();
  });
  byId("forget").addEventListener("click", () => {
    forget();
    location.reload();
  });
  window.addEventListener("hashchange", () => {
    showView();
    if (read().view === "predict" && fromAddress()) run();
  });
  try {
    me = await get("me");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    fill(byId("trouble"), problem(error));
    return;
  }
  showWho();
  showView();
  if (read().view === "predict" && fromAddress()) await run();
  // Predictions go on without the registry, from the champion.
  await offerModels().catch(() => {});
}

begin();
