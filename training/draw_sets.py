"""Command: draw the recipes of the fixed sets. For making new sets; those that are released stay as they are.

python -m training.draw_sets --faces FACES --out FOLDER

Each set is a balanced design of motions, codecs and so on. What the design leaves open is drawn from the full mix.
"""

import argparse
import gzip
import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any

from training.datasets.splits import TEST_PEOPLE, seeds_of
from training.design import Levels, balanced_rows, dealt
from training.synthesis.codec import CODECS
from training.synthesis.faces import FaceSource, LondonFaces
from training.synthesis.light import LightSettings
from training.synthesis.motion import MOTIONS
from training.synthesis.recipe import Recipe, sample_recipe
from training.synthesis.skin import add_melanin, tone_group

DURATION_S = 30.0
TONES = ("light", "medium", "dark")
BANDS_BPM = {"40-60": (40.0, 60.0), "60-100": (60.0, 100.0), "100-140": (100.0, 140.0), "140-180": (140.0, 180.0)}
EXPOSURES = {"dim": (0.35, 0.55), "normal": (0.65, 0.95), "bright": (1.02, 1.3)}
LAMP = "lamp"
PULSELESS = ("photograph", "face", LAMP, "noise")
_COUNT = 300
# No melanin makes the pictures of these people lighter without making them somebody else.
_TONES_OF = {"042": {"dark": 25}, "062": {"dark": 25}, "114": {"medium": 12, "dark": 13}}
_FIRST_SEED = 9_000_000  # of the test split's; training.evaluate takes the first ones
_MELANIN = (-0.25, 0.7)
_MARGIN = 0.02
_TRIES = 10_000


def rendered_1_rows() -> list[Levels]:
    """Return the design of rendered-1: rows of motion, codec, light, heart rate, person, tone."""
    motions = [kind for kind in MOTIONS if kind != "photograph"]
    columns = [dealt(levels, _COUNT) for levels in (motions, CODECS, list(EXPOSURES), list(BANDS_BPM))]
    return balanced_rows([*columns, _people_and_tones()], random.Random(1))


def pulseless_rows() -> list[Levels]:
    """Return the design of rendered-1-pulseless: rows of kind, codec, light, person; the first three in every mix."""
    mixes = list(product(PULSELESS, CODECS, EXPOSURES))
    return balanced_rows([mixes, dealt(sorted(TEST_PEOPLE), len(mixes))], random.Random(2))


