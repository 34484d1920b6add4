"""Measure a video with Python's own library: python python_plain.py me.mp4 [http://127.0.0.1:8000] [API key]"""

import json
import sys
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any


def measure(video: Path, url: str, api_key: str | None = None) -> dict[str, Any]:
    """Send a video as a form with one file; return the result. Raises HTTPError with a problem document."""
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="video"\r\n\r\n'
    body = head.encode() + video.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    if api_key:
        headers["Authorization"] = f"Bearer {api_key}"
    request = urllib.request.Request(f"{url}/v1/heart-rate?face=all", body, headers)
    with urllib.request.urlopen(request, timeout=180) as response:
        result: dict[str, Any] = json.load(response)
    return result


def main(video: str, url: str = "http://127.0.0.1:8000", api_key: str | None = None) -> int:
    """Print the rate of every face."""
    try:
        result = measure(Path(video), url, api_key)
    except urllib.error.HTTPError as error:
        problem = json.load(error)
        print(f"{problem['code']}: {problem['detail']}", file=sys.stderr)
        return 1
    for face in result["faces"]:
        print(f"{face['bpm']:.1f} bpm, confidence {face['confidence']:.2f}, {face['status']}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
