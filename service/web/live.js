// A live session: pictures go out over the WebSocket, once a second an update comes back.

import { Problem, apiKey } from "./api.js";

const MOST_WAITING_BYTES = 1_000_000; // of pictures that have not left yet: about half a second
const KEPT_S = 600;
const STRETCH_S = 3_600;

/** Dispatches "update" (detail: the update), "problem" (detail: Problem). */
export class LiveSession extends EventTarget {
  #socket;
  #isOver = false;

  /** Connect and ask for a model. */
  constructor(model) {
    super();
    const address = new URL("v1/stream", document.baseURI.replace(/^http/, "ws"));
    const key = apiKey();
    this.#socket = new WebSocket(address, key ? ["facepulse.v1", `facepulse.key.${key}`] : ["facepulse.v1"]);
    this.#socket.onopen = () => this.#socket.send(JSON.stringify({ type: "start", model }));
    this.#socket.onmessage = (event) => this.#receive(JSON.parse(event.data));
    this.#socket.onclose = () => this.#fail(new Problem({ code: "connection_lost" }));
  }

  /** Whether a picture can be sent now without piling up. */
  get isFree() {
    return this.#socket.readyState === WebSocket.OPEN && this.#socket.bufferedAmount < MOST_WAITING_BYTES;
  }

  /** Send a picture, captured at `seconds`. */
  send(blob, seconds) {
    if (!this.isFree) return;
    const time = new DataView(new ArrayBuffer(8));
    time.setFloat64(0, seconds);
    this.#socket.send(new Blob([time.buffer, blob]));
  }

  /** End the session; nothing more is dispatched. */
  close() {
    this.#isOver = true;
    this.#socket.close(1000);
  }

  #receive(message) {
    if (this.#isOver) return;
    if (message.type === "error") this.#fail(new Problem(message.problem ?? message));
    else if (message.type === "update") this.dispatchEvent(new CustomEvent("update", { detail: message }));
  }

  #fail(problem) {
    if (this.#isOver) return;
    this.close();
    this.dispatchEvent(new CustomEvent("problem", { detail: problem }));
  }
}

/** What a session said so far: the wave put together from its stretches, and the rate at each update. */
export class LiveRecord {
  updates = [];
  wave = { fps: 30, start_s: 0, values: [] };

  /** Add an update; a stretch replaces what was known of its time. */
  add(update) {
    this.updates.push(update);
    if (this.updates.length > STRETCH_S) this.updates.shift();
    if (update.bvp?.values.length) this.#join(update.bvp);
  }

  #join({ fps, start_s, values }) {
    const wave = this.wave;
    const at = Math.round((start_s - wave.start_s) * fps);
    if (!wave.values.length || fps !== wave.fps || at < 0 || at > wave.values.length + 2 * fps) {
      this.wave = { fps, start_s, values: [...values] };
      return;
    }
    while (wave.values.length < at) wave.values.push(0);
    wave.values.splice(at, Infinity, ...values);
    const surplus = wave.values.length - Math.round(KEPT_S * fps);
    if (surplus > 0) {
      wave.values.splice(0, surplus);
      wave.start_s += surplus / fps;
    }
  }

  /** The end of the wave, in s. */
  get endS() {
    return this.wave.start_s + this.wave.values.length / this.wave.fps;
  }

  /** The newest `seconds` of the wave. */
  newest(seconds) {
    const { fps, start_s, values } = this.wave;
    const first = Math.max(0, values.length - Math.round(seconds * fps));
    return { fps, start_s: start_s + first / fps, values: values.slice(first) };
  }
}
