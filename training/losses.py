"""Named loss terms, their weighted sum, and distillation as a loss around the base loss."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from service.pipeline.pulse import BAND_HZ

_RATE_SPREAD = 0.06  # of the mean rate: how far it strays within a clip
_TAPER = 0.2  # share of a clip over which the window rises and falls, so that slow motion does not leak into the band

Term = Callable[[Tensor, Tensor, Tensor, Tensor, float], Tensor]  # predicted, target, valid, bpm, fps


class LossNotFinite(RuntimeError):
    """A loss term became infinite or not a number; going on would only spoil the weights."""


def derivative_mse(predicted: Tensor, target: Tensor, valid: Tensor, bpm: Tensor, fps: float) -> Tensor:
    """Return the mean squared error over the valid samples (Hwang, Park & Lee 2023, L_S); all tensors (B, N)."""
    weight = valid.to(predicted.dtype)
    return (weight * (predicted - target) ** 2).sum() / weight.sum().clamp_min(1)


def band_pearson(predicted: Tensor, target: Tensor, valid: Tensor, bpm: Tensor, fps: float) -> Tensor:
    """Return 1 - r, the mean over clips; r is the correlation of the two running sums within 0.7 to 4 Hz.

    Summed and band-passed is how the pulse stage uses the samples. By Parseval both are done on the spectra of the
    derivatives: a sum divides by the frequency, the band-pass selects bins.
    """
    return _spectral_pearson(*(_band_spectrum(x, valid, fps) / _band_hz(x, fps) for x in (predicted, target)))


def wave_pearson(predicted: Tensor, target: Tensor, valid: Tensor, bpm: Tensor, fps: float) -> Tensor:
    """Return 1 - r, the mean over clips, of two waves (B, N) within 0.7 to 4 Hz."""
    return _spectral_pearson(*(_band_spectrum(x, valid, fps) for x in (predicted, target)))


def spectral(predicted: Tensor, target: Tensor, valid: Tensor, bpm: Tensor, fps: float) -> Tensor:
    """Return -log of the share of a predicted wave's power in the band that lies at the heart rate; the mean.

    As the cross-entropy of Yu et al. 2022 (PhysFormer) it cares for the rate alone, not for the phase; power at twice
    the rate is as wrong as any. Correlation rewards it: where motion drowns the fundamental, a network that learns from
    correlation alone says what is left, the second harmonic, and the rate comes out doubled. bpm: (B,).
    """
    return _missed(_band_spectrum(predicted, valid, fps), bpm, fps, predicted.shape[1])


def band_spectral(predicted: Tensor, target: Tensor, valid: Tensor, bpm: Tensor, fps: float) -> Tensor:
    """Return what `spectral` does, of the running sum of predicted changes."""
    summed = _band_spectrum(predicted, valid, fps) / _band_hz(predicted, fps)
    return _missed(summed, bpm, fps, predicted.shape[1])


def _missed(spectrum: Tensor, bpm: Tensor, fps: float, count: int) -> Tensor:
    """Return -log of the share of the power of the band's bins (B, K) near the rates (B,); the mean."""
    power = spectrum.abs() ** 2
    hz = torch.fft.rfftfreq(count, 1 / fps, device=power.device)
    rate_hz = bpm.to(power)[:, None] / 60
    reach_hz = (rate_hz * _RATE_SPREAD).clamp_min(1.5 * fps / count)
    near = ((hz[_in_band(hz)] - rate_hz).abs() <= reach_hz).to(power.dtype)
    return -torch.log((power * near).sum(1) / (power.sum(1) + 1e-12) + 1e-6).mean()


def _spectral_pearson(a: Tensor, b: Tensor) -> Tensor:
    cross = (a.real * b.real + a.imag * b.imag).sum(1)
    power = (a.abs() ** 2).sum(1) * (b.abs() ** 2).sum(1)
    return 1 - (cross / torch.sqrt(power + 1e-12)).mean()


