"""What was checked, as lines while it is done and as a table at the end."""

import sys
from dataclasses import dataclass, field


@dataclass
class Table:
    """The results so far."""

    rows: list[tuple[bool, str, str]] = field(default_factory=list)
    part: str = ""

    def begin(self, part: str) -> None:
        """Begin a part: what is checked from now on is told under its name."""
        self.part = part

    def check(self, what: str, passed: bool, figure: object = "") -> None:
        """Add a result: what should be so, whether it is, and what was measured."""
        what = f"{self.part}: {what}"
        self.rows.append((passed, what, str(figure)))
        print(f"{'ok  ' if passed else 'FAIL'} {what}{figure and f': {figure}'}", file=sys.stderr, flush=True)

    def markdown(self) -> str:
        """Return all results as a table."""
        lines = [f"| {'ok' if passed else '**fails**'} | {what} | {figure} |" for passed, what, figure in self.rows]
        return "\n".join(["| | what | measured |", "|---|---|---|", *lines])

    @property
    def failed(self) -> int:
        """How many checks failed."""
        return sum(not passed for passed, _, _ in self.rows)
