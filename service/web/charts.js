// The cards below: wave, rates, spectrum, details; hidden until there is something in them.

import { byId, make, show } from "./dom.js";
import { saveJson, saveWave, saveWindows } from "./download.js";
import { RatePlot, SpectrumPlot, WavePlot } from "./plots.js";
import { spectrumOf, spectrumTold } from "./spectrum.js";
import { clock, number, trust } from "./words.js";

const LIVE_WAVE_S = 12;

/** Owns the plots and the buttons to save. */
export class Charts {
  #wave;
  #rates = new RatePlot(byId("windows"), (index) => this.#hover(index));
  #spectrum = new SpectrumPlot(byId("spectrum"));
  #points = [];
  #kept = null;

  constructor(onSeek) {
    this.#wave = new WavePlot(byId("wave"), onSeek);
    byId("save-json").addEventListener("click", () => saveJson(this.#kept.all));
    byId("save-wave").addEventListener("click", () => saveWave(this.#kept.wave));
    byId("save-windows").addEventListener("click", () => saveWindows(this.#kept.windows));
  }

  /** Hide everything. */
  clear() {
    this.#kept = null;
    show({ "wave-card": false, "windows-card": false, "spectrum-card": false, "facts-card": false });
  }

  /** Mark in the wave where the video is. */
  head(seconds) {
    if (this.#kept) this.#wave.head(seconds);
  }

  /** Show one person's measurement; `result` is the whole answer. */
  showResult(measured, result) {
    const { bvp, windows, hrv } = measured;
    const kept = { wave: bvp, windows, all: result };
    this.#show(bvp, { kept, spectrum: spectrumOf(bvp), beats: hrv?.beats_s });
    this.#showRates(measured.windows.map((w) => point((w.start_s + w.end_s) / 2, w, `${clock(w.start_s)} to ${clock(w.end_s)}`)));
    byId("facts").replaceChildren(...facts(measured, result).flatMap(([name, value]) => [make("div", {}, make("dt", {}, name), make("dd", {}, value))]));
  }

  /** Show what a live session said so far, a LiveRecord, and its newest spectrum, null where there is none. */
  showLive(record, spectrum) {
    const end = record.endS;
    const windows = record.updates
      .filter(({ bpm }) => bpm !== null)
      .map((update) => ({ ...update, start_s: update.time_s - update.window_s, end_s: update.time_s }));
    const kept = { wave: record.wave, windows, all: { updates: record.updates, bvp: record.wave } };
    this.#show(record.newest(LIVE_WAVE_S), { kept, span: [end - LIVE_WAVE_S, end], spectrum: spectrum && spectrumTold(spectrum) });
    this.#showRates(windows.map((w) => point(w.end_s, w, clock(w.end_s))));
    byId("facts").replaceChildren();
  }

  #show(wave, { kept, spectrum, beats = [], span = null }) {
    this.#kept = kept;
    const isThere = wave.values.length > 0;
    show({ "wave-card": isThere, "spectrum-card": Boolean(spectrum), "facts-card": isThere });
    if (isThere) this.#wave.set(wave, beats, span);
    byId("wave-note").textContent = span ? `the last ${LIVE_WAVE_S} seconds` : "press: go there in the video; drag: look closer; press twice: see all";
    byId("wave").setAttribute("aria-label", `Pulse wave of ${Math.round(wave.values.length / wave.fps)} seconds`);
    if (!spectrum) return;
    this.#spectrum.set(spectrum);
    const peak = `strongest at ${Math.round(spectrum.peak)} per minute`;
    byId("spectrum-note").textContent = peak;
    byId("spectrum").setAttribute("aria-label", `Rhythms in the pulse, ${peak}`);
  }

  #showRates(points) {
    this.#points = points;
    show({ "windows-card": points.length > 1 });
    if (points.length < 2) return;
    this.#rates.set(points);
    const usable = points.filter(({ level }) => level !== "unsure").map(({ bpm }) => bpm);
    const range = usable.length ? `from ${number(Math.min(...usable))} to ${number(Math.max(...usable))} beats per minute` : "none to be used";
    byId("windows").setAttribute("aria-label", `Heart rate over time, ${range}`);
    byId("windows-note").textContent = "10 seconds each";
  }

  #hover(index) {
    const at = this.#points[index];
    byId("windows-note").textContent = at ? `${at.name}: ${number(at.bpm, 1)}, ${at.word.toLowerCase()}` : "10 seconds each";
  }
}

/** A window of a recording counts by its confidence alone, one of a live session has a status too. */
function point(time_s, { bpm, confidence, status = "ok" }, name) {
  const { level, word } = trust(confidence, status);
  return { time_s, bpm, level, word, name };
}

function facts(measured, { video, model, timing_ms: timing }) {
  const total = Object.values(timing).reduce((sum, value) => sum + value, 0);
  return [
    ["Video", `${clock(video.duration_s)}, ${video.width}\u00d7${video.height}, ${number(video.fps, 1)} pictures per second, ${video.codec}`],
    ["Face seen", `${Math.round(100 * measured.face.found_ratio)} % of the time`],
    ["Signal over noise", measured.snr_db === null ? "\u2013" : `${number(measured.snr_db, 1)} dB`],
    ["Exact rate", measured.status === "ok" ? `${number(measured.bpm, 2)} per minute` : "\u2013"],
    ["Model", `${model.name} ${model.version}`],
    ["Time taken", `${number(total / 1000, 1)} s`],
  ];
}