def _band_spectrum(samples: Tensor, valid: Tensor, fps: float) -> Tensor:
    """Return the band's bins (B, K) of samples (B, N); what is not valid counts as the mean."""
    weight = valid.to(torch.float32)
    samples = samples.float()
    mean = (samples * weight).sum(1, keepdim=True) / weight.sum(1, keepdim=True).clamp_min(1)
    count = samples.shape[1]
    spectrum = torch.fft.rfft((samples - mean) * weight * _taper(count, samples.device))
    band: Tensor = spectrum[:, _in_band(torch.fft.rfftfreq(count, 1 / fps, device=samples.device))]
    return band


def _band_hz(samples: Tensor, fps: float) -> Tensor:
    """Return the frequencies (K,) of the band's bins."""
    freqs_hz = torch.fft.rfftfreq(samples.shape[1], 1 / fps, device=samples.device)
    band: Tensor = freqs_hz[_in_band(freqs_hz)]
    return band


def _in_band(freqs_hz: Tensor) -> Tensor:
    inside: Tensor = (freqs_hz >= BAND_HZ[0]) & (freqs_hz <= BAND_HZ[1])
    return inside


def _taper(count: int, device: torch.device) -> Tensor:
    """Return the Tukey window (count,)."""
    ramp = (torch.arange(count, device=device) + 0.5) / (count * _TAPER)
    edge = torch.minimum(ramp, ramp.flip(0)).clamp_max(1)
    return 0.5 - 0.5 * torch.cos(math.pi * edge)


TERMS: dict[str, Term] = {
    "derivative_mse": derivative_mse,
    "band_pearson": band_pearson,
    "wave_pearson": wave_pearson,
    "spectral": spectral,
    "band_spectral": band_spectral,
}


@dataclass(frozen=True, slots=True)
class Criterion:
    """The weighted sum of the named terms."""

    weights: Mapping[str, float]
    fps: float = 30.0

    def __call__(self, predicted: Tensor, target: Tensor, valid: Tensor, bpm: Tensor) -> dict[str, Tensor]:
        """Return each term by name and the weighted sum as `total`. Raises LossNotFinite."""
        terms = {name: TERMS[name](predicted, target, valid, bpm, self.fps) for name in self.weights}
        return weigh(terms, self.weights)


def weigh(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> dict[str, Tensor]:
    """Return the terms and their weighted sum as `total`. Raises LossNotFinite with the name of the term."""
    for name, value in terms.items():
        if not bool(torch.isfinite(value)):
            raise LossNotFinite(f"the loss term {name} is {float(value.detach())}")
    total = torch.stack([weights[name] * value for name, value in terms.items()]).sum()
    return {**terms, "total": total}


def target_aware(student: Tensor, teacher: Tensor) -> Tensor:
    """Return ||E~_S - E_T||_2 of two maps (N, C, H, W), the mean over N, per value (Lin et al. 2022).

    E_S and E_T are the maps as H * W tokens of C values. E~_S = softmax(E_S E_T^T) E_S: each place of the teacher
    gathers the student's tokens by their likeness to its own, so the softmax runs over the student's places. The norm
    is divided by the root of the number of values, so that both maps weigh alike. No gradient reaches the teacher.
    """
    tokens_s = student.flatten(2).transpose(1, 2)
    tokens_t = teacher.detach().flatten(2).transpose(1, 2)
    gathered = F.scaled_dot_product_attention(tokens_t, tokens_s, tokens_s, scale=1.0)
    squared: Tensor = ((gathered - tokens_t) ** 2).mean(dim=(1, 2))
    return torch.sqrt(squared + 1e-12).mean()


def distillation(students: Sequence[Tensor], teachers: Sequence[Tensor]) -> dict[str, Tensor]:
    """Return the target-aware terms distil_1, distil_2, ... of each pair of maps (MF_S1, MF_T1), (MF_S2, MF_T2)."""
    pairs = zip(students, teachers, strict=True)
    return {f"distil_{i}": target_aware(student, teacher) for i, (student, teacher) in enumerate(pairs, start=1)}
