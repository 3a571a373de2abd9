// Requests to the service, with the key, and its errors as they come in their one shape.

import { askForKey, forget, key } from "./session.js";

const PATIENCE = 3;
const LONGEST_WAIT = 10;

/** What the service said was wrong. */
export class Refused extends Error {
  constructor(status, error, requestId) {
    super(error.message);
    this.status = status;
    this.code = error.code;
    this.field = error.field;
    this.requestId = requestId;
  }
}

const pause = (seconds, signal) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 1000 * seconds);
    signal?.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });

async function refusal(answer) {
  let error = { message: `the service answered with the status ${answer.status}`, code: null, field: null };
  try {
    error = (await answer.json()).error ?? error;
  } catch {
    // A proxy before the service may answer with no JSON; the status is then all there is.
  }
  return new Refused(answer.status, error, answer.headers.get("X-Request-Id"));
}

async function sent(path, options) {
  const headers = { ...options.headers };
  if (key()) headers.Authorization = `Bearer ${key()}`;
  try {
    return await fetch(path, { ...options, headers, cache: "no-store", credentials: "same-origin" });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Refused(0, { message: "the service does not answer; is it running?", code: "unreachable", field: null });
  }
}

/** Ask and return the answer as it is. Waits where the service is busy, and asks for a key where one is needed. */
export async function ask(path, options = {}) {
  for (let attempt = 1; ; attempt++) {
    const used = key();
    const answer = await sent(path, options);
    if (answer.ok) return answer;
    const error = await refusal(answer);
    const wait = Number(answer.headers.get("Retry-After") ?? "NaN");
    if (answer.status === 401) {
      if (used === key()) {
        forget();
        await askForKey(used ? error.message : "");
      }
    } else if ([429, 503].includes(answer.status) && options.patient && attempt < PATIENCE && wait <= LONGEST_WAIT) {
      await pause(wait, options.signal);
    } else {
      throw error;
    }
  }
}

/** Read a document. */
export const get = async (path, options = {}) => (await ask(path, { patient: true, ...options })).json();

/** Send a document and read the answer; `null` where it is empty. */
export async function send(method, path, body, options = {}) {
  const content = body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const answer = await ask(path, { method, ...content, ...options });
  return answer.status === 204 ? null : answer.json();
}

/** Send a question that changes nothing, so that it may be sent again where the service is busy. */
export const query = (path, body, options = {}) => send("POST", path, body, { patient: true, ...options });

/** Send a form with files. */
export const upload = async (path, form, options = {}) => (await ask(path, { method: "POST", body: form, ...options })).json();
