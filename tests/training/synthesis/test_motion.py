import numpy as np
import pytest

from tests.training.synthesis.clips import STEADY
from training.synthesis.motion import MOTIONS, MotionSettings, Poses, make_poses
from training.synthesis.pulse_wave import Series, make_truth

TIMES_S = np.arange(600) / 30
TRUTH = make_truth(STEADY, 20.0, np.random.default_rng(0))


def _poses(kind: str, seed: int = 1, **settings: float) -> Poses:
    return make_poses(MotionSettings(kind, **settings), TIMES_S, TRUTH, np.random.default_rng(seed))


def _peak_hz(curve: Series) -> float:
    power = np.abs(np.fft.rfft((curve - curve.mean()) * np.hanning(len(curve)), 8192))
    return float(np.fft.rfftfreq(8192, 1 / 30)[power.argmax()])


def _wander(poses: Poses) -> float:
    return float(poses.x.std() + poses.y.std() + poses.yaw.std() + poses.pitch.std())


@pytest.mark.parametrize("kind", MOTIONS)
def test_every_kind_moves_smoothly(kind: str) -> None:
    poses = _poses(kind, strength=1.0)
    assert np.abs(np.diff(poses.x)).max() < 0.05
    assert np.all((poses.jaw >= 0) & (poses.jaw <= 1))
    assert np.all((poses.lid >= 0) & (poses.lid <= 1))


def test_a_photograph_does_not_move_or_blink_by_itself() -> None:
    poses = _poses("photograph", blink_hz=1.0)
    assert not any(getattr(poses, name).any() for name in ("x", "y", "roll", "yaw", "pitch", "jaw", "lid", "camera_x"))
    assert np.all(poses.zoom == 1)


def test_a_hand_shakes_a_photograph() -> None:
    assert _poses("photograph", handheld=1.0).camera_x.std() > 0.01


def test_larger_kinds_move_more() -> None:
    still, sway, turning = (_wander(_poses(kind, strength=1.0)) for kind in ("still", "sway", "turning"))
    assert still < sway < turning


def test_rhythmic_motion_has_its_rate() -> None:
    for seed in range(5):
        poses = _poses("rhythmic", seed, strength=1.0, rate_hz=1.7)
        rates = [_peak_hz(getattr(poses, name)) for name in ("x", "y", "roll", "yaw", "pitch")]
        assert min(abs(rate - 1.7) for rate in rates) < 0.1


def test_ballistic_motion_has_the_hearts_rate_and_is_tiny() -> None:
    poses, calm = (_poses("ballistic", strength=strength) for strength in (1.0, 0.0))
    recoil = poses.y - calm.y
    assert _peak_hz(recoil) == pytest.approx(84 / 60, abs=0.05)
    assert np.ptp(recoil) < 0.006


def test_only_talking_opens_the_mouth() -> None:
    assert _poses("talking", strength=1.0, rate_hz=3.0).jaw.max() > 0.3
    assert not any(_poses(kind).jaw.any() for kind in MOTIONS if kind != "talking")


def test_blinks_are_short_and_as_frequent_as_said() -> None:
    lid = np.mean([_poses("still", seed, blink_hz=0.5).lid > 0.5 for seed in range(10)])
    assert 0.02 < lid < 0.12
