// The models: a choice with speed and accuracy beside it, and a table of all.

import { request } from "./api.js";
import { byId, make } from "./dom.js";
import { count, number } from "./words.js";

const CLASSICAL = { green: "the green of the skin alone", ica: "parts the colours by statistics", chrom: "compares the colours", pos: "compares the colours across the skin" };
let known = [];

/** Ask what is served and offer it. */
export async function loadModels() {
  known = (await (await request("v1/models")).json()).models;
  const chosen = byId("model").value;
  byId("model").replaceChildren(...known.map(option));
  if (known.some(({ name }) => name === chosen)) byId("model").value = chosen;
  byId("models").replaceChildren(head(), make("tbody", {}, ...known.map(row)));
  const metrics = known.some((model) => accuracy(model) !== null);
  byId("models-note").textContent = metrics
    ? "Error: mean difference to the true rate on rendered test videos, where the answer was not \u201cunsure\u201d. Real videos are harder."
    : "Fewer operations are faster. Larger models see a weak pulse better.";
  describe();
}

/** Say a little about the chosen model. */
export function describe() {
  const model = known.find(({ name }) => name === byId("model").value);
  byId("model-note").textContent = model ? [speed(model), accuracyText(model)].filter(Boolean).join(", ") : "";
}

const option = (model) => make("option", { value: model.name }, model.default ? `${model.name} (standard)` : model.name);

function speed({ kind, macs_per_frame: macs, metrics = {} }) {
  const perFrame = metrics.ms_per_frame ?? metrics.cpu_ms_per_frame;
  if (Number.isFinite(perFrame)) return `${number(perFrame, 1)} ms per picture`;
  if (kind === "classical") return "very fast";
  if (!macs) return "";
  const slowness = macs / 3e6; // of the student
  return slowness < 3 ? "fast" : slowness < 15 ? "medium" : "thorough, slower";
}

/** The measured error in bpm, under whichever of the names the manifest has it; null without. */
function accuracy({ metrics = {} }) {
  const value = ["test_ok_bpm_mae", "ok_bpm_mae", "rendered_ok_bpm_mae", "test_bpm_mae"].map((name) => metrics[name]).find(Number.isFinite);
  return value ?? null;
}

const accuracyText = (model) => (accuracy(model) === null ? "" : `error ${number(accuracy(model), 1)} bpm`);

const head = () =>
  make("thead", {}, make("tr", {}, ...["Model", "Speed", "Operations per picture", "Error", "What it is"].map((text) => make("th", { scope: "col" }, text))));

function row(model) {
  const name = make("th", { scope: "row" }, model.name, ...(model.default ? [make("small", {}, " standard")] : []));
  const what = model.kind === "classical" ? CLASSICAL[model.name] ?? "formula" : `network, ${count(model.parameters)} weights, ${model.version}`;
  return make("tr", {}, name, ...[speed(model), count(model.macs_per_frame), accuracyText(model) || "\u2013", what].map((text) => make("td", {}, text)));
}
