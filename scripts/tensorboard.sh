#!/usr/bin/env bash
# tensorboard.sh: shows runs/ in TensorBoard.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if command -v tensorboard >/dev/null; then
    exec tensorboard --logdir runs "$@"
fi
cat >&2 <<'MESSAGE'
TensorBoard is not installed. It is a Python package:
  python3 -m venv ~/tensorboard && ~/tensorboard/bin/pip install tensorboard 'setuptools<81'
  ~/tensorboard/bin/tensorboard --logdir runs
then open http://localhost:6006. Everything it shows is also in runs/NAME/metrics.jsonl and runs/NAME/samples/.
MESSAGE
exit 2
