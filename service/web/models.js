// The models: a choice with speed and accuracy beside it, and a table of all.

import { request } from "./api.js";
import { byId, make } from "./dom.js";
import { count, number } from "./words.js";

const CLASSICAL = {
  green: "formula: the green of the skin alone",
  ica: "formula: takes the colours apart by statistics",
  pca: "formula: takes the colours apart by their strength",
  lgi: "formula: the green that light alone does not explain",
  chrom: "formula: compares the colours",
  pos: "formula: compares the colours, moment by moment",
};
let known = [];

/** Ask what is served and offer it. */
export async function loadModels() {
  known = (await (await request("v1/models")).json()).models;
  const chosen = byId("model").value;
  byId("model").replaceChildren(...known.map(option));
  if (known.some(({ name }) => name === chosen)) byId("model").value = chosen;
  byId("models").replaceChildren(head(), make("tbody", {}, ...known.map(row)));
  byId("models-note").textContent = known.some(accuracy)
    ? "Accuracy: beats per minute from the true rate on rendered test videos, where the answer was not \u201cunsure\u201d. Real videos are harder."
    : "Fewer operations are faster. Larger models see a weak pulse better.";
  describe();
}

/** Say a little about the chosen model. */
export function describe() {
  const model = known.find(({ name }) => name === byId("model").value);
  byId("model-note").textContent = model ? [speed(model), accuracy(model)].filter(Boolean).join(", ") : "";
}

const option = (model) => make("option", { value: model.name }, model.default ? `${model.name} (standard)` : model.name);

/** Say how fast a model is: measured where its manifest tells that, else by its operations per picture. */
export function speed({ kind, macs_per_frame: macs, metrics = {} }) {
  if (Number.isFinite(metrics.cpu_ms_per_frame)) return `${number(metrics.cpu_ms_per_frame, 1)} ms per picture`;
  if (kind === "classical") return "very fast";
  if (!macs) return "";
  return macs < 1e7 ? "fast" : macs < 4e7 ? "medium" : "slow";
}

/** Say how right a model is, where its manifest tells that: of its usable answers on rendered test videos. */
export function accuracy({ metrics = {} }) {
  const { test_ok_bpm_mae: error, test_ok_share: share } = metrics;
  if (!Number.isFinite(error)) return "";
  const answered = Number.isFinite(share) ? `, answers ${Math.round(100 * share)} of 100 hard videos` : "";
  return `off by ${number(error, 1)} on average${answered}`;
}

const head = () =>
  make("thead", {}, make("tr", {}, ...["Model", "Speed", "Operations per picture", "Accuracy", "What it is"].map((text) => make("th", { scope: "col" }, text))));

function row(model) {
  const name = make("th", { scope: "row" }, model.name, ...(model.default ? [make("small", {}, " standard")] : []));
  const what = model.kind === "classical" ? (CLASSICAL[model.name] ?? "formula") : `network, ${count(model.parameters)} weights, ${model.version}`;
  return make("tr", {}, name, ...[speed(model), count(model.macs_per_frame), accuracy(model) || "\u2013", what].map((text) => make("td", {}, text)));
}