def _people_and_tones() -> list[Levels]:
    """Return who is seen with what tone: each person 25 times, each tone 100 times."""
    rest = [person for person in sorted(TEST_PEOPLE) if person not in _TONES_OF]
    counted = {(person, tone): n for person, tones in _TONES_OF.items() for tone, n in tones.items()}
    wanted = {tone: _COUNT // 3 - sum(n for (_, of), n in counted.items() if of == tone) for tone in TONES}
    # Dealt person by person, so that what does not divide evenly falls to a different tone of each.
    row = [tone for tone in TONES for _ in range(wanted[tone])]
    for index, person in enumerate(rest):
        for tone in row[index :: len(rest)]:
            counted[person, tone] = counted.get((person, tone), 0) + 1
    return [pair for pair, n in sorted(counted.items()) for _ in range(n)]


class Drawer:
    """Draws recipes that fit a row of a design."""

    def __init__(self, faces: FaceSource) -> None:
        self._faces = faces

    def rendered_1(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of rendered-1."""
        seeds = seeds_of("test", _COUNT, skip=_FIRST_SEED)
        for seed, (motion, codec, light, band, person, tone) in zip(seeds, rendered_1_rows(), strict=True):
            recipe = self._with_light(self._drawn(seed, person, codec, motion, BANDS_BPM[band]), light)
            recipe = self._with_tone(recipe, tone)
            yield {"groups": {"skin tone": tone}, "recipe": _rounded(asdict(recipe))}

    def pulseless(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of rendered-1-pulseless."""
        rows = pulseless_rows()
        for seed, (kind, codec, light, person) in zip(
            seeds_of("test", len(rows), skip=_FIRST_SEED + _COUNT), rows, strict=True
        ):
            recipe = without_pulse(self._with_light(self._drawn(seed, person, codec), light), kind)
            yield {
                "groups": {"kind": kind, "skin tone": self._tone(recipe, recipe.scene.melanin)},
                "recipe": _rounded(asdict(recipe)),
            }

    def _drawn(
        self,
        seed: int,
        person: str,
        codec: str,
        motion: str | None = None,
        band_bpm: tuple[float, float] = (40.0, 180.0),
    ) -> Recipe:
        """Draw from the full mix until codec and motion fit: what goes with them is then what the mix has with them."""
        for attempt in range(_TRIES):
            drawn = sample_recipe(seed * _TRIES + attempt, [person], duration_s=DURATION_S, hr_range_bpm=band_bpm)
            if drawn.codec.name == codec and motion in (None, drawn.motion.kind):
                return replace(drawn, seed=seed)
        raise AssertionError(f"the mix has no {codec} with {motion}")

    def _with_light(self, recipe: Recipe, light: str) -> Recipe:
        exposure = random.Random(recipe.seed).uniform(*EXPOSURES[light])
        return replace(recipe, camera=replace(recipe.camera, exposure=exposure))

    def _with_tone(self, recipe: Recipe, tone: str) -> Recipe:
        """Keep the drawn melanin where it gives the tone, else draw among those that do."""
        rng = random.Random(f"{recipe.seed} tone")
        amounts = (recipe.scene.melanin, *(rng.uniform(*_MELANIN) for _ in range(200)))
        for melanin in amounts:
            if all(self._tone(recipe, melanin + off) == tone for off in (-_MARGIN, 0.0, _MARGIN)):
                return replace(recipe, scene=replace(recipe.scene, melanin=melanin))
        # A smile may change the tone as it was measured so far that only the other picture fits.
        assert recipe.scene.picture != "neutral", f"{recipe.scene.person} cannot be {tone}"
        return self._with_tone(replace(recipe, scene=replace(recipe.scene, picture="neutral")), tone)

    def _tone(self, recipe: Recipe, melanin: float) -> str:
        face = self._faces.load(recipe.scene.person, recipe.scene.picture)
        return tone_group(add_melanin(face.rgb, face.skin, melanin), face.points)


def without_pulse(recipe: Recipe, kind: str) -> Recipe:
    """Take the pulse away: from a filmed photograph, a living face, either under a flickering lamp, either in noise."""
    rng = random.Random(f"{recipe.seed} kind")
    recipe = replace(recipe, pulse=replace(recipe.pulse, strength=0.0))
    if kind == "photograph" or (kind != "face" and rng.random() < 0.5):
        recipe = replace(recipe, motion=replace(recipe.motion, kind="photograph"))
    if kind == LAMP:
        recipe = replace(recipe, light=flickering(recipe.light, rng))
    if kind == "noise":
        recipe = replace(recipe, camera=replace(recipe.camera, noise=rng.uniform(6.0, 12.0)))
    return recipe


def flickering(light: LightSettings, rng: random.Random) -> LightSettings:
    """Return the light of a lamp that flickers at a rate which a heart may have."""
    return replace(light, flicker=rng.uniform(0.002, 0.01), flicker_hz=rng.uniform(0.7, 4.0))


def _rounded(value: Any) -> Any:
    """Return nested values with five digits: the rounded number is the definition, and the file stays small."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value


def write_set(path: Path, lines: Iterator[dict[str, Any]]) -> str:
    """Write a definition; return the checksum for fixed_sets.py."""
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines).encode()
    path.write_bytes(gzip.compress(text, 9, mtime=0))
    return hashlib.sha256(text).hexdigest()


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, required=True, help="folder of the London set")
    parser.add_argument("--out", type=Path, required=True, help="folder for the definitions")
    args = parser.parse_args(arguments)
    drawer = Drawer(LondonFaces(args.faces))
    for name, lines in (("rendered-1", drawer.rendered_1()), ("rendered-1-pulseless", drawer.pulseless())):
        print(name, write_set(args.out / f"{name}.jsonl.gz", lines))


if __name__ == "__main__":
    main()
