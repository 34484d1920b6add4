import io
import math
from dataclasses import replace

from facepulse import LiveUpdate, ResultWarning, Samples, UsedModel
from service.cli.terminal import Screen, facts, said

WAVE = tuple(math.sin(2 * math.pi * 1.2 * index / 30) for index in range(30))
UPDATE = LiveUpdate(
    time_s=12.0,
    status="ok",
    bpm=71.6,
    confidence=0.92,
    snr_db=5.0,
    window_s=10.0,
    samples=Samples(fps=30.0, start_s=11.0, values=WAVE),
    bvp=Samples(fps=30.0, start_s=11.0, values=WAVE),
    spectrum=None,
    face=None,
    fps=30.0,
    frames=360,
    warnings=(ResultWarning(code="too_dark", detail="the face is dark"),),
    model=UsedModel(name="student", version="1.0.0", sha256=""),
)


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_a_rate_has_a_word_for_its_confidence() -> None:
    assert said(UPDATE) == " 71.6 bpm  confidence high (0.92)"


def test_a_bad_rate_says_what_to_do() -> None:
    assert "hold still" in said(replace(UPDATE, status="low_quality", confidence=0.3))


def test_no_rate_says_why() -> None:
    assert said(replace(UPDATE, status="no_face", bpm=None)) == "no face in view"


def test_dropped_frames_are_said() -> None:
    assert facts(replace(UPDATE, dropped=7)) == "12 s, 30 fps, student 1.0.0, 7 frames dropped"


def test_what_is_no_terminal_gets_lines() -> None:
    out = io.StringIO()
    Screen(out).show(UPDATE)
    assert out.getvalue() == "   12.0 s   71.6 bpm  confidence high (0.92)\n"


def test_a_terminal_is_drawn_over() -> None:
    out = Terminal()
    screen = Screen(out)
    screen.show(UPDATE)
    drawn = out.getvalue()
    assert "█" in drawn
    assert "the face is dark" in drawn
    assert "\x1b[9A" not in drawn
    screen.show(UPDATE)
    assert out.getvalue().count("\x1b[9A") == 1


def test_a_terminal_without_blocks_gets_letters() -> None:
    out = Terminal()
    out.encoding = "ascii"
    Screen(out).show(UPDATE)
    assert out.getvalue().isascii()
