"""The web page at /: files of service/web, read once, sent with their type, a hash to compare and compressed.

Only names that lay in the folder at the start are answered, so no address can lead out of it.
"""

import gzip
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.api.head import HeadRoute
from service.api.problems import RequestRefused

WEB = Path(__file__).resolve().parents[1] / "web"
INDEX = "index.html"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
# Own files only: no inline script or style, and nowhere else to send a face to ('self' covers the WebSocket too).
_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ]
)
_HEADERS = {
    "Cache-Control": "no-cache",  # kept, but asked for each time: page and service never differ in version
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Vary": "Accept-Encoding",
}

router = APIRouter(include_in_schema=False, route_class=HeadRoute)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of the page: its bytes as they are and compressed, its type, and a hash of the bytes as ETag."""

    body: bytes
    zipped: bytes
    media_type: str
    etag: str

    @classmethod
    def read(cls, path: Path) -> "Asset":
        """Read a file; its name's end tells the type."""
        body = path.read_bytes()
        zipped = gzip.compress(body, 9, mtime=0)
        return cls(body, zipped, _TYPES[path.suffix], f'W/"{sha256(body).hexdigest()[:32]}"')


@cache
def read_assets(folder: Path = WEB) -> dict[str, Asset]:
    """Return all files of the page by their path in the folder. Raises KeyError for a type that is not known here."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(folder).as_posix(): Asset.read(path) for path in files}


@router.get("/")
async def get_page(request: Request) -> Response:
    """Show the page."""
    return _answer(request, INDEX)


@router.get("/web/{name:path}")
async def get_asset(request: Request, name: str) -> Response:
    """Send a file of the page."""
    return _answer(request, name)


def _answer(request: Request, name: str) -> Response:
    asset = read_assets().get(name)
    if asset is None:
        raise RequestRefused("not_found")
    headers = {**_HEADERS, "ETag": asset.etag}
    if asset.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.zipped, headers=headers | {"Content-Encoding": "gzip"}, media_type=asset.media_type)
    return Response(asset.body, headers=headers, media_type=asset.media_type)
