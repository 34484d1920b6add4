import numpy as np
import pytest
from scipy import ndimage

from service.pipeline.control_stream import ControlStream
from service.pipeline.frame import RGB_8BIT, Frame
from service.pipeline.types import Box, Clip

FPS, SIZE = 30.0, 36
RNG = np.random.default_rng(0)
CROP = Box(10, 10, 90, 90)
SCENE = RNG.uniform(0.2, 0.8, (3, SIZE, SIZE)).astype(np.float32)


def swing(count: int, strength: float = 0.01) -> np.ndarray:
    return np.asarray(1 + strength * np.sin(2 * np.pi * 1.2 * np.arange(count) / FPS))


def clip(rgb: np.ndarray, start: int = 0, comparable: np.ndarray | None = None) -> Clip:
    whole = np.ones(len(rgb), np.bool_) if comparable is None else comparable
    return Clip(rgb.astype(np.float32), whole, start / FPS, FPS)


def corners(rgb: np.ndarray, gain: np.ndarray) -> np.ndarray:
    changed = rgb.copy()
    changed[:, :, :6] *= gain[:, None, None, None]
    changed[:, :, -6:] *= gain[:, None, None, None]
    return changed


def nods(count: int, strength_px: float = 0.3) -> np.ndarray:
    """Return crops (T, 3, 36, 36) of a scene that moves down and up at 72 a minute."""
    smooth = ndimage.gaussian_filter(SCENE, (0, 1.5, 1.5))
    away = strength_px * np.sin(2 * np.pi * 1.2 * np.arange(count) / FPS)
    return np.stack([ndimage.shift(smooth, (0, y, 0), order=3, mode="nearest") for y in away])


def picture(index: int, *, is_key: bool = False, width: int = 100) -> Frame:
    planes = (np.zeros((100, width), np.uint8),) * 3
    return Frame(index / FPS, planes, RGB_8BIT, is_key=is_key)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def test_brightness_of_skin_and_of_what_is_around() -> None:
    gain = swing(120)
    still = np.repeat(SCENE[None], 120, 0)
    stream = ControlStream()
    stream.push(clip(corners(still, gain)))
    found = stream.finish()
    assert len(found.around) == 2
    for area in found.around:
        assert correlation(area.samples, np.log(gain)[1:]) > 0.999
        assert np.ptp(area.samples) == pytest.approx(0.02, rel=0.05)
    assert np.abs(found.skin.samples).max() < 1e-6
    stream = ControlStream()
    stream.push(clip(still * gain[:, None, None, None]))
    assert correlation(stream.finish().skin.samples, np.log(gain)[1:]) > 0.999


