"""Command: record a face and the pulse of a finger on one clock, as own recordings.

python -m training.record recordings/p01/rest-1 --sensor /dev/ttyACM0 --camera 0
python -m training.prepare --out runs/clips/own --dataset own --root recordings

TAKE is a folder and a name without suffix: <subject>/<take>, with a code for the subject and not a name. The command
writes TAKE.mkv and TAKE.csv and nothing over files that are there; the sensor is a board with the sketch
training/recorder/firmware/facepulse_ppg. Ctrl-C ends it. docs/recording.md says what to buy, to wire and to ask.
"""

import argparse
import signal
import sys
from pathlib import Path
from threading import Event

from facepulse.sources import SourceUnavailable, camera_name
from training.recorder.camera import Camera, FileCamera, LiveCamera
from training.recorder.preview import Preview, counts
from training.recorder.recording import Recorder, SensorSilent
from training.recorder.sensor import Sensor
from training.recorder.writer import CODECS, TakeCutOff, TakeExists


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0, or 2 when there is no camera, no sensor, no space, or such a take already."""
    args = _parser().parse_args(arguments)
    stop = Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        recorder = Recorder(_camera(args), Sensor(args.sensor, falls=args.falls), args.take, codec=args.codec)
        tally = recorder.record(stop, Preview().show, seconds=args.seconds)
    except (SourceUnavailable, SensorSilent, TakeExists, TakeCutOff) as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    print(counts(tally))
    return 0


def _camera(args: argparse.Namespace) -> Camera:
    if args.file is not None:
        return FileCamera(args.file)
    name = camera_name(args.camera)
    return LiveCamera(name, width=args.width, height=args.height, fps=args.fps)


def _take(text: str) -> Path:
    path = Path(text)
    if path.name in ("", ".."):
        raise argparse.ArgumentTypeError("must be a folder and a name: <subject>/<take>")
    return path


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError("must be above zero")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("take", type=_take, metavar="TAKE", help="<folder>/<subject>/<take>")
    parser.add_argument("--sensor", required=True, metavar="DEVICE", help="the board's serial device")
    parser.add_argument("--falls", action="store_true", help="the sensor's value falls with more blood: turn it round")
    parser.add_argument("--seconds", type=_positive, default=float("inf"), help="how long (default: until Ctrl-C)")
    parser.add_argument(
        "--codec", choices=sorted(CODECS), default="ffv1", help="ffv1 loses nothing, h264 is a quarter of its size"
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--camera", default="0", help="its number, csi, its path or a GStreamer pipeline (default: 0)")
    source.add_argument("--file", type=Path, help="a video in the camera's place, for tests")
    parser.add_argument("--width", type=int, default=640, help="asked of the camera, in pixels")
    parser.add_argument("--height", type=int, default=480, help="asked of the camera, in pixels")
    parser.add_argument("--fps", type=_positive, default=30.0, help="asked of the camera; frames dropped count by it")
    return parser


if __name__ == "__main__":
    sys.exit(main())
