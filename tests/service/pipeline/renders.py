"""Videos of a face with a known pulse, rendered from NASA's astronaut: the standard input of the tests."""

from dataclasses import replace
from pathlib import Path

import av
import numpy as np

from training.synthesis.camera import CameraSettings
from training.synthesis.codec import CodecSettings
from training.synthesis.faces import AstronautFace
from training.synthesis.pulse_wave import PulseSettings, make_truth
from training.synthesis.recipe import Recipe, SceneSettings
from training.synthesis.render import render, render_frames

BPM = 78.0


def face_recipe(
    *,
    pulse: bool = True,
    duration_s: float = 14.0,
    bits_per_pixel: float = 0.15,
    preset: str = "ultrafast",
    **camera: float,
) -> Recipe:
    """Return a still, well lit astronaut with a strong pulse that hardly varies; `camera` as in CameraSettings."""
    settings = {"width": 320, "height": 240, "noise": 1.5} | camera
    return Recipe(
        seed=7,
        duration_s=duration_s,
        scene=SceneSettings("astronaut", face_height=0.5),
        pulse=PulseSettings(hr_bpm=BPM, rsa=0.002, drift=0.0, jitter=0.0, strength=0.02 if pulse else 0.0),
        camera=CameraSettings(**settings),  # type: ignore[arg-type]
        codec=CodecSettings(bits_per_pixel=bits_per_pixel, gop=60, preset=preset),
    )


def render_face(
    path: Path,
    recipe: Recipe | None = None,
    *,
    stored_turn_deg: int = 0,
    second_bpm: float | None = None,
    wall_s: float = 0.0,
) -> Path:
    """Render a video of the astronaut at 78 bpm to `path`.

    stored_turn_deg: turn the stored picture and say so in the file. second_bpm: put her twin of that rate beside her.
    wall_s: show a grey wall for so long before her.
    """
    recipe = recipe or face_recipe()
    if not (stored_turn_deg or second_bpm or wall_s):
        render(recipe, AstronautFace(), path)
        return path
    recipes = (
        [recipe] if second_bpm is None else [recipe, replace(recipe, pulse=replace(recipe.pulse, hr_bpm=second_bpm))]
    )
    frames = [
        render_frames(one, AstronautFace(), make_truth(one.pulse, one.duration_s, one.rng("pulse"))) for one in recipes
    ]
    pictures = (np.concatenate([rgb for _, rgb in row], axis=1) for row in zip(*frames, strict=True))
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=round(recipe.camera.fps), options={"preset": "veryfast", "crf": "20"})
        for index, picture in enumerate(pictures):
            if index < wall_s * recipe.camera.fps:
                picture = np.full_like(picture, 120)  # noqa: PLW2901
            # Stored turned against the clock, to be turned with it for viewing.
            stored = np.ascontiguousarray(np.rot90(picture, stored_turn_deg // 90))
            if index == 0:
                stream.height, stream.width = stored.shape[:2]
            out.mux(stream.encode(av.VideoFrame.from_ndarray(stored, "rgb24")))
        out.mux(stream.encode(None))
    if stored_turn_deg:
        _set_rotation(path, stored_turn_deg)
    return path


def repeat_packets(source: Path, target: Path, times: int) -> None:
    """Write the packets of a video again and again, with times that go on."""
    with av.open(str(source)) as inside, av.open(str(target), "w") as out:
        (stream,) = inside.streams.video
        copy = out.add_stream_from_template(stream)
        packets = [packet for packet in inside.demux(stream) if packet.pts is not None]
        stamps = [packet.pts for packet in packets if packet.pts is not None]
        period = stamps[-1] + stamps[1] - 2 * stamps[0]
        for turn in range(times):
            for packet, stamp in zip(packets, stamps, strict=True):
                again = av.Packet(bytes(packet))
                again.stream, again.time_base, again.is_keyframe = copy, packet.time_base, packet.is_keyframe
                again.pts = again.dts = stamp - stamps[0] + turn * period
                out.mux(again)


def _set_rotation(path: Path, clockwise_deg: int) -> None:
    """Write the clockwise turn into the track header's matrix of an MP4."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    one = 1 << 16
    a, b, c, d = {90: (0, one, -one, 0), 180: (-one, 0, 0, -one), 270: (0, -one, one, 0)}[clockwise_deg]
    for offset, value in ((0, a), (4, b), (12, c), (16, d)):
        data[at + offset : at + offset + 4] = value.to_bytes(4, "big", signed=True)
    path.write_bytes(data)