@pytest.mark.parametrize(("size", "side", "edge"), [(36, 6, 6), (72, 12, 12), (65, 10, 12), (6, 1, 1)])
def test_the_places_are_cells_of_the_middle(size: int, side: int, edge: int) -> None:
    gains = [swing(120, 0.001 * (1 + index)) for index in range(16)]
    rgb = RNG.uniform(0.2, 0.8, (1, 3, size, size)).astype(np.float32).repeat(120, 0)
    for index, gain in enumerate(gains):
        top, left = edge + side * (index // 4), edge + side * (index % 4)
        rgb[:, :, top : top + side, left : left + side] *= gain[:, None, None, None]
    stream = ControlStream(sees_around=False)
    stream.push(clip(rgb))
    places = stream.finish().places
    assert len(places) == 16
    for place, gain in zip(places, gains, strict=True):
        np.testing.assert_allclose(place.samples, np.log(gain / gain[0])[1:], atol=1e-4)


def test_an_edge_that_moves_through_a_corner_hides_no_lamp() -> None:
    gain = swing(150, strength=0.004)
    rgb = np.repeat(SCENE[None], 150, 0) * gain[:, None, None, None]
    for index in range(150):
        at = round(3 + 3 * np.sin(2 * np.pi * 0.9 * index / FPS))
        rgb[index, :, :, :at] = 0.05  # somebody's arm
    stream = ControlStream()
    stream.push(clip(rgb))
    assert all(correlation(area.samples, np.log(gain)[1:]) > 0.95 for area in stream.finish().around)


def test_pieces_give_what_the_whole_gives() -> None:
    rgb = nods(90) * swing(90)[:, None, None, None]
    whole, pieces = ControlStream(), ControlStream()
    whole.push(clip(rgb))
    for start in range(0, 90, 30):
        pieces.push(clip(rgb[start : start + 30], start))
    all_whole, all_pieces = whole.finish(), pieces.finish()
    pairs = tuple((getattr(all_whole, name), getattr(all_pieces, name)) for name in ("around", "places", "motion"))
    for one, other in (pair for both in pairs for pair in zip(*both, strict=True)):
        np.testing.assert_allclose(one.samples, other.samples, atol=1e-6)
        assert (one.start_s, one.fps, one.kind) == (other.start_s, other.fps, other.kind)


def test_where_the_face_is() -> None:
    stream = ControlStream()
    stream.push(clip(nods(150)))
    right, down = (axis.samples * SIZE for axis in stream.finish().motion)
    assert correlation(down, np.sin(2 * np.pi * 1.2 * np.arange(1, 150) / FPS)) > 0.99
    assert np.ptp(down) == pytest.approx(0.6, rel=0.25)
    assert np.ptp(right) < 0.05


def test_a_crop_that_moved_is_no_change_of_light() -> None:
    rgb = np.repeat(SCENE[None], 60, 0)
    rgb[30:] = 0.5 * np.roll(rgb[30:], 3, axis=3)
    comparable = np.ones(60, np.bool_)
    comparable[30] = False
    stream = ControlStream()
    stream.push(clip(rgb, comparable=comparable))
    found = stream.finish()
    assert max(np.abs(p.samples).max() for p in (found.skin, *found.around, *found.places, *found.motion)) < 1e-6


def test_a_callers_crops_show_nothing_else() -> None:
    stream = ControlStream(sees_around=False)
    stream.push(clip(np.repeat(SCENE[None], 60, 0)))
    assert stream.finish().around == ()


@pytest.mark.parametrize("beyond", [CROP, Box(-49, 10, 31, 90)])
def test_what_lies_beyond_the_picture_is_not_asked(beyond: Box) -> None:
    rgb = np.repeat(SCENE[None], 120, 0)
    rgb[..., :22] *= swing(120)[:, None, None, None]  # most of the crop: the picture's edge, repeated
    stream = ControlStream()
    stream.note(picture(0), beyond)
    stream.push(clip(rgb))
    found = max(float(np.ptp(area.samples)) for area in stream.finish().around)
    assert found < 1e-6 if beyond is not CROP else found > 1e-3


def test_of_several_crops_only_what_all_show_is_asked() -> None:
    rgb = np.repeat(SCENE[None], 120, 0)
    stream = ControlStream()
    for crop in (Box(-60, 10, 60, 130), CROP, Box(40, 10, 160, 130)):  # one shows the right, one the left half
        stream.note(picture(0), crop)
    stream.push(clip(rgb * swing(120)[:, None, None, None]))
    assert all(np.ptp(area.samples) == 0 for area in stream.finish().around)


def test_a_face_as_large_as_the_picture_has_nothing_around() -> None:
    stream = ControlStream()
    stream.note(picture(0), Box(-30, -30, 130, 130))
    stream.push(clip(np.repeat(SCENE[None], 120, 0) * swing(120)[:, None, None, None]))
    assert all(np.ptp(area.samples) == 0 for area in stream.finish().around)


def test_key_frames_count_where_others_are_none() -> None:
    stream, always = ControlStream(), ControlStream()
    for index in range(60):
        stream.note(picture(index, is_key=index % 12 == 0), CROP)
        always.note(picture(index, is_key=True), CROP)
    np.testing.assert_allclose(stream.finish().key_times_s, np.arange(0, 60, 12) / FPS)
    assert len(always.finish().key_times_s) == 1


def test_what_is_old_is_forgotten() -> None:
    rgb = nods(300) * swing(300)[:, None, None, None]
    stream, whole = ControlStream(), ControlStream()
    for start in range(0, 300, 30):
        for taker in (stream, whole):
            taker.note(picture(start, is_key=True), CROP)
            taker.note(picture(start + 3), CROP)
            taker.push(clip(rgb[start : start + 30], start))
        newest = stream.newest((start + 30) / FPS - 4.0)
        assert len(newest.skin.samples) <= 120
        assert len(newest.key_times_s) <= 4
    since = whole.finish().since(newest.skin.start_s)
    both = [(found.skin, *found.around, *found.places, *found.motion) for found in (newest, since)]
    for one, other in zip(*both, strict=True):
        assert one.start_s == pytest.approx(other.start_s)
        np.testing.assert_allclose(np.diff(one.samples), np.diff(other.samples), atol=1e-6)


def test_before_the_first_crop_there_is_nothing() -> None:
    found = ControlStream().newest(0.0)
    waves = (found.chrominance, found.skin, *found.around, *found.places, *found.motion)
    assert [len(wave.samples) for wave in waves] == [0] * 22
