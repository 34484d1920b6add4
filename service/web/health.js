// Knows whether the service is there: asks /readyz now and then, and often while it is gone.

const CALM_MS = 10_000;
const EAGER_MS = 1_500;

/** Dispatches "ready", "starting", "gone" (each only when it changes). */
export class Health extends EventTarget {
  state = "asking";
  #timer = 0;

  constructor() {
    super();
    document.addEventListener("visibilitychange", () => document.hidden || this.check());
    addEventListener("online", () => this.check());
    addEventListener("offline", () => this.check());
  }

  /** Ask now, and go on asking. */
  async check() {
    clearTimeout(this.#timer);
    this.#set(await ask());
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.check(), this.state === "ready" ? CALM_MS : EAGER_MS);
  }

  #set(state) {
    if (state === this.state) return;
    this.state = state;
    this.dispatchEvent(new Event(state));
  }
}

async function ask() {
  try {
    const response = await fetch("readyz", { cache: "no-store", signal: AbortSignal.timeout(10_000) });
    await response.text(); // an answer that is not read keeps its connection
    return response.ok ? "ready" : "starting";
  } catch {
    return "gone";
  }
}
