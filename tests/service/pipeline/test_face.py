import numpy as np
import pytest

from service.pipeline.classical import CLASSICAL
from service.pipeline.clip import ClipBuilder
from service.pipeline.errors import NoFaceFound
from service.pipeline.face import FaceTracker, crop_of, fits
from service.pipeline.frame import frame_from_rgb
from service.pipeline.mtcnn import FaceDetector, overlap
from service.pipeline.pulse import heart_rate
from service.pipeline.types import Box, FaceChoice, InputSpec, TrackedFace
from tests.service.pipeline.face_scripts import MAIN, Places, Script, shifted, still, watch
from tests.service.pipeline.faces import FACE_MODEL, centre, noise, scene_frame


def test_a_still_face_gets_one_crop() -> None:
    tracker = FaceTracker(Script(still(MAIN)))
    answers = watch(tracker, 12)
    assert all(answer == (TrackedFace(0, crop_of(MAIN), moved=False),) for answer in answers)
    (track,) = tracker.tracks()
    assert track.crops == ((0.0, crop_of(MAIN)),)
    assert track.found_ratio == 1.0


def test_looks_come_once_a_second() -> None:
    script = Script(still(MAIN))
    watch(FaceTracker(script), 4)
    assert script.searches == [0.0]
    assert script.confirms == [1.0, 2.0, 3.0]


def test_the_whole_frame_is_searched_every_few_looks() -> None:
    script = Script(still(MAIN))
    watch(FaceTracker(script), 11)
    assert script.searches == [0.0, 5.0, 10.0]


def test_looks_are_spaced_by_the_interval() -> None:
    script = Script(still(MAIN))
    watch(FaceTracker(script, interval_s=2.0), 7)
    assert script.confirms == [2.0, 4.0, 6.0]


def test_without_a_face_four_looks_a_second() -> None:
    script = Script(still())
    assert not any(watch(FaceTracker(script), 2, fps=60))
    assert len(script.searches) == 8


def test_no_face_is_an_error() -> None:
    tracker = FaceTracker(Script(still()))
    watch(tracker, 3)
    with pytest.raises(NoFaceFound):
        tracker.tracks()


def test_no_frame_is_no_face() -> None:
    with pytest.raises(NoFaceFound):
        FaceTracker(Script(still(MAIN))).tracks()


def test_a_face_in_few_looks_is_no_face() -> None:
    tracker = FaceTracker(Script(lambda time_s: [MAIN] if 4.9 < time_s < 5.2 else []))
    watch(tracker, 15)
    with pytest.raises(NoFaceFound):
        tracker.tracks()


def test_a_late_face_is_found_when_it_comes() -> None:
    tracker = FaceTracker(Script(lambda time_s: [MAIN] if time_s >= 3 else []))
    answers = watch(tracker, 6, fps=20)
    first = next(index for index, answer in enumerate(answers) if answer)
    assert first / 20 == pytest.approx(3.0, abs=0.3)
    assert not answers[first][0].moved
    assert tracker.tracks()[0].found_ratio == pytest.approx(0.5, abs=0.1)


def test_frames_without_the_face_are_not_comparable() -> None:
    tracker = FaceTracker(Script(lambda time_s: [] if 2.5 < time_s < 5.5 else [MAIN]))
    answers = watch(tracker, 8)
    assert all(face.crop == crop_of(MAIN) for (face,) in answers)
    # Looked for at 3 s, at 4 s and at 5 s in vain, found again at 6 s; one miss alone is no reason.
    assert [index for index, (face,) in enumerate(answers) if face.moved] == list(range(40, 60))


def test_a_lamp_in_place_of_a_face_that_left_gets_no_confidence() -> None:
    tracker = FaceTracker(Script(lambda time_s: [MAIN] if time_s < 5 else []))
    builder, stream = ClipBuilder(InputSpec()), CLASSICAL["green"]().stream()
    wall = np.random.default_rng(0).normal(150, 3, (240, 320, 3))
    for index in range(600):
        time_s = index / 20
        flicker = 2 * np.sin(2 * np.pi * 1.9 * time_s) * (time_s >= 5)
        frame = frame_from_rgb((np.roll(wall, index, axis=0) + flicker).astype(np.uint8), time_s)
        for face in tracker.update(frame):
            for clip in builder.push(frame, face.crop, moved=face.moved):
                stream.push(clip)
    result = heart_rate(stream.finish())
    assert result.status == "low_quality"
    assert result.confidence < 0.3


def test_jitter_moves_nothing() -> None:
    rng = np.random.default_rng(5)
    tracker = FaceTracker(
        Script(lambda _time_s: [Box(*(np.array([100, 100, 200, 220]) + rng.normal(0, 4, 4)).tolist())])
    )
    watch(tracker, 30)
    assert len(tracker.tracks()[0].crops) == 1


def test_a_face_that_leaves_its_crop_moves_it_once() -> None:
    tracker = FaceTracker(Script(lambda time_s: [MAIN if time_s < 2.5 else shifted(MAIN, 45)]))
    answers = watch(tracker, 8)
    moves = [index for index, (face,) in enumerate(answers) if face.moved]
    assert moves == [30]
    assert answers[-1][0].crop == crop_of(shifted(MAIN, 45))
    assert [time_s for time_s, _ in tracker.tracks()[0].crops] == [0.0, 3.0]


