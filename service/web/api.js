// Talks to the service over HTTP: the key, errors as `Problem`, uploads with progress, events of a job.

const KEY = "facepulse.key";
let askForKey = async () => null;

/** Set what is called when the service wants a key: async (wasWrong) => key or null. */
export function onKeyNeeded(ask) {
  askForKey = ask;
}

/** Return the key of this tab, or "". */
export const apiKey = () => sessionStorage.getItem(KEY) ?? "";

/** What went wrong, in the service's own terms; code "offline" when it does not answer, "cancelled" when we gave up. */
export class Problem extends Error {
  constructor({ code = "internal_error", title = "", detail = "", status = 0, request_id = "", errors = null } = {}) {
    super(detail || title || code);
    Object.assign(this, { code, title, detail, status, requestId: request_id, errors });
  }
}

const authorization = () => (apiKey() ? { Authorization: `Bearer ${apiKey()}` } : {});

function parseProblem(status, text) {
  try {
    const problem = JSON.parse(text);
    return new Problem({ ...problem, status, code: problem.code ?? "http_error" });
  } catch {
    return new Problem({ code: "http_error", status });
  }
}

/** Ask once more with a key where the first answer was 401; `attempt` throws Problem. */
async function withKey(attempt) {
  for (let wasWrong = Boolean(apiKey()); ; wasWrong = true) {
    try {
      return await attempt();
    } catch (error) {
      const key = error instanceof Problem && error.status === 401 ? await askForKey(wasWrong) : null;
      if (!key) throw error;
      sessionStorage.setItem(KEY, key);
    }
  }
}

/** Fetch an address; return the Response. Throws Problem for whatever is no success. */
export function request(path, options = {}) {
  return withKey(async () => {
    let response;
    try {
      response = await fetch(path, { ...options, headers: { ...options.headers, ...authorization() } });
    } catch (error) {
      throw new Problem({ code: error.name === "AbortError" ? "cancelled" : "offline" });
    }
    if (!response.ok) throw parseProblem(response.status, await response.text());
    return response;
  });
}

/** Send a form; return {status, headers, body}. `onSent(share)` tells how much has left; `signal` gives up. */
export function sendForm(path, form, { onSent, signal }) {
  return withKey(() => sendOnce(path, form, onSent, signal));
}

function sendOnce(path, form, onSent, signal) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest(); // fetch cannot tell how much of a body has left
    const giveUp = () => xhr.abort();
    const settle = (outcome, value) => {
      signal.removeEventListener("abort", giveUp);
      outcome(value);
    };
    xhr.open("POST", path);
    for (const [name, value] of Object.entries(authorization())) xhr.setRequestHeader(name, value);
    xhr.upload.onprogress = (event) => event.lengthComputable && onSent(event.loaded / event.total);
    xhr.onload = () => {
      if (xhr.status >= 300) settle(reject, parseProblem(xhr.status, xhr.responseText));
      else settle(resolve, { status: xhr.status, location: xhr.getResponseHeader("Location"), body: JSON.parse(xhr.responseText) });
    };
    xhr.onerror = () => settle(reject, new Problem({ code: "offline" }));
    xhr.onabort = () => settle(reject, new Problem({ code: "cancelled" }));
    signal.addEventListener("abort", giveUp);
    xhr.send(form);
  });
}

/** Yield a job's server-sent events as {event, data}; EventSource could not send the key. */
export async function* events(path, signal) {
  const response = await request(path, { signal, headers: { Accept: "text/event-stream" } });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let buffer = ""; ; ) {
    let piece;
    try {
      piece = await reader.read();
    } catch {
      throw new Problem({ code: signal.aborted ? "cancelled" : "offline" });
    }
    if (piece.done) return;
    const blocks = (buffer + piece.value.replaceAll("\r\n", "\n")).split("\n\n");
    buffer = blocks.pop();
    for (const block of blocks) yield parseEvent(block);
  }
}

function parseEvent(block) {
  const fields = { event: "message", data: "" };
  for (const line of block.split("\n")) {
    const [, name, value] = /^(event|data): ?(.*)$/.exec(line) ?? [];
    if (name === "event") fields.event = value;
    if (name === "data") fields.data += value;
  }
  return { event: fields.event, data: fields.data ? JSON.parse(fields.data) : null };
}
