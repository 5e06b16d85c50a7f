#!/bin/sh
# Builds the service of this folder with a pysock of its own: sh build.sh PYSOCK_CHECKOUT
# It needs a C compiler, setuptools and Cython 3.1 or newer: pip install setuptools cython
set -e
pysock=$(cd "$1" && pwd)
cd "$(dirname "$0")"
mkdir -p theirservice/_vendor
touch theirservice/_vendor/__init__.py
cp -R "$pysock/pysock" "$pysock/csrc" theirservice/_vendor/
cp "$pysock/LICENSE" theirservice/_vendor/pysock/
${PYTHON:-python3} setup.py --quiet build_ext --inplace
${PYTHON:-python3} -m theirservice
