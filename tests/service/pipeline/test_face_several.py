"""Several faces in one picture: who is followed."""

import pytest

from service.pipeline.face import MAX_FACES, FaceTracker, crop_of
from service.pipeline.mtcnn import FaceDetector
from service.pipeline.types import Box
from tests.service.pipeline.face_scripts import MAIN, OTHER, Script, shifted, still, watch
from tests.service.pipeline.faces import FACE_MODEL, centre, scene_frame


def test_a_face_that_comes_back_elsewhere_is_followed() -> None:
    tracker = FaceTracker(Script(lambda time_s: [MAIN] if time_s < 3 else ([] if time_s < 12 else [OTHER])))
    answers = watch(tracker, 15)
    assert answers[-1][0].crop == crop_of(OTHER)
    assert len(tracker.tracks()[0].crops) == 2


def test_a_bystander_does_not_take_over_at_once() -> None:
    small = Box(500, 100, 540, 150)
    tracker = FaceTracker(Script(lambda time_s: [MAIN, small] if time_s < 3 or time_s > 5 else [small]))
    answers = watch(tracker, 10)
    assert {face.crop for (face,) in answers} == {crop_of(MAIN)}


def test_two_faces_of_like_size_do_not_change_places() -> None:
    breathing = [Box(400, 100, 400 + side, 100 + 1.2 * side) for side in (80, 118)]
    tracker = FaceTracker(Script(lambda time_s: [MAIN, breathing[int(time_s / 3) % 2]]))
    answers = watch(tracker, 20)
    assert {answer[0].crop for answer in answers} == {crop_of(MAIN)}
    assert {len(answer) for answer in answers} == {1}


def test_a_much_larger_face_takes_over() -> None:
    large = Box(300, 50, 500, 290)
    tracker = FaceTracker(Script(lambda time_s: [MAIN, large] if time_s > 2 else [MAIN]))
    assert watch(tracker, 8)[-1][0].crop == crop_of(large)


def test_all_faces_get_tracks_of_their_own() -> None:
    tracker = FaceTracker(Script(still(OTHER, MAIN)), "all")
    answers = watch(tracker, 6)
    assert {tuple(face.face_id for face in answer) for answer in answers} == {(0, 1)}
    assert [track.crops[0][1] for track in tracker.tracks()] == [crop_of(MAIN), crop_of(OTHER)]


def test_a_second_face_is_noticed_within_seconds() -> None:
    tracker = FaceTracker(Script(lambda time_s: [MAIN, OTHER] if time_s > 2 else [MAIN]), "all")
    answers = watch(tracker, 8)
    assert len(answers[0]) == 1
    assert len(answers[60]) == 2


def test_one_face_moves_and_the_other_stays() -> None:
    tracker = FaceTracker(Script(lambda time_s: [MAIN, shifted(OTHER, 0 if time_s < 2.5 else 40)]), "all")
    moved = [[face.face_id for face in answer if face.moved] for answer in watch(tracker, 6)]
    assert [ids for ids in moved if ids] == [[1]]


def test_two_tracks_never_follow_one_face() -> None:
    places = [[MAIN, shifted(MAIN, 60)], [shifted(MAIN, 30)]]
    tracker = FaceTracker(Script(lambda time_s: places[time_s > 2]), "all")
    watch(tracker, 12)
    first, second = tracker.tracks()
    assert sorted([first.found_ratio, second.found_ratio]) == pytest.approx([0.25, 1.0], abs=0.1)


def test_the_number_of_faces_is_bounded() -> None:
    crowd = [Box(60 * i, 0, 60 * i + 50, 60) for i in range(20)]
    assert len(watch(FaceTracker(Script(still(*crowd)), "all"), 1)[0]) == MAX_FACES


def test_the_real_detector_tells_two_faces_apart() -> None:
    tracker = FaceTracker(FaceDetector(FACE_MODEL), "all")
    for second in range(4):
        tracker.update(scene_frame((30, 100), (360, 120), time_s=float(second)))
    xs = sorted(centre(track.crops[0][1])[0] for track in tracker.tracks())
    assert xs == pytest.approx([154, 484], abs=12)
