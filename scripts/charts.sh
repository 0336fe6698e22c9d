#!/bin/sh
# Fetches what the HTML report draws with (uPlot) and, with --test, what it is tested with (playwright-core; Chromium comes from the system).
# Never fails the caller: without npm the report keeps its tables and says how to get the charts.
cd "$(dirname "$0")/.." || exit 1
omit=--omit=dev
[ "${1:-}" = "--test" ] && omit=
if ! command -v npm >/dev/null 2>&1; then
    echo "charts: npm is not installed, so reports will have tables without charts; install nodejs and npm and run scripts/charts.sh."
    exit 0
fi
if npm ci $omit --ignore-scripts --no-audit --no-fund --loglevel=error; then
    echo "charts: uPlot is in node_modules; reports will have charts."
else
    echo "charts: npm could not fetch uPlot, so reports will have tables without charts; run scripts/charts.sh again when the registry can be reached."
fi
