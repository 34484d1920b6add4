"""Face detection: MTCNN's cascade (Zhang et al. 2016, doi 10.1109/LSP.2016.2603342) in numpy around three ONNX nets.

P-Net proposes boxes on a picture pyramid, R-Net (24 px) and O-Net (48 px) judge and correct them. Thresholds, pyramid
factor, sampling and rounding of boxes are those of facenet-pytorch, whose boxes are the reference. A frame's planes are
summed up once as they are stored; every picture that a net sees is then made of averages, and only those become RGB.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.pipeline.frame import Frame
from service.pipeline.manifest import read_manifest
from service.pipeline.pooling import Ints, Picture
from service.pipeline.session import Session
from service.pipeline.types import Box, DetectedFace, Floats

Boxes = NDArray[np.float64]  # (N, 5): x0, y0, x1, y1 in pixels of the upright frame, score

P_THRESHOLD, R_THRESHOLD, O_THRESHOLD = 0.6, 0.7, 0.7
FACTOR = 0.709  # about 1 / sqrt(2): each level of the pyramid has half the pixels
P_CELL, P_STRIDE = 12, 2
R_SIZE, O_SIZE = 24, 48
MIN_FACE_PX = 20.0  # what MTCNN can tell at all
GUESSES = (1.0, 1.3)  # squares that R-Net is shown around the last box; enough for a shift of 0.2 of the face's side
MAX_CANDIDATES = 256  # per stage, best first: bounds the cost of a picture made of faces


class FaceDetector:
    """MTCNN from a model store folder.

    smallest_face: side of the smallest face to look for, as a share of the frame's short side (80 px at 640x480).
    """

    def __init__(self, folder: Path, *, smallest_face: float = 1 / 6) -> None:
        read_manifest(folder)
        self._pnet, self._rnet, self._onet = (Session(folder / f"{name}.onnx") for name in ("pnet", "rnet", "onet"))
        self._smallest_face = smallest_face

    def detect(self, frame: Frame) -> list[DetectedFace]:
        """Return all faces in the frame, boxes in pixels of the upright frame, largest first."""
        smallest = max(MIN_FACE_PX, min(frame.width, frame.height) * self._smallest_face)
        whole = Box(0, 0, frame.width, frame.height)
        picture = Picture(frame, whole, step=_step(smallest))
        return self._judge(frame, picture, self._propose(frame, picture, smallest))

    def confirm(self, frame: Frame, box: Box) -> DetectedFace | None:
        """Return the face that was at `box` a moment ago, or None: R- and O-Net only, a fraction of `detect`'s cost."""
        picture = Picture(frame, box.square(2.0), step=_step(box.square(1.0).width / 2))
        guesses = [box.square(scale) for scale in GUESSES]
        candidates = np.array([(guess.x0, guess.y0, guess.x1, guess.y1, 1.0) for guess in guesses])
        faces = self._judge(frame, picture, candidates)
        return max(faces, key=lambda face: overlap(face.box, box), default=None)

    def _propose(self, frame: Frame, picture: Picture, smallest: float) -> Boxes:
        """P-Net on every level of the pyramid: candidate boxes, squared."""
        scales = _pyramid(min(frame.width, frame.height), smallest)
        boxes = np.concatenate([self._propose_at(frame, picture, scale) for scale in scales])
        boxes = boxes[_keep_best(boxes, 0.7)]
        sides = np.tile(boxes[:, 2:4] - boxes[:, 0:2], 2)
        boxes[:, :4] += boxes[:, 5:9] * sides
        return _squared(boxes[:, :5])

    def _propose_at(self, frame: Frame, picture: Picture, scale: float) -> Boxes:
        """P-Net at one scale: (N, 9), the window, its score and the shift of its corners."""
        rows, cols = int(frame.height * scale + 1), int(frame.width * scale + 1)
        shift, score = self._pnet(rgb=picture.grid(np.array([[0, 0, frame.width, frame.height]]), rows, cols))
        y, x = np.nonzero(score[0] >= P_THRESHOLD)
        x0, y0 = np.floor((P_STRIDE * x + 1) / scale), np.floor((P_STRIDE * y + 1) / scale)
        x1, y1 = np.floor((P_STRIDE * x + P_CELL) / scale), np.floor((P_STRIDE * y + P_CELL) / scale)
        boxes = np.column_stack([x0, y0, x1, y1, score[0, y, x], shift[0][:, y, x].T])
        return boxes[_keep_best(boxes, 0.5)]

    def _judge(self, frame: Frame, picture: Picture, candidates: Boxes) -> list[DetectedFace]:
        """R-Net, then O-Net: the faces among the candidates, largest first."""
        boxes, cells = _visible(candidates, frame)
        if len(boxes):
            shift, score = self._rnet(rgb=picture.grid(cells, R_SIZE, R_SIZE))
            boxes, shift = _passed(boxes, shift, score, R_THRESHOLD)
            keep = _keep_best(boxes, 0.7)
            boxes, cells = _visible(_squared(_shifted(boxes[keep], shift[keep])), frame)
        if len(boxes):
            shift, score = self._onet(rgb=picture.grid(cells, O_SIZE, O_SIZE))
            boxes, shift = _passed(boxes, shift, score, O_THRESHOLD)
            boxes = _shifted(boxes, shift)
            boxes = boxes[_keep_best(boxes, 0.7, of_smaller=True)]
        faces = [DetectedFace(Box(x0, y0, x1, y1), score) for x0, y0, x1, y1, score in boxes.tolist()]
        return sorted(faces, key=lambda face: -face.box.area)


