"""Every format, from its folder to the cache: the pulse of each clip is the one that its crops show, at their times."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from service.pipeline.types import InputSpec
from tests.training.datasets.folders import (
    Take,
    heart,
    make_take,
    write_cohface,
    write_first_ubfc,
    write_own,
    write_pure,
    write_second_ubfc,
)
from tests.training.videos import STORE
from training.clips import TrainingClip
from training.datasets.catalogue import DATASETS
from training.datasets.errors import DatasetInvalid
from training.datasets.recording import Recording, Trace
from training.recorded import NO_FACE, NO_PULSE, Cutter, prepare_recordings

FRAMES = 150


@pytest.fixture(scope="module")
def take() -> Take:
    return make_take()


@pytest.fixture(scope="module")
def cutter() -> Cutter:
    return Cutter(STORE, InputSpec(), FRAMES)


def first_ubfc(root: Path, take: Take) -> None:
    write_first_ubfc(root / "5-gt", take)


def second_ubfc(root: Path, take: Take) -> None:
    write_second_ubfc(root / "subject1", take)


def pure(root: Path, take: Take) -> None:
    # Its own clock is honest: frames that tremble keep their times.
    kept = np.delete(np.arange(len(take.times_s)), [40, 41, 100])
    write_pure(root, "01-01", Take(take.times_s[kept], take.pictures[kept], take.truth))


def cohface(root: Path, take: Take) -> None:
    write_cohface(root, "1", "0", make_take(20.0))


def own(root: Path, take: Take) -> None:
    write_own(root / "ann" / "1", take)


def best_shift(clip: TrainingClip) -> tuple[int, float]:
    """Return by how many crops the darkening of the face fits the pulse best, and how well it fits."""
    green = -clip.rgb[:, 1, 10:26, 10:26].mean(axis=(1, 2))
    likeness = {
        shift: float(np.corrcoef(green[8 + shift : -8 + shift or None][: FRAMES - 16], clip.ppg[8:-8])[0, 1])
        for shift in range(-4, 5)
    }
    best = max(likeness, key=likeness.__getitem__)
    return best, likeness[best]


def one(name: str, root: Path) -> Recording:
    (recording,) = DATASETS[name](root)
    return recording


@pytest.mark.parametrize(
    ("name", "write"),
    [("ubfc-rppg", first_ubfc), ("ubfc-rppg", second_ubfc), ("pure", pure), ("cohface", cohface), ("own", own)],
    ids=["DATASET_1", "DATASET_2", "PURE", "COHFACE", "own"],
)
def test_the_crops_show_the_pulse_at_its_times(
    cutter: Cutter, take: Take, tmp_path: Path, name: str, write: Callable[[Path, Take], None]
) -> None:
    write(tmp_path, take)
    left_out = Counter[str]()
    (clip,) = cutter.cut(one(name, tmp_path), left_out)
    assert clip.rgb.shape == (FRAMES, 3, 36, 36)
    shift, likeness = best_shift(clip)
    assert abs(shift) <= (1 if name == "cohface" else 0)  # MPEG-4 carries small changes on too late
    assert likeness > 0.9
    assert clip.meta["bpm"] == pytest.approx(84, abs=2)
    assert left_out == Counter()


@pytest.fixture(scope="module")
def filmed(take: Take, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    root = tmp_path_factory.mktemp("own")
    write_own(root / "ann" / "1", take)
    return one("own", root)


def test_stretches_follow_one_another_and_the_rest_is_dropped(filmed: Recording) -> None:
    clips = list(Cutter(STORE, InputSpec(), 50).cut(filmed, Counter()))
    assert [clip.meta["start_s"] for clip in clips] == pytest.approx([0, 50 / 30, 100 / 30])
    whole = next(Cutter(STORE, InputSpec(), FRAMES).cut(filmed, Counter()))
    np.testing.assert_array_equal(np.concatenate([clip.rgb for clip in clips]), whole.rgb)
    np.testing.assert_array_equal(np.concatenate([clip.ppg for clip in clips]), whole.ppg)


def test_a_stretch_without_the_sensor_is_left_out(filmed: Recording) -> None:
    pulse = filmed.pulse
    kept = pulse.times_s > 2
    left_out = Counter[str]()
    late = replace(filmed, pulse=Trace(pulse.times_s[kept], pulse.values[kept]))
    clips = list(Cutter(STORE, InputSpec(), 50).cut(late, left_out))
    assert [clip.meta["start_s"] for clip in clips] == pytest.approx([100 / 30])
    assert left_out == {NO_PULSE: 2}


def test_a_stretch_without_the_face_is_left_out(take: Take, tmp_path: Path) -> None:
    pictures = take.pictures.copy()
    pictures[70:] = (100, 90, 80)
    write_own(tmp_path / "ann" / "1", replace(take, pictures=pictures))
    left_out = Counter[str]()
    clips = list(Cutter(STORE, InputSpec(), 50).cut(one("own", tmp_path), left_out))
    assert [clip.meta["start_s"] for clip in clips] == pytest.approx([0, 50 / 30])
    assert left_out == {NO_FACE: 1}


def test_a_video_that_is_none_is_counted_by_its_name(cutter: Cutter, tmp_path: Path) -> None:
    write_own(tmp_path / "ann" / "1", heart())
    left_out = Counter[str]()
    assert list(cutter.cut(one("own", tmp_path), left_out)) == []
    assert left_out == {"not_a_video in ann/1": 1}


def test_a_half_folder_fills_no_cache(tmp_path: Path) -> None:
    write_own(tmp_path / "own" / "ann" / "1", heart())
    write_own(tmp_path / "own" / "bob" / "1", heart())
    (tmp_path / "own" / "bob" / "1.csv").unlink()
    with pytest.raises(DatasetInvalid, match=r"bob/1\.csv"):
        prepare_recordings(DATASETS["own"](tmp_path / "own"), tmp_path / "cache", make=partial(Cutter, STORE))
    assert not (tmp_path / "cache").exists()
