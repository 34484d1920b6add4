"""The table that `estimate` writes of many videos: a row per video (CSV: per face), appended, and read to resume."""

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

if TYPE_CHECKING:
    from service.api.schemas import HeartRateResult, Measurement

from service.cli.codes import USAGE, CommandFailed

Format = Literal["csv", "jsonl"]
COLUMNS = (
    "file",
    "face",
    "status",
    "bpm",
    "confidence",
    "snr_db",
    "rmssd_ms",
    "sdnn_ms",
    "respiration_rate",
    "found_ratio",
    "start_s",
    "duration_s",
    "fps",
    "width",
    "height",
    "codec",
    "model",
    "model_version",
    "warnings",
    "error",
    "detail",
)


class OtherTable(CommandFailed):
    """The file to resume is none that this command wrote, or of another version."""

    code = "other_table"
    exit_code = USAGE

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(f"{file.name} cannot be resumed: {why}")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a video has no result: a stable code and a sentence."""

    code: str
    detail: str


def name_of(path: Path) -> str:
    """Return a path as it stands in the table: absolute, and what is no valid text in it escaped."""
    return str(path.absolute()).encode(errors="backslashreplace").decode()


def row_text(form: Format, file: str, outcome: "HeartRateResult | Failure") -> str:
    """Return a video's lines, each with its line end."""
    if form == "csv":
        rows = [_failure_row(outcome)] if isinstance(outcome, Failure) else _result_rows(outcome)
        return "".join(_csv_line([{"file": file, **row}.get(column) for column in COLUMNS]) for row in rows)
    if isinstance(outcome, Failure):
        return json.dumps({"file": file, "error": {"code": outcome.code, "detail": outcome.detail}}) + "\n"
    return f'{{"file": {json.dumps(file)}, "result": {outcome.to_json()}}}\n'


def header(form: Format) -> str:
    """Return the table's first line, or nothing."""
    return _csv_line(COLUMNS) if form == "csv" else ""


def open_to_resume(path: Path, form: Format) -> tuple[TextIO, set[str]]:
    """Open a table to append to, made if there is none, and return it with the files that it holds.

    What a run that was killed left of its last line is cut off. Raises OtherTable or OSError.
    """
    table = path.open("a+", newline="", encoding="utf-8")
    try:
        table.seek(0)
        text = table.read()
        complete = text[: text.rfind("\n") + 1]
        done = _files_of(complete, form, path)
        if len(complete) < len(text):
            table.truncate(len(complete.encode()))
        table.seek(0, io.SEEK_END)
        if not complete:
            table.write(header(form))
            table.flush()
    except BaseException:
        table.close()
        raise
    return table, done


def _files_of(text: str, form: Format, path: Path) -> set[str]:
    if form == "csv":
        rows = csv.reader(io.StringIO(text, newline=""))
        if text and next(rows) != list(COLUMNS):
            raise OtherTable(path, "its first line is not the one of this version's tables")
        return {row[0] for row in rows}
    try:
        return {str(json.loads(line)["file"]) for line in text.splitlines()}
    except (ValueError, KeyError, TypeError) as error:
        raise OtherTable(path, "a line of it is not one of this command's") from error


def _result_rows(result: "HeartRateResult") -> list[dict[str, Any]]:
    video, model = result.video, result.model
    facts = {
        "duration_s": video.duration_s,
        "fps": video.fps,
        "width": video.width,
        "height": video.height,
        "codec": video.codec,
        "model": model.name,
        "model_version": model.version,
        "warnings": " ".join(warning.code for warning in result.warnings),
    }
    return [{"face": index, **_face(face), **facts} for index, face in enumerate(result.faces or [result])]


def _face(face: "Measurement") -> dict[str, Any]:
    return {
        "status": face.status,
        "bpm": face.bpm,
        "confidence": face.confidence,
        "snr_db": face.snr_db,
        "rmssd_ms": face.hrv and face.hrv.rmssd_ms,
        "sdnn_ms": face.hrv and face.hrv.sdnn_ms,
        "respiration_rate": face.respiration_rate,
        "found_ratio": face.face.found_ratio,
        "start_s": face.bvp.start_s,
    }


def _failure_row(failure: Failure) -> dict[str, Any]:
    return {"status": "error", "error": failure.code, "detail": failure.detail}


def _csv_line(values: "tuple[Any, ...] | list[Any]") -> str:
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()
