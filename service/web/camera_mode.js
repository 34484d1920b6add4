// The camera: started, chosen, measured live; goes on by itself when the server was away.

import { Problem, request } from "./api.js";
import { Shutter, listCameras, openCamera } from "./camera.js";
import { byId, make, show } from "./dom.js";
import { LiveRecord, LiveSession } from "./live.js";
import { clearResult, showProblem, showRate, showTiles, showWaiting, showWarnings } from "./result.js";
import { number } from "./words.js";

const PASSING = [
  "connection_lost", "session_idle", "session_too_long", "worker_died", "queue_full", "too_many_sessions", "starting", "stopping",
  "resolution_changed", "frames_mismatch", // somebody turned the phone
]; // after these it is tried again
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
    health.addEventListener("ready", () => this.#resume());
    document.addEventListener("visibilitychange", () => this.#resume());
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
      await request("v1/models"); // asks for the key where one is wanted: a WebSocket could not tell
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
    const box = update.face?.box;
    this.#stage.setBoxes(() => (box ? [box] : []), this.#shutter.size);
    if (update.status === "no_face") showWaiting("Look into the camera, with your whole face in the picture.");
    else if (update.status === "measuring") showWaiting("Looking for the pulse. Hold still.");
    else this.#showRate(update);
    showWarnings(update.warnings);
    this.#charts.showLive(this.#record, update.spectrum);
    const lost = this.#shutter.skipped + update.dropped;
    byId("live-facts").textContent = `${number(update.fps)} pictures per second${lost ? `, ${lost} left out` : ""}`;
  }

  #showRate(update) {
    showRate(update, { isLive: true });
    showTiles({ hrv_reason: "only_recorded", respiration_rate_reason: "only_recorded" });
  }

  #fail(problem) {
    this.#session = null;
    this.#stage.setBoxes(() => [], null);
    if (PASSING.includes(problem.code)) this.#retry = setTimeout(() => this.#resume(), RETRY_MS);
    else this.#stop();
    showProblem(problem);
    this.#health.check();
  }

  /** Connect again after a break, where the camera is on and somebody looks. */
  #resume() {
    if (this.#stream && !this.#session && !document.hidden && this.#health.state === "ready") this.#connect();
  }
}
