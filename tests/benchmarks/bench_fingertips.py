"""How precise a window's rate is on real hearts: `python -m tests.benchmarks.bench_fingertips`.

Fingertips over a phone's camera against a chest strap: prints a Markdown table of the errors of 10-s windows, in bpm,
of the rate that is served and of the peak of its spectrum.
"""

import numpy as np

from tests.service.pipeline.fingertips import RECORDINGS, window_errors
from training.tables import markdown

HEADER = ["10-s windows", "windows", "MAE", "median error", "within 1 bpm", "median recording's MAE"]


def main() -> None:
    """Print the table."""
    found = [window_errors(folder) for folder in RECORDINGS]
    if not found:
        raise SystemExit("the fingertip recordings are not here")
    rows = []
    for name, each in (("mean rate", [one.rate for one in found]), ("peak", [one.peak for one in found])):
        errors = np.concatenate(each)
        figures = f"{errors.mean():.2f}", f"{np.median(errors):.2f}", f"{(errors <= 1).mean():.1%}"
        rows.append([name, str(len(errors)), *figures, f"{np.median([one.mean() for one in each]):.2f}"])
    print(markdown(HEADER, rows))


if __name__ == "__main__":
    main()
