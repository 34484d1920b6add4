#!/bin/sh
# Measure a video with curl: ./curl.sh me.mp4 [http://127.0.0.1:8000]
# With API keys: FACEPULSE_KEY=fp_... ./curl.sh me.mp4
set -eu

video=$1
url=${2:-http://127.0.0.1:8000}
call() { curl --silent --show-error --fail-with-body ${FACEPULSE_KEY:+-H "X-Api-Key: $FACEPULSE_KEY"} "$@"; }
rate() { grep -o -E '"(bpm|confidence|status)":[^,]*' | head -n 3; } # or: jq '{bpm, confidence, status}'

echo "Models:"
call "$url/v1/models" | grep -o '"name":"[^"]*"'

echo "A short video, answered at once:"
call -F "file=@$video" "$url/v1/heart-rate?model=auto&face=largest" | rate

echo "A long one, as a job:"
id=$(call -F "file=@$video" -H "Idempotency-Key: $(date +%s)-$$" "$url/v1/jobs" | grep -o '"id":"[^"]*"' | cut -d '"' -f 4)
call --no-buffer "$url/v1/jobs/$id/events" | grep '^event' # comes as it happens, ends with the job
call "$url/v1/jobs/$id" | grep -o '"result":.*' | rate
call -X DELETE "$url/v1/jobs/$id" # the result is gone at once, else after an hour
