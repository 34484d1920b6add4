// Sends a video and waits for its result: short ones in one request, long ones as a job that tells how far it is.

import { Problem, events, request, sendForm } from "./api.js";

const SHORT_S = 60;
const SHORT_BYTES = 40_000_000; // where the length is known to be short
const SMALL_BYTES = 5_000_000; // where it is not known
const RETRY_MS = 2_000;
const MOST_RETRIES = 30;
const WITHOUT_JOBS = [404, 405, 501]; // what a service says that has none

/**
 * Measure a file; return the result.
 *
 * options: {model, face}. durationS: the video's length where it is known, else null. onProgress({stage, share, bpm, confidence}):
 * stage is "sending", "waiting" or "measuring", share 0..1 or null. Throws Problem; code "cancelled" after `signal`.
 */
export async function measure(file, { options, durationS, onProgress, signal }) {
  const isLong = durationS === null ? file.size > SMALL_BYTES : durationS > SHORT_S || file.size > SHORT_BYTES;
  const onSent = (share) => onProgress(share < 1 ? { stage: "sending", share } : { stage: "measuring", share: null });
  onProgress({ stage: "sending", share: 0 });
  if (isLong) {
    try {
      return await measureAsJob(form(file, options), { onSent, onProgress, signal });
    } catch (error) {
      if (!WITHOUT_JOBS.includes(error.status)) throw error;
    }
  }
  return (await sendForm("v1/heart-rate", form(file, options), { onSent, signal })).body;
}

/** Options come before the file, so that the service has them when the bytes arrive. */
function form(file, options) {
  const fields = new FormData();
  for (const [name, value] of Object.entries(options)) fields.append(name, value);
  fields.append("file", file);
  return fields;
}

async function measureAsJob(fields, { onSent, onProgress, signal }) {
  const made = await sendForm("v1/jobs", fields, { onSent, signal });
  const address = `v1/jobs/${made.body.id}`;
  try {
    return await follow(address, onProgress, signal);
  } finally {
    // The result is here or not wanted: nothing of it is to stay there.
    request(address, { method: "DELETE", keepalive: true }).catch(() => {});
  }
}

/** Listen until the job is over; a connection that breaks is made anew, as the job goes on without us. */
async function follow(address, onProgress, signal) {
  for (let left = MOST_RETRIES; ; left--) {
    try {
      const result = await listen(address, onProgress, signal);
      if (result) return result;
    } catch (error) {
      if (error.code !== "offline" || left <= 0) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    if (signal.aborted) throw new Problem({ code: "cancelled" });
  }
}

/** Return the job's result, or null when the events end without it. Throws Problem. */
async function listen(address, onProgress, signal) {
  for await (const { event, data } of events(`${address}/events`, signal)) {
    if (event === "result") return data;
    if (event === "gone" || data.state === "expired") throw new Problem({ code: "expired" });
    if (data.state === "failed") throw new Problem(data.problem);
    if (data.state === "queued") onProgress({ stage: "waiting", share: null, position: data.position });
    if (data.state === "running") onProgress({ stage: "measuring", share: data.progress, bpm: data.bpm, confidence: data.confidence });
  }
  return null;
}
