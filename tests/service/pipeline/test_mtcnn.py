import csv
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.io

from service.pipeline.errors import ManifestInvalid, ModelCorrupt
from service.pipeline.frame import ColourTransform, Frame, frame_from_rgb
from service.pipeline.mtcnn import FaceDetector, overlap
from service.pipeline.types import Box
from tests.service.pipeline.faces import (
    FACE_IN_PORTRAIT,
    FACE_MODEL,
    PORTRAIT_SIDE,
    Rgb,
    centre,
    noise,
    portrait,
    scene,
    scene_frame,
)

REFERENCE = Path(__file__).parents[2] / "data" / "mtcnn_reference_boxes.csv"
LONDON = Path(__file__).parents[4] / "shared" / "data" / "faces"
DETECTOR = FaceDetector(FACE_MODEL)


def moved(box: Box, x: float, y: float) -> Box:
    return Box(box.x0 + x, box.y0 + y, box.x1 + x, box.y1 + y)


def test_the_face_is_found_where_it_is() -> None:
    (face,) = DETECTOR.detect(scene_frame((200, 100)))
    assert overlap(face.box, moved(FACE_IN_PORTRAIT, 200, 100)) > 0.8
    assert face.score > 0.99


def test_two_faces_come_largest_first() -> None:
    picture = scene((20, 20))
    large = cv2.resize(portrait(), None, fx=1.25, fy=1.25, interpolation=cv2.INTER_AREA)
    picture[100:400, 320:620] = large
    first, second = DETECTOR.detect(frame_from_rgb(picture, 0.0))
    assert centre(first.box)[0] > 320 > centre(second.box)[0]
    assert first.box.area > second.box.area


@pytest.mark.parametrize("seed", range(5))
def test_noise_has_no_face(seed: int) -> None:
    assert DETECTOR.detect(frame_from_rgb(noise(seed), 0.0)) == []


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_wall_has_no_face(level: int) -> None:
    assert DETECTOR.detect(frame_from_rgb(np.full((480, 640, 3), level, np.uint8), 0.0)) == []


def test_a_face_below_the_smallest_size_is_not_looked_for() -> None:
    picture = np.full((480, 640, 3), 120, np.uint8)
    picture[100:160, 100:160] = cv2.resize(portrait(), (60, 60), interpolation=cv2.INTER_AREA)
    frame = frame_from_rgb(picture, 0.0)
    assert DETECTOR.detect(frame) == []
    assert len(FaceDetector(FACE_MODEL, smallest_face=1 / 20).detect(frame)) == 1


@pytest.mark.parametrize(("width", "height"), [(64, 64), (65, 481), (641, 70), (160, 120)])
def test_odd_sizes_are_taken(width: int, height: int) -> None:
    assert DETECTOR.detect(frame_from_rgb(noise(1, height=height, width=width), 0.0)) == []


