"""Live measuring at the seam of frames: equal to a recording's samples, honest about what it sees, bounded memory."""

import gc
import sys
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from types import FunctionType, ModuleType

import numpy as np
import pytest

from service.pipeline.clip import ClipBuilder
from service.pipeline.estimate import Estimator
from service.pipeline.face import FaceTracker, crop_of
from service.pipeline.frame import Frame, frame_from_rgb
from service.pipeline.infer import OnnxPulseModel
from service.pipeline.live import KEEP_S, WAVE_DELAY_S, LiveEstimator, LiveUpdate
from service.pipeline.live_messages import GivenFace
from service.pipeline.pulse import DEFAULT_CALIBRATION, heart_rate
from service.pipeline.stills import StillDecoder
from service.pipeline.stretches import Stretch
from service.pipeline.types import Box, DecodeLimits, DetectedFace, Pulse
from tests.service.pipeline.live_clips import face_messages
from tests.service.pipeline.renders import BPM
from tests.service.pipeline.tiny_models import write_window_model

STORE = Path(__file__).parents[3] / "model_store"
LIMITS = DecodeLimits()


@pytest.fixture(scope="module")
def estimator() -> Estimator:
    return Estimator(STORE)


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    """The rendered face's frames, from time 0 on."""
    decoder = StillDecoder(LIMITS)
    return [decoder.decode(message[8:], index / 30) for index, message in enumerate(face_messages())]


@pytest.fixture(scope="module")
def updates(estimator: Estimator, frames: list[Frame]) -> list[LiveUpdate]:
    return watch(estimator, frames)


def watch(estimator: Estimator, frames: Iterable[Frame]) -> list[LiveUpdate]:
    live = LiveEstimator(estimator.model(), FaceTracker(estimator.detector))
    return [update for frame in frames if (update := live.push(frame))]


def at(frame: Frame, time_s: float) -> Frame:
    return Frame(time_s, frame.planes, frame.colour, frame.rotation_deg)


