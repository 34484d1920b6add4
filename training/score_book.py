"""Scores that are kept: hours of work that no interruption and no second look may cost again.

A score is kept under everything that it depends on: the manifests of the model (weights and confidence) and of the
face detector, the code of the chain, the sizes of the video's files. Whatever of that changes, it is made anew.
"""

import ast
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import service.pipeline
from service.pipeline.classical import CLASSICAL
from service.pipeline.estimate import Estimator
from service.pipeline.manifest import ModelStore, read_manifest
from training.pool import spread
from training.scores import Score
from training.scoring import score_take
from training.store import git_revision
from training.takes import TakeSet

_PIPELINE = Path(service.pipeline.__file__).parent
# Files of it on which neither bpm nor confidence nor wave depends.
_ASIDE = {"hrv", "respiration", "beats", "live", "live_messages", "recent", "progress", "speed", "warn"}


class ScoreBook:
    """A file of JSON lines, one per score; lines are only ever added."""

    def __init__(self, path: Path) -> None:
        """Read what is there, but for a last line that was cut off and lines of other files' making."""
        self._path = path
        self._lines: dict[str, dict[str, Any]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        whole, _, rest = (path.read_text() if path.exists() else "").rpartition("\n")
        for line in whole.splitlines():
            values = json.loads(line)
            if {"key", "score"} <= set(values):
                self._keep(values)
        if rest:
            path.write_text(f"{whole}\n" if whole else "")

    def __contains__(self, key: str) -> bool:
        return key in self._lines

    def score(self, key: str) -> Score:
        """Return the score that is kept under a key. Raises KeyError."""
        return Score.from_dict(self._lines[key]["score"])

    def revisions(self, keys: Sequence[str]) -> list[str]:
        """Return the git revisions at which the scores of these keys were made, sorted."""
        return sorted({self._lines[key]["revision"] for key in keys})

    def add(self, key: str, score: Score, revision: str) -> None:
        """Keep a score from now on."""
        line = {"key": key, "revision": revision, "score": asdict(score)}
        with self._path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        self._keep(line)

    def _keep(self, line: dict[str, Any]) -> None:
        self._lines[line["key"]] = line


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores by video, then by model; revisions: of the code that made them."""

    scores: list[Score]
    revisions: list[str]


@dataclass(frozen=True, slots=True)
class _Job:
    name: str
    store: Path
    keys: dict[str, str]  # by model


def score_takes(
    takes: TakeSet,
    models: Sequence[str],
    store_of: Callable[[str], Path],
    book: ScoreBook,
    *,
    jobs: int = 1,
) -> Scored:
    """Return every model's answer for every video, those that the book has not from the models of its store.

    store_of: the folder of the model store for a video, by its name.
    """
    digest = cache(model_digest)
    wanted = []
    for name in takes.names:
        store = store_of(name)
        keys = {model: score_key(takes, name, model, digest(store, model)) for model in models}
        wanted.append(_Job(name, store, keys))
    missing = [_Job(job.name, job.store, {m: k for m, k in job.keys.items() if k not in book}) for job in wanted]
    missing = [job for job in missing if job.keys]
    revision = git_revision()
    for job, scores in zip(missing, _answers(takes, missing, jobs), strict=True):
        for score in scores:
            book.add(job.keys[score.model], score, revision)
    all_keys = [key for job in wanted for key in job.keys.values()]
    return Scored([book.score(key) for key in all_keys], book.revisions(all_keys))


def _answers(takes: TakeSet, missing: Sequence[_Job], jobs: int) -> Iterator[list[Score]]:
    if not missing:
        return iter(())
    make = partial(_Scorer, takes)
    return spread(_Scorer.score, missing, make=make, jobs=min(jobs, len(missing)), unit="video")


class _Scorer:
    """Scores videos in one process; opens each model store once."""

    def __init__(self, takes: TakeSet) -> None:
        self._takes = takes
        self._estimator = cache(Estimator)

    def score(self, job: _Job) -> list[Score]:
        return score_take(self._estimator(job.store), self._takes.read(job.name), list(job.keys))


def score_key(takes: TakeSet, name: str, model: str, digest: str) -> str:
    """Return what a model's score for a video is kept under; digest: see model_digest."""
    files = [(path.name, path.stat().st_size) for path in takes.files(name)]
    parts = json.dumps([takes.name, files, chain_digest(), digest])
    return f"{name} {model} {hashlib.sha256(parts.encode()).hexdigest()[:16]}"


def model_digest(store: Path, model: str) -> str:
    """Return what changes with a model, its confidence or the face detector; a classical method is the chain's code."""
    released = ModelStore(store)
    folders = [released.folder(name) for name in ("face", model) if name not in CLASSICAL]
    parts = {"files", "input", "output", "calibration"}
    facts = [read_manifest(folder, check_hashes=False).model_dump_json(include=parts) for folder in folders]
    return hashlib.sha256("".join(facts).encode()).hexdigest()


@cache
def chain_digest(folder: Path = _PIPELINE) -> str:
    """Return what changes with the code in `folder` that makes heart rates of videos, but not with remarks on it."""
    files = sorted(folder.glob("*.py"))
    return hashlib.sha256("".join(_code(path) for path in files if path.stem not in _ASIDE).encode()).hexdigest()


def _code(path: Path) -> str:
    return ast.dump(_Remarkless().visit(ast.parse(path.read_text())))


class _Remarkless(ast.NodeTransformer):
    """Leaves out docstrings and the strings under constants."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        """Return a statement that is not just a string."""
        is_remark = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_remark else node
