"""What every model and classical method says of real clips: `python -m tests.benchmarks.bench_clips CLIP ...`.

Prints a Markdown table: bpm and, in brackets, the confidence; or the error's code. No true rate is known for them.
"""

import sys
from pathlib import Path

from service.pipeline.errors import InputError
from service.pipeline.estimate import Estimator
from training.tables import markdown

STORE = Path(__file__).parents[2] / "model_store"


def row(estimator: Estimator, path: Path) -> list[str]:
    """Return the clip's name and each model's answer."""
    try:
        estimates = estimator.compare(path, estimator.names)
    except InputError as error:
        return [path.name, *[f"`{error.code}`"] * len(estimator.names)]
    rates = [estimate.faces[0].heart_rate for estimate in estimates]
    return [path.name, *(f"{rate.bpm:.1f} ({rate.confidence:.2f})" for rate in rates)]


def main(paths: list[Path]) -> None:
    """Print the table."""
    estimator = Estimator(STORE)
    print(markdown(["clip", *estimator.names], [row(estimator, path) for path in paths]))


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