def overlap(a: Box, b: Box) -> float:
    """Return intersection over union of two boxes, 0..1."""
    width, height = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (a.area + b.area - shared)


def _step(smallest: float) -> int:
    """Which pixels to look at at all: no net sees more than 48 across a face."""
    return max(1, int(smallest // O_SIZE))


def _pyramid(short_side: float, smallest: float) -> list[float]:
    """Scales at which faces from `smallest` pixels up to the whole picture fill P-Net's window."""
    scale = P_CELL / smallest
    scales: list[float] = []
    while short_side * scale >= P_CELL or not scales:
        scales.append(scale)
        scale *= FACTOR
    return scales


def _keep_best(boxes: Boxes, threshold: float, *, of_smaller: bool = False) -> NDArray[np.intp]:
    """Non-maximum suppression: indices of the best boxes, best first, that overlap no better one too much.

    The overlap, up to `threshold`, is intersection over union, or over the smaller of the two boxes.
    """
    order = np.argsort(-boxes[:, 4], kind="stable")[:MAX_CANDIDATES]
    low, high = boxes[order, 0:2], boxes[order, 2:4]
    areas = np.prod(high - low, axis=1)
    sides = np.minimum(high[:, None], high[None]) - np.maximum(low[:, None], low[None])
    shared = np.prod(np.clip(sides, 0, None), axis=2)
    base = np.minimum(areas[:, None], areas) if of_smaller else areas[:, None] + areas - shared
    too_close = shared > threshold * base
    alive = np.ones(len(order), bool)
    for index in range(len(order)):
        if alive[index]:
            alive[index + 1 :] &= ~too_close[index, index + 1 :]
    return order[alive]


def _squared(boxes: Boxes) -> Boxes:
    """Grow each box to the square around its centre."""
    centre, half = (boxes[:, 0:2] + boxes[:, 2:4]) / 2, (boxes[:, 2:4] - boxes[:, 0:2]).max(axis=1, keepdims=True) / 2
    return np.column_stack([centre - half, centre + half, boxes[:, 4]])


def _shifted(boxes: Boxes, shift: Floats) -> Boxes:
    """Move each corner by its shift. The one added to the sides is the reference's (Caffe's inclusive pixels)."""
    sides = np.tile(boxes[:, 2:4] - boxes[:, 0:2] + 1, 2)
    return np.column_stack([boxes[:, :4] + shift * sides, boxes[:, 4]])


def _passed(boxes: Boxes, shift: Floats, score: Floats, threshold: float) -> tuple[Boxes, Floats]:
    """Keep the boxes that a net believes in, with its score instead of the one before."""
    passed = score > threshold
    return np.column_stack([boxes[passed, :4], score[passed]]), shift[passed]


def _visible(boxes: Boxes, frame: Frame) -> tuple[Boxes, Ints]:
    """Return the boxes that show any of the frame, and what they show, (N, 4) in whole pixels, x1 and y1 exclusive."""
    whole = np.trunc(boxes[:, :4]).astype(np.int64)
    low = np.maximum(whole[:, 0:2], 1) - 1  # the reference counts pixels from 1
    high = np.minimum(whole[:, 2:4], (frame.width, frame.height))
    shown = (high > low).all(axis=1)
    return boxes[shown], np.column_stack([low, high])[shown]
