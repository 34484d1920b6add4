"""The designs of the fixed sets are the ones that they were drawn by, and a drawn recipe fits its row."""

import gzip
import hashlib
import json
from collections import Counter
from itertools import islice
from pathlib import Path

from training.datasets.splits import TEST_PEOPLE
from training.draw_sets import Drawer, pulseless_rows, rendered_1_rows, write_set
from training.fixed_sets import RENDERED_1, RENDERED_1_PULSELESS, Definition
from training.synthesis.faces import AstronautFace, Face


class EveryonesFace:
    """The astronaut's face for everyone."""

    people = tuple(sorted(TEST_PEOPLE))

    def load(self, person: str, picture: str) -> Face:
        assert person in self.people
        return AstronautFace().load("astronaut", picture)


def facts(definition: Definition) -> tuple[str, ...]:
    groups = definition.all_groups
    person = definition.recipe.scene.person
    return groups["motion"], groups["codec"], groups["light"], groups["heart rate"], person, groups["skin tone"]


def test_the_design_is_still_that_of_the_released_recipes() -> None:
    assert rendered_1_rows() == [facts(definition) for definition in RENDERED_1.definitions.values()]


def test_the_pulseless_design_is_still_that_of_the_released_recipes() -> None:
    released = [
        (one.groups["kind"], one.recipe.codec.name, one.all_groups["light"], one.recipe.scene.person)
        for one in RENDERED_1_PULSELESS.definitions.values()
    ]
    assert pulseless_rows() == released


def test_every_pulseless_kind_meets_every_codec_and_light_once() -> None:
    assert set(Counter(row[:3] for row in pulseless_rows()).values()) == {1}


def test_a_drawn_recipe_fits_its_row() -> None:
    lines = islice(Drawer(EveryonesFace()).pulseless(), 4)
    for row, line in zip(pulseless_rows(), lines, strict=False):
        kind, codec, _, person = row
        recipe = line["recipe"]
        assert (line["groups"]["kind"], recipe["codec"]["name"], recipe["scene"]["person"]) == (kind, codec, person)
        assert recipe["pulse"]["strength"] == 0
        assert kind != "photograph" or recipe["motion"]["kind"] == "photograph"


def test_a_set_is_written_with_its_checksum(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl.gz"
    checksum = write_set(path, iter([{"a": 1}, {"a": 2}]))
    text = gzip.decompress(path.read_bytes())
    assert [json.loads(line) for line in text.splitlines()] == [{"a": 1}, {"a": 2}]
    assert checksum == hashlib.sha256(text).hexdigest()
