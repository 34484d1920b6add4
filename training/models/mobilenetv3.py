"""The network of Yoon 2023: two encoders joined by attention, and a small MobileNetV3 behind them.

Kept from the paper: the encoders' layers and their parameters (56,320 and 57,441), the motion over three frames, the
product that joins the two, a MobileNetV3 regressor and 0.24 M parameters in all. Changed, and why:

- 36x36 crops, as the other models have; the listed layers would need 94 G multiply-accumulates for 180 frames of 72x72,
  where the paper's own table says 28.77 G.
- The second convolution of each encoder has stride 2, which changes no parameter: 6.1 G for 180 frames instead of 21 G.
- The samples are the change of the pulse over three frames, not the pulse itself: a pair of frames cannot know where in
  the beat it is, only what has changed. Their running sum is the pulse averaged over three frames; the band-pass behind
  it removes the rest.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from training.models.common import Maps, PulseNet, motion_difference, sparsely, standardise

# kernel, expanded channels, channels out, squeeze and excitation, hard swish (else ReLU), stride; Howard et al. 2019
_ROWS = (
    (3, 64, 24, True, False, 2),
    (3, 72, 24, False, False, 1),
    (5, 96, 40, True, True, 2),
    (5, 160, 40, True, True, 1),
    (5, 200, 40, True, True, 1),
)
_HEAD = (160, 128)  # channels of the last 1x1 convolution and of the hidden layer


class MobileNetV3(PulseNet):
    """0.24 M parameters; see the module."""

    lag: ClassVar[int] = 3

    def __init__(self, dropout: float = 0.1) -> None:
        super().__init__()
        self.motion = motion_encoder(dropout)
        self.appearance = appearance_encoder()
        self.regressor = _regressor()

    def pairs(self, first: Tensor, second: Tensor) -> tuple[Tensor, Maps]:
        """Return samples (N,) and the joined map (N, 64, 16, 16)."""
        joined = self.motion(motion_difference(first, second)) * self._attention(first)[0]
        return self.regressor(joined).squeeze(1), (joined,)

    def clips(self, rgb: Tensor) -> tuple[Tensor, Maps]:
        """Return what PulseNet.clips says; in training the attention is that of one frame in a few."""
        if not self.training:
            return super().clips(rgb)
        first, second = rgb[:, : -self.lag], rgb[:, self.lag :]
        motion = self.motion(motion_difference(first, second).flatten(0, 1))
        joined = motion * sparsely(self._attention, first)[0]
        return self.regressor(joined).view(first.shape[:2]), (joined,)

    def _attention(self, frames: Tensor) -> Maps:
        return (self.appearance(standardise(frames)),)

    def deployed(self) -> nn.Module:
        """Return the same function with the motion encoder's first two convolutions, which nothing parts, as one."""
        return _FoldedMobileNetV3(self).eval()


def motion_encoder(dropout: float) -> nn.Sequential:
    """Return Yoon 2023, table 1: 896 + 18,496 + 36,928 = 56,320 parameters; (N, 3, 36, 36) -> (N, 64, 16, 16)."""
    return nn.Sequential(
        nn.Conv2d(3, 32, 3),
        nn.Dropout2d(dropout),  # whole maps: a draw per pixel would cost a tenth of a step
        nn.Conv2d(32, 64, 3, stride=2),
        nn.Tanh(),
        nn.Conv2d(64, 64, 3, padding=1),
        nn.Tanh(),
    )


def appearance_encoder() -> nn.Sequential:
    """Return Yoon 2023, table 3: 896 + 1,056 + 18,496 + 36,928 + 65 = 57,441 parameters; -> (N, 1, 16, 16) in 0..1."""
    return nn.Sequential(
        nn.Conv2d(3, 32, 3),
        nn.Tanh(),
        nn.Conv2d(32, 32, 1),
        nn.Sigmoid(),
        nn.Conv2d(32, 64, 3, stride=2),
        nn.Tanh(),
        nn.Conv2d(64, 64, 3, padding=1),
        nn.Tanh(),
        nn.Conv2d(64, 1, 1),
        nn.Sigmoid(),
    )


