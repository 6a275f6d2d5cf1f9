#!/bin/sh
# Runs OCI's conformance suite of the distribution specification, which tests/setup builds, against `sealift registry serve`, as of
# version 1.1 and of the version under development. No test may fail, none may be skipped.
# Usage: tests/interop/distribution.sh [SEALIFT]   (default: target/debug/sealift).
set -eu
cd "$(dirname "$0")/../.."
sealift=$(realpath "${1:-target/debug/sealift}")
verifiers=${SEALIFT_VERIFIERS:-${XDG_CACHE_HOME:-$HOME/.cache}/sealift-verifiers}
suite=${SEALIFT_DISTRIBUTION_CONFORMANCE:-$verifiers/bin/distribution-conformance}
if [ ! -x "$suite" ]; then
    echo "SKIPPED: there is no conformance suite; tests/setup builds it" >&2
    exit 0
fi
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
port=${PORT:-5731}
result=0
for version in 1.1 dev; do
    "$sealift" registry serve --listen "127.0.0.1:$port" --no-tls --data "$folder/$version" 2>"$folder/$version.log" &
    server=$!
    for _ in $(seq 100); do
        curl -sf "http://127.0.0.1:$port/healthz" >/dev/null && break
        sleep 0.1
    done
    OCI_REGISTRY=127.0.0.1:$port OCI_TLS=disabled OCI_VERSION=$version OCI_RESULTS_DIR=$folder/results-$version \
        "$suite" >"$folder/$version.txt" 2>&1 || result=1
    kill "$server"
    wait "$server" || true
    server=
    count() { sed -n "/^OCI Conformance Result/,/^API/s/^  $1\.*: *//p" "$folder/$version.txt"; }
    echo "$version: $(count Pass) passed, $(count FAIL) failed, $(count Skip) skipped, $(count Error) errors"
    [ "$(count FAIL) $(count Skip) $(count Error)" = "0 0 0" ] || result=1
    if [ "${KEEP:-}" ]; then
        mkdir -p "$KEEP" && cp -r "$folder/results-$version" "$folder/$version.txt" "$folder/$version.log" "$KEEP"
    fi
done
exit $result
