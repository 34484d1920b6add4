"""The command `facepulse`: serve, estimate, models.

Exit codes: 0 done, 1 the video or a model cannot be used (`code: detail` on stderr), 2 wrong usage,
130 interrupted by Ctrl-C.
Whatever is slow to import is imported by the command that needs it, so that --help is quick.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    from pydantic import ValidationError

    from service.api.schemas import HeartRateResult, Measurement, ModelFacts

OK, UNUSABLE, USAGE, INTERRUPTED = 0, 1, 2, 130
MAX_DURATION_S = 2 * 3600.0  # at home nobody else waits: as long as a job of the service
Command = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; wrong usage leaves through argparse with 2."""
    arguments = _parser().parse_args(argv)
    command: Command = arguments.command
    import pydantic  # noqa: PLC0415

    from service.pipeline.errors import FacePulseError, UnknownModel  # noqa: PLC0415

    try:
        return command(arguments)
    except pydantic.ValidationError as error:
        print(f"settings_invalid: {_setting_faults(error)}", file=sys.stderr)
        return USAGE
    except FacePulseError as error:
        print(f"{error.code}: {error.detail}", file=sys.stderr)
        return USAGE if isinstance(error, UnknownModel) else UNUSABLE
    except OSError as error:
        print(f"file_error: {error.strerror or 'a file cannot be read or written'}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        return INTERRUPTED


def _setting_faults(error: "ValidationError") -> str:
    faults = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="facepulse", description="Heart rate from a video of a face.")
    parser.add_argument("--version", action="version", version=f"facepulse {version('facepulse')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_serve(commands.add_parser("serve", help="start the HTTP service; settings come from the environment"))
    _add_estimate(commands.add_parser("estimate", help="measure one video file"))
    _add_models(commands.add_parser("models", help="list the models in use"))
    return parser


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", help="address to listen on, instead of FACEPULSE_HOST")
    parser.add_argument("--port", type=int, help="port to listen on, instead of FACEPULSE_PORT")
    parser.set_defaults(command=_serve)


def _add_estimate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("video", type=Path, metavar="VIDEO", help="MP4, MOV, Matroska, WebM or AVI file")
    parser.add_argument("--model", default="auto", help="a name that `facepulse models` lists (default: auto)")
    parser.add_argument("--face", choices=("largest", "all"), default="largest", help="whose pulse (default: largest)")
    parser.add_argument("--start-s", type=_seconds, default=0.0, metavar="S", help="skip the first S seconds")
    parser.add_argument("--duration-s", type=_seconds, metavar="S", help="look at S seconds only")
    parser.add_argument("--json", action="store_true", help="print the same fields as the HTTP API")
    parser.add_argument("--plot", type=_png, metavar="OUT.png", help="draw wave, spectrum and windows")
    parser.set_defaults(command=_estimate)


def _add_models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the same fields as the HTTP API")
    parser.set_defaults(command=_models)


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError("must be a number of seconds, 0 or more")
    return value


def _png(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() != ".png" or not path.parent.is_dir():
        raise argparse.ArgumentTypeError("must be the name of a .png file in a folder that exists")
    return path


def _serve(arguments: argparse.Namespace) -> int:
    from service.main import run  # noqa: PLC0415
    from service.settings import Settings  # noqa: PLC0415

    chosen = {name: getattr(arguments, name) for name in ("host", "port") if getattr(arguments, name) is not None}
    run(Settings(**chosen))
    return OK


def _estimate(arguments: argparse.Namespace) -> int:
    from service.api.schemas import HeartRateResult  # noqa: PLC0415
    from service.pipeline.estimate import Estimator  # noqa: PLC0415
    from service.pipeline.types import DecodeLimits  # noqa: PLC0415
    from service.plot import PlotUnavailable, require_matplotlib, save_plot  # noqa: PLC0415
    from service.settings import Settings  # noqa: PLC0415

    if arguments.plot:
        try:
            require_matplotlib()  # before the work, not after it
        except PlotUnavailable as error:
            print(f"plot_unavailable: {error}", file=sys.stderr)
            return USAGE
    arguments.video.open("rb").close()  # a missing or unreadable file is said in the system's own words
    estimator = Estimator(Settings().model_store)
    with _Progress() as progress:
        estimate = estimator.estimate(
            arguments.video,
            model=arguments.model,
            face=arguments.face,
            start_s=arguments.start_s,
            duration_s=arguments.duration_s,
            limits=DecodeLimits(max_duration_s=MAX_DURATION_S),
            progress=progress,
        )
    result = HeartRateResult.from_estimate(estimate, all_faces=arguments.face == "all")
    print(result.to_json(indent=2) if arguments.json else in_words(result))
    if arguments.plot:
        save_plot(result, arguments.plot)
    return OK


class _Progress:
    """A bar on stderr when that is a terminal; called with the share that is done, 0..1."""

    def __init__(self) -> None:
        self._bar = tqdm(
            total=100, unit="%", leave=False, disable=None, bar_format="{percentage:3.0f} % |{bar}| {elapsed}"
        )

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def __call__(self, share: float) -> None:
        self._bar.update(100 * share - self._bar.n)


def _models(arguments: argparse.Namespace) -> int:
    from service.api.catalogue import list_models  # noqa: PLC0415
    from service.api.schemas import ModelList  # noqa: PLC0415
    from service.pipeline.classical import CLASSICAL  # noqa: PLC0415
    from service.settings import Settings  # noqa: PLC0415
    from service.wire import Ready  # noqa: PLC0415

    models = list_models(Settings().model_store, Ready(models=tuple(CLASSICAL), default=""))
    if arguments.json:
        print(ModelList(models=models).model_dump_json(indent=2))
    else:
        print("\n".join(_model_line(model) for model in models))
    return OK


def _model_line(model: "ModelFacts") -> str:
    what = "classical method" if model.parameters is None else f"{model.version}, {model.parameters:,} parameters"
    return f"{model.name:<14}{what}{'  (default)' if model.default else ''}"


def in_words(result: "HeartRateResult") -> str:
    """Say a result in lines of words and units; every face where it has more than one."""
    faces = result.faces or [result]
    lines: list[str] = []
    for number, face in enumerate(faces, 1):
        lines += [f"Face {number} of {len(faces)}"] if len(faces) > 1 else []
        lines += _face_lines(face)
    video, model = result.video, result.model
    lines.append(
        f"Video        {video.duration_s:.1f} s, {video.width}x{video.height}, {video.fps:.1f} fps, {video.codec}"
    )
    lines.append(f"Model        {model.name} {model.version}".rstrip())
    lines += [f"Warning      {warned.code}: {warned.detail}" for warned in result.warnings]
    return "\n".join(lines)


def _face_lines(face: "Measurement") -> list[str]:
    rates = [window.bpm for window in face.windows]
    spread = f", {min(rates):.1f} to {max(rates):.1f} bpm" if len(rates) > 1 else ""
    rate = f"{face.bpm:.1f} bpm"
    return [
        f"Heart rate   {rate if face.status == 'ok' else f'not reliable (low quality); the best guess is {rate}'}",
        f"Confidence   {face.confidence:.2f} of 1",
        f"SNR          {'unknown' if face.snr_db is None else f'{face.snr_db:.1f} dB'}",
        f"Windows      {len(rates)}{spread}",
        f"Face         found in {100 * face.face.found_ratio:.0f} % of the looks",
    ]


if __name__ == "__main__":
    sys.exit(main())
