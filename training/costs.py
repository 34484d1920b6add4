"""Command: parameters and multiply-accumulates of every network, beside those that Yoon 2023 prints.

python -m training.costs

The paper's table 6 counts 180 frames of 72x72. Each network is counted at the 36x36 at which it is trained and, where
its layers allow, at 72x72. A sentence or two explain each difference.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from training.models import NETWORKS, PulseNet
from training.models.baselines import TSCAN, DeepPhys, PhysFormer, PhysNet, ResNet18
from training.models.common import SIZE, Build, count_macs, count_parameters, macs
from training.models.mobilenetv3 import MobileNetV3, appearance_encoder, motion_encoder
from training.tables import markdown

LARGE = 72  # pixels; the crops' side in table 6
FRAMES = 180
AT_LARGE: dict[str, Build] = {  # those with layers for 72x72; the others' linear layers fit 36x36 alone
    "mobilenetv3": MobileNetV3,
    "deepphys": partial(DeepPhys, LARGE),
    "ts_can": partial(TSCAN, LARGE),
    "physnet": PhysNet,
    "physformer": partial(PhysFormer, LARGE),
    "resnet18": ResNet18,
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Parameters, and multiply-accumulates for 180 frames."""

    parameters: float
    macs: float

    def __str__(self) -> str:
        return f"{self.parameters / 1e6:.2f} M / {self.macs / 1e9:.2f} G"


QUOTED = {  # Yoon 2023, table 6
    "physformer": Cost(7.38e6, 35.32e9),
    "resnet18": Cost(11.69e6, 41.75e9),
    "ts_can": Cost(2.23e6, 40.89e9),
    "mobilenetv3": Cost(0.24e6, 28.77e9),
}


def cost(build: Build, size: int = SIZE) -> Cost:
    """Return what a network costs on crops of `size` pixels."""
    net = build()
    return Cost(count_parameters(net), count_macs(net, FRAMES, size=size))


def table(networks: Mapping[str, Build]) -> str:
    """Return a row per network: at 36x36, at 72x72, and as the paper prints it."""
    rows = []
    for name, build in networks.items():
        large = str(cost(AT_LARGE[name], LARGE)) if name in AT_LARGE else "-"
        rows.append([name, str(cost(build)), large, str(QUOTED.get(name, "-"))])
    header = ["parameters / multiply-accumulates for 180 frames", f"{SIZE}x{SIZE}", f"{LARGE}x{LARGE}"]
    return markdown([*header, "Yoon 2023, table 6 (quoted)"], rows)


def explain_ts_can() -> str:
    """Return where TS-CAN's 2.23 M come from."""
    small, large = TSCAN(), TSCAN(LARGE)
    inputs = [net.network.hidden.in_features for net in (small, large)]
    rest = count_parameters(large) - count_parameters(large.network.hidden)
    return (
        f"Parameters: the layer behind the last maps has {inputs[1]:,} inputs at {LARGE}x{LARGE} and {inputs[0]:,} at "
        f"{SIZE}x{SIZE}, which makes {count_parameters(large):,} and the usual {count_parameters(small):,} of the same "
        f"{rest:,} in all other layers. Cost: ours is that of the layers; the paper's is "
        f"{(QUOTED['ts_can'].macs - cost(AT_LARGE['ts_can'], LARGE).macs) / 1e9:.2f} G higher."
    )


def explain_resnet18() -> str:
    """Return what ImageNet's classes and the norms add."""
    classes = Cost(count_parameters(net := ResNet18(outputs=1000)), count_macs(net, FRAMES, size=LARGE))
    normed = classes.macs + 4 * FRAMES * norm_values(net, LARGE)
    return (
        f"The paper's has ImageNet's 1000 classes behind it, {classes}; ours says one number. Counters that add 4 for "
        f"each value that a norm sees come to {normed / 1e9:.2f} G."
    )


def explain_physformer(build: Callable[[int], PhysFormer] = PhysFormer) -> str:
    """Return what a tube at every frame costs."""
    net = build(LARGE)
    longer, shorter = (macs(net.stem, (1, 3, count, LARGE, LARGE)) for count in (6, 5))
    stem = FRAMES * (longer - shorter)
    tubes = count_macs(net, FRAMES, size=LARGE) - stem
    return (
        f"The parameters are the same at every size. Ours has a tube at every frame: {tubes / 1e9:.2f} G behind the "
        f"stem's {stem / 1e9:.2f} G; at every fourth, as published, it is {(stem + tubes / 4) / 1e9:.2f} G in all. "
        f"How the paper fed {LARGE}x{LARGE} to a network made for 128x128 it does not say."
    )


def explain_mobilenetv3() -> str:
    """Return what the paper's own layers cost as they are listed."""
    encoders = motion_encoder(0.0), appearance_encoder()
    for layer in [layer for encoder in encoders for layer in encoder if isinstance(layer, nn.Conv2d)]:
        layer.stride = (1, 1)
    listed = FRAMES * sum(macs(encoder, (1, 3, LARGE, LARGE)) for encoder in encoders)
    return (
        f"The paper's encoders as it lists them, without strides, need {listed / 1e9:.2f} G at {LARGE}x{LARGE}, so its "
        "figures do not fit together. Ours halve the grid in their second convolution, which comes near its sum, and "
        f"see {SIZE}x{SIZE}."
    )


EXPLAINED: dict[str, Callable[[], str]] = {
    "physformer": explain_physformer,
    "resnet18": explain_resnet18,
    "ts_can": explain_ts_can,
    "mobilenetv3": explain_mobilenetv3,
}


def norm_values(net: PulseNet, size: int) -> int:
    """Return how many values the norms of a network of pairs see per sample."""
    seen: list[int] = []
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.register_forward_hook(lambda _, __, output: seen.append(output.numel()))
    net.eval()(torch.rand(2, 3, size, size))
    return sum(seen)


def main() -> None:
    """Run the command."""
    print(table(NETWORKS))
    for name, explain in EXPLAINED.items():
        print(f"\n- {name}: {explain()}")


if __name__ == "__main__":
    main()
