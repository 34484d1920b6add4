from pathlib import Path

import numpy as np
import pytest

from training.clips import ClipFolder, ClipsInvalid, ClipWriter, TrainingClip


def clip(seed: int = 0, frames: int = 12, **meta: object) -> TrainingClip:
    rng = np.random.default_rng(seed)
    rgb = rng.random((frames, 3, 4, 4), dtype=np.float32)
    ppg = rng.standard_normal(frames).astype(np.float32)
    return TrainingClip(rgb, ppg, rng.random(frames) > 0.2, {"bpm": 60.0 + seed, "person": "p", "fps": 30.0} | meta)


def write(folder: Path, clips: list[TrainingClip], *, clips_per_shard: int = 2, tag: str = "t") -> None:
    with ClipWriter(folder, clips_per_shard=clips_per_shard, tag=tag) as writer:
        for c in clips:
            writer.add(c.rgb, c.ppg, c.comparable, c.meta)


def test_a_clip_comes_back_as_it_was_written(tmp_path: Path) -> None:
    written = clip(recipe={"codec": "h264"})
    write(tmp_path, [written])
    folder = ClipFolder(tmp_path)
    read = folder.read(folder.addresses()[0])
    assert np.abs(read.rgb - written.rgb).max() <= 0.5 / 65535 + 1e-7
    assert np.array_equal(read.ppg, written.ppg)
    assert np.array_equal(read.comparable, written.comparable)
    assert read.meta == written.meta


def test_the_rest_is_written_on_leaving(tmp_path: Path) -> None:
    write(tmp_path, [clip(i) for i in range(5)])
    folder = ClipFolder(tmp_path)
    assert folder.shards() == ["shard-t-000000", "shard-t-000001", "shard-t-000002"]
    assert [folder.read(key).meta["bpm"] for key in folder.addresses()] == [60, 61, 62, 63, 64]


def test_nothing_half_written_is_seen(tmp_path: Path) -> None:
    writer = ClipWriter(tmp_path, clips_per_shard=2)
    c = clip()
    writer.add(c.rgb, c.ppg, c.comparable, c.meta)
    (tmp_path / ".partial-x-000000").mkdir()
    assert ClipFolder(tmp_path).addresses() == []


def test_new_shards_are_picked_up(tmp_path: Path) -> None:
    write(tmp_path, [clip(0)])
    folder = ClipFolder(tmp_path)
    before = folder.addresses()
    write(tmp_path, [clip(1)])
    assert len(before) == 1
    assert len(folder.addresses()) == 2


def test_a_second_writer_of_the_same_tag_continues_the_numbers(tmp_path: Path) -> None:
    write(tmp_path, [clip(0)])
    write(tmp_path, [clip(1)])
    assert ClipFolder(tmp_path).shards() == ["shard-t-000000", "shard-t-000001"]


def test_a_writer_may_put_its_clips_in_the_place_of_its_last_ones(tmp_path: Path) -> None:
    write(tmp_path, [clip(i) for i in range(4)])
    write(tmp_path, [clip(7)], tag="t2")
    with ClipWriter(tmp_path, tag="t", replace=True) as writer:
        c = clip(5)
        writer.add(c.rgb, c.ppg, c.comparable, c.meta)
    folder = ClipFolder(tmp_path)
    assert [folder.read(address).meta["bpm"] for address in folder.addresses()] == [65.0, 67.0]


def fail_while_writing(folder: Path) -> None:
    c = clip()
    with ClipWriter(folder) as writer:
        writer.add(c.rgb, c.ppg, c.comparable, c.meta)
        raise KeyError


def test_an_error_leaves_no_shard(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        fail_while_writing(tmp_path)
    assert ClipFolder(tmp_path).shards() == []


@pytest.mark.parametrize(
    ("people", "without", "expected"),
    [
        (None, [], [60, 61, 62]),
        (["a"], [], [60, 62]),
        (None, ["a"], [61]),
    ],
)
def test_people_are_chosen(tmp_path: Path, people: list[str] | None, without: list[str], expected: list[int]) -> None:
    write(tmp_path, [clip(0, person="a"), clip(1, person="b"), clip(2, person="a")])
    folder = ClipFolder(tmp_path, people=people, without_people=without)
    assert [folder.read(key).meta["bpm"] for key in folder.addresses()] == expected


@pytest.mark.parametrize("missing", ["bpm", "person", "fps"])
def test_metadata_must_be_complete(tmp_path: Path, missing: str) -> None:
    c = clip()
    meta = {name: value for name, value in c.meta.items() if name != missing}
    with pytest.raises(ClipsInvalid, match=missing):
        ClipWriter(tmp_path).add(c.rgb, c.ppg, c.comparable, meta)


def test_shapes_must_fit(tmp_path: Path) -> None:
    c = clip()
    with pytest.raises(ClipsInvalid, match="shapes"):
        ClipWriter(tmp_path).add(c.rgb, c.ppg[1:], c.comparable, c.meta)


def test_values_must_be_finite(tmp_path: Path) -> None:
    c = clip()
    with pytest.raises(ClipsInvalid, match="finite"):
        ClipWriter(tmp_path).add(c.rgb, c.ppg * np.float32(np.nan), c.comparable, c.meta)


def test_all_clips_have_one_length(tmp_path: Path) -> None:
    writer = ClipWriter(tmp_path)
    for c, wrong in ((clip(), False), (clip(frames=9), True)):
        if wrong:
            with pytest.raises(ClipsInvalid, match="after clips of shape"):
                writer.add(c.rgb, c.ppg, c.comparable, c.meta)
        else:
            writer.add(c.rgb, c.ppg, c.comparable, c.meta)


def test_a_broken_shard_is_named(tmp_path: Path) -> None:
    write(tmp_path, [clip()])
    (tmp_path / "shard-t-000000" / "crops.npy").write_bytes(b"x")
    with pytest.raises(ClipsInvalid, match="shard-t-000000"):
        ClipFolder(tmp_path).addresses()
