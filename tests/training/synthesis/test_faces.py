import numpy as np
import pytest

from tests.training.synthesis.clips import LONDON
from training.synthesis.faces import AstronautFace, DrawnFaces, Face, FaceSource, LondonFaces

needs_london = pytest.mark.skipif(not LONDON.is_dir(), reason="the London faces are not here")


def _check(face: Face) -> None:
    """What every face must be."""
    height, width = face.rgb.shape[:2]
    assert face.rgb.dtype == np.uint8
    for layer in (face.alpha, face.skin, face.pulse):
        assert layer.dtype == np.float32
        assert layer.shape == (height, width)
        assert layer.min() >= 0
        assert layer.max() <= 1
    points = face.points
    assert points.left_eye[0] < points.centre[0] < points.right_eye[0]
    assert points.hairline[1] < points.left_eye[1] < points.mouth[1] < points.chin[1]
    cx, cy = (int(value) for value in points.centre)
    assert face.alpha[cy, cx] > 0.99
    assert face.alpha[5, 5] < 0.05
    assert np.all(face.pulse <= face.skin + 1e-6)


@pytest.mark.parametrize("source", [DrawnFaces(3), AstronautFace()])
@pytest.mark.parametrize("picture", ["neutral", "smiling"])
def test_faces_without_a_folder(source: FaceSource, picture: str) -> None:
    for person in source.people:
        _check(source.load(person, picture))


@pytest.mark.parametrize("source", [DrawnFaces(3), AstronautFace()])
def test_an_unknown_person_is_a_key_error(source: FaceSource) -> None:
    with pytest.raises(KeyError):
        source.load("nobody", "neutral")


@pytest.mark.parametrize("person", ["drawn_000", "drawn_001", "drawn_002"])
def test_pulse_is_on_the_cheeks_not_in_the_eyes_or_the_hair(person: str) -> None:
    face = DrawnFaces(3).load(person, "neutral")
    points = face.points
    eye_x, eye_y = (int(value) for value in points.left_eye)
    cheek = face.pulse[int(eye_y + 0.6 * (points.mouth[1] - eye_y)), eye_x]
    assert cheek > 0.7
    assert face.pulse[eye_y, eye_x] < 0.1
    assert face.pulse[int(points.hairline[1] - 0.5 * points.eye_distance), int(points.centre[0])] < 0.2
    assert face.pulse[int(points.mouth[1]), int(points.mouth[0])] < 0.5 * cheek


def test_drawn_people_differ_and_stay_the_same() -> None:
    one, again, other = (DrawnFaces().load(f"drawn_{n:03d}", "neutral").rgb for n in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


@needs_london
@pytest.mark.parametrize("person", ["001", "042", "096", "112"])
@pytest.mark.parametrize("picture", ["neutral", "smiling"])
def test_london_faces(person: str, picture: str) -> None:
    face = LondonFaces(LONDON).load(person, picture)
    _check(face)
    assert 0.3 < face.pulse[face.pulse > 0.1].mean() < 1
    assert 0.15 < face.alpha.mean() < 0.75


@needs_london
def test_a_smiling_face_is_found_from_the_neutral_one() -> None:
    faces = LondonFaces(LONDON)
    neutral, smiling = (faces.load("042", picture).points for picture in ("neutral", "smiling"))
    assert smiling.left_eye[1] - neutral.left_eye[1] > 10  # he nods forward
    assert smiling.eye_distance == pytest.approx(neutral.eye_distance, rel=0.15)


def test_a_folder_without_faces_is_an_error(tmp_path: object) -> None:
    with pytest.raises(FileNotFoundError):
        LondonFaces(LONDON.parent / "no such folder")
