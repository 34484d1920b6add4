"""What a training run is made of; saved with its weights and enough to rebuild the model."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, Self

from service.pipeline.types import SampleKind

LossRecipe = Literal["band", "rate", "paper"]

LOSS_WEIGHTS: dict[LossRecipe, dict[str, float]] = {
    # The error of single samples is nearly all noise; correlation inside the pulse's band learns far faster.
    "band": {"band_pearson": 1.0, "derivative_mse": 0.05},
    "rate": {"band_pearson": 1.0, "derivative_mse": 0.05, "band_spectral": 0.5},
    "paper": {"derivative_mse": 1.0},
}
_WAVE_WEIGHTS = {"wave_pearson": 1.0, "spectral": 0.5}


def loss_weights(recipe: LossRecipe, kind: SampleKind) -> dict[str, float]:
    """Return the loss terms of a recipe for a network of this output; one that says waves has its own."""
    return LOSS_WEIGHTS[recipe] if kind == "derivative" else _WAVE_WEIGHTS


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """Probabilities of the changes made to a clip when it is loaded, and their ranges."""

    flip: float = 0.5
    shift: float = 0.7  # of the warp: shift_max cells, zoom_range, turn_max radians
    shift_max: float = 2.0
    zoom_range: tuple[float, float] = (0.87, 1.15)
    turn_max: float = 0.15
    gamma: float = 0.4
    gamma_range: tuple[float, float] = (0.7, 1.4)
    mix: float = 0.4
    mix_range: tuple[float, float] = (-0.3, 0.12)
    stain: float = 0.2
    stain_max: float = 0.008
    flicker: float = 0.15
    flicker_max: float = 0.01
    noise: float = 0.2
    noise_max: float = 0.004
    stretch: float = 0.6
    stretch_range: tuple[float, float] = (0.7, 1.4)


NO_AUGMENT = AugmentConfig(flip=0, shift=0, gamma=0, mix=0, stain=0, flicker=0, noise=0, stretch=0)


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """One run. Exactly one of steps and minutes is the budget over which the learning rate falls to zero.

    start: the name of the version or run whose layers it began with, "" for none.
    """

    model: str
    steps: int | None = None
    minutes: float | None = None
    start: str = ""
    fps: float = 30.0
    batch_clips: int = 4
    learning_rate: float = 2e-3
    warmup: float = 0.03
    weight_decay: float = 1e-2
    clip_norm: float = 1.0
    ema_decay: float = 0.998
    freeze_norms_at: float = 0.7
    seed: int = 0
    bf16: bool = False
    loss: LossRecipe = "band"
    distil_weight: float = 0.0
    distil_pairs: int = 64
    validate_every: int = 250
    validate_clips: int = 128
    checkpoint_every_s: float = 60.0
    augment: AugmentConfig = field(default_factory=AugmentConfig)

    def __post_init__(self) -> None:
        """Raise ValueError when the budget is not exactly one of steps and minutes."""
        if (self.steps is None) == (self.minutes is None):
            raise ValueError("give either steps or minutes")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Rebuild from to_dict; kinds of augmentation that are no more are left out."""
        kinds = {kind.name for kind in fields(AugmentConfig)} & set(values["augment"])
        saved = {kind: values["augment"][kind] for kind in kinds}
        augment: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in saved.items()}
        return cls(**{**values, "augment": AugmentConfig(**augment)})
