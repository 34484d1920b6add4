// A live session: pictures go out over the WebSocket, once a second an update comes back.

import { Problem, apiKey } from "./api.js";

const MOST_WAITING_BYTES = 1_000_000; // of pictures that have not left yet: about half a second
const KEPT_S = 600;
const MOST_UPDATES = 3_600; // about an hour
const BYE = { idle: "session_idle", session_too_long: "session_too_long", stopping: "stopping" };

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
    if (message.type === "update") this.dispatchEvent(new CustomEvent("update", { detail: message }));
    if (message.type === "error") this.#fail(new Problem(message.problem));
    if (message.type === "bye") this.#fail(new Problem({ code: BYE[message.reason] ?? "connection_lost" }));
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

  /** Add an update; its stretch of the wave follows what is known, with a gap where nothing was told. */
  add(update) {
    const { samples, bvp, spectrum, ...said } = update;
    this.updates.push(said);
    if (this.updates.length > MOST_UPDATES) this.updates.shift();
    if (bvp.values.length) this.#join(bvp);
  }

  #join({ fps, start_s, values }) {
    const wave = this.wave;
    if (!wave.values.length) Object.assign(wave, { fps, start_s });
    const gap = Math.round((start_s - wave.start_s) * fps) - wave.values.length;
    if (gap > KEPT_S * fps) Object.assign(wave, { start_s, values: [] });
    else for (let i = 0; i < gap; i++) wave.values.push(null);
    wave.values.push(...values);
    const surplus = wave.values.length - Math.round(KEPT_S * fps);
    if (surplus <= 0) return;
    wave.values.splice(0, surplus);
    wave.start_s += surplus / fps;
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
