"""Compares two folders of golden files: integers exactly, doubles to a relative 1e-9. Exit status 1 on any difference.

usage: compare.py OLD_DIR NEW_DIR

Framework versions may differ and are only reported.
"""
import sys
from pathlib import Path

import numpy as np

from golden_file import read

RELATIVE = 1e-9
OF_LARGEST = 1e-12  # what cancels to nearly nothing is rounding of the tensor's large elements


def tensor_difference(old, new):
    if (old.dtype, old.shape) != (new.dtype, new.shape):
        return f"{old.dtype}{list(old.shape)} became {new.dtype}{list(new.shape)}"
    if old.dtype.kind == "i":
        wrong = old != new
    else:
        finite = np.abs(old[np.isfinite(old)])
        largest = finite.max() if finite.size else 0.0
        wrong = ~np.isclose(new, old, rtol=RELATIVE, atol=OF_LARGEST * largest, equal_nan=True)
    if not wrong.any():
        return None
    first = tuple(int(index) for index in np.argwhere(wrong)[0])
    return f"{wrong.sum()} of {old.size} elements differ, first at {list(first)}: {old[first]!r} became {new[first]!r}"


def file_differences(old_path, new_path):
    (old_metadata, old), (new_metadata, new) = read(old_path), read(new_path)
    for key in sorted(old_metadata.keys() | new_metadata.keys()):
        if old_metadata.get(key) != new_metadata.get(key):
            if key == "frameworks":
                print(f"note: {old_path.name}: {old_metadata.get(key)} became {new_metadata.get(key)}")
            else:
                yield f"metadata {key!r} differs"
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield f"{name} is missing"
        elif name not in old:
            yield f"{name} is new"
        elif difference := tensor_difference(old[name], new[name]):
            yield f"{name}: {difference}"


def main(old_folder, new_folder):
    old_names, new_names = ({path.name for path in Path(folder).glob("*.safetensors")}
                            for folder in (old_folder, new_folder))
    if not old_names:
        sys.exit(f"compare.py: no golden files in {old_folder}")
    count = 0
    for name in sorted(old_names | new_names):
        if name in old_names and name in new_names:
            differences = file_differences(Path(old_folder) / name, Path(new_folder) / name)
        else:
            differences = [f"only in {old_folder if name in old_names else new_folder}"]
        for difference in differences:
            print(f"{name}: {difference}")
            count += 1
    print(f"{len(old_names | new_names)} golden files, {count} differences")
    return 1 if count else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
