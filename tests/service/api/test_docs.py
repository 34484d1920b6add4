import json

from service.api.docs import docs_page
from service.api.examples import SHARED
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
    example = SHARED["measurement"]["value"]
    assert json.loads(HeartRateResult.model_validate(example).to_json()) == example


def test_examples_are_shown() -> None:
    page = docs_page(create_app(Settings()).openapi())
    assert "&quot;respiration_rate_reason&quot;: null" in page
    assert "event: state" in page


def test_what_is_shown_is_escaped() -> None:
    page = docs_page({"info": {"title": "<b>"}, "paths": {}})
    assert "<b>" not in page
