#!/bin/sh
# Builds notation from its sources, fetches its test data and the Python readers, and tries signatures in both directions.
# Usage: tests/interop/notation.sh [FOLDER]   (default: a new folder below /tmp). Needs Go, git, python3 and the network.
set -eu
cd "$(dirname "$0")/../.."
if ! command -v go >/dev/null; then
    echo "SKIPPED: there is no Go, notation cannot be built" >&2
    exit 0
fi
folder=${1:-$(mktemp -d)}
mkdir -p "$folder"
fetch() {
    [ -d "$folder/$1" ] || git clone -q --depth 1 "${NOTARY_PROJECT:-https://github.com/notaryproject}/$1" "$folder/$1"
}
fetch notation
fetch notation-go
[ -x "$folder/bin/notation" ] || (cd "$folder/notation" && go build -o "$folder/bin/notation" ./cmd/notation)
[ -d "$folder/python" ] || python3 -m venv "$folder/python"
"$folder/python/bin/pip" -q install cbor2 cryptography
SEALIFT_NOTATION="$folder/bin/notation" \
    SEALIFT_NOTATION_TESTDATA="$folder/notation/test/e2e/testdata" \
    SEALIFT_NOTATION_GO_TESTDATA="$folder/notation-go/verifier/testdata" \
    SEALIFT_PYTHON="$folder/python/bin/python" \
    cargo test -p sealift-notation --test it -- foreign interop oracle
