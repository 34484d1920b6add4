import math

import pytest
import torch
from torch import Tensor

from training.losses import (
    Criterion,
    LossNotFinite,
    band_pearson,
    band_spectral,
    derivative_mse,
    distillation,
    spectral,
    target_aware,
    wave_pearson,
)

FPS = 30.0
ALL = torch.ones(1, 160, dtype=torch.bool)
BPM = torch.tensor([90.0])


def sine(hz: float, phase: float = 0.0) -> Tensor:
    return torch.sin(2 * math.pi * hz * torch.arange(160) / FPS + phase)[None]


def test_the_error_is_squared_and_averaged() -> None:
    assert derivative_mse(torch.tensor([[1.0, 3.0]]), torch.zeros(1, 2), ALL[:, :2], BPM, FPS) == 5


def test_masked_samples_do_not_count() -> None:
    valid = torch.tensor([[True, False]])
    assert derivative_mse(torch.tensor([[1.0, 99.0]]), torch.zeros(1, 2), valid, BPM, FPS) == 1


def test_nothing_valid_is_no_error() -> None:
    nothing = torch.zeros(1, 2, dtype=torch.bool)
    assert derivative_mse(torch.ones(1, 2), torch.zeros(1, 2), nothing, BPM, FPS) == 0


@pytest.mark.parametrize(("phase", "expected"), [(0.0, 0.0), (math.pi, 2.0), (math.pi / 2, 1.0)])
def test_band_pearson_is_one_minus_the_correlation(phase: float, expected: float) -> None:
    assert float(band_pearson(sine(1.5, phase), sine(1.5), ALL, BPM, FPS)) == pytest.approx(expected, abs=0.02)


def test_band_pearson_ignores_scale_and_offset() -> None:
    assert float(band_pearson(7 * sine(1.5) + 3, sine(1.5), ALL, BPM, FPS)) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("hz", [0.1, 0.2, 6.0, 12.0])
def test_band_pearson_hardly_sees_what_lies_outside_the_band(hz: float) -> None:
    assert float(band_pearson(sine(1.5) + sine(hz), sine(1.5), ALL, BPM, FPS)) < 0.05


def test_band_pearson_punishes_another_rate() -> None:
    assert float(band_pearson(sine(2.5), sine(1.2), ALL, BPM, FPS)) > 0.8


def test_band_pearson_does_not_look_at_masked_samples() -> None:
    valid = ALL.clone()
    valid[:, 60:64] = False
    spoiled = sine(1.5)
    spoiled[:, 60:64] = 50.0
    assert float(band_pearson(spoiled, sine(1.5), valid, BPM, FPS)) == pytest.approx(0, abs=0.01)


def test_a_clip_without_pulse_pulls_nowhere() -> None:
    predicted = sine(1.5).requires_grad_()
    band_pearson(predicted, torch.zeros(1, 160), ALL, BPM, FPS).backward()  # type: ignore[no-untyped-call]
    assert predicted.grad is not None
    assert predicted.grad.abs().max() == 0


def test_the_total_is_the_weighted_sum() -> None:
    terms = Criterion({"derivative_mse": 0.5, "band_pearson": 2.0})(sine(2.0), sine(1.5), ALL, BPM)
    expected = 0.5 * terms["derivative_mse"] + 2 * terms["band_pearson"]
    assert float(terms["total"]) == pytest.approx(float(expected))


def test_a_loss_that_is_not_finite_is_named() -> None:
    with pytest.raises(LossNotFinite, match="derivative_mse"):
        Criterion({"derivative_mse": 1.0})(sine(1.0) * math.inf, sine(1.0), ALL, BPM)


def test_target_aware_follows_the_formula() -> None:
    torch.manual_seed(0)
    student, teacher = torch.randn(1, 3, 2, 2), torch.randn(1, 3, 2, 2)
    e_s, e_t = student[0].flatten(1).T, teacher[0].flatten(1).T
    gathered = torch.softmax(e_s @ e_t.T, dim=0).T @ e_s
    expected = (gathered - e_t).norm() / math.sqrt(e_t.numel())
    assert float(target_aware(student, teacher)) == pytest.approx(float(expected), rel=1e-5)


def test_target_aware_finds_features_wherever_they_are() -> None:
    teacher = 20 * torch.eye(4).view(1, 4, 2, 2)
    assert float(target_aware(teacher.flip(3), teacher)) < 1e-3


def test_the_teacher_gets_no_gradient() -> None:
    student, teacher = torch.randn(1, 2, 2, 2, requires_grad=True), torch.randn(1, 2, 2, 2, requires_grad=True)
    sum(distillation([student], [teacher]).values(), torch.zeros(())).backward()  # type: ignore[no-untyped-call]
    assert student.grad is not None
    assert teacher.grad is None


def test_distillation_names_a_term_for_each_map() -> None:
    maps = [torch.randn(1, 2, 2, 2), torch.randn(1, 2, 3, 3)]
    assert list(distillation(maps, maps)) == ["distil_1", "distil_2"]


@pytest.mark.parametrize(("phase", "expected"), [(0.0, 0.0), (math.pi, 2.0), (math.pi / 2, 1.0)])
def test_wave_pearson_is_one_minus_the_correlation(phase: float, expected: float) -> None:
    assert float(wave_pearson(sine(1.5, phase), sine(1.5), ALL, BPM, FPS)) == pytest.approx(expected, abs=0.02)


def test_two_waves_correlate_as_they_are_and_not_as_their_sums() -> None:
    mixed = sine(1.0) + sine(3.0)
    assert float(wave_pearson(mixed, sine(3.0), ALL, BPM, FPS)) == pytest.approx(1 - math.sqrt(0.5), abs=0.05)
    assert float(band_pearson(mixed, sine(3.0), ALL, BPM, FPS)) > 0.5


@pytest.mark.parametrize("phase", [0.0, 2.0])
def test_the_spectral_term_asks_where_the_power_is_and_not_for_the_phase(phase: float) -> None:
    assert float(spectral(sine(1.5, phase), sine(1.5), ALL, BPM, FPS)) < 0.1


def test_the_spectral_term_is_the_logarithm_of_the_share_in_the_right_place() -> None:
    mixed = sine(1.5) + sine(3.5)
    assert float(spectral(mixed, sine(1.5), ALL, BPM, FPS)) == pytest.approx(math.log(2), abs=0.1)


def test_the_spectral_term_takes_no_harmonic_for_the_rate() -> None:
    true = sine(1.5) + 2 * sine(3.0)
    assert float(spectral(sine(3.0), true, ALL, BPM, FPS)) > 3


def test_of_changes_the_running_sum_is_what_counts() -> None:
    mixed = sine(1.5) + 2 * sine(3.0)  # summed, both lines are equally strong
    assert float(band_spectral(mixed, mixed, ALL, BPM, FPS)) == pytest.approx(math.log(2), abs=0.1)


def test_each_clip_has_its_own_rate() -> None:
    both = torch.cat([sine(1.0), sine(3.0)])
    right = spectral(both, both, ALL.expand(2, -1), torch.tensor([60.0, 180.0]), FPS)
    assert float(right) < 0.1
    assert float(spectral(both, both, ALL.expand(2, -1), torch.tensor([180.0, 60.0]), FPS)) > 3


def test_a_rate_outside_the_band_pulls_nowhere() -> None:
    predicted = sine(1.5).requires_grad_()
    spectral(predicted, sine(1.5), ALL, torch.zeros(1), FPS).backward()  # type: ignore[no-untyped-call]
    assert predicted.grad is not None
    assert predicted.grad.abs().max() == 0
