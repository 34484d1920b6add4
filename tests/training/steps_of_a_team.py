"""Command: a few steps of training in however many processes there are; prints the losses."""

import json
import sys
from pathlib import Path

import torch

from training.batches import TrainingBatches
from training.clips import ClipFolder
from training.config import NO_AUGMENT, TrainConfig, loss_weights
from training.engine import Engine
from training.losses import Criterion
from training.models import NETWORKS
from training.parallel import join_team, leave_team


def main(model: str, clips: Path) -> None:
    """Take four steps and print JSON, in the process that leads."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    team, device = join_team()
    net = NETWORKS[model]()
    criterion = Criterion(loss_weights("band", net.kind), 30.0)
    engine = Engine(net, TrainConfig(model, 4, ema_decay=0.5), criterion, device=device, team=team)
    row = TrainingBatches(ClipFolder(clips), spec=net.spec(30.0), batch_clips=4, seed=0, kind=net.kind, team=team)
    row.augmented_by(NO_AUGMENT)
    totals = [engine.step(next(row), i / 4)["total"] for i in range(4)]
    if team.leads:
        sys.stdout.write(json.dumps({"processes": team.size, "totals": totals}))
    leave_team()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
