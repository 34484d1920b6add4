"""Command: train one network on a cache of clips.

python -m training.train student --clips CLIPS --out RUN --minutes 60 [--teacher TEACHER_RUN] [--resume]

On several GPUs or machines: `torchrun --nproc-per-node GPUS -m training.train ...`; the clips of each step are shared.
"""

import argparse
import contextlib
import ctypes
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from training.batches import Batch, TrainingBatches, plain_batches
from training.checkpoint import CHECKPOINT, RunInvalid, load_average, load_checkpoint, save_checkpoint
from training.clips import ClipFolder, ClipsInvalid
from training.config import LOSS_WEIGHTS, TrainConfig, loss_weights
from training.curves import plot_curves
from training.engine import Engine, validate
from training.losses import Criterion
from training.models import NETWORKS, PulseNet, Teacher
from training.parallel import join_team, leave_team
from training.released import is_release, load_released

_RECORD_EVERY = 20  # steps


@dataclass(frozen=True, slots=True)
class Data:
    """What a run learns from and what it is measured on; validation may be None."""

    training: ClipFolder
    validation: ClipFolder | None


class Run:
    """A network on its way through its budget, in a folder."""

    def __init__(
        self,
        config: TrainConfig,
        data: Data,
        out: Path,
        *,
        teacher: PulseNet | None = None,
        start: PulseNet | None = None,
    ) -> None:
        torch.manual_seed(config.seed)
        self.team, self.device = join_team()
        net = NETWORKS[config.model]()
        if start is not None:
            _take_over(net, start)
        criterion = Criterion(loss_weights(config.loss, net.kind), config.fps)
        self.engine = Engine(net, config, criterion, device=self.device, teacher=teacher, team=self.team)
        self.batches = TrainingBatches(
            data.training,
            spec=net.spec(config.fps),
            batch_clips=config.batch_clips,
            seed=config.seed,
            kind=net.kind,
            team=self.team,
        ).augmented_by(config.augment)
        self.history: list[dict[str, float]] = []
        self.elapsed_s = 0.0
        self._config, self._data, self._out = config, data, out
        self._draw_apart()

    def resume(self) -> None:
        """Go on from the run folder's checkpoint. Raises RunInvalid."""
        state = self.team.told(load_checkpoint(self._out, restore_rng=True) if self.team.leads else {})
        self.engine.restore(state["engine"])
        self.batches.restore(state["batches"])
        self.history, self.elapsed_s = list(state["history"]), float(state["elapsed_s"])
        self._draw_apart()

    def save(self) -> None:
        """Write the checkpoint and the curves, in the process that leads."""
        if not self.team.leads:
            return
        state: dict[str, Any] = {"config": self._config.to_dict(), "engine": self.engine.state()}
        state |= {"batches": self.batches.state(), "history": self.history, "elapsed_s": self.elapsed_s}
        save_checkpoint(self._out, state)
        plot_curves(self.history, self._out / "curves.png")

    def progress(self) -> float:
        """Return the share of the budget that is spent, 0..1."""
        if self._config.steps is not None:
            return min(1.0, self.engine.steps / self._config.steps)
        return min(1.0, self.elapsed_s / (60 * (self._config.minutes or 1)))

    def go(self, *, stop_after: int | None = None, quiet: bool = False) -> None:
        """Train until the budget is spent or `stop_after` steps are made, saving on the way and at the end."""
        saved_s = self.elapsed_s
        with tqdm(
            total=100, unit="%", disable=quiet or not self.team.leads, bar_format="{l_bar}{bar}| {elapsed}{postfix}"
        ) as bar:
            while self.progress() < 1 and self.engine.steps != stop_after:
                terms = self._step()
                bar.update(100 * self.progress() - bar.n)
                bar.set_postfix({"step": self.engine.steps, "loss": f"{terms['total']:.3f}", **self._last_validation()})
                if self.elapsed_s - saved_s > self._config.checkpoint_every_s:
                    self.save()
                    saved_s = self.elapsed_s
            self._validate()
            self.save()

    def _draw_apart(self) -> None:
        """Let each process of a team but the first drop out other maps than the others do."""
        if not self.team.leads:
            torch.manual_seed(hash((self._config.seed, self.engine.steps, self.team.rank)))

    def _step(self) -> dict[str, float]:
        start_s = time.monotonic()
        terms = self.engine.step(next(self.batches), self.progress())
        self.elapsed_s += self.team.told(time.monotonic() - start_s)  # so that all end together
        if self.engine.steps % _RECORD_EVERY == 0:
            self.history.append({"step": self.engine.steps, "elapsed_s": self.elapsed_s, **terms})
        if self.engine.steps % self._config.validate_every == 0:
            self._validate()
        return terms

    def _validate(self) -> None:
        if (
            not self.team.leads
            or self._data.validation is None
            or (self.history and self._is_measured(self.history[-1]))
        ):
            return
        measured = validate(self.engine.average, self._held_out(), fps=self._config.fps, device=self.device)
        self.history.append({"step": self.engine.steps, "elapsed_s": self.elapsed_s, **measured})

    def _is_measured(self, record: dict[str, float]) -> bool:
        return "band_r" in record and record["step"] == self.engine.steps

    def _held_out(self) -> Iterator[Batch]:
        assert self._data.validation is not None, "called without validation clips"
        config = self._config
        return plain_batches(
            self._data.validation,
            spec=self.engine.net.spec(config.fps),
            batch_clips=config.batch_clips,
            limit=config.validate_clips,
            kind=self.engine.net.kind,
        )

    def _last_validation(self) -> dict[str, str]:
        measured = next((record for record in reversed(self.history) if "band_r" in record), None)
        if measured is None:
            return {}
        near = measured.get("bpm_near", math.nan)  # runs begun before it was measured lack it
        return {"r": f"{measured['band_r']:.3f}", "mae": f"{measured['bpm_mae']:.1f} bpm", "near": f"{near:.2f}"}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0, or 2 when the clips or the checkpoint of a run cannot be used."""
    args = _parser().parse_args(arguments)
    torch.set_num_threads(args.threads)
    _keep_memory()
    try:
        run = _run(args)
        run.go()
    except (ClipsInvalid, RunInvalid) as error:
        print(error, file=sys.stderr)
        leave_team(together=False)
        return 2
    leave_team()
    if not run.team.leads:
        return 0
    print(
        {key: round(value, 4) for key, value in run.history[-1].items()}
        if run.history
        else f"{run.engine.steps} steps made"
    )
    return 0


def _run(args: argparse.Namespace) -> Run:
    team, _ = join_team()
    people = args.val_people.split(",") if args.val_people else []
    validation = ClipFolder(args.val) if args.val else ClipFolder(args.clips, people=people) if people else None
    data = Data(ClipFolder(args.clips, without_people=people), validation)
    exists = team.told((args.out / CHECKPOINT).exists())
    if exists and not args.resume:
        raise RunInvalid(f"{args.out.name} holds a run already: go on with --resume or choose another folder")
    resumed = args.resume and exists
    saved = team.told(load_checkpoint(args.out)["config"] if resumed and team.leads else {})
    config = TrainConfig.from_dict(saved) if resumed else _config(args)
    if resumed and args.steps is not None:
        config = replace(config, steps=args.steps, minutes=None)
    elif resumed and args.minutes is not None:
        config = replace(config, steps=None, minutes=args.minutes)
    teacher = load_average(args.teacher)[0] if args.teacher else None
    if teacher is not None and (config.model, type(teacher)) != ("student", Teacher):
        raise RunInvalid("distillation goes from a run of the teacher to the student")
    start = _start(args.start, data.training) if args.start and not resumed else None
    run = Run(config, data, args.out, teacher=teacher, start=start)
    if resumed:
        run.resume()
    return run


def _start(folder: Path, clips: ClipFolder) -> PulseNet:
    """Return the network of a run or of a released version. Raises RunInvalid."""
    return load_released(folder, clips) if is_release(folder) else load_average(folder)[0]


def _take_over(net: PulseNet, start: PulseNet) -> None:
    """Begin with the weights of `start` wherever name and shape agree. Raises RunInvalid when nothing does."""
    wanted = net.state_dict()
    taken = {name: v for name, v in start.state_dict().items() if name in wanted and v.shape == wanted[name].shape}
    if not any(value.ndim > 1 for value in taken.values()):
        raise RunInvalid(f"no layer of {type(start).__name__} fits {type(net).__name__}")
    net.load_state_dict(taken, strict=False)


def _config(args: argparse.Namespace) -> TrainConfig:
    minutes = None if args.steps is not None else args.minutes or 30.0
    config = TrainConfig(args.model, args.steps, minutes, batch_clips=args.batch, seed=args.seed, loss=args.loss)
    config = replace(config, bf16=args.bf16, start=args.start.resolve().name if args.start else "")
    config = replace(config, distil_weight=args.distil_weight if args.teacher else 0.0)
    return config if args.lr is None else replace(config, learning_rate=args.lr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.train", description="Train one network on cached clips.")
    parser.add_argument("model", choices=sorted(NETWORKS))
    parser.add_argument(
        "--clips", type=Path, required=True, help="the cache; it may still grow, each epoch looks again"
    )
    parser.add_argument("--out", type=Path, required=True, help="the run's folder: checkpoint and curves")
    parser.add_argument("--val", type=Path, help="a cache of held-out clips")
    parser.add_argument("--val-people", help="people (comma-separated) of --clips to hold out")
    parser.add_argument("--teacher", type=Path, help="the folder of a teacher's run: distil from it")
    parser.add_argument("--distil-weight", type=float, default=0.1)
    parser.add_argument(
        "--start", type=Path, help="the folder of a run, or of a released version, whose layers to begin with"
    )
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--minutes", type=float, help="budget in minutes of training (default: 30)")
    budget.add_argument("--steps", type=int, help="budget in steps")
    parser.add_argument("--resume", action="store_true", help="go on from the run's checkpoint if there is one")
    parser.add_argument("--loss", choices=sorted(LOSS_WEIGHTS), default="band")
    parser.add_argument("--batch", type=int, default=4, help="clips per step")
    parser.add_argument("--lr", type=float, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=_has_bf16())
    return parser


def _has_bf16() -> bool:
    """Return whether this machine multiplies bfloat16 faster than float32 (1.6 times on one core with avx512_bf16)."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported())


def _keep_memory() -> None:
    """Tell glibc to reuse freed memory: giving activations back and faulting them in again takes a third of a step."""
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
        libc.mallopt(-1, (1 << 31) - 4096)  # M_TRIM_THRESHOLD


if __name__ == "__main__":
    sys.exit(main())
