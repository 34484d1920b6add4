"""The API's description as a file: `python -m service.openapi > docs/openapi.json`.

It is that of a service with default settings, whatever the environment says.
"""

import json
import sys

from service.main import create_app
from service.settings import Settings


def openapi_text() -> str:
    """Return the OpenAPI description as JSON, the same on every machine."""
    settings = Settings.model_construct()  # which reads nothing
    return json.dumps(create_app(settings).openapi(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(openapi_text())
