"""Single JPEG and PNG pictures -> frames: the size is looked at before anything is decoded, and each is decoded once.

The colour conversion is that of video (pixels.py); FFmpeg's own mjpeg and png decoders do the rest.
"""

import av

from service.pipeline.container import bad_size, codec_options, fits
from service.pipeline.errors import ImageMalformed, NotAnImage, ResolutionChanged
from service.pipeline.frame import Frame
from service.pipeline.image_header import ImageHeader, ImageKind, for_decoder, read_header
from service.pipeline.pixels import to_frame
from service.pipeline.types import DecodeLimits

_DECODERS: dict[ImageKind, str] = {"jpeg": "mjpeg", "png": "png"}


class StillDecoder:
    """Decodes the pictures of one recording: all of one kind and size."""

    def __init__(self, limits: DecodeLimits) -> None:
        self._limits = limits
        self._options = codec_options(limits) | {"err_detect": "explode"}
        self.header: ImageHeader | None = None  # that of the first picture

    def decode(self, data: bytes, time_s: float) -> Frame:
        """Return the picture of one image file.

        Raises NotAnImage, ImageMalformed, ResolutionOutOfRange, ResolutionChanged, or NoColour for a grey format.
        """
        header = read_header(data)
        self._check(header)
        picture = self._picture(for_decoder(data, header.kind), header)
        return to_frame(picture, time_s, header.turn_deg)

    def _check(self, header: ImageHeader) -> None:
        if self.header is None:
            if not fits(header.width, header.height, self._limits):
                raise bad_size(self._limits)
            self.header = header
        elif header.kind != self.header.kind:
            raise NotAnImage("the images must be all JPEG or all PNG")
        elif header != self.header:
            raise ResolutionChanged("the images are not all of one size")

    def _picture(self, data: bytes, header: ImageHeader) -> av.VideoFrame:
        # A decoder of its own for each: Huffman tables of one image must not serve another that lacks them.
        decoder = av.CodecContext.create(_DECODERS[header.kind], "r")
        assert isinstance(decoder, av.VideoCodecContext), "made for pictures"
        decoder.thread_count = 1
        decoder.options = self._options
        try:
            pictures = decoder.decode(av.Packet(data))
        except (av.FFmpegError, MemoryError) as error:
            raise ImageMalformed("an image does not decode") from error
        if len(pictures) != 1 or (pictures[0].width, pictures[0].height) != (header.width, header.height):
            raise ImageMalformed("an image is not what its header says")
        return pictures[0]
