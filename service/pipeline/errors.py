"""Everything that can go wrong in the pipeline, as one tree.

FacePulseError
├── InputError                the caller's video cannot be used
│   ├── NotAVideo             not one of the containers that are taken
│   ├── CodecNotAllowed       a container that is taken with a codec that is not
│   ├── NoVideoStream         audio only, or nothing at all
│   ├── VideoMalformed        the container or its sample tables contradict themselves
│   ├── VideoTruncated        too little decodes of what the container promises
│   ├── VideoTooShort
│   ├── VideoTooLong
│   ├── ResolutionOutOfRange
│   ├── ResolutionChanged     in the middle of the stream
│   ├── FrameRateOutOfRange
│   ├── TimestampsInvalid     missing, duplicate or running backwards
│   ├── NotAnImage            one of a batch is no JPEG or PNG, or one that is not taken
│   ├── ImageMalformed        one of a batch does not decode
│   ├── FramesMismatch        frames, their size and their times do not fit together
│   ├── NoColour              grey only: a pulse needs colour
│   └── NoFaceFound
├── UnknownModel              no released model or classical method has this name
└── ModelError                a released model is broken: our fault, not the caller's
    ├── ManifestInvalid
    └── ModelCorrupt          the file's hash, inputs or outputs differ from the manifest

`code` is stable and public: the HTTP API builds the problem `type` from it, the command line prints it.
`detail` is one sentence of ours for a person and never carries anything copied from the input.
"""

from typing import ClassVar


class FacePulseError(Exception):
    """Base of all errors that the pipeline raises on purpose."""

    code: ClassVar[str] = "error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class InputError(FacePulseError):
    """The caller's video cannot be used."""

    code = "input_invalid"


class NotAVideo(InputError):
    """Not one of the containers that are taken: MP4, MOV, Matroska, WebM, AVI."""

    code = "not_a_video"


class CodecNotAllowed(InputError):
    """The video stream's codec is not on the whitelist."""

    code = "codec_not_allowed"


class NoVideoStream(InputError):
    """The container holds no video stream."""

    code = "no_video_stream"


class VideoMalformed(InputError):
    """The container or its sample tables contradict themselves, or nothing decodes."""

    code = "video_malformed"


class VideoTruncated(InputError):
    """Too little decodes of what the container promises."""

    code = "video_truncated"


class VideoTooShort(InputError):
    """Shorter than the shortest span from which a heart rate can be said."""

    code = "too_short"


class VideoTooLong(InputError):
    """Longer than the caller of the pipeline allows."""

    code = "too_long"


class ResolutionOutOfRange(InputError):
    """The picture is larger or smaller than allowed."""

    code = "resolution_out_of_range"


class ResolutionChanged(InputError):
    """The picture's size changes in the middle of the stream."""

    code = "resolution_changed"


class FrameRateOutOfRange(InputError):
    """The mean frame rate is outside the allowed range."""

    code = "frame_rate_out_of_range"


class TimestampsInvalid(InputError):
    """Frame times are missing, duplicate or run backwards."""

    code = "timestamps_invalid"


class NotAnImage(InputError):
    """One of a batch is neither a plain JPEG nor a still PNG, or not of the kind of the others."""

    code = "not_an_image"


class ImageMalformed(InputError):
    """One of a batch does not decode, or is not what its header says."""

    code = "image_malformed"


class FramesMismatch(InputError):
    """The number of frames, their size and their times do not fit together."""

    code = "frames_mismatch"


class NoColour(InputError):
    """The video is grey: a pulse needs colour."""

    code = "no_colour"


class NoFaceFound(InputError):
    """No face was found in the part of the video that was looked at."""

    code = "no_face"


class UnknownModel(FacePulseError):
    """No released model or classical method has this name."""

    code = "unknown_model"


class ModelError(FacePulseError):
    """A released model is broken."""

    code = "model_error"


class ManifestInvalid(ModelError):
    """manifest.json is missing, malformed, or of a schema this version does not read."""

    code = "manifest_invalid"


class ModelCorrupt(ModelError):
    """A model file's hash, inputs or outputs differ from its manifest."""

    code = "model_corrupt"
