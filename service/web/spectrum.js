// The spectrum of a pulse wave between 42 and 240 beats per minute, as the mean over windows of 10 s.

const LOW_BPM = 42;
const HIGH_BPM = 240;
const WINDOW_S = 10;

/** Return {bpm, power, peak} of a wave {fps, values}; power is 1 at its peak. null below 4 s. */
export function spectrumOf({ fps, values }) {
  if (values.length < 4 * fps) return null;
  const size = Math.min(values.length, Math.round(WINDOW_S * fps));
  const starts = windowStarts(values.length, size);
  const taper = Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / size));
  const windows = starts.map((start) => tapered(values, start, taper));
  const bpm = Array.from({ length: HIGH_BPM - LOW_BPM + 1 }, (_, i) => LOW_BPM + i);
  const power = bpm.map((rate) => windows.reduce((sum, window) => sum + powerAt(window, rate / 60 / fps), 0));
  return scaled(bpm, power);
}

/**
 * Turn a spectrum as a live session tells it, {start_hz, step_hz, power}, into {bpm, power, peak}; the service tells
 * power times f^1.5, which lifts the second beat's rhythm above the heart's own.
 */
export function spectrumTold({ start_hz, step_hz, power: level }) {
  const hz = level.map((_, i) => start_hz + i * step_hz);
  return scaled(hz.map((frequency) => 60 * frequency), level.map((value, i) => value / hz[i] ** 1.5));
}

function scaled(bpm, power) {
  const top = Math.max(...power, 1e-12);
  return { bpm, power: power.map((value) => value / top), peak: bpm[power.indexOf(Math.max(...power))] };
}

/** Windows overlap by half, the last one ends with the wave; at most 60, spread evenly, are looked at. */
function windowStarts(length, size) {
  const count = Math.min(60, 1 + Math.ceil((2 * (length - size)) / size));
  return Array.from({ length: count }, (_, i) => Math.round((i * (length - size)) / Math.max(1, count - 1)));
}

function tapered(values, start, taper) {
  const part = values.slice(start, start + taper.length);
  const mean = part.reduce((sum, value) => sum + value, 0) / part.length;
  return part.map((value, i) => (value - mean) * taper[i]);
}

/** Goertzel's way to one bin of a Fourier transform: cycles per sample in, power out. */
function powerAt(window, cycles) {
  const twice = 2 * Math.cos(2 * Math.PI * cycles);
  let [last, before] = [0, 0];
  for (const value of window) [last, before] = [value + twice * last - before, last];
  return last * last + before * before - twice * last * before;
}
