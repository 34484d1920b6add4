"""Rendered videos, as training.benchmark leaves them: <seed>.video, <seed>.csv (the true pulse), <seed>.json.

Cases without a pulse are left out: they teach and test confidence, and have no rate to be compared with.
"""

from training.benchmark import Case, read_case
from training.datasets.errors import FileMalformed
from training.datasets.folder import Place, RecordingFolder
from training.datasets.recording import Recording, pulse_trace
from training.synthesis.pulse_wave import Truth


class Rendered(RecordingFolder):
    """A folder of a benchmark's cases."""

    dataset = "rendered"
    licence = "rendered from the Face Research Lab London Set, DeBruine and Jones 2017, CC BY 4.0, or from drawn faces"
    size = "python -m training.evaluate renders some into runs/benchmark"

    def read(self, place: Place) -> Recording:
        """Read one case; see RecordingFolder.read."""
        _, truth, _ = place.files
        case = self._case(int(place.name))
        try:
            wave = Truth.read_csv(truth)
        except (ValueError, IndexError) as error:
            raise FileMalformed(truth, "does not hold the columns time_s, ppg, beat") from error
        pulse = pulse_trace(wave.times_s, wave.ppg, truth)
        return Recording(
            self.dataset, place.subject, place.name, case.video, pulse, self.licence, groups=dict(case.groups)
        )

    def _find(self) -> list[Place]:
        seeds = sorted(int(path.stem) for path in self.root.glob("*.json") if path.stem.isdigit())
        cases = [case for case in map(self._case, seeds) if case.bpm is not None]
        return [
            Place(
                case.person,
                str(case.seed),
                (case.video, case.video.with_suffix(".csv"), case.video.with_suffix(".json")),
            )
            for case in cases
        ]

    def _case(self, seed: int) -> Case:
        try:
            return read_case(self.root, seed)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FileMalformed(self.root / f"{seed}.json", "is not the JSON of a rendered case") from error
