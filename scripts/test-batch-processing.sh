#!/usr/bin/env bash
# Sends one batch to the prompt API, whole and as a stream, and checks that each item has its answer.
#   BASE_URL=http://localhost:8003 MODEL=offline ITEMS=50 API_KEY=… scripts/test-batch-processing.sh
set -euo pipefail

base=${BASE_URL:-http://localhost:${HTTP_PORT:-${PORT:-8003}}}
items=${ITEMS:-50}
key=${API_KEY:-}
python=${VENV_PYTHON:-python3}

body=$(MODEL=${MODEL:-offline} ITEMS=$items "$python" - <<'PYTHON'
import json, os
asked = [{"prompt": f"Hola, {n}", "model": os.environ["MODEL"]} for n in range(int(os.environ["ITEMS"]))]
print(json.dumps({"requests": [*asked, {"prompt": ""}]}))
PYTHON
)

ask() {
  curl --silent --show-error --fail --max-time 300 ${key:+--header "Authorization: Bearer $key"} \
    --header 'Content-Type: application/json' --data-binary @- "$base$1" <<<"$body"
}

ask /api/v1/generate/batch | ITEMS=$items "$python" -c '
import json, os, sys
batch, items = json.load(sys.stdin), int(os.environ["ITEMS"])
answers = batch["responses"]
assert [answer["index"] for answer in answers] == list(range(items + 1)), "an item is not in its place"
assert not any("error" in answer for answer in answers[:-1]), [a for a in answers[:-1] if "error" in a][:1]
assert answers[-1]["code"] == "invalid_request", "an empty prompt is an error of its own item"
count, tokens, time, rate = (batch[name] for name in ("count", "totalTokens", "processingTime", "rate"))
print(f"batch: {count} items, {tokens} tokens, {time}, {rate}")
'

ask /api/v1/generate/batch/stream | ITEMS=$items "$python" -c '
import json, os, sys
items = int(os.environ["ITEMS"])
chunks = [json.loads(line[6:]) for line in sys.stdin if line.startswith("data: ")]
assert chunks[-1]["done"] is True, "the stream does not end"
ends = sorted(chunk["index"] for chunk in chunks[:-1] if chunk["finished"])
assert ends == list(range(items + 1)), "an item has no end, or two"
text = "stream: {count} items, {totalTokens} tokens, {processingTime}, {rate}"
print(text.format(**chunks[-1]))
'
