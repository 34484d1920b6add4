"""Heart rate from a webcam, drawn over its picture: python opencv_webcam.py [camera] [http://127.0.0.1:8000] [API key]

Needs `pip install 'facepulse[client,camera]'`; a window needs `opencv-python` in place of the headless one, without it
the rate is printed. The camera is its number, or whatever else OpenCV opens.
"""

import asyncio
import contextlib
import itertools
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2

from facepulse import AsyncClient, LiveUpdate


class Camera:
    """Reads and shows the camera's pictures; `text` is drawn over them."""

    def __init__(self, camera: int | str) -> None:
        self.text = "measuring, hold still ..."
        self._capture = cv2.VideoCapture(camera)
        self._is_file = isinstance(camera, str) and Path(camera).is_file()
        self._has_window = True

    def frames(self) -> Iterator[tuple[float, bytes]]:
        """Yield (time in seconds, JPEG) until the camera ends or `q` is pressed."""
        began_s = time.monotonic()
        for index in itertools.count():
            came, bgr = self._capture.read()
            if not came or not self._show(bgr.copy()):
                self._capture.release()
                return
            time_s = time.monotonic() - began_s  # when it was taken: a camera's rate is never quite what it says
            if self._is_file:  # which does not take its time as a camera does
                file_s = index / self._capture.get(cv2.CAP_PROP_FPS)
                time.sleep(max(0.0, file_s - time_s))
                time_s = file_s
            yield time_s, cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()

    def _show(self, bgr: cv2.typing.MatLike) -> bool:
        if self._has_window:
            try:
                cv2.putText(bgr, self.text, (20, 40), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255), 2)
                cv2.imshow("facepulse", bgr)
                return cv2.waitKey(1) != ord("q")
            except cv2.error:  # the headless package has no windows
                self._has_window = False
        return True


def in_words(update: LiveUpdate) -> str:
    """Say an update in a line."""
    if update.bpm is None:
        return update.status.replace("_", " ")
    return f"{update.bpm:.0f} bpm, confidence {update.confidence:.2f}"


async def measure(camera: Camera, url: str, api_key: str | None) -> None:
    """Send the frames, show what comes back."""
    async with AsyncClient(url, api_key=api_key) as client:
        async for update in client.live(camera.frames()):
            camera.text = in_words(update)
            print(f"{update.time_s:6.1f} s  {camera.text}", flush=True)


def main(camera: str = "0", url: str = "http://127.0.0.1:8000", api_key: str | None = None) -> None:
    """Measure until the camera ends, `q` or Ctrl-C."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(measure(Camera(int(camera) if camera.isdigit() else camera), url, api_key))


if __name__ == "__main__":
    main(*sys.argv[1:])
