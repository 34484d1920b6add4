from pathlib import Path

import numpy as np
import pytest

from service.pipeline.estimate import Estimator
from service.pipeline.manifest import ModelStore
from service.pipeline.pulse import heart_rate, quality_features
from service.pipeline.quality import confidence
from service.pipeline.types import Calibration
from tests.service.pipeline.renders import BPM
from tests.service.pipeline.signals import PULSELESS, as_pulse, coloured_noise, controls, pulse_wave
from tests.training.videos import write_case, write_store
from training.calibrate import Observation, fit, held_out_row, main, observe, write_calibration
from training.datasets.splits import seeds_of


def seen(seed: int, *, pulse: bool, person: str = "a") -> Observation:
    """Return 20 s of a pulse in noise of any size, or of nothing."""
    rng = np.random.default_rng(seed)
    if not pulse:
        nothing = list(PULSELESS.values())[seed % len(PULSELESS)](600, seed)
        return Observation(person, None, nothing, controls(nothing))
    bpm = float(rng.uniform(50, 150))
    wave = pulse_wave(bpm, 20, 30, seed=seed) + 10 ** rng.uniform(-1, 1) * coloured_noise(600, 1, seed=seed)
    return Observation(person, bpm, as_pulse(wave, 30), controls(as_pulse(wave, 30)))


def mixture(count: int = 180) -> list[Observation]:
    return [seen(i, pulse=i % 6 > 0, person="abcd"[i // 6 % 4]) for i in range(count)]


def test_a_video_is_seen_as_the_service_sees_it(face_video: Path, tiny_store: Path, tmp_path: Path) -> None:
    estimator = Estimator(tiny_store)
    found = observe(estimator, write_case(tmp_path, 1, face_video, BPM, "eve"), ["tiny", "chrom"])
    assert {name: (o.person, o.bpm) for name, o in found.items()} == dict.fromkeys(["tiny", "chrom"], ("eve", BPM))
    for name, observation in found.items():
        answer = heart_rate(observation.pulse, estimator.model(name).calibration, controls=observation.controls)
        served = estimator.estimate(face_video, model=name).faces[0].heart_rate
        assert (answer.bpm, answer.confidence) == (served.bpm, served.confidence)


def test_a_refused_video_is_not_seen(tiny_store: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(b"no video")
    assert observe(Estimator(tiny_store), write_case(tmp_path, 1, tmp_path / "broken", BPM), ["tiny"]) == {}


def test_nothing_is_right_without_a_pulse() -> None:
    assert not seen(0, pulse=False).is_right(75.0)


def test_the_fit_trusts_a_clean_pulse_and_nothing_else() -> None:
    calibration = fit(mixture())
    clean = as_pulse(pulse_wave(80, 20, 30) + 0.2 * coloured_noise(600, 1, seed=1), 30)
    assert confidence(quality_features(clean), calibration) > 0.8
    nothing = [seen(seed, pulse=False) for seed in range(1000, 1030)]
    assert max(confidence(quality_features(o.pulse), calibration) for o in nothing) < 0.3


def test_videos_without_a_pulse_weigh_more(monkeypatch: pytest.MonkeyPatch) -> None:
    observations, nothing = mixture(), [seen(seed, pulse=False) for seed in range(1000, 1030)]

    def trust() -> float:
        calibration = fit(observations)
        return max(confidence(quality_features(o.pulse), calibration) for o in nothing)

    careful = trust()
    monkeypatch.setattr("training.calibrate.PULSELESS_COUNTS", 0.2)  # as often as they are
    assert careful < 0.5 * trust()


def test_the_row_counts_videos_and_confident_ones() -> None:
    videos, share, right, worst = held_out_row(mixture())
    assert videos == "180"
    assert 20 < float(share.rstrip("%")) < 80
    assert float(right.rstrip("%")) > 90
    assert 0 < float(worst) < 0.5  # by few videos' fit; one in a hundred times chance looks like a pulse


def test_a_person_is_never_judged_by_a_fit_to_herself() -> None:
    # Were her own videos fitted, everyone's wrong answers would make no video of hers a confident one.
    good = [seen(i, pulse=True, person="a") for i in range(60)]
    bad = [Observation("b", 240.0, o.pulse, o.controls) for o in good]
    alone = confidence(quality_features(good[0].pulse, controls=good[0].controls), fit(bad))
    assert alone < 0.2
    _, share, right, _ = held_out_row(good + bad)
    assert float(share.rstrip("%")) > 10
    assert right == "0.0%"


def test_one_person_cannot_be_judged() -> None:
    assert held_out_row([seen(i, pulse=True) for i in range(3)])[1:] == ["-"] * 3


def test_the_command_writes_the_fit(
    face_video: Path, pulseless_video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = write_store(tmp_path / "store")
    videos = (
        (face_video, BPM, "a"),
        (pulseless_video, None, "a"),
        (face_video, BPM, "b"),
        (pulseless_video, None, "b"),
    )
    for seed, (video, bpm, person) in zip(seeds_of("calibration", 4), videos, strict=True):
        write_case(tmp_path / "videos" / "calibration-6s-drawn", seed, video, bpm, person)
    before = ModelStore(store).manifest("tiny").calibration
    write_metrics(store, {"test_ok_share": 0.4, "steps": 7.0})
    common = ["--clips", "4", "--durations-s", "6", "--jobs", "1", "--videos", str(tmp_path / "videos")]
    main([*common, "--model-store", str(store), "--write"])
    after, metrics = ModelStore(store).manifest("tiny").calibration, ModelStore(store).manifest("tiny").metrics
    assert before is None
    assert metrics == {"steps": 7.0}  # what another confidence reached is no figure of this one
    assert after is not None
    assert all(weight >= 0 for weight in after.weights.values())
    printed = capsys.readouterr().out
    assert "| tiny | 4 |" in printed
    assert "| pos | 4 |" in printed
    main([*common, "--model-store", str(store), "--models", "pos"])
    printed = capsys.readouterr().out
    assert "| pos | 4 |" in printed
    assert "tiny" not in printed


def write_metrics(store: Path, metrics: dict[str, float]) -> None:
    opened = ModelStore(store)
    opened.manifest("tiny").model_copy(update={"metrics": metrics}).write(opened.folder("tiny"))


def test_the_same_fit_leaves_the_figures(tmp_path: Path) -> None:
    store, fitted = write_store(tmp_path / "store"), Calibration(-1.0, {"snr_db": 0.5})
    folder = ModelStore(store).folder("tiny")
    write_calibration(folder, fitted)
    assert "bias -1.000" in (folder / "CARD.md").read_text()
    write_metrics(store, {"test_ok_share": 0.4})
    write_calibration(folder, fitted)
    assert ModelStore(store).manifest("tiny").metrics == {"test_ok_share": 0.4}
    write_calibration(folder, Calibration(-2.0, {"snr_db": 0.5}))
    assert not ModelStore(store).manifest("tiny").metrics
