#!/usr/bin/env bash
# test.sh [xunit arguments]: builds and runs the tests in Release; the last line is 'N passed, N failed', with ', N skipped' if any were.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

dotnet build Tests/Tests.csproj -c Release -v quiet --nologo -clp:NoSummary </dev/null || { echo "0 passed, 1 failed"; exit 1; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT
./artifacts/bin/Tests/release/GumbelGan.Tests -noColor "$@" </dev/null 2>&1 | tee "$log"
status=${PIPESTATUS[0]}

# "   GumbelGan.Tests  Total: 4, Errors: 0, Failed: 0, Skipped: 0, Not Run: 0, Time: 0.103s"
summary=$(grep -E '^ *GumbelGan\.Tests +Total: [0-9]+, Errors: ' "$log" | tail -n 1)
count() { printf '%s' "$summary" | sed -n "s/.*$1: \([0-9][0-9]*\).*/\1/p"; }
if [ -z "$summary" ]; then
    echo "The test program ended without a summary (exit code $status)." >&2
    echo "0 passed, 1 failed"
    exit 1
fi
failed=$(($(count Failed) + $(count Errors)))
skipped=$(count Skipped)
passed=$(($(count Total) - $(count Failed) - skipped - $(count 'Not Run')))
if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
    echo "The test program ended with exit code $status." >&2
    failed=1
fi
if [ "$failed" -gt 0 ] && [ "$status" -eq 0 ]; then status=1; fi
if [ "$skipped" -gt 0 ]; then echo "$passed passed, $failed failed, $skipped skipped"; else echo "$passed passed, $failed failed"; fi
exit "$status"
