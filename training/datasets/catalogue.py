"""The data sets by name."""

from training.datasets.cohface import Cohface
from training.datasets.folder import RecordingFolder
from training.datasets.own import OwnRecordings
from training.datasets.pure import Pure
from training.datasets.synthetic import Rendered
from training.datasets.ubfc_rppg import UbfcRppg

DATASETS: dict[str, type[RecordingFolder]] = {
    folder.dataset: folder for folder in (UbfcRppg, Pure, Cohface, OwnRecordings, Rendered)
}
