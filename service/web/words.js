// Everything the page says about a result, a warning or an error, in plain words.

const SURE = 0.8; // of results from here on at least 95 % were within 5 bpm on rendered clips
const LIKELY = 0.5;

/** Say how far to trust a rate: {level, word, sentence}; level is "sure", "likely", "unsure" or "none". */
export function trust(confidence, status) {
  if (status !== "ok" || confidence < LIKELY) {
    return { level: "unsure", word: "Unsure: do not use", sentence: "No clear pulse was found, so this is no measurement." };
  }
  if (confidence < SURE) {
    return { level: "likely", word: "Likely", sentence: "Probably right. Measure again to be on the safe side." };
  }
  return { level: "sure", word: "Sure", sentence: "The pulse is clear to see." };
}

const WARNINGS = {
  too_dark: ["Too dark", "Turn on a light or face a window."],
  too_bright: ["Too bright", "There is too much light on your face."],
  face_lost: ["Face lost", "Keep your whole face in the picture."],
  no_face: ["No face", "Look into the camera, with your whole face in the picture."],
  face_small: ["Too far away", "Come closer to the camera."],
  restless: ["Hold still", "Your head moved a lot."],
  low_frame_rate: ["Too few pictures", "The camera or the connection is too slow. More light helps many cameras."],
  frames_missing: ["A pause", "For a moment no pictures came."],
  frames_dropped: ["Pictures left out", "The connection or the server is too slow for all of them."],
  no_colour: ["No colour", "A pulse can only be seen in colour."],
  interlaced: ["Old video format", "Two half pictures were used as one."],
  hdr: ["HDR video", "Its colours were used as they are."],
  several_video_streams: ["More than one picture track", "The largest was used."],
  frames_corrupt: ["Damaged video", "Some pictures could not be read and were left out."],
  frames_unplaced: ["Damaged video", "Some pictures have no time and were left out."],
  frames_trimmed: ["Cut video", "Pictures that the file hides were left out."],
  video_truncated: ["Video breaks off", "Less is in the file than it promises."],
};

/** Return [title, advice] for a warning {code, detail}. */
export function warning({ code, detail }) {
  return WARNINGS[code] ?? [sentence(code), detail ?? ""];
}

const PROBLEMS = {
  offline: ["The server does not answer", "Wait until it is back, then press \u201cMeasure again\u201d."],
  connection_lost: ["The connection broke off", "The page connects again by itself as soon as the server answers."],
  camera_denied: ["The camera is not allowed", "Allow it in your browser's address bar, then start again."],
  camera_missing: ["No camera was found", "Plug one in, or send a video file instead."],
  camera_busy: ["The camera is in use", "Close the other program that uses it, then start again."],
  camera_insecure: ["The camera needs https", "Browsers give the camera only to pages on https or on this computer (localhost)."],
  empty_file: ["The file is empty", "Choose another one."],
  upload_too_large: ["The file is too large", "Send a shorter video, or one of lower resolution."],
  not_a_video: ["This is not a video", "MP4, MOV, WebM, MKV and AVI can be read."],
  codec_not_allowed: ["This kind of video cannot be read", "Save it as MP4 (H.264) and try again."],
  no_video_stream: ["There is no picture in this file", "It may hold sound only."],
  video_malformed: ["The video is damaged", "Nothing in it can be read."],
  video_truncated: ["The video breaks off", "Most of it is missing."],
  too_short: ["The video is too short", "At least 5 seconds are needed, 15 to 30 are good."],
  too_long: ["The video is too long", "Cut it, and try again."],
  resolution_out_of_range: ["The picture's size does not fit", "It is too small or too large."],
  frame_rate_out_of_range: ["The frame rate does not fit", "At least 10 pictures a second are needed."],
  no_colour: ["The video has no colour", "A pulse can only be seen in colour."],
  no_face: ["No face was found", "The whole face has to be in the picture, with light on it."],
  unknown_model: ["The server does not know this model", "Choose another one."],
  video_too_expensive: ["The video is too much for this server", "Try a lower resolution."],
  queue_full: ["The server is busy", "Try again in a few seconds."],
  too_many_uploads: ["The server is busy", "Try again in a few seconds."],
  too_many_sessions: ["The server is busy", "Too many people measure live just now. Try again in a minute."],
  rate_limited: ["Too many requests", "Wait a moment, then try again."],
  storage_full: ["The server is full", "Try again in a while."],
  worker_died: ["Something broke on the server", "Try again. If it happens again, this video cannot be measured."],
  took_too_long: ["It took too long", "Send a shorter video."],
  request_timeout: ["The upload was too slow", "Try again with a better connection or a smaller file."],
  interrupted: ["The server was restarted meanwhile", "Send the video again."],
  expired: ["The result is no longer there", "Send the video again."],
  session_idle: ["No pictures came for a while", "The page goes on by itself as soon as there are some."],
  session_too_long: ["One measurement ends here", "The next one begins by itself."],
  starting: ["The server is starting", "One moment."],
  stopping: ["The server is about to end", "The page goes on by itself as soon as it is back."],
  job_queue_full: ["The server is busy", "Try again in a few minutes."],
  jobs_unavailable: ["The server cannot reach its jobs", "Try again in a while."],
  too_many_jobs: ["The server is busy with your videos", "Wait until one is done."],
  internal_error: ["Something went wrong on the server", "Try again. The number below helps its operator to find out why."],
};

/** Return [title, what to do] for a Problem. */
export function problem({ code, title, detail, status }) {
  if (PROBLEMS[code]) return PROBLEMS[code];
  if (status === 401 || status === 403) return ["The server wants a key", "Without the right key it measures nothing."];
  return [title || "Something went wrong", detail || "Try again."];
}

const REASONS = {
  not_computed: "Not measured by this server.",
  only_recorded: "Only from a recorded video.",
  smoothed: "Not by this model, which smooths the beats.",
  low_confidence: "The pulse is not clear enough for this.",
  wave_too_noisy: "The pulse is not clear enough for this.",
  too_many_artefacts: "Too many beats are unclear or irregular.",
  modulation_unclear: "No clear rhythm of breathing is in the pulse.",
};

/** Say why a value is missing: by its code, or in the service's sentence. */
export function reason(code, detail) {
  return REASONS[code] ?? detail ?? "Not measured.";
}

/** Turn a code like face_lost into words. */
function sentence(code) {
  const words = String(code).replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Write a number with so many decimals, or a dash. */
export const number = (value, decimals = 0) => (Number.isFinite(value) ? value.toFixed(decimals) : "\u2013");

/** Write seconds as 0:07 or 1:02:03. */
export function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = String(rest).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/** Write a count in thousands or millions: 24.8 k, 3.2 M. */
export function count(value) {
  if (!Number.isFinite(value)) return "\u2013";
  const [scaled, unit] = value >= 1e6 ? [value / 1e6, " M"] : value >= 1e3 ? [value / 1e3, " k"] : [value, ""];
  return (scaled >= 100 || !unit ? scaled.toFixed(0) : scaled.toFixed(1)) + unit;
}
