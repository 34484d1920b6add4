import pytest

from tests.service.server import VIDEO, Server


def test_the_shape_of_a_result(server: Server) -> None:
    result = server.measure().json()
    assert list(result) == [
        "bpm", "confidence", "snr_db", "status", "bvp", "windows", "hrv", "hrv_reason", "hrv_detail",
        "respiration_rate", "respiration_rate_confidence", "respiration_rate_reason", "respiration_rate_detail", "face",
        "video", "model", "timing_ms", "warnings", "request_id",
    ]  # fmt: skip
    assert list(result["timing_ms"]) == ["upload", "queue", "decode", "face"]
    assert (result["hrv"], result["hrv_reason"]) == (None, "not_computed")


def test_all_faces_on_request(server: Server) -> None:
    result = server.measure(face="all").json()
    assert [face["bpm"] for face in result["faces"]] == [72.0, 80.0]
    assert result["bpm"] == 72.0


def test_options_as_query_parameters(server: Server) -> None:
    with server.client() as client:
        result = client.post("/v1/heart-rate", params={"face": "all"}, files={"file": VIDEO}).json()
    assert len(result["faces"]) == 2


def test_a_form_field_wins(server: Server) -> None:
    with server.client() as client:
        result = client.post(
            "/v1/heart-rate", params={"face": "all"}, files={"file": VIDEO}, data={"face": "largest"}
        ).json()
    assert "faces" not in result


BAD_OPTIONS = [
    ("start_s", "NaN"), ("start_s", "Infinity"), ("start_s", "1e999"), ("start_s", "-1"), ("start_s", "x"),
    ("start_s", "1e9"), ("start_s", "9" * 200), ("duration_s", "0"), ("duration_s", "-0.1"), ("duration_s", ""),
    ("face", "both"), ("model", "../x"), ("model", "a" * 41), ("model", "Ä"), ("model", "a\nb"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), BAD_OPTIONS)
@pytest.mark.parametrize("place", ["data", "params"])
def test_bad_options_are_named_but_not_repeated(server: Server, place: str, field: str, value: str) -> None:
    with server.client() as client:
        response = client.post("/v1/heart-rate", files={"file": VIDEO}, **{place: {field: value}})  # type: ignore[arg-type]
    problem = response.json()
    assert (response.status_code, problem["code"]) == (422, "validation_failed")
    assert [error["field"] for error in problem["errors"]] == [field]
    assert len(value) < 3 or value not in response.text.replace(problem["request_id"], "")
    assert server.uploads() == []


def test_a_long_option_is_not_sent_back(server: Server) -> None:
    with server.client() as client:
        response = client.post(f"/v1/heart-rate?model={'m' * 50_000}", files={"file": VIDEO})
    assert response.status_code == 422
    assert len(response.content) < 500