def grey_wall(time_s: float, level: int = 120) -> Frame:
    return frame_from_rgb(np.full((240, 320, 3), (level, level * 3 // 4, level // 2), np.uint8), time_s)


def batch_pulse(estimator: Estimator, frames: Iterable[Frame]) -> Pulse:
    """Return the samples of the path of recordings."""
    model, tracker = estimator.model(), FaceTracker(estimator.detector)
    builder, stream = ClipBuilder(model.input), model.stream()
    for frame in frames:
        for face in tracker.update(frame):
            for clip in builder.push(frame, face.crop, moved=face.moved):
                stream.push(clip)
    for clip in builder.finish():
        stream.push(clip)
    return stream.finish()


def joined(stretches: Iterable[Stretch]) -> np.ndarray:
    """Join stretches after checking that each begins where the one before ended."""
    filled = [stretch for stretch in stretches if len(stretch.values)]
    for before, after in pairwise(filled):
        assert after.start_s == pytest.approx(before.start_s + len(before.values) / before.fps, abs=1e-6)
    return np.concatenate([stretch.values for stretch in filled])


def test_every_sample_is_told_once_and_is_that_of_a_recording(
    estimator: Estimator, frames: list[Frame], updates: list[LiveUpdate]
) -> None:
    told, whole = joined(update.samples for update in updates), batch_pulse(estimator, frames)
    assert updates[0].samples.start_s == pytest.approx(whole.start_s)
    assert len(told) >= 30 * 10.9 - estimator.model().input.future
    np.testing.assert_allclose(told, whole.samples[: len(told)], rtol=1e-4, atol=1e-5)


def test_the_wave_is_that_of_a_recording(estimator: Estimator, frames: list[Frame], updates: list[LiveUpdate]) -> None:
    told = joined(update.bvp for update in updates)
    whole = heart_rate(batch_pulse(estimator, frames))
    first = next(update.bvp.start_s for update in updates if len(update.bvp.values))
    begin = round((first - whole.start_s) * 30)
    assert np.corrcoef(told, whole.bvp[begin : begin + len(told)])[0, 1] > 0.98


def test_the_wave_is_told_a_second_late(updates: list[LiveUpdate]) -> None:
    newest = updates[-1].bvp.start_s + len(updates[-1].bvp.values) / 30
    assert newest == pytest.approx(updates[-1].time_s - WAVE_DELAY_S, abs=0.1)


def test_a_rate_is_said_as_soon_as_it_is_known(updates: list[LiveUpdate]) -> None:
    assert [update.status for update in updates[:3]] == ["measuring"] * 3
    assert all(update.bpm is None and update.confidence == 0 for update in updates[:3])
    assert updates[-1].status == "ok"
    assert updates[-1].bpm == pytest.approx(BPM, abs=2)
    assert updates[-1].window_s == pytest.approx(10)


def test_an_update_comes_every_second(updates: list[LiveUpdate]) -> None:
    assert [update.time_s for update in updates] == pytest.approx(list(range(1, 12)), abs=1e-6)
    assert [update.frames for update in updates] == list(range(31, 332, 30))


def test_the_spectrum_peaks_at_the_rate(updates: list[LiveUpdate]) -> None:
    spectrum = updates[-1].spectrum
    assert spectrum is not None
    assert 80 <= len(spectrum.power) <= 200
    peak_hz = spectrum.start_hz + spectrum.step_hz * int(spectrum.power.argmax())
    assert 60 * peak_hz == pytest.approx(BPM, abs=3)
    assert spectrum.power.max() == 1


def test_a_still_face_in_good_light_needs_no_warning(updates: list[LiveUpdate]) -> None:
    assert not updates[-1].warnings
    assert updates[-1].face is not None


def test_a_photograph_never_gets_a_rate(estimator: Estimator) -> None:
    decoder = StillDecoder(LIMITS)
    messages = face_messages(pulse=False, fps=15.0)
    photograph = [decoder.decode(message[8:], index / 15) for index, message in enumerate(messages)]
    updates = watch(estimator, photograph)
    assert max(update.confidence for update in updates) < 0.3
    assert {update.status for update in updates} <= {"measuring", "low_quality"}


def test_a_wall_is_no_face(estimator: Estimator) -> None:
    update = watch(estimator, (grey_wall(index / 30) for index in range(61)))[-1]
    assert update.status == "no_face"
    assert update.bpm is None
    assert [warned.code for warned in update.warnings] == ["no_face"]


def test_the_dark_is_told_as_such(estimator: Estimator) -> None:
    update = watch(estimator, (grey_wall(index / 30, 10) for index in range(61)))[-1]
    assert [warned.code for warned in update.warnings] == ["too_dark", "no_face"]


def test_a_grey_picture_claims_nothing(estimator: Estimator) -> None:
    live = LiveEstimator(estimator.model(), GivenFace(Box(20, 20, 80, 80), LIMITS))
    pictures = [np.full((120, 160, 3), 120 + index % 3, np.uint8) for index in range(190)]
    update = [live.push(frame_from_rgb(picture, index / 30)) for index, picture in enumerate(pictures)][180]
    assert update is not None
    assert update.warnings[0].code == "no_colour"
    assert update.confidence == 0


def test_a_face_that_leaves_and_returns_begins_anew(estimator: Estimator, frames: list[Frame]) -> None:
    there, away = frames[:210], [grey_wall(7 + index / 30) for index in range(180)]
    back = [at(frame, 13 + index / 30) for index, frame in enumerate(frames[:270])]
    updates = watch(estimator, [*there, *away, *back])
    said = {round(update.time_s): update for update in updates}
    assert said[7].bpm is not None
    assert [said[second].status for second in (10, 11, 12)] == ["no_face"] * 3
    assert all(said[second].bpm is None for second in (10, 11, 12))
    assert np.isnan(said[12].samples.values).all()
    assert "face_lost" in {warned.code for warned in said[16].warnings}
    assert said[21].bpm == pytest.approx(BPM, abs=4)
    assert said[21].window_s < 10


def test_after_a_long_pause_nothing_of_before_is_used(estimator: Estimator, frames: list[Frame]) -> None:
    later = [at(frame, 100 + index / 30) for index, frame in enumerate(frames[:150])]
    updates = watch(estimator, [*frames[:180], *later])
    first_after = next(update for update in updates if update.time_s > 99)
    assert first_after.bpm is None
    assert len(first_after.samples.values) < 30
    assert updates[-1].samples.start_s > 100


def test_a_short_pause_leaves_a_hole(estimator: Estimator, frames: list[Frame]) -> None:
    paused = [frame for frame in frames[:240] if not 4.0 < frame.time_s < 5.0]
    updates = watch(estimator, paused)
    told = joined(update.samples for update in updates)
    assert 25 <= np.isnan(told).sum() <= 35
    assert "frames_missing" in {warned.code for warned in updates[-1].warnings}


@pytest.mark.parametrize(("every", "claims"), [(2, True), (4, False)])
def test_few_frames_are_told_and_too_few_claim_nothing(
    estimator: Estimator, frames: list[Frame], every: int, claims: bool
) -> None:
    update = watch(estimator, frames[::every])[-1]
    assert update.fps == pytest.approx(30 / every, abs=0.2)
    assert ("low_frame_rate" in {warned.code for warned in update.warnings}) != claims
    assert (update.confidence > 0.5) == claims


def test_moves_ask_to_hold_still(estimator: Estimator, frames: list[Frame]) -> None:
    def shifted(frame: Frame) -> Frame:
        by = 2 * 24 * (int(frame.time_s / 1.5) % 2)
        y, cb, cr = (np.roll(plane, by * plane.shape[1] // 320, axis=1) for plane in frame.planes)
        return Frame(frame.time_s, (y, cb, cr), frame.colour)

    update = watch(estimator, [shifted(frame) for frame in frames[:240]])[-1]
    assert "restless" in {warned.code for warned in update.warnings}


def bytes_held(root: object) -> int:
    """Return the bytes of everything that an object leads to, code aside."""
    seen, todo, total = set[int](), [root], 0
    while todo:
        item = todo.pop()
        if id(item) not in seen and not isinstance(item, type | ModuleType | FunctionType):
            seen.add(id(item))
            total += sys.getsizeof(item)
            todo.extend(gc.get_referents(item))
    return total


@pytest.mark.parametrize("model", ["student", "pos"])
def test_memory_does_not_grow(estimator: Estimator, model: str) -> None:
    live = LiveEstimator(estimator.model(model), FaceTracker(NobodyKnows()))
    pictures = [np.full((64, 64, 3), (150 + index, 120, 90), np.uint8) for index in range(7)]
    held = []
    for number in range(round(8 * KEEP_S * 10) + 1):
        live.push(frame_from_rgb(pictures[number % 7], number / 10))
        if number % round(2 * KEEP_S * 10) == 0:
            held.append(bytes_held(live))
    assert held[2] > held[0]
    assert max(held[2:]) < 1.02 * held[1]


class NobodyKnows:
    """A detector that sees a face elsewhere at each look."""

    def __init__(self) -> None:
        self.looks = 0

    def detect(self, frame: Frame) -> list[DetectedFace]:
        del frame
        self.looks += 1
        x = 10 + 4 * (self.looks % 5)
        return [DetectedFace(Box(x, 10, x + 30, 40), 0.99)]

    def confirm(self, frame: Frame, box: Box) -> DetectedFace:
        del box
        return self.detect(frame)[0]


def test_a_model_of_windows_tells_what_will_not_change(tmp_path: Path) -> None:
    folder = write_window_model(tmp_path, past=4, future=20)
    model = OnnxPulseModel(folder, default_calibration=DEFAULT_CALIBRATION)
    rng = np.random.default_rng(0)
    pictures = [frame_from_rgb(rng.integers(0, 255, (64, 64, 3), np.uint8), index / 30) for index in range(330)]
    live = LiveEstimator(model, GivenFace(Box(10, 10, 40, 40), LIMITS))
    told = joined(update.samples for frame in pictures if (update := live.push(frame)))
    builder, stream = ClipBuilder(model.input), model.stream()
    for frame in pictures:
        for clip in builder.push(frame, crop_of(Box(10, 10, 40, 40)), moved=False):
            stream.push(clip)
    for clip in builder.finish():
        stream.push(clip)
    assert len(told) == pytest.approx(330 - 29 - 20, abs=2)
    np.testing.assert_allclose(told, stream.finish().samples[: len(told)], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["green", "chrom", "pos"])
def test_classical_methods_run_live_too(estimator: Estimator, frames: list[Frame], name: str) -> None:
    live = LiveEstimator(estimator.model(name), FaceTracker(estimator.detector))
    update = [update for frame in frames[:300] if (update := live.push(frame))][-1]
    assert update.bpm == pytest.approx(BPM, abs=4)
