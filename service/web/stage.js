// The picture: a file or the camera in one video element, and the face boxes drawn over it.

import { byId, show } from "./dom.js";

const stillWanted = matchMedia("(prefers-reduced-motion: reduce)");
const HELD_S = 0.05; // a box counts from a little before its time, as players round theirs

/** Owns the video element and what lies over it. */
export class Stage {
  #video = byId("video");
  #canvas = byId("overlay");
  #boxes = () => [];
  #size = null;
  #mirrored = false;
  #url = "";
  #drawn = "";

  constructor(onTime) {
    this.#video.addEventListener("error", () => this.#url && show({ video: false, unplayable: true }));
    this.#video.addEventListener("loadedmetadata", () => this.#shape());
    const draw = () => {
      this.#draw();
      if (this.#url && !this.#video.hidden) onTime(this.#video.currentTime);
      requestAnimationFrame(draw);
    };
    requestAnimationFrame(draw);
  }

  /** The video element, for the camera to take pictures from. */
  get video() {
    return this.#video;
  }

  /** Show a file's video, with nothing over it yet. */
  showFile(file) {
    this.clear();
    this.#url = URL.createObjectURL(file);
    Object.assign(this.#video, { src: this.#url, controls: true, loop: true, autoplay: !stillWanted.matches });
    show({ video: true, drop: false });
  }

  /** Show the camera, mirrored like a mirror. */
  async showCamera(stream) {
    this.clear();
    this.#mirrored = true;
    this.#video.classList.add("mirrored");
    Object.assign(this.#video, { srcObject: stream, controls: false, loop: false });
    show({ video: true, "camera-empty": false });
    await this.#video.play();
  }

  /** Take away the picture and the boxes. */
  clear() {
    URL.revokeObjectURL(this.#url);
    this.#url = "";
    this.#mirrored = false;
    this.#video.classList.remove("mirrored");
    this.#video.srcObject = null;
    this.#video.removeAttribute("src");
    this.#video.load();
    show({ video: false, unplayable: false });
    byId("screen").style.aspectRatio = "";
    this.setBoxes(() => [], null);
  }

  /** Set the boxes: `at(seconds)` returns [{x0, y0, x1, y1, label}] in pixels of a picture of `size` {width, height}. */
  setBoxes(at, size) {
    this.#boxes = at;
    this.#size = size;
  }

  /** Offer the player's own buttons, or leave their place to something else. */
  offerControls(areWanted) {
    this.#video.controls = areWanted && Boolean(this.#url);
  }

  /** Go to a time in a file. */
  seek(seconds) {
    if (this.#url) this.#video.currentTime = Math.max(0, seconds);
  }

  /** The length of the file in s where the browser knows it, else null. */
  get duration() {
    return this.#url && Number.isFinite(this.#video.duration) ? this.#video.duration : null;
  }

  #shape() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    if (width && height) byId("screen").style.aspectRatio = `${width} / ${height}`;
  }

  /** Draw the boxes anew where they, or the picture, have moved. */
  #draw() {
    const canvas = this.#canvas;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((side) => Math.round(side * devicePixelRatio));
    const boxes = this.#size && !this.#video.hidden ? this.#boxes(this.#video.currentTime) : [];
    const state = JSON.stringify([width, height, this.#size, this.#mirrored, boxes]);
    if (state === this.#drawn) return;
    this.#drawn = state;
    Object.assign(canvas, { width, height }); // clears it too
    const context = canvas.getContext("2d");
    for (const box of boxes) drawBox(context, this.#place(box, width, height), devicePixelRatio);
  }

  /** Turn a box of the picture into one of the canvas; the picture lies in its middle. */
  #place({ x0, y0, x1, y1, label }, width, height) {
    const size = this.#size;
    const scale = Math.min(width / size.width, height / size.height);
    const x = (width - scale * size.width) / 2 + scale * (this.#mirrored ? size.width - x1 : x0);
    const y = (height - scale * size.height) / 2 + scale * y0;
    return { x, y, width: scale * (x1 - x0), height: scale * (y1 - y0), label };
  }
}

/** Draw only the corners: the face stays free. A dark line under the light one is seen on any picture. */
function drawBox(context, { x, y, width, height, label }, ratio) {
  const arm = Math.min(width, height) / 6;
  const corners = new Path2D();
  for (const [cornerX, cornerY, toX, toY] of [[x, y, 1, 1], [x + width, y, -1, 1], [x, y + height, 1, -1], [x + width, y + height, -1, -1]]) {
    corners.moveTo(cornerX + toX * arm, cornerY);
    corners.lineTo(cornerX, cornerY);
    corners.lineTo(cornerX, cornerY + toY * arm);
  }
  context.lineCap = context.lineJoin = "round";
  for (const [stroke, lineWidth] of [["#0009", 6], ["#fff", 3]]) {
    Object.assign(context, { strokeStyle: stroke, lineWidth: lineWidth * ratio });
    context.stroke(corners);
  }
  if (!label) return;
  context.font = `600 ${14 * ratio}px system-ui, sans-serif`;
  Object.assign(context, { fillStyle: "#fff", strokeStyle: "#000c", lineWidth: 4 * ratio, textBaseline: "top" });
  context.strokeText(label, x + 8 * ratio, y + 8 * ratio);
  context.fillText(label, x + 8 * ratio, y + 8 * ratio);
}

/** Return the box of a list [{time_s, ...}] that holds at a time, or null before the first. */
export function boxAt(boxes, seconds) {
  return boxes.findLast((box) => box.time_s <= seconds + HELD_S) ?? boxes[0] ?? null;
}
