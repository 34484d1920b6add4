"""What ties the repository together: imports, the lock, the documents."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from service.api.problems import PROBLEMS
from service.pipeline import decode

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
LOCKED = dict(line.split("==") for line in (ROOT / "requirements.lock").read_text().split())


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def required() -> set[str]:
    project = PROJECT["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    names = (re.split(r"[<>=\[ ]", requirement)[0] for group in groups for requirement in group)
    return {normal(name) for name in names} - {"facepulse"}


def test_imports_keep_to_their_directions() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_everything_required_is_locked() -> None:
    assert required() <= {normal(name) for name in LOCKED}


def test_the_lock_has_exact_public_versions_only() -> None:
    # OpenTelemetry numbers parts of its releases as betas.
    assert all(re.fullmatch(r"[0-9.]+(post\d+|b\d+)?", version) for version in LOCKED.values())


def test_torch_is_the_version_with_a_cpu_build() -> None:
    assert LOCKED["torch"] == "2.13.0"


def test_the_command_line_says_the_projects_version() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["facepulse", PROJECT["project"]["version"]]


def test_the_service_runs_without_what_only_training_needs() -> None:
    absent = "torch=None, onnx=None, cv2=None, matplotlib=None, skimage=None"
    code = f"import sys; sys.modules.update({absent}); import service.main, service.worker, service.cli"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_every_problem_is_documented() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d{3}) \|", (ROOT / "docs" / "api.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted((code, str(kind.status)) for code, kind in PROBLEMS.items())


def test_every_warning_is_documented() -> None:
    source = (ROOT / "service" / "pipeline" / "warn.py").read_text()
    codes = {*re.findall(r'Warned\("(\w+)"', source), *decode.WARNINGS}
    table = (ROOT / "docs" / "api.md").read_text().split("### Warnings")[1].split("##")[0]
    assert set(re.findall(r"`(\w+)`(?=.*\|.*\|)", table)) == codes


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().split()) < 600


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", document.read_text())
    missing = [target for target in targets if "://" not in target and not (document.parent / target).exists()]
    assert missing == []


def test_the_changelog_knows_the_version() -> None:
    assert f"[{PROJECT['project']['version']}]" in (ROOT / "CHANGELOG.md").read_text()


def test_every_folder_of_the_readmes_tree_exists() -> None:
    tree = re.search(r"```\n(service/.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert tree, "the README draws no tree"
    assert all((ROOT / line.split()[0]).exists() for line in tree[1].splitlines())
