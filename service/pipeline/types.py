"""What travels between the stages: frozen dataclasses, units in the names.

Times are seconds on the video's own clock (presentation time stamps; the first frame is at 0).
Boxes are x0, y0, x1, y1 in pixels of the upright picture; x1 and y1 are exclusive.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
FaceChoice = Literal["largest", "all"]
NOISE_SLOPE = 1.5  # of summed changes and classical waves: of 0 to 2.5 in halves the best for the student on renders
SampleKind = Literal["derivative", "wave"]

CROP_SCALE = 1.6  # of the paper: the crop's side over the face's longer one


@dataclass(frozen=True, slots=True)
class Warned:
    """Something the caller should know although an answer was possible; `code` is stable."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What a video may cost. The defaults are those of a synchronous request."""

    max_width: int = 3840
    max_height: int = 2160
    min_side: int = 64
    min_fps: float = 10.0
    max_fps: float = 240.0
    min_duration_s: float = 5.0
    max_duration_s: float = 600.0


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """Facts about the part of a video that was decoded; size is that of the upright picture."""

    width: int
    height: int
    fps: float
    duration_s: float
    frames: int
    codec: str
    container: str
    rotation_deg: int


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the upright picture; may reach beyond the picture."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.y1 - self.y0

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return self.width * self.height

    def square(self, scale: float) -> "Box":
        """Return the square with the same centre whose side is `scale` times the longer side."""
        half = max(self.width, self.height) * scale / 2
        cx, cy = (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2
        return Box(cx - half, cy - half, cx + half, cy + half)


@dataclass(frozen=True, slots=True)
class DetectedFace:
    """One face in one frame: its box, the detector's score in 0..1."""

    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class TrackedFace:
    """The crop to take of one face in one frame.

    `crop` is the square CROP_SCALE times the face, held while the face stays within it. `moved` says that it is
    not where it was in the frame before, or that the face is away: the two frames' crops must not be differenced.
    `away` says the latter alone.
    """

    face_id: int
    crop: Box
    moved: bool
    away: bool = False


@dataclass(frozen=True, slots=True)
class FaceTrack:
    """One face over a whole video: crops as (time_s, box) at each move, and how often it was seen."""

    face_id: int
    crops: tuple[tuple[float, Box], ...]
    looks: int
    found: int

    @property
    def found_ratio(self) -> float:
        """Share of the looks at the video in which this face was found, 0..1."""
        return self.found / self.looks if self.looks else 0.0


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What a model wants to see: square RGB crops of `size` pixels at `fps`, T of them for T - lag samples.

    A model of pairs (past and future 0) compares frames i and i + lag. A model of windows sees `past` frames before and
    `future` frames behind each sample's own; lag is their sum.
    """

    size: int = 36
    fps: float = 30.0
    lag: int = 1
    past: int = 0
    future: int = 0

    @property
    def windowed(self) -> bool:
        """Whether a sample stands for a frame of its own and not for what changes between two."""
        return self.past + self.future > 0


@dataclass(frozen=True, slots=True)
class Clip:
    """A stretch of crops of one face on a regular time grid.

    rgb: float32 (T, 3, size, size), RGB in 0..1, averaged over area and never rounded to 8 bits.
    comparable: bool (T,); False where frame i must not be differenced with frame i - 1 (the crop moved, or
    the video has a gap there). start_s is the time of frame 0, frame i is at start_s + i / fps.
    """

    rgb: Floats
    comparable: Bools
    start_s: float
    fps: float


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a model says about a whole clip, before any filtering.

    samples: float32 (N,), arbitrary scale, one per frame pair; `derivative` samples are summed up by the pulse
    stage, a `wave` is the blood volume pulse (BVP) itself. Up means more blood (darker skin).
    valid: bool (N,), False where the sample was filled in because its frames were not comparable.
    start_s is the time of sample 0, sample i is at start_s + i / fps. noise_slope: the power of the wave's noise falls
    as frequency^-noise_slope; a rate is looked for after that is taken off.
    """

    samples: Floats
    valid: Bools
    start_s: float
    fps: float
    kind: SampleKind
    noise_slope: float = NOISE_SLOPE


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a model's signal quality turns into confidence: a logistic function of named features.

    logit = bias + sum of weight x feature; features are those of `pulse.QUALITY_FEATURES`. Fitted on rendered
    clips by `training.calibrate`; each model carries its own in the manifest.
    """

    bias: float
    weights: dict[str, float]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Which model answered."""

    name: str
    version: str
    sha256: str


class PulseStream(Protocol):
    """One face's way through a model: crops in, pulse samples out, memory constant where the model allows.

    The samples never depend on how the frames were cut into clips.
    """

    def push(self, clip: Clip) -> None:
        """Take the next stretch of crops; it begins where the one before ended."""
        ...

    def finish(self) -> Pulse:
        """Return all samples of what was pushed; more may be pushed and finished afterwards."""
        ...

    def forget(self, count: int) -> None:
        """Drop the first so many of the samples that `finish` gives: live video has no end."""
        ...


class PulseModel(Protocol):
    """An ONNX model or a classical method."""

    @property
    def info(self) -> ModelInfo:
        """Name, version and hash."""
        ...

    @property
    def input(self) -> InputSpec:
        """The crops it wants."""
        ...

    @property
    def calibration(self) -> Calibration:
        """How its quality turns into confidence."""
        ...

    def stream(self) -> PulseStream:
        """Start on one face."""
        ...
