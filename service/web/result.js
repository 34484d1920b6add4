// Shows one person's result: the rate, how far to trust it, variability and breathing, warnings, errors.

import { byId, make, show } from "./dom.js";
import { number, problem, reason, trust, warning } from "./words.js";

const SPOKEN_EVERY_MS = 5_000; // a screen reader is not to be told every second

let spokenAt = 0;
let spokenText = "";

/** Take away what is shown of a result. */
export function clearResult() {
  byId("result").dataset.trust = "none";
  show({ empty: true, answer: false, problem: false });
  byId("warnings").replaceChildren();
  byId("tiles").replaceChildren();
  byId("person-field").hidden = true;
  say("", true);
}

/** Show that a measurement is under way: the best rate so far, where there is one. */
export function showWaiting(text) {
  show({ empty: false, answer: true, problem: false });
  setRate(null, "none");
  setTrust("", "", 0, text);
}

/** Show a rate with its trust; `measured` has bpm, confidence, status. Returns the words. */
export function showRate({ bpm, confidence, status }, { isLive = false } = {}) {
  const said = trust(confidence, status);
  const isUsable = said.level !== "unsure";
  show({ empty: false, answer: true, problem: false });
  setRate(isUsable ? bpm : null, said.level);
  const guess = isUsable || !Number.isFinite(bpm) || confidence === 0 ? "" : ` The best guess was ${number(bpm)}.`;
  setTrust(said.word, isUsable ? `${Math.round(100 * confidence)} of 100` : "", confidence, said.sentence + guess);
  const spoken = isUsable ? `${number(bpm)} beats per minute. ${said.word}.` : `${said.word}.`;
  say(spoken, !isLive);
  return said;
}

function setRate(bpm, level) {
  byId("result").dataset.trust = level;
  byId("bpm").textContent = bpm === null ? "\u2013" : number(bpm);
  byId("heart").style.animationDuration = bpm === null ? "" : `${(60 / bpm).toFixed(3)}s`;
  byId("heart").classList.toggle("beats", bpm !== null);
}

function setTrust(word, share, confidence, sentence) {
  byId("word").textContent = word;
  byId("trust-number").textContent = share;
  byId("meter").style.width = `${100 * confidence}%`;
  byId("sentence").textContent = sentence;
}

/** Tell a screen reader, at once or at most every few seconds. */
function say(text, atOnce) {
  const isEarly = performance.now() - spokenAt < SPOKEN_EVERY_MS;
  if (text === spokenText || (isEarly && !atOnce)) return;
  spokenAt = performance.now();
  spokenText = text;
  byId("spoken").textContent = text;
}

/** Show variability and breathing, or why they are not there. */
export function showTiles(measured) {
  const { hrv, respiration_rate: breaths } = measured;
  byId("tiles").replaceChildren(
    ...tile("Variation between beats", "How much the time between beats varies (RMSSD)", hrv && [number(hrv.rmssd_ms), "ms"],
      hrv ? variability(hrv) : reason(measured.hrv_reason, measured.hrv_detail)),
    ...tile("Breathing", "Breaths per minute, seen in the pulse", Number.isFinite(breaths) && [number(breaths), "per minute"],
      Number.isFinite(breaths) ? "" : reason(measured.respiration_rate_reason, measured.respiration_rate_detail)),
  );
}

function variability({ sdnn_ms, pnn50, lf_hf }) {
  const more = Number.isFinite(lf_hf) ? ` \u00b7 LF/HF ${number(lf_hf, 1)}` : "";
  return `SDNN ${number(sdnn_ms)} ms \u00b7 pNN50 ${number(pnn50)} %${more}`;
}

function tile(name, title, value, note) {
  const shown = value ? [make("b", {}, value[0]), ` ${value[1]}`] : [make("span", { className: "missing" }, "\u2013")];
  return [make("div", { title }, make("dt", {}, name), make("dd", {}, ...shown, make("small", {}, note)))];
}

/** Show warnings [{code, detail}] in plain words. */
export function showWarnings(warnings) {
  const key = warnings.map(({ code }) => code).join();
  const list = byId("warnings");
  if (list.dataset.shown === key && list.childElementCount === warnings.length) return; // else it would be read out again
  list.dataset.shown = key;
  list.replaceChildren(
    ...warnings.map((item) => {
      const [title, advice] = warning(item);
      return make("li", {}, make("b", {}, title), ` ${advice}`);
    }),
  );
}

/** Show an error in place of a result. */
export function showProblem(error) {
  const [title, text] = problem(error);
  byId("problem-title").textContent = title;
  byId("problem-text").textContent = text;
  byId("problem-code").textContent = error.code;
  byId("problem-id").textContent = error.requestId ? `request ${error.requestId}` : "";
  byId("result").dataset.trust = "none";
  show({ empty: false, answer: false, problem: true });
  byId("warnings").replaceChildren();
}
