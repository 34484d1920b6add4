from training.provenance import machine, provenance
from training.store import git_revision


def test_a_table_says_how_it_was_made() -> None:
    text = provenance("training.reproduce", ["own=a folder", "--limit", "3"], 7, ["abcdef0123456789"])
    assert "`python -m training.reproduce 'own=a folder' --limit 3`, seed 7" in text
    assert "scores at revision abcdef012345," in text
    assert git_revision()[:12] in text
    assert text.endswith(f"{machine()}.")


def test_it_keeps_where_the_faces_lay_to_itself() -> None:
    text = provenance("training.reproduce", ["webcam", "--faces", "/home/eve/faces", "--limit", "3"], 0)
    assert "`python -m training.reproduce webcam --faces FACES --limit 3`" in text


def test_the_machine_has_cores_and_versions() -> None:
    assert "cores" in machine()
    assert "onnxruntime" in machine()


def test_what_nothing_was_drawn_for_has_no_seed() -> None:
    assert "seed" not in provenance("training.pareto", [], None)
