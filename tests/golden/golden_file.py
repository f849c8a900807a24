"""Writes and reads golden files: safetensors whose bytes depend on their contents alone.

The safetensors package orders metadata at random, so the few lines of the format are written here: eight bytes with the
header's length, the header as JSON, the tensors' bytes one after the other. Metadata: "cases", a JSON list of objects;
"frameworks", a JSON object with the versions that made the numbers.
"""
import json
import sys
from pathlib import Path

import numpy as np

DTYPES = {"F64": np.dtype("<f8"), "I32": np.dtype("<i4")}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


class GoldenFile:
    def __init__(self):
        self.cases, self.tensors = [], {}

    def add(self, params, tensors):
        """Adds a case: `params` with a "name", and its tensors (arrays of doubles or of int32)."""
        assert all(params["name"] != case["name"] for case in self.cases), params["name"]
        self.cases.append(params)
        for key, value in tensors.items():
            array = np.asarray(value)
            array = array.astype("<i4" if array.dtype.kind in "iub" else "<f8")
            self.tensors[f"{params['name']}/{key}"] = np.array(array, order="C")

    def write(self, path, frameworks, **metadata):
        metadata = {"cases": dump(self.cases), "frameworks": dump(frameworks), **metadata}
        # Doubles first, so that every tensor lies aligned.
        order = sorted(self.tensors, key=lambda name: (-self.tensors[name].itemsize, name))
        header, position = {"__metadata__": metadata}, 0
        for name in order:
            array = self.tensors[name]
            offsets = [position, position + array.nbytes]
            header[name] = {"dtype": NAMES[array.dtype], "shape": list(array.shape), "data_offsets": offsets}
            position += array.nbytes
        text = dump(header).encode()
        text += b" " * (-len(text) % 8)
        with open(path, "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for name in order:
                file.write(self.tensors[name].tobytes())
        print(f"{path.name}: {len(self.cases)} cases, {path.stat().st_size / 1024:.0f} KiB")


def read(path):
    """The metadata and the tensors of a golden file."""
    data = Path(path).read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:begin])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        array = np.frombuffer(data[begin + first:begin + last], DTYPES[entry["dtype"]])
        tensors[name] = array.reshape(entry["shape"])
    return metadata, tensors


def dump(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def integers(values):
    """The same values as int32; an error when one of them is not an integer."""
    values = np.asarray(values)
    rounded = values.astype("<i4")
    assert np.array_equal(rounded, values), "not integer-exact"
    return rounded


def output_folder():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def version(package):
    from importlib.metadata import version as installed
    return installed(package).split("+")[0]
