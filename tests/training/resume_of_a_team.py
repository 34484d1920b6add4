"""Command: two processes go on with a run that lies on the first one's disk alone; each prints where it stands."""

import json
import sys
from pathlib import Path

import torch

from training.clips import ClipFolder
from training.config import TrainConfig
from training.parallel import join_team, leave_team
from training.train import Data, Run


def main(clips: Path, folder: Path) -> None:
    """Take two steps more than the checkpoint in `folder` has and print JSON."""
    torch.set_num_threads(1)
    team, _ = join_team()
    config = TrainConfig("student", 4, batch_clips=2)
    run = Run(config, Data(ClipFolder(clips), None), folder if team.leads else folder / "another-machine")
    run.resume()
    run.go(quiet=True)
    weights = float(sum(value.double().sum() for value in run.engine.net.state_dict().values()))
    place = [run.batches.state()[name] for name in ("epoch", "place")]
    sys.stdout.write(json.dumps({"steps": run.engine.steps, "place": place, "weights": weights}) + "\n")
    leave_team()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
