import json

from service.api.docs import docs_page
from service.api.examples import HEART_RATE_RESPONSES
from service.api.schemas import HeartRateResult
from service.main import create_app
from service.settings import Settings


def test_every_address_is_on_the_page() -> None:
    openapi = create_app(Settings()).openapi()
    page = docs_page(openapi)
    assert all(path in page for path in openapi["paths"])
    assert "duration_s" in page
    assert "/problems/no_face" in page


def test_the_example_is_a_result() -> None:
    (example,) = (content["example"] for content in HEART_RATE_RESPONSES[200]["content"].values())
    assert json.loads(HeartRateResult.model_validate(example).to_json()) == example


def test_what_is_shown_is_escaped() -> None:
    page = docs_page({"info": {"title": "<b>"}, "paths": {}})
    assert "<b>" not in page
