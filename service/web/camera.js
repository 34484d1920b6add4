// The camera: opened, listed, and its pictures taken as JPEG with the time they were captured.

import { Problem } from "./api.js";

const WIDTH = 640;
const HEIGHT = 480;
const FPS = 30;
const QUALITY = 0.95; // the pulse is less than one grey level: what the JPEG takes away is gone
const MOST_ENCODING = 3;

const CODES = { NotAllowedError: "camera_denied", NotFoundError: "camera_missing", OverconstrainedError: "camera_missing", NotReadableError: "camera_busy" };

/** Open a camera by its id ("" for any). Throws Problem. */
export async function openCamera(deviceId = "") {
  if (!navigator.mediaDevices) throw new Problem({ code: "camera_insecure" });
  const wanted = { width: { ideal: WIDTH }, height: { ideal: HEIGHT }, frameRate: { ideal: FPS } };
  const video = deviceId ? { ...wanted, deviceId: { exact: deviceId } } : { ...wanted, facingMode: "user" };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: false, video });
  } catch (error) {
    throw new Problem({ code: CODES[error.name] ?? "camera_busy" });
  }
}

/** Return the cameras as [{id, name}]; names are known once one was allowed. */
export async function listCameras() {
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  const cameras = devices.filter((device) => device.kind === "videoinput");
  return cameras.map((device, i) => ({ id: device.deviceId, name: device.label || `Camera ${i + 1}` }));
}

/** Takes pictures from a playing video element until stopped. */
export class Shutter {
  size = { width: 0, height: 0 };
  taken = 0;
  skipped = 0;
  #canvas = document.createElement("canvas");
  #context = this.#canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  #encoding = 0;
  #inOrder = Promise.resolve();
  #lastS = -1;
  #clock = null;
  #runs = true;

  /** `isFree()` says whether a picture is wanted now; `onPicture(blob, seconds)` gets each in order. */
  constructor(video, { isFree, onPicture }) {
    this.video = video;
    this.isFree = isFree;
    this.onPicture = onPicture;
    this.#next();
  }

  /** Take no more. */
  stop() {
    this.#runs = false;
  }

  #next() {
    if (!this.#runs) return;
    if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback((now, facts) => this.#frame(now, facts));
    else requestAnimationFrame((now) => this.#frame(now, {}));
  }

  #frame(now, facts) {
    this.#next();
    // One clock for the whole session: the camera's own where the first picture has it, else the page's.
    this.#clock ??= facts.captureTime === undefined ? "page" : "camera";
    const seconds = (this.#clock === "camera" ? facts.captureTime : now) / 1000;
    const isNew = seconds - this.#lastS > 0.75 / FPS; // of a camera of 60 fps every second picture
    if (!this.#runs || !isNew || !this.video.videoWidth) return;
    this.#lastS = seconds;
    if (this.#encoding >= MOST_ENCODING || !this.isFree()) {
      this.skipped += 1;
      return;
    }
    this.#take(seconds);
  }

  #take(seconds) {
    const { videoWidth, videoHeight } = this.video;
    const scale = Math.min(1, WIDTH / videoWidth, HEIGHT / videoHeight);
    this.size = { width: Math.round(scale * videoWidth), height: Math.round(scale * videoHeight) };
    if (this.#canvas.width !== this.size.width || this.#canvas.height !== this.size.height) Object.assign(this.#canvas, this.size);
    this.#context.drawImage(this.video, 0, 0, this.size.width, this.size.height);
    this.#encoding += 1;
    const encoded = new Promise((resolve) => this.#canvas.toBlob(resolve, "image/jpeg", QUALITY));
    this.#inOrder = this.#inOrder.then(() => encoded).then((blob) => {
      this.#encoding -= 1;
      if (!blob || !this.#runs) return;
      this.taken += 1;
      this.onPicture(blob, seconds);
    });
  }
}
