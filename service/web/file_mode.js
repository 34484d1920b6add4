// A video file: chosen or dropped, sent, measured, shown.

import { Problem } from "./api.js";
import { byId, make, show } from "./dom.js";
import { clearResult, showProblem, showRate, showTiles, showWaiting, showWarnings } from "./result.js";
import { boxAt } from "./stage.js";
import { measure } from "./upload.js";
import { number, trust } from "./words.js";

const STAGES = {
  sending: ({ share }) => `Sending the video: ${Math.round(100 * share)} %`,
  waiting: ({ position }) => (position > 1 ? `Waiting, number ${position} in line` : "Waiting for the server"),
  measuring: ({ share }) => (share === null ? "Measuring" : `Measuring: ${Math.round(100 * share)} %`),
};

export class FileMode {
  #stage;
  #charts;
  #health;
  #file = null;
  #work = null;
  #result = null;

  constructor(stage, charts, health) {
    this.#stage = stage;
    this.#charts = charts;
    this.#health = health;
    byId("choose").addEventListener("click", () => byId("file").click());
    byId("file").addEventListener("change", ({ target }) => target.files.length && this.#take(target.files[0]));
    byId("again").addEventListener("click", () => this.#measure());
    byId("cancel").addEventListener("click", () => this.#work?.abort());
    byId("person").addEventListener("change", () => this.#showPerson());
    byId("all-faces").addEventListener("change", () => this.optionsChanged());
    this.#acceptDrops();
  }

  /** Show where a file can be dropped. */
  enter() {
    byId("again").hidden = true;
  }

  /** Give up what is under way and forget the file. */
  leave() {
    this.#work?.abort();
    this.#file = this.#result = null;
    byId("file").value = "";
  }

  /** Another model or other faces: the button to measure again is what to press. */
  optionsChanged() {
    if (this.#file && !this.#work) byId("again").hidden = false;
  }

  #acceptDrops() {
    const screen = byId("screen");
    const isFile = (event) => !byId("panel-file").hidden && event.dataTransfer.types.includes("Files");
    addEventListener("dragover", (event) => event.preventDefault()); // else the browser opens a file that misses
    addEventListener("drop", (event) => event.preventDefault());
    screen.addEventListener("dragover", (event) => screen.classList.toggle("over", isFile(event)));
    screen.addEventListener("dragleave", () => screen.classList.remove("over"));
    screen.addEventListener("drop", (event) => {
      screen.classList.remove("over");
      if (isFile(event) && event.dataTransfer.files.length) this.#take(event.dataTransfer.files[0]);
    });
  }

  #take(file) {
    this.#file = file;
    byId("file").value = ""; // so that choosing the same file again counts as a choice
    byId("choose").textContent = "Another video";
    this.#stage.showFile(file);
    this.#measure();
  }

  async #measure() {
    this.#work?.abort();
    const work = (this.#work = new AbortController());
    this.#begin();
    try {
      const durationS = await this.#duration();
      const options = { model: byId("model").value, face: byId("all-faces").checked ? "all" : "largest" };
      const onProgress = (progress) => work === this.#work && this.#showProgress(progress);
      const result = await measure(this.#file, { options, durationS, onProgress, signal: work.signal });
      if (work === this.#work) this.#showResult(result);
    } catch (error) {
      if (work === this.#work) this.#showError(error);
    } finally {
      if (work === this.#work) this.#end();
    }
  }

  #begin() {
    this.#charts.clear();
    this.#stage.setBoxes(() => [], null);
    clearResult();
    this.#stage.offerControls(false); // the progress lies over them
    show({ work: true, again: false });
    showWaiting("Your video is on its way.");
  }

  #end() {
    this.#work = null;
    show({ work: false, again: Boolean(this.#file) });
    this.#stage.offerControls(true);
  }

  /** The video's length as the browser knows it, within a second; null for what it cannot play. */
  async #duration() {
    for (let waited = 0; waited < 1000 && this.#stage.duration === null && !byId("video").hidden; waited += 50) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return this.#stage.duration;
  }

  #showProgress(progress) {
    byId("work-text").textContent = STAGES[progress.stage](progress);
    if (progress.share === null || progress.share === undefined) byId("work-bar").removeAttribute("value");
    else byId("work-bar").value = progress.share;
    if (progress.stage !== "measuring") return;
    const isUsable = Number.isFinite(progress.bpm) && trust(progress.confidence, "ok").level !== "unsure";
    const soFar = isUsable ? ` So far: about ${number(progress.bpm)} beats per minute.` : "";
    showWaiting(`Looking for the pulse.${soFar}`);
  }

  #showError(error) {
    if (error.code === "cancelled") {
      clearResult();
      return;
    }
    if (!(error instanceof Problem)) console.error(error);
    if (error.code === "offline") this.#health.check();
    showProblem(error instanceof Problem ? error : new Problem({ code: "page_error", title: "This page failed", detail: "Load it again." }));
  }

  #showResult(result) {
    this.#result = result;
    const people = result.faces ?? [];
    byId("person").replaceChildren(...people.map((_, i) => make("option", { value: i }, `${i + 1} of ${people.length}`)));
    byId("person-field").hidden = people.length < 2;
    this.#showPerson();
    byId("result").scrollIntoView({ behavior: "smooth", block: "nearest" });
  }

  #showPerson() {
    const result = this.#result;
    const people = result.faces ?? [result];
    const person = people[Number(byId("person").value) || 0];
    showRate(person);
    showTiles(person);
    showWarnings(result.warnings);
    this.#charts.showResult(person, result);
    const boxes = (seconds) => people.map(({ face }, i) => ({ ...boxAt(face.boxes, seconds), label: people.length > 1 ? `${i + 1}` : "" }));
    this.#stage.setBoxes(boxes, result.video);
  }
}
