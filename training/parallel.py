"""Training by several processes at once, on several GPUs or machines: torchrun starts them, this joins them.

Each process reads its share of every batch and runs the whole network on it. What a process could see differently on
its own disk or clock (checkpoints, the list of clips, the time that is spent) the first of them tells the others.
Gradients are averaged, and the norms' statistics are those of the whole batch, so that N processes take the steps that
one would take with the same batch, but for what is drawn at random, as dropout. That is written out here, without a
wrapper around the network: networks of under a million parameters have no use for the overlap of sending and computing
that a wrapper buys, and the library's synchronised norm refuses CPUs.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn

T = TypeVar("T")
_NORMS = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d


@dataclass(frozen=True, slots=True)
class Team:
    """The processes of one training: how many, and which one this is. Process 0 alone writes and validates."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def share(self, net: nn.Module) -> None:
        """Give all processes the leader's weights, and make the norms count the whole batch."""
        if self.size == 1:
            return
        with torch.no_grad():
            for value in net.state_dict().values():
                distributed.broadcast(value, 0)
        _join_norms(net)

    def told(self, value: T) -> T:
        """Return the leader's value, in all processes; whatever pickle takes."""
        if self.size == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box, 0)
        return box[0]

    def average_gradients(self, net: nn.Module) -> None:
        """Replace each gradient by its mean over the processes."""
        if self.size == 1:
            return
        gradients = [p.grad for p in net.parameters() if p.grad is not None]
        together = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(together)
        start = 0
        for gradient in gradients:
            gradient.copy_((together[start : start + gradient.numel()] / self.size).view_as(gradient))
            start += gradient.numel()

    def mean(self, values: Mapping[str, float], device: torch.device) -> dict[str, float]:
        """Return the means over the processes, the same in all of them."""
        if self.size == 1:
            return dict(values)
        together = torch.tensor(list(values.values()), dtype=torch.float64, device=device)
        distributed.all_reduce(together)
        return dict(zip(values, (together / self.size).tolist(), strict=True))


def join_team() -> tuple[Team, torch.device]:
    """Join the processes that torchrun started, if it did; return them and the device of this one."""
    cuda = torch.cuda.is_available()
    if "WORLD_SIZE" not in os.environ:
        return Team(), torch.device("cuda" if cuda else "cpu")
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if cuda else "gloo")
    return Team(distributed.get_rank(), distributed.get_world_size()), device


def leave_team(*, together: bool = True) -> None:
    """Part from the other processes, if there are any.

    together: wait for them, where none has failed. gloo's threads drop the last tensors some time after they are sent,
    and one that does so while the interpreter ends aborts the process; what they do last is then the barrier, which has
    no tensors.
    """
    if distributed.is_initialized():
        if together:
            distributed.barrier()
        distributed.destroy_process_group()


def _join_norms(net: nn.Module) -> None:
    """Change the class of the norms: their weights, names and states stay where they are."""
    for layer in net.modules():
        if isinstance(layer, _NORMS):
            layer.__class__ = _JoinedNorm


class _JoinedNorm(nn.BatchNorm2d):
    """In training, a batch norm over the batches of all processes; else the norm that it was. For any dimensions."""

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor
    momentum: float

    def _check_input_dim(self, input: Tensor) -> None:
        """Take whatever the norm took."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (N, C, ...) as nn.BatchNorm does."""
        if not self.training:
            return super().forward(x)
        over = [0, *range(2, x.ndim)]
        wide = x.float()
        count = torch.full((1,), wide.numel() / wide.shape[1], device=x.device)
        sums = _SumOfAll.apply(torch.cat([wide.sum(over), (wide**2).sum(over), count]))  # type: ignore[no-untyped-call]
        mean, square = (part / sums[-1] for part in sums[:-1].chunk(2))
        variance = (square - mean**2).clamp_min(0)
        with torch.no_grad():
            total = sums[-1]
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * total / (total - 1), self.momentum)
            self.num_batches_tracked += 1
        shape = (1, -1, *[1] * (x.ndim - 2))
        scale = self.weight / torch.sqrt(variance + self.eps)
        normed: Tensor = (wide - mean.view(shape)) * scale.view(shape) + self.bias.view(shape)
        return normed.to(x.dtype)


class _SumOfAll(torch.autograd.Function):
    """The sum of a tensor over the processes; its gradient is the sum of theirs."""

    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        """Return the sum."""
        x = x.clone()
        distributed.all_reduce(x)
        return x

    @staticmethod
    def backward(_: Any, *gradients: Tensor) -> Tensor:
        """Return the sum of the gradients."""
        gradient = gradients[0].clone()
        distributed.all_reduce(gradient)
        return gradient
