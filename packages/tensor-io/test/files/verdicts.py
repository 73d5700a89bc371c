"""Asks the reference implementation (safetensors 0.8) about each file of a folder; prints `name accepted|refused` lines."""

import pathlib
import sys

import safetensors

for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    try:
        safetensors.deserialize(path.read_bytes())
        print(path.name, "accepted")
    except Exception as error:
        print(path.name, "refused", error)
