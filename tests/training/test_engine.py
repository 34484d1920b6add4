import copy
from pathlib import Path

import pytest
import torch

from service.pipeline.types import InputSpec
from training.batches import TrainingBatches, plain_batches
from training.clips import ClipFolder
from training.config import LOSS_WEIGHTS, NO_AUGMENT, LossRecipe, TrainConfig
from training.engine import Engine, schedule, validate
from training.losses import Criterion, LossNotFinite
from training.models import MODELS, Student, Teacher

CPU = torch.device("cpu")


def engine(config: TrainConfig, teacher: Teacher | None = None) -> Engine:
    torch.manual_seed(0)
    criterion = Criterion(LOSS_WEIGHTS[config.loss])
    return Engine(MODELS[config.model](), config, criterion, device=CPU, teacher=teacher)


def batches(clips: Path, lag: int = 1, batch_clips: int = 2) -> TrainingBatches:
    row = TrainingBatches(ClipFolder(clips), spec=InputSpec(lag=lag), batch_clips=batch_clips, seed=0)
    return row.augmented_by(NO_AUGMENT)


@pytest.mark.parametrize("loss", ["band", "paper"])
def test_the_student_learns_a_small_set(clips: Path, loss: LossRecipe) -> None:
    trained = engine(TrainConfig("student", 30, loss=loss, ema_decay=0.9))
    row = batches(clips)
    totals = [trained.step(next(row), i / 30)["total"] for i in range(30)]
    assert sum(totals[-5:]) < 0.5 * sum(totals[:5])
    held_out = plain_batches(ClipFolder(clips), spec=InputSpec(), batch_clips=2, limit=4)
    measured = validate(trained.average, held_out, fps=30.0, device=CPU)
    assert measured["band_r"] > 0.8
    assert measured["clips"] == 4


@pytest.mark.parametrize("name", ["teacher", "mobilenetv3"])
def test_the_larger_networks_learn_too(clips: Path, name: str) -> None:
    trained = engine(TrainConfig(name, 12))
    row = batches(clips, MODELS[name]().lag, batch_clips=1)
    totals = [trained.step(next(row), i / 12)["total"] for i in range(12)]
    assert min(totals[-4:]) < 0.6 * totals[0]


def test_distillation_adds_its_terms_and_leaves_the_teacher_alone(clips: Path) -> None:
    teacher = Teacher()
    before = [parameter.clone() for parameter in teacher.parameters()]
    terms = engine(TrainConfig("student", 1, distil_weight=0.5, distil_pairs=8), teacher).step(
        next(batches(clips)), 0.5
    )
    base = terms["band_pearson"] + 0.05 * terms["derivative_mse"]
    assert terms["total"] == pytest.approx(base + 0.5 * (terms["distil_1"] + terms["distil_2"]), rel=1e-4)
    assert all(torch.equal(a, b) for a, b in zip(before, teacher.parameters(), strict=True))


def test_bfloat16_learns_as_well(clips: Path) -> None:
    trained = engine(TrainConfig("student", 10, bf16=True))
    row = batches(clips)
    totals = [trained.step(next(row), i / 10)["total"] for i in range(10)]
    assert totals[-1] < totals[0]


def test_a_loss_that_is_not_finite_stops_the_run(clips: Path) -> None:
    trained = engine(TrainConfig("student", 5))
    with torch.no_grad():
        trained.net.get_parameter("out.bias").fill_(torch.nan)
    with pytest.raises(LossNotFinite, match="band_pearson"):
        trained.step(next(batches(clips)), 0.5)


def test_norms_are_frozen_towards_the_end(clips: Path) -> None:
    trained = engine(TrainConfig("student", 5))
    batch, net = next(batches(clips)), trained.net
    trained.step(batch, 0.9)
    frozen = net.get_buffer("norm1.running_mean").clone()
    assert not frozen.any()
    trained.step(batch, 0.1)
    assert net.get_buffer("norm1.running_mean").any()


def test_restoring_gives_the_same_next_step(clips: Path) -> None:
    config = TrainConfig("student", 9)
    a, b, row = engine(config), engine(config), batches(clips)
    a.step(next(row), 0.2)
    b.restore(copy.deepcopy(a.state()))  # as if through a file
    batch = next(row)
    assert a.step(batch, 0.3) == b.step(batch, 0.3)
    assert all(torch.equal(x, y) for x, y in zip(a.average.parameters(), b.average.parameters(), strict=True))


@pytest.mark.parametrize(
    ("progress", "expected"), [(0.0, 0.01), (0.05, 0.5), (0.1, 1.0), (0.55, 0.5), (1.0, 0.0), (2.0, 0.0)]
)
def test_the_rate_rises_and_falls(progress: float, expected: float) -> None:
    assert schedule(progress, 0.1) == pytest.approx(expected)


def test_the_average_starts_as_the_network() -> None:
    fresh = engine(TrainConfig("student", 1))
    assert isinstance(fresh.average, Student)
    assert all(torch.equal(a, b) for a, b in zip(fresh.net.parameters(), fresh.average.parameters(), strict=True))
