"""Compares golden files made anew with the committed ones: the same files, cases and shapes, numbers within rounding.

usage: compare.py COMMITTED_FOLDER NEW_FOLDER
"""
import json
import sys
from pathlib import Path

import numpy as np

from golden_file import read

RELATIVE, ABSOLUTE = 1e-6, 1e-9


def differences(committed, made):
    (old_metadata, old), (new_metadata, new) = read(committed), read(made)
    if json.loads(old_metadata["cases"]) != json.loads(new_metadata["cases"]):
        yield "the cases differ"
    for name in sorted(old.keys() | new.keys()):
        if name not in old or name not in new:
            yield f"{name} is in the {'committed' if name in old else 'new'} file only"
        elif old[name].shape != new[name].shape or old[name].dtype != new[name].dtype:
            yield f"{name}: {old[name].dtype} {old[name].shape}, made anew {new[name].dtype} {new[name].shape}"
        elif not np.allclose(new[name], old[name], RELATIVE, ABSOLUTE, equal_nan=True):
            worst = np.abs(new[name].astype("f8") - old[name]).max()
            yield f"{name}: differs by up to {worst:.3g}"


def main():
    folders = [Path(argument) for argument in sys.argv[1:3]]
    committed, made = ({path.name for path in folder.glob("*.safetensors")} for folder in folders)
    problems = [f"{name}: committed, but no script makes it" for name in sorted(committed - made)]
    problems += [f"{name}: made, but not committed" for name in sorted(made - committed)]
    for name in sorted(committed & made):
        problems += [f"{name}: {text}" for text in differences(*(folder / name for folder in folders))]
    print("\n".join(problems) or f"{len(committed)} golden files equal those made anew")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
