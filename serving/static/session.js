// The key: asked for when the service wants one, kept for this tab only.

import { byId } from "./dom.js";

const NAME = "superion-key";

/** Return the key of this tab, or null. */
export const key = () => sessionStorage.getItem(NAME);

/** Forget the key. */
export const forget = () => sessionStorage.removeItem(NAME);

let asking = null;

/** Ask for a key until one is typed; `reason` says what was wrong with the last. All who ask at once share one dialog. */
export function askForKey(reason = "") {
  asking ??= new Promise((resolve) => {
    const dialog = byId("key-dialog");
    const form = byId("key-form");
    const input = byId("key");
    input.value = "";
    byId("key-fault").textContent = reason;
    const given = (event) => {
      event.preventDefault();
      if (!input.value.trim()) return;
      form.removeEventListener("submit", given);
      sessionStorage.setItem(NAME, input.value.trim());
      input.value = "";
      dialog.close();
      asking = null;
      resolve();
    };
    form.addEventListener("submit", given);
    // Without a key nothing of the page works, so the dialog stays.
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.showModal();
    input.focus();
  });
  return asking;
}
