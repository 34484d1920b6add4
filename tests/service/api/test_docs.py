from service.api.docs import docs_page
from service.main import create_app
from service.settings import Settings


def test_every_address_is_on_the_page() -> None:
    openapi = create_app(Settings()).openapi()
    page = docs_page(openapi)
    assert all(path in page for path in openapi["paths"])
    assert "duration_s" in page
    assert "/problems/no_face" in page


def test_what_is_shown_is_escaped() -> None:
    page = docs_page({"info": {"title": "<b>"}, "paths": {}})
    assert "<b>" not in page
