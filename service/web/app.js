// Joins the parts: where the video comes from, what is done with it, what is shown.

import { onKeyNeeded, request } from "./api.js";
import { byId, show } from "./dom.js";
import { CameraMode } from "./camera_mode.js";
import { FileMode } from "./file_mode.js";
import { Health } from "./health.js";
import { describe, loadModels } from "./models.js";
import { clearResult } from "./result.js";
import { Stage } from "./stage.js";
import { Charts } from "./charts.js";

const SERVER_WORDS = { asking: "Asking the server", ready: "Server ready", starting: "Server is starting", gone: "No answer from the server" };

const health = new Health();
const stage = new Stage((seconds) => charts.head(seconds));
const charts = new Charts((seconds) => stage.seek(seconds));
const modes = { file: new FileMode(stage, charts, health), camera: new CameraMode(stage, charts, health) };
let mode = "file";

function choose(name) {
  if (name === mode) return;
  modes[mode].leave();
  mode = name;
  for (const each of Object.keys(modes)) {
    const tab = byId(`tab-${each}`);
    tab.setAttribute("aria-selected", each === name);
    tab.tabIndex = each === name ? 0 : -1;
    byId(`panel-${each}`).hidden = each !== name;
  }
  stage.clear();
  clearResult();
  charts.clear();
  show({ drop: name === "file", "camera-empty": name === "camera" });
  modes[name].enter();
}

for (const name of Object.keys(modes)) {
  byId(`tab-${name}`).addEventListener("click", () => choose(name));
  byId(`tab-${name}`).addEventListener("keydown", ({ key }) => {
    if (key !== "ArrowLeft" && key !== "ArrowRight") return;
    choose(mode === "file" ? "camera" : "file");
    byId(`tab-${mode}`).focus();
  });
}

byId("model").addEventListener("change", () => {
  describe();
  modes[mode].optionsChanged();
});

function showServer(text = "") {
  const pill = byId("server");
  pill.dataset.state = health.state;
  pill.textContent = SERVER_WORDS[health.state];
  byId("banner").hidden = !text;
  byId("banner").textContent = text;
}

async function greet() {
  showServer();
  try {
    await loadModels();
    const { version } = await (await request("version")).json();
    byId("version").textContent = `version ${version}`;
  } catch {
    // whatever it is comes again, and is then told, when something is measured
  }
}

health.addEventListener("ready", greet);
health.addEventListener("starting", () => showServer("The server is starting. One moment."));
health.addEventListener("gone", () => showServer("The server does not answer. This page tries again and goes on as soon as it is back."));
onKeyNeeded(askKey);
health.check();

/** Ask for a key; resolves to null when the person does not give one. */
function askKey(wasWrong) {
  const dialog = byId("key-dialog");
  byId("key-text").textContent = wasWrong
    ? "That key does not fit. Check it, and try again."
    : "Whoever runs it can give you one. It stays in this tab only.";
  byId("key").value = "";
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve((dialog.returnValue === "ok" && byId("key").value.trim()) || null), { once: true });
    dialog.returnValue = "";
    if (!dialog.open) dialog.showModal();
  });
}
