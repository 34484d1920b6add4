"""Estimates made by hand: what the stages would say of a face at 72 bpm."""

import numpy as np

from service.api.schemas import HeartRateResult
from service.pipeline.answers import Estimate, FaceEstimate, HeartRate, HeartRateWindow, Status
from service.pipeline.types import Box, FaceTrack, ModelInfo, VideoInfo, Warned

FPS, DURATION_S = 30.0, 15.0


def make_face(bpm: float = 72.0, *, face_id: int = 0, status: Status = "ok") -> FaceEstimate:
    time_s = np.arange(int(FPS * DURATION_S)) / FPS
    wave = np.sin(2 * np.pi * bpm / 60 * time_s) + 0.3 * np.sin(4 * np.pi * bpm / 60 * time_s + 1)
    wave += np.random.default_rng(0).normal(0, 0.2, wave.size)
    windows = tuple(
        HeartRateWindow(float(s), s + 10.0, bpm + 0.3 * np.sin(s), 6.0, 0.9, status == "ok") for s in range(6)
    )
    track = FaceTrack(face_id, ((0.0, Box(100.0, 80.0, 300.04, 280.0)), (7.5, Box(120, 80, 320, 280))), 15, 12)
    rate = HeartRate(bpm, 0.912345, 6.0, status, windows, wave.astype(np.float32), FPS, 0.0)
    return FaceEstimate(track, rate)


def make_estimate(*faces: FaceEstimate) -> Estimate:
    return Estimate(
        faces=faces or (make_face(),),
        video=VideoInfo(640, 480, 29.97, DURATION_S, 450, "h264", "mov", 0),
        model=ModelInfo("student", "0.1.0", "ab" * 32),
        timing_s={"decode": 0.5, "face": 0.1},
        warnings=(Warned("face_left", "the face was not seen all the time"),),
    )


def make_result(*faces: FaceEstimate) -> HeartRateResult:
    return HeartRateResult.from_estimate(make_estimate(*faces), all_faces=len(faces) > 1)
