"""What the pulse stage costs by length of the recording: `python -m tests.benchmarks.bench_pulse [SECONDS ...]`.

Beside it the band-pass alone, which is the baseline, and following the ridge, which is part of it. Best of five.
"""

import sys
from collections.abc import Callable
from timeit import repeat

from service.pipeline import quality, ridge, spectrum
from service.pipeline.pulse import heart_rate
from tests.service.pipeline.signals import as_pulse, coloured_noise, pulse_wave
from training.tables import markdown

FPS = 30.0
HEADER = ["recording", "heart_rate", "the ridge in it", "band-pass alone", "times the band-pass"]


def _best_ms(work: Callable[[], object]) -> float:
    return 1000 * min(repeat(work, number=1, repeat=5))


def _row(seconds: int) -> list[str]:
    wave = pulse_wave(70, seconds, FPS, variability=0.03) + coloured_noise(round(seconds * FPS), 1, seed=1)
    pulse, spectra = as_pulse(wave, FPS), spectrum.power_spectra(wave, FPS)
    rate_hz = quality.rate(wave, spectra).bpm / 60
    whole, part, baseline = (
        _best_ms(work)
        for work in (
            lambda: heart_rate(pulse),
            lambda: ridge.follow(wave, spectra, rate_hz),
            lambda: spectrum.band_pass(wave, FPS),
        )
    )
    return [f"{seconds} s", f"{whole:.1f} ms", f"{part:.1f} ms", f"{baseline:.2f} ms", f"{whole / baseline:.0f}"]


def main(lengths: list[int]) -> None:
    """Print the table."""
    print(markdown(HEADER, [_row(seconds) for seconds in lengths]))


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or [10, 60, 600, 3600])
