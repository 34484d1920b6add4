import pytest
import torch
from torch import nn

from tests.training.models.baselines.small import SmallPhysFormer
from training import costs
from training.costs import AT_LARGE, LARGE, QUOTED, cost, norm_values, table
from training.models import NETWORKS, Student
from training.models.baselines import ResNet18


def test_a_cost_is_that_of_180_frames() -> None:
    found = cost(Student)
    assert (found.parameters, found.macs) == (24_769, 180 * 3_157_056)
    assert str(found) == "0.02 M / 0.57 G"


def test_the_table_sets_ours_beside_the_papers() -> None:
    header, _, student, ts_can = table({name: NETWORKS[name] for name in ("student", "ts_can")}).splitlines()
    assert "quoted" in header
    assert student == "| student | 0.02 M / 0.57 G | - | - |"
    assert ts_can == "| ts_can | 0.53 M / 9.22 G | 2.23 M / 40.87 G | 2.23 M / 40.89 G |"


def test_all_that_the_paper_prints_is_counted_and_explained() -> None:
    assert set(QUOTED) == set(costs.EXPLAINED)
    assert set(QUOTED) <= set(AT_LARGE) <= set(NETWORKS)


@pytest.mark.parametrize("name", ["ts_can", "mobilenetv3"])
def test_at_72_pixels_ours_come_near_the_papers(name: str) -> None:
    found = cost(AT_LARGE[name], LARGE)
    assert found.parameters == pytest.approx(QUOTED[name].parameters, rel=0.005)
    assert found.macs == pytest.approx(QUOTED[name].macs, rel=0.05)


def test_ts_can_grows_by_its_hidden_layer() -> None:
    assert "16,384" in costs.explain_ts_can()
    assert "2,228,643" in costs.explain_ts_can()


def test_imagenets_classes_and_norms_make_the_papers_resnet18() -> None:
    assert "11.69 M / 41.56 G" in costs.explain_resnet18()
    assert costs.explain_resnet18().endswith("41.75 G.")


def test_the_listed_encoders_do_not_fit_the_papers_sum() -> None:
    assert "94.53 G" in costs.explain_mobilenetv3()


def test_fewer_tubes_cost_less() -> None:
    figures = [
        float(word) for word in costs.explain_physformer(SmallPhysFormer).split() if word[0].isdigit() and "." in word
    ]
    tubes, stem, published = figures
    assert published == pytest.approx(stem + tubes / 4, abs=0.01)


def test_norm_values_are_those_of_the_maps() -> None:
    norms = sum(isinstance(layer, nn.BatchNorm2d) for layer in ResNet18().modules())
    assert norms == 20
    with torch.no_grad():
        # sides 36, 18, 9, 5, 3
        expected = 64 * 36**2 + 4 * 64 * 18**2 + 5 * (128 * 9**2 + 256 * 5**2 + 512 * 3**2)
        assert norm_values(ResNet18(), LARGE) == expected
