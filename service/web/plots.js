// The three plots, with uPlot: colours from the style sheet, sizes from the page.
/* global uPlot */

const GAP = 8;
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200];
const FONT = "12px system-ui, sans-serif";

const axis = (options = {}) => ({
  stroke: () => colour("muted"),
  grid: { stroke: () => colour("line"), width: 1 },
  ticks: { show: false },
  font: FONT,
  gap: GAP,
  ...options,
});
const secondsAxis = () => axis({ space: 60, size: 30, incrs: STEPS_S, values: (_, ticks) => ticks.map((tick) => `${+tick.toFixed(1)} s`) });

class Plot {
  #size;

  /** `holder` is the element to fill; `options` are uPlot's. */
  constructor(holder, options) {
    this.holder = holder;
    this.uplot = new uPlot({ width: 300, height: 180, legend: { show: false }, padding: [10, 14, 0, 14], ...options }, null, holder);
    this.#size = new ResizeObserver(() => this.#fit());
    this.#size.observe(holder);
    addEventListener("themechange", () => this.uplot.redraw(false));
  }

  #fit() {
    const { clientWidth: width, clientHeight: height } = this.holder;
    if (width && height) this.uplot.setSize({ width, height });
  }
}

/** The pulse wave; `onSeek(seconds)` is called when somebody clicks into it. */
export class WavePlot extends Plot {
  #head;

  constructor(holder, onSeek) {
    super(holder, {
      scales: { x: { time: false }, y: { range: (_, low, high) => symmetric(low, high) } },
      cursor: { y: false, drag: { x: true, y: false }, points: { size: 8 } },
      series: [{}, { stroke: () => colour("pulse"), width: 2, points: { show: false } }, dots("ink", "card")],
      axes: [secondsAxis(), axis({ show: false })],
      hooks: { ready: [(uplot) => uplot.over.addEventListener("click", () => onSeek(uplot.posToVal(uplot.cursor.left, "x")))] },
    });
    this.#head = document.createElement("i");
    this.#head.className = "head";
    this.#head.hidden = true;
    this.uplot.over.append(this.#head);
  }

  /**
   * Show a wave {fps, start_s, values} with its beats, in s; `span` [from, to] in s keeps the axis still while a live
   * wave grows.
   */
  set(wave, beats, span = null) {
    const times = wave.values.map((_, i) => wave.start_s + i / wave.fps);
    const peaks = new Array(times.length).fill(null);
    for (const beat of beats) {
      const i = Math.round((beat - wave.start_s) * wave.fps);
      if (i >= 0 && i < peaks.length) peaks[i] = wave.values[i];
    }
    this.uplot.setData([times, wave.values, peaks], !span);
    if (span) this.uplot.setScale("x", { min: span[0], max: span[1] });
    this.head(null);
  }

  /** Mark where the video is; null takes the mark away. */
  head(seconds) {
    const { min, max } = this.uplot.scales.x;
    this.#head.hidden = seconds === null || seconds < min || seconds > max;
    if (!this.#head.hidden) this.#head.style.left = `${this.uplot.valToPos(seconds, "x")}px`;
  }
}

function symmetric(low, high) {
  const most = Math.max(Math.abs(low ?? 0), Math.abs(high ?? 0), 1);
  return [-1.1 * most, 1.1 * most];
}

/** The rate of each window; points that are not to be used are hollow. */
export class RatePlot extends Plot {
  constructor(holder, onHover) {
    super(holder, {
      scales: { x: { time: false, range: padTime }, y: { range: padRate } },
      cursor: { y: false, drag: { x: false, y: false } },
      series: [
        {},
        { stroke: () => colour("line-strong"), width: 2, points: { show: false }, spanGaps: true },
        dots("sure", "sure"),
        dots("likely", "likely"),
        dots("unsure", "card"),
      ],
      axes: [secondsAxis(), axis({ size: 44, space: 34 })],
      hooks: { setCursor: [(uplot) => onHover(uplot.cursor.idx)] },
    });
  }

  /** Show points [{time_s, bpm, level}]. */
  set(points) {
    const of = (level) => points.map((point) => (point.level === level ? point.bpm : null));
    const line = points.map((point) => (point.level === "unsure" ? null : point.bpm));
    this.uplot.setData([points.map((point) => point.time_s), line, of("sure"), of("likely"), of("unsure")]);
  }
}

/** A series of points without a line between them. */
function dots(stroke, fill) {
  const points = { show: true, size: 9, width: 2, stroke: () => colour(stroke), fill: () => colour(fill) };
  return { stroke: () => colour(stroke), paths: () => null, points };
}

const padTime = (_, low, high) => [(low ?? 0) - 1, (high ?? 10) + 1];
const padRate = (_, low, high) => {
  const middle = ((low ?? 60) + (high ?? 80)) / 2;
  const half = Math.max(12, 0.65 * ((high ?? 80) - (low ?? 60)));
  return [Math.max(30, middle - half), middle + half];
};

/** The strength of each rhythm, with a mark at the peak. */
export class SpectrumPlot extends Plot {
  #peak = null;

  constructor(holder) {
    super(holder, {
      scales: { x: { time: false, range: [40, 200] }, y: { range: [0, 1.12] } },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 8 } },
      series: [{}, { stroke: () => colour("pulse"), fill: () => colour("pulse-soft"), width: 2, points: { show: false } }],
      axes: [axis({ space: 44, size: 30 }), axis({ show: false })],
      hooks: { draw: [(uplot) => this.#drawPeak(uplot)] },
    });
  }

  /** Show {bpm, power, peak}. */
  set({ bpm, power, peak }) {
    this.#peak = peak;
    this.uplot.setData([bpm, power]);
  }

  #drawPeak(uplot) {
    if (this.#peak === null) return;
    const { ctx, bbox } = uplot;
    const x = uplot.valToPos(this.#peak, "x", true);
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = colour("ink");
    ctx.setLineDash([4 * ratio, 4 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.font = `600 ${13 * ratio}px system-ui, sans-serif`;
    const onRight = x < bbox.left + 0.8 * bbox.width;
    ctx.textAlign = onRight ? "left" : "right";
    ctx.textBaseline = "top";
    ctx.fillText(`${Math.round(this.#peak)}`, x + (onRight ? 6 : -6) * ratio, bbox.top);
    ctx.restore();
  }
}
