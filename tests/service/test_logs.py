import json
import logging
import sys
import warnings

import pytest

from service.logs import JsonFormatter, configure, describe_error


def formatted(**extra: object) -> dict[str, object]:
    record = logging.makeLogRecord({"msg": "%s done", "args": ("all",), "levelname": "INFO", "name": "x", **extra})
    line = JsonFormatter().format(record)
    assert "\n" not in line
    fields: dict[str, object] = json.loads(line)
    return fields


def test_a_line_is_json_with_message_and_time() -> None:
    line = formatted()
    assert line["message"] == "all done"
    assert str(line["time"]).endswith("+00:00")


def test_extra_becomes_fields() -> None:
    assert formatted(route="/livez", status=200)["route"] == "/livez"


def test_an_error_is_named_but_its_message_is_not() -> None:
    try:
        raise ValueError("private")
    except ValueError as error:
        told = describe_error(error)
        line = formatted(exc_info=sys.exc_info())
    assert told.startswith("ValueError at test_logs.py:")
    assert line["error"] == told
    assert "private" not in json.dumps(line)


def test_a_traceback_as_a_message_is_not_passed_on() -> None:
    line = formatted(msg="%s", args=('Traceback (most recent call last):\n  File "private.py"\nValueError: private',))
    assert line["message"] == "the start or the end failed"


def test_a_warning_of_python_is_a_line_that_quotes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # put back afterwards
    handlers = logging.getLogger().handlers[:]
    try:
        configure("INFO")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            configured = warnings.showwarning
            configured("private words", UserWarning, "/some/place/decoder.py", 7)
    finally:
        logging.getLogger().handlers[:] = handlers
    line = json.loads(capsys.readouterr().err)
    assert {"level": "WARNING", "kind": "UserWarning", "where": "decoder.py:7"}.items() <= line.items()
    assert "private" not in str(line)
