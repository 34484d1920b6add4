"""Measure a video with the Python client: python python_client.py me.mp4 [http://127.0.0.1:8000] [API key]

Needs `pip install 'facepulse[client]'`.
"""

import sys

from facepulse import Client, FacePulseError, RequestRefused


def main(video: str, url: str = "http://127.0.0.1:8000", api_key: str | None = None) -> int:
    """Print what the service says."""
    with Client(url, api_key=api_key) as client:
        try:
            result = client.measure(video)  # short videos; waits for the answer
            print(f"{result.bpm:.1f} bpm, confidence {result.confidence:.2f}, {result.status}")
            for window in result.windows:
                print(f"  {window.start_s:5.1f} to {window.end_s:5.1f} s: {window.bpm:.1f} bpm")
            if result.respiration_rate is not None:
                print(f"{result.respiration_rate:.0f} breaths per minute")

            job = client.submit(video, model="pos")  # long videos; goes on when this program ends
            print(f"as a job, by POS: {client.wait(job, progress=True).bpm:.1f} bpm")
            client.cancel(job)  # deletes the result, too
        except RequestRefused as error:  # this video, or an option, does not fit
            print(f"refused: {error}", file=sys.stderr)
            return 1
        except FacePulseError as error:  # busy after all retries, out of reach, out of order
            print(f"failed: {error} (request {error.request_id})", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