def test_a_slow_drift_moves_the_crop_now_and_then() -> None:
    tracker = FaceTracker(Script(lambda time_s: [shifted(MAIN, 5 * time_s)]))
    answers = watch(tracker, 30)
    assert 3 <= len(tracker.tracks()[0].crops) - 1 <= 7
    for index, (face,) in enumerate(answers):
        assert overlap(face.crop, shifted(MAIN, 5 * index / 10).square(1.6)) > 0.6


def test_a_lost_face_keeps_its_crop() -> None:
    tracker = FaceTracker(Script(lambda time_s: [MAIN] if time_s < 5 else []))
    assert all(face.crop == crop_of(MAIN) for (face,) in watch(tracker, 10))
    assert tracker.tracks()[0].found_ratio == pytest.approx(0.5, abs=0.05)


def test_a_face_that_is_away_is_told_from_one_that_moved() -> None:
    gone = [face.away for (face,) in watch(FaceTracker(Script(lambda time_s: [MAIN] if time_s < 3 else [])), 6)]
    assert gone == [False] * 40 + [True] * 20
    moving = FaceTracker(Script(lambda time_s: [MAIN if time_s < 2.5 else shifted(MAIN, 45)]))
    assert not any(face.away for (face,) in watch(moving, 6))


def test_live_video_keeps_the_present_crop_alone() -> None:
    tracker = FaceTracker(Script(lambda time_s: [MAIN if time_s < 2.5 else shifted(MAIN, 45)]))
    watch(tracker, 6)
    tracker.forget()
    assert [box for _, box in tracker.tracks()[0].crops] == [crop_of(shifted(MAIN, 45))]


def test_a_face_lost_for_long_is_looked_for_more_often() -> None:
    script = Script(lambda time_s: [MAIN] if time_s < 1 else [])
    watch(FaceTracker(script), 20)
    early = [time_s for time_s in script.searches if 1 <= time_s < 5]
    late = [time_s for time_s in script.searches if 15 <= time_s < 19]
    assert len(late) == 2 * len(early)


def test_found_ratio_counts_seconds_not_looks() -> None:
    tracker = FaceTracker(Script(lambda time_s: [MAIN] if time_s < 5 else []))
    watch(tracker, 50)
    assert tracker.tracks()[0].found_ratio == pytest.approx(0.1, abs=0.001)


def test_an_uncertain_face_is_none() -> None:
    tracker = FaceTracker(Script(still(MAIN), score=0.85))
    assert not any(watch(tracker, 2))


def test_a_face_in_the_dark_is_none() -> None:
    tracker = FaceTracker(Script(still(MAIN)))
    assert not any(watch(tracker, 2, rgb=np.full((48, 64, 3), 10, np.uint8)))


def test_the_same_video_gives_the_same_answers() -> None:
    places: Places = lambda time_s: [shifted(MAIN, 40 * np.sin(time_s))]  # noqa: E731
    assert watch(FaceTracker(Script(places)), 20) == watch(FaceTracker(Script(places)), 20)


@pytest.mark.parametrize("fps", [10.0, 25.0, 29.97, 60.0])
def test_looks_do_not_depend_on_the_frame_rate(fps: float) -> None:
    script = Script(still(MAIN))
    watch(FaceTracker(script), 10, fps=fps)
    assert len(script.confirms) == 9


@pytest.mark.parametrize("box", [Box(10.3, 20.7, 110.2, 141.9), Box(-5, -5, 60, 60), Box(0, 0, 0.5, 0.5)])
def test_crops_are_even_squares(box: Box) -> None:
    crop = crop_of(box)
    assert crop.width == crop.height >= 2
    assert all(value % 2 == 0 for value in (crop.x0, crop.y0, crop.x1, crop.y1))


def test_a_crop_is_16_tenths_of_the_face() -> None:
    assert crop_of(MAIN).width == 192
    assert centre(crop_of(MAIN)) == pytest.approx(centre(MAIN), abs=1)


@pytest.mark.parametrize(
    ("face", "expected"),
    [
        (MAIN, True),
        (shifted(MAIN, 25), True),
        (shifted(MAIN, 32), False),
        (MAIN.square(1.25), True),
        (MAIN.square(1.35), False),
        (MAIN.square(0.7), False),
    ],
)
def test_fits(face: Box, *, expected: bool) -> None:
    assert fits(face, crop_of(MAIN), MAIN) is expected


@pytest.mark.parametrize("choice", ["largest", "all"])
def test_the_real_detector_follows_a_face(choice: FaceChoice) -> None:
    tracker = FaceTracker(FaceDetector(FACE_MODEL), choice)
    for second in range(8):
        answer = tracker.update(scene_frame((100 + 30 * second, 100), time_s=float(second)))
    (track,) = tracker.tracks()
    assert track.found_ratio == 1.0
    assert 2 <= len(track.crops) <= 8
    x, y = centre(answer[0].crop)
    assert (x, y) == pytest.approx((100 + 30 * 7 + 124, 100 + 116), abs=32)


def test_the_real_detector_finds_no_face_in_noise() -> None:
    tracker = FaceTracker(FaceDetector(FACE_MODEL))
    for index in range(8):
        tracker.update(frame_from_rgb(noise(index), float(index)))
    with pytest.raises(NoFaceFound):
        tracker.tracks()
