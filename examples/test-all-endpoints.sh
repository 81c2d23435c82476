#!/usr/bin/env bash
# Asks every endpoint of the prompt API once and says which of them answered as they should.
#   BASE_URL=http://localhost:8003 MODEL=offline API_KEY=… examples/test-all-endpoints.sh
# With GRPC_PORT set it asks the gRPC service too, by grpcurl. Exits with 1 if anything failed.
set -uo pipefail

base=${BASE_URL:-http://localhost:${HTTP_PORT:-${PORT:-8003}}}
model=${MODEL:-offline}
key=${API_KEY:-}
failed=0

# check NAME PATTERN COMMAND…: the command's output has to match the pattern.
check() {
  local name=$1 pattern=$2 output
  shift 2
  if output=$("$@" 2>&1) && grep -Eq -- "$pattern" <<<"$output"; then
    echo "ok    $name"
  else
    echo "FAIL  $name: ${output:0:300}"
    failed=1
  fi
}

ask() {
  curl --silent --show-error --max-time 60 ${key:+--header "Authorization: Bearer $key"} "$@"
}

prompt="{\"prompt\": \"Hola\", \"model\": \"$model\", \"system\": \"Sé breve\"}"
batch="{\"requests\": [$prompt, {\"prompt\": \"\"}]}"

check "GET  /healthz" 200 ask --output /dev/null --write-out '%{http_code}' "$base/healthz"
check "GET  /api/v1/models" '"count":[0-9]+' ask "$base/api/v1/models"
check "GET  /api/v1/status" '"uptime":' ask "$base/api/v1/status"
check "GET  /status" '"uptime":' ask "$base/status"
check "POST /api/v1/generate" '"sessionId":"session-456"' \
  ask -X POST "$base/api/v1/generate" -H 'X-User-ID: user-123' -H 'X-Session-ID: session-456' -d "$prompt"
check "POST /api/v1/generate/stream" '"finished":true' ask -X POST "$base/api/v1/generate/stream" -d "$prompt"
check "POST /api/v1/generate/batch" '"count":2' ask -X POST "$base/api/v1/generate/batch" -d "$batch"
check "POST /api/v1/generate/batch/stream" '"done":true' ask -X POST "$base/api/v1/generate/batch/stream" -d "$batch"
check "GET  /api/v1/cache/stats" '"hitRate":' ask "$base/api/v1/cache/stats"
check "POST /api/v1/cache/invalidate" '"invalidated":|operator_required' \
  ask -X POST "$base/api/v1/cache/invalidate" -H 'Content-Type: application/json' -d '{"prompt": "Hola"}'
check "GET  /ws, without an upgrade" '"upgrade_required"' ask "$base/ws"
check "an unknown model" '"model_not_found"' ask -X POST "$base/api/v1/generate" -d '{"prompt": "x", "model": "no-such"}'

if [ -n "${GRPC_PORT:-}" ]; then
  rpc() {
    grpcurl -plaintext ${key:+-H "authorization: Bearer $key"} "$@"
  }
  check "gRPC list" 'proto\.AIService' rpc "localhost:$GRPC_PORT" list
  check "gRPC Generate" '"content":' \
    rpc -d "{\"prompt\": \"Hola\", \"model\": \"$model\"}" "localhost:$GRPC_PORT" proto.AIService/Generate
  check "gRPC GenerateStream" '"finished": true' \
    rpc -d "{\"prompt\": \"Hola\", \"model\": \"$model\"}" "localhost:$GRPC_PORT" proto.AIService/GenerateStream
fi

exit "$failed"
