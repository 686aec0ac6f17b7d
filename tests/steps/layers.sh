#!/bin/sh
# Includes go down the layers only (tools/layers.txt).
cd "$(dirname "$0")/../.." || exit 1
if python3 tools/check_layers.py; then
    echo "ok 1 - includes go down the layers only"
else
    echo "not ok 1 - includes go down the layers only"
fi
