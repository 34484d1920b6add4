"""Peak memory of a worker by length of video: `python -m tests.benchmarks.bench_memory [MINUTES ...]`.

Each length runs in a fresh process that does what a worker does: warm all models, measure one video with the default.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.service.pipeline.renders import face_recipe, render_face, repeat_packets

STORE = Path(__file__).parents[2] / "model_store"
_MEASURE = """
import resource, sys
from pathlib import Path
from service.pipeline.estimate import Estimator
from service.pipeline.types import DecodeLimits
estimator = Estimator(Path(sys.argv[1]))
estimator.warm()
warm = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
estimate = estimator.estimate(Path(sys.argv[2]), limits=DecodeLimits(max_duration_s=7200))
print(estimate.video.duration_s, warm / 1024, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def main(minutes: list[int]) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        short = render_face(Path(name) / "short.mp4", face_recipe(width=640, height=480, duration_s=30.0))
        print(f"{'minutes':>7} {'warm MB':>8} {'peak MB':>8}")
        for length in minutes:
            repeat_packets(short, Path(name) / "long.mp4", 2 * length)
            command = [sys.executable, "-c", _MEASURE, str(STORE), str(Path(name) / "long.mp4")]
            answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
            print(f"{float(answer[0]) / 60:7.1f} {float(answer[1]):8.0f} {float(answer[2]):8.0f}")


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or [1, 10, 60])
