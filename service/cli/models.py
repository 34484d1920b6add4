"""`facepulse models`: the models in use, how fast and how accurate each is."""

import argparse
from typing import TYPE_CHECKING

from service.cli.codes import OK

if TYPE_CHECKING:
    from service.api.model_schemas import ModelFacts
    from service.cli.codes import Commands

_DESCRIPTION = """\
List the models in use, the default first. The speed is measured now: processor time of the model alone, per frame of
one face; `facepulse benchmark` measures the whole chain. The accuracy was measured when the model was released, on
rendered test videos: the mean error in bpm of the answers that were `ok`, and the percentage of videos that got one;
`-` where the manifest does not say."""


def add_to(commands: "Commands") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "models",
        help="list the models in use, with speed and accuracy",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print the same fields as the HTTP API")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Print a line per model."""
    from service.api.catalogue import list_models  # noqa: PLC0415
    from service.api.model_schemas import ModelList  # noqa: PLC0415
    from service.cli.local_estimator import local_estimator  # noqa: PLC0415
    from service.wire import Ready  # noqa: PLC0415

    estimator = local_estimator()
    models = list_models(Ready(estimator.names, estimator.release))
    if arguments.json:
        print(ModelList(models=models).model_dump_json(indent=2))
        return OK
    from service.pipeline.speed import model_ms_per_frame  # noqa: PLC0415

    print(f"{'model':<14}{'version':<12}{'parameters':>10}{'ms per frame':>14}{'error, bpm':>12}{'ok, %':>8}")
    for model in models:
        print(_line(model, model_ms_per_frame(estimator.model(model.name))))
    return OK


def _line(model: "ModelFacts", ms_per_frame: float) -> str:
    version = "classical" if model.version is None else model.version
    parameters = "-" if model.parameters is None else f"{model.parameters:,}"
    default = "  (default)" if model.default else ""
    return f"{model.name:<14}{version:<12}{parameters:>10}{ms_per_frame:14.3f}{_accuracy(model)}{default}"


def _accuracy(model: "ModelFacts") -> str:
    """Return two columns from the metrics that the web page shows, too."""
    error, share = model.metrics.get("test_ok_bpm_mae"), model.metrics.get("test_ok_share")
    return f"{'-' if error is None else f'{error:.1f}':>12}{'-' if share is None else f'{100 * share:.0f}':>8}"
