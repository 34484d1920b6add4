"""One training step and one validation; knows no arguments and no paths."""

import copy
import math
import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training.batches import Batch
from training.config import TrainConfig
from training.losses import Criterion, band_pearson, distillation, wave_pearson, weigh
from training.metrics import NEAR_BPM, mae, spectrum_bpm
from training.models import PulseNet
from training.parallel import Team

# Read by oneDNN at its first operation. Virtual machines have been met that claim to have AMX and kill whoever uses it;
# who has it may say so in the environment.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_FP16")

_NORMS = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d
_NORM_MOMENTUM = 0.03  # four clips a batch differ much; the norms' statistics must average over many batches


class Engine:
    """A network in training: its optimiser, the moving average of its weights and, for distillation, its teacher.

    `average` is the network to validate and export.
    """

    def __init__(
        self,
        net: PulseNet,
        config: TrainConfig,
        criterion: Criterion,
        *,
        device: torch.device,
        teacher: PulseNet | None = None,
        team: Team | None = None,
    ) -> None:
        self.net = channels_last(net.to(device))
        self._team = team or Team()
        self._team.share(self.net)
        self.average = copy.deepcopy(self.net).eval()
        self._config, self._criterion, self._device = config, criterion, device
        self._teacher = None if teacher is None else teacher.to(device).eval()
        self._optimiser = _optimiser(self.net, config, device)
        self._norms = [layer for layer in self.net.modules() if isinstance(layer, _NORMS)]
        for norm in self._norms:
            norm.momentum = _NORM_MOMENTUM
        self.steps = 0

    def step(self, batch: Batch, progress: float) -> dict[str, float]:
        """Take one step, `progress` (0..1) of the way; return the loss terms by name. Raises LossNotFinite.

        Each process of a team gives its share of the batch; the terms are those of all.
        """
        self.net.train()
        if progress >= self._config.freeze_norms_at:  # so that the last part trains the network that is exported
            for norm in self._norms:
                norm.eval()
        for group in self._optimiser.param_groups:
            group["lr"] = self._config.learning_rate * schedule(progress, self._config.warmup)
        terms = self._terms(batch.to(self._device))
        self._optimiser.zero_grad(set_to_none=True)
        terms["total"].backward()  # type: ignore[no-untyped-call]
        self._team.average_gradients(self.net)
        nn.utils.clip_grad_norm_(self.net.parameters(), self._config.clip_norm)
        self._optimiser.step()
        self.steps += 1
        self._move_average()
        return self._team.mean({name: float(value.detach()) for name, value in terms.items()}, self._device)

    def state(self) -> dict[str, Any]:
        """Return all that is needed to go on, or to export, as plain values and the live tensors."""
        return {
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "steps": self.steps,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.steps = int(state["steps"])

    def _terms(self, batch: Batch) -> dict[str, Tensor]:
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._config.bf16):
            samples, maps = self.net.clips(batch.rgb)
        terms = self._criterion(samples.float(), batch.target, batch.valid, batch.bpm)
        if self._teacher is None:
            return terms
        return self._with_distillation(terms, batch, maps)

    def _with_distillation(self, terms: dict[str, Tensor], batch: Batch, maps: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """Add the teacher's terms; on some pairs only, because a teacher's frame costs twenty of the student's."""
        assert self._teacher is not None, "called without a teacher"
        lag = self._teacher.lag
        first, second = batch.rgb[:, :-lag].flatten(0, 1), batch.rgb[:, lag:].flatten(0, 1)
        usable = batch.valid.flatten().nonzero()[:, 0]
        pairs = max(self._config.distil_pairs // self._team.size, 1)
        chosen = usable[torch.randperm(len(usable), device=usable.device)[:pairs]]
        with torch.no_grad(), torch.autocast(self._device.type, torch.bfloat16, enabled=self._config.bf16):
            taught = self._teacher.pairs(first[chosen], second[chosen])[1]
        added = distillation([m[chosen].float() for m in maps], [m.float() for m in taught])
        weights = dict.fromkeys(added, self._config.distil_weight) | {"base": 1.0}
        total = weigh({"base": terms["total"], **added}, weights)["total"]
        return {**terms, **added, "total": total}

    @torch.no_grad()
    def _move_average(self) -> None:
        decay = min(self._config.ema_decay, (1 + self.steps) / (10 + self.steps))
        current = self.net.state_dict()
        for name, value in self.average.state_dict().items():
            if value.is_floating_point():
                value.lerp_(current[name], 1 - decay)
            else:
                value.copy_(current[name])


def channels_last(net: PulseNet) -> PulseNet:
    """Return the network with its kernels laid out so that a CPU's convolutions take two thirds of the time."""
    if any(parameter.ndim == 5 for parameter in net.parameters()):
        return net  # over time as well; there it helps nothing
    return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def schedule(progress: float, warmup: float) -> float:
    """Return the factor on the learning rate: a linear rise over `warmup`, then half a cosine to zero at 1."""
    if progress < warmup:
        return max(progress / warmup, 0.01)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - warmup) / (1 - warmup))))


def _optimiser(net: nn.Module, config: TrainConfig, device: torch.device) -> torch.optim.AdamW:
    """Decay the kernels alone; biases and norms have nothing to overfit with."""
    parameters = list(net.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)


@torch.no_grad()
def validate(net: PulseNet, batches: Iterable[Batch], *, fps: float, device: torch.device) -> dict[str, float]:
    """Return band_r (mean correlation in the band), bpm_mae and bpm_near of a network over whole clips.

    Both compare each clip's spectral peak with its true heart rate: the mean error, and the share within 5 bpm.
    """
    net.eval()
    likeness = band_pearson if net.kind == "derivative" else wave_pearson
    correlations, true, estimated = [], [], []
    for batch in batches:
        on_device = batch.to(device)
        samples = net.clips(on_device.rgb)[0].float()
        filled = torch.where(on_device.valid, samples, torch.zeros_like(samples))
        for row in range(len(samples)):
            one = slice(row, row + 1)
            r = 1 - likeness(samples[one], on_device.target[one], on_device.valid[one], on_device.bpm[one], fps)
            correlations.append(float(r))
            estimated.append(spectrum_bpm(filled[row].cpu().numpy(), fps, net.kind))
            true.append(float(batch.bpm[row]))
    near = np.abs(np.subtract(estimated, true)) <= NEAR_BPM
    measured = {"band_r": float(np.mean(correlations)), "bpm_mae": mae(true, estimated)}
    return {**measured, "bpm_near": float(near.mean()), "clips": float(len(true))}
