"""Prints what finding a face costs, in CPU milliseconds of one thread.

OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python -m tests.benchmarks.bench_face
"""

import time
from collections.abc import Callable
from functools import partial

import cv2
import numpy as np

from service.pipeline.face import FaceTracker
from service.pipeline.frame import ColourTransform, Frame, frame_from_rgb
from service.pipeline.mtcnn import FaceDetector
from tests.service.pipeline.faces import FACE_MODEL, Rgb, noise, scene

REPEATS = 60
MATRIX = np.array([[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]]) / 255


def cpu_ms(action: Callable[[], object]) -> str:
    action()
    spent = []
    for _ in range(REPEATS):
        start = time.process_time()
        action()
        spent.append((time.process_time() - start) * 1e3)
    return f"median {np.median(spent):5.1f} ms   min {min(spent):5.1f} ms"


def yuv420(rgb: Rgb) -> Frame:
    height, width = rgb.shape[:2]
    luma, cr, cb = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb), np.uint8).transpose(2, 0, 1).copy()
    cb, cr = (np.asarray(cv2.resize(plane, (width // 2, height // 2)), np.uint8) for plane in (cb, cr))
    return Frame(0.0, (luma, cb, cr), ColourTransform(MATRIX.astype(np.float32), np.array([0, -128, -128], np.float32)))


def main() -> None:
    detector = FaceDetector(FACE_MODEL)
    portrait = scene((200, 100))
    for width, height in ((640, 480), (1280, 720), (1920, 1080), (3840, 2160)):
        face = yuv420(np.asarray(cv2.resize(portrait, (width, height)), np.uint8))
        empty = yuv420(noise(1, height=height, width=width))
        box = detector.detect(face)[0].box
        print(f"{width:4}x{height:<4}  detect, a face   {cpu_ms(partial(detector.detect, face))}")
        print(f"{width:4}x{height:<4}  detect, no face  {cpu_ms(partial(detector.detect, empty))}")
        print(f"{width:4}x{height:<4}  confirm          {cpu_ms(partial(detector.confirm, face, box))}")
    tracker = FaceTracker(detector)
    start = time.process_time()
    for index in range(1800):
        tracker.update(frame_from_rgb(portrait, index / 30))
    print(f" 640x480   60 s of video through the tracker: {time.process_time() - start:.2f} CPU-s")


if __name__ == "__main__":
    main()