def _regressor() -> nn.Sequential:
    rows: list[nn.Module] = []
    channels = 64
    for kernel, expanded, channels_out, squeeze, swish, stride in _ROWS:
        rows.append(_InvertedResidual((channels, expanded, channels_out), kernel, stride, squeeze=squeeze, swish=swish))
        channels = channels_out
    return nn.Sequential(
        *rows,
        *_conv_norm(channels, _HEAD[0], 1),
        nn.Hardswish(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(_HEAD[0], _HEAD[1]),
        nn.Hardswish(),
        nn.Linear(_HEAD[1], 1),
    )


class _InvertedResidual(nn.Module):
    def __init__(self, channels: tuple[int, int, int], kernel: int, stride: int, *, squeeze: bool, swish: bool) -> None:
        super().__init__()
        channels_in, expanded, channels_out = channels
        bend = nn.Hardswish if swish else nn.ReLU
        layers = [*_conv_norm(channels_in, expanded, 1), bend()]
        layers += [*_conv_norm(expanded, expanded, kernel, stride=stride, groups=expanded)]
        layers += [_SqueezeExcite(expanded)] if squeeze else []
        self.body = nn.Sequential(*layers, bend(), *_conv_norm(expanded, channels_out, 1))
        self.shortcut = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return x + y if self.shortcut else y


class _FullPrecisionConv2d(nn.Conv2d):
    """A depthwise convolution that stays in float32: backwards it is 20 times slower in bfloat16 on the CPU."""

    def forward(self, input: Tensor) -> Tensor:
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(input.float())


class _SqueezeExcite(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.Conv2d(channels, channels // 4, 1), nn.ReLU(), nn.Conv2d(channels // 4, channels, 1), nn.Hardsigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        gate: Tensor = self.gate(x.mean(dim=(2, 3), keepdim=True))
        return x * gate


def _conv_norm(
    channels_in: int, channels_out: int, kernel: int, *, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    kind = nn.Conv2d if groups == 1 else _FullPrecisionConv2d
    conv = kind(channels_in, channels_out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(channels_out)]


class _FoldedMobileNetV3(nn.Module):
    def __init__(self, net: MobileNetV3) -> None:
        super().__init__()
        conv1, conv2 = net.motion[0], net.motion[2]
        if not (isinstance(conv1, nn.Conv2d) and isinstance(conv2, nn.Conv2d)):
            raise TypeError("the motion encoder's layers have changed")
        self.motion = nn.Sequential(_joined(conv1, conv2), *list(net.motion)[3:])
        self.appearance, self.regressor = net.appearance, net.regressor

    def forward(self, frames: Tensor) -> Tensor:
        first, second = frames[: -MobileNetV3.lag], frames[MobileNetV3.lag :]
        joined = self.motion(motion_difference(first, second)) * self.appearance(standardise(first))
        samples: Tensor = self.regressor(joined).squeeze(1)
        return samples


def _joined(conv1: nn.Conv2d, conv2: nn.Conv2d) -> nn.Conv2d:
    """Return the 5x5 convolution of stride 2 that does the work of two unpadded 3x3 ones, found by probing it."""
    joined = nn.Conv2d(conv1.in_channels, conv2.out_channels, 5, stride=2)
    size = joined.kernel_size[0]
    with torch.no_grad():
        probes = torch.eye(conv1.in_channels * size * size).view(-1, conv1.in_channels, size, size)
        bias = conv2(conv1(torch.zeros_like(probes[:1])))
        response = conv2(conv1(probes)) - bias  # (probes, out, 1, 1): the window is the kernel's own size
        joined.weight.copy_(response[:, :, 0, 0].T.reshape(joined.weight.shape))
        joined.bias.copy_(bias[0, :, 0, 0])  # type: ignore[union-attr]
    return joined
