// The camera: started, chosen, measured live; goes on by itself when the server was away.

import { Problem } from "./api.js";
import { Shutter, listCameras, openCamera } from "./camera.js";
import { byId, make, show } from "./dom.js";
import { LiveRecord, LiveSession } from "./live.js";
import { clearResult, showProblem, showRate, showTiles, showWaiting, showWarnings } from "./result.js";

const PASSING = ["connection_lost", "offline", "worker_died"]; // after these it is tried again
const RETRY_MS = 2_000;

export class CameraMode {
  #stage;
  #charts;
  #health;
  #stream = null;
  #shutter = null;
  #session = null;
  #record = null;
  #retry = 0;

  constructor(stage, charts, health) {
    this.#stage = stage;
    this.#charts = charts;
    this.#health = health;
    byId("start").addEventListener("click", () => (this.#stream ? this.#stop() : this.#start()));
    byId("camera").addEventListener("change", () => this.#restart());
    health.addEventListener("ready", () => this.#stream && !this.#session && this.#connect());
  }

  /** Nothing runs until somebody presses the button. */
  enter() {
    byId("live-facts").textContent = "";
  }

  /** Switch the camera off. */
  leave() {
    this.#stop();
  }

  /** Another model: the session begins anew, the camera stays on. */
  optionsChanged() {
    if (this.#stream) this.#connect();
  }

  async #start() {
    byId("start").disabled = true;
    try {
      const stream = await openCamera(byId("camera").value);
      if (byId("panel-camera").hidden) {
        stream.getTracks().forEach((track) => track.stop()); // the person has gone to the other tab meanwhile
        return;
      }
      this.#stream = stream;
      stream.getVideoTracks()[0].addEventListener("ended", () => this.#stream === stream && this.#lose());
      await this.#stage.showCamera(stream);
      await this.#listCameras();
      byId("start").textContent = "Stop";
      this.#connect();
    } catch (error) {
      this.#stop();
      showProblem(error instanceof Problem ? error : new Problem({ code: "camera_busy" }));
    } finally {
      byId("start").disabled = false;
    }
  }

  async #restart() {
    if (!this.#stream) return;
    this.#stop();
    await this.#start();
  }

  #stop() {
    this.#disconnect();
    this.#shutter?.stop();
    this.#shutter = null;
    const wasOn = this.#stream !== null;
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    byId("start").textContent = "Start the camera";
    if (!wasOn) return;
    this.#stage.clear();
    show({ "camera-empty": true });
  }

  #lose() {
    this.#stop();
    showProblem(new Problem({ code: "camera_missing" }));
  }

  async #listCameras() {
    const cameras = await listCameras();
    const used = this.#stream.getVideoTracks()[0].getSettings().deviceId;
    byId("camera").replaceChildren(...cameras.map(({ id, name }) => make("option", { value: id, selected: id === used }, name)));
    byId("camera-field").hidden = cameras.length < 2;
  }

  #disconnect() {
    clearTimeout(this.#retry);
    this.#session?.close();
    this.#session = null;
  }

  #connect() {
    this.#disconnect();
    this.#charts.clear();
    clearResult();
    showWaiting("Hold still. The first result takes about ten seconds.");
    this.#record = new LiveRecord();
    const session = (this.#session = new LiveSession(byId("model").value));
    session.addEventListener("update", ({ detail }) => this.#update(detail));
    session.addEventListener("problem", ({ detail }) => this.#fail(detail));
    this.#shutter?.stop();
    this.#shutter = new Shutter(this.#stage.video, {
      isFree: () => session.isFree,
      onPicture: (blob, seconds) => session.send(blob, seconds),
    });
  }

  #update(update) {
    this.#record.add(update);
    const box = update.face?.box ?? update.box ?? null;
    this.#stage.setBoxes(() => (box ? [box] : []), this.#shutter.size);
    if (Number.isFinite(update.bpm)) {
      showRate(update, { isLive: true });
      showTiles(update);
    }
    showWarnings(update.warnings ?? []);
    this.#charts.showLive(this.#record);
    this.#showFacts(update);
  }

  #showFacts({ dropped }) {
    const lost = this.#shutter.skipped + (dropped ?? 0);
    byId("live-facts").textContent = lost ? `${this.#shutter.taken} pictures, ${lost} left out` : `${this.#shutter.taken} pictures`;
  }

  #fail(problem) {
    this.#session = null;
    this.#stage.setBoxes(() => [], null);
    showProblem(problem);
    this.#health.check();
    if (!PASSING.includes(problem.code)) this.#stop();
    else this.#retry = setTimeout(() => this.#stream && !this.#session && this.#health.state === "ready" && this.#connect(), RETRY_MS);
  }
}
