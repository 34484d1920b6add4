// What can be saved: the result as it came, the wave and the rates as tables.

import { make } from "./dom.js";

function save(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

const table = (head, rows) => [head, ...rows].map((row) => row.map((cell) => cell ?? "").join(",")).join("\r\n") + "\r\n";

/** Save everything the service said. */
export const saveJson = (result) => save("facepulse.json", "application/json", JSON.stringify(result, null, 2));

/** Save the wave: a time and a value per line. */
export function saveWave({ fps, start_s, values }) {
  const rows = values.map((value, i) => [(start_s + i / fps).toFixed(4), value]);
  save("facepulse-wave.csv", "text/csv", table(["time_s", "bvp"], rows));
}

/** Save the rates by window. */
export function saveWindows(windows) {
  const rows = windows.map((w) => [w.start_s, w.end_s, w.bpm, w.snr_db, w.confidence]);
  save("facepulse-rates.csv", "text/csv", table(["start_s", "end_s", "bpm", "snr_db", "confidence"], rows));
}