@pytest.mark.parametrize("factor", [0.5, 2.0, 4.0])
def test_the_box_grows_with_the_picture(factor: float) -> None:
    picture = cv2.resize(scene((200, 100)), None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    (face,) = DETECTOR.detect(frame_from_rgb(np.asarray(picture, np.uint8), 0.0))
    x, y = centre(moved(FACE_IN_PORTRAIT, 200, 100))
    assert centre(face.box) == pytest.approx((x * factor, y * factor), abs=10 * factor)


@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
def test_a_rotated_frame_gives_the_upright_box(rotation_deg: int) -> None:
    upright = scene((200, 100))
    stored = np.ascontiguousarray(np.rot90(upright, rotation_deg // 90))
    frame = replace(frame_from_rgb(stored, 0.0), rotation_deg=rotation_deg)
    assert DETECTOR.detect(frame) == DETECTOR.detect(frame_from_rgb(upright, 0.0))


def yuv420_frame(rgb: Rgb) -> Frame:
    """Full-range BT.601 planes of a picture, chroma halved."""
    height, width = rgb.shape[:2]
    luma, cr, cb = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb), np.uint8).transpose(2, 0, 1)
    small = [np.asarray(cv2.resize(p, (width // 2, height // 2), interpolation=cv2.INTER_AREA)) for p in (cb, cr)]
    planes = (luma, small[0].astype(np.uint8), small[1].astype(np.uint8))
    matrix = np.array([[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]], np.float32) / np.float32(255)
    return Frame(0.0, planes, ColourTransform(matrix, np.array([0, -128, -128], np.float32)))


def test_subsampled_chroma_changes_little() -> None:
    picture = scene((200, 100))
    (face,) = DETECTOR.detect(yuv420_frame(picture))
    (expected,) = DETECTOR.detect(frame_from_rgb(picture, 0.0))
    assert overlap(face.box, expected.box) > 0.9


def test_ten_bits_are_taken() -> None:
    picture = scene((200, 100))
    frame = frame_from_rgb(picture, 0.0)
    planes = tuple(plane.astype(np.uint16) * 4 for plane in frame.planes)
    ten_bit = Frame(
        0.0,
        (planes[0], planes[1], planes[2]),
        ColourTransform((frame.colour.matrix / 4).astype(np.float32), frame.colour.offset),
    )
    (face,), (expected,) = DETECTOR.detect(ten_bit), DETECTOR.detect(frame)
    assert overlap(face.box, expected.box) > 0.99


def test_detection_is_deterministic() -> None:
    assert DETECTOR.detect(scene_frame((100, 50))) == DETECTOR.detect(scene_frame((100, 50)))


@pytest.mark.parametrize("shift", [(0, 0), (12, 0), (0, -12), (-8, 8)])
def test_confirm_finds_the_face_again(shift: tuple[int, int]) -> None:
    (before,) = DETECTOR.detect(scene_frame((200, 100)))
    after = DETECTOR.confirm(scene_frame((200 + shift[0], 100 + shift[1])), before.box)
    assert after is not None
    assert overlap(after.box, moved(before.box, *shift)) > 0.85


def test_confirm_does_not_find_a_face_that_left() -> None:
    (before,) = DETECTOR.detect(scene_frame((0, 0)))
    assert DETECTOR.confirm(scene_frame((400, 240)), before.box) is None


def test_confirm_takes_a_box_beyond_the_picture() -> None:
    frame = scene_frame((200, 100))
    assert DETECTOR.confirm(frame, Box(-300, -300, -100, -100)) is None
    assert DETECTOR.confirm(frame, Box(700, 500, 800, 600)) is None


def test_a_face_cut_by_the_edge_keeps_its_box() -> None:
    picture = np.full((480, 640, 3), 120, np.uint8)
    picture[:PORTRAIT_SIDE, : PORTRAIT_SIDE - 95] = portrait()[:, 95:]
    (face,) = DETECTOR.detect(frame_from_rgb(picture, 0.0))
    assert face.box.x0 < 10


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "face-1.0.0"
    shutil.copytree(FACE_MODEL, folder)
    with (folder / "rnet.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelCorrupt):
        FaceDetector(folder)


def test_a_missing_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestInvalid):
        FaceDetector(tmp_path)


def test_overlap_of_disjoint_boxes_is_nothing() -> None:
    assert overlap(Box(0, 0, 1, 1), Box(1, 0, 2, 1)) == 0


def test_overlap_is_shared_area_over_all_area() -> None:
    assert overlap(Box(0, 0, 2, 2), Box(1, 0, 3, 2)) == pytest.approx(1 / 3)


@pytest.mark.skipif(not LONDON.is_dir(), reason="the London faces are not here")
def test_boxes_are_those_of_the_reference() -> None:
    rows = list(csv.DictReader(line for line in REFERENCE.read_text().splitlines() if not line.startswith("#")))
    distances = []
    for row in rows[::4]:
        rgb = skimage.io.imread(LONDON / row["file"])
        (face,) = DETECTOR.detect(frame_from_rgb(rgb, 0.0))
        box = (face.box.x0, face.box.y0, face.box.x1, face.box.y1)
        distances += [abs(ours - float(row[name])) for ours, name in zip(box, ("x0", "y0", "x1", "y1"), strict=True)]
    assert max(distances) < 2.0
    assert np.median(distances) < 0.1
