"""Files that numpy.savez and numpy.savez_compressed write, and the arrays in them.

    python tests/golden/make_npz.py                       writes npz.jsonl, which is committed
    HEED_NPZ_WRITTEN=/tmp/npz build/test/bin/test_core "npz: what NumPy wrote is read, and written again byte for byte"
    python tests/golden/make_npz.py --check /tmp/npz      numpy.load reads what heed has written there

Needs NumPy; made with 2.4. A line is one case:

    {"case": name, "file": its bytes in hexadecimal, "same": whether heed writes the same bytes,
     "arrays": [[name, dtype as heed names it, shape, elements], ...]}
"""

import argparse
import io
import json
import os
import zipfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
HEED = {"float16": "float32", "uint8": "int32", "int8": "int32"}
rng = np.random.default_rng(17)

ARRAYS = {
    "one": {"x": np.arange(6, dtype="f4").reshape(2, 3)},
    "types": {
        "a": rng.normal(size=(3, 4)).astype("f4"),
        "b": rng.normal(size=5),
        "c/d": rng.integers(-9, 9, size=(2, 2, 2)),
        "e": np.array(3.5),
        "f": np.array([True, False, True]),
        "g": np.zeros((0, 3), "f4"),
        "i": rng.integers(0, 100, size=(7,)).astype("i4"),
        "name with \u00fc and \u20ac": np.array([1.0, 2.0]),
    },
    "empty": {},
}
OTHER = {
    "narrow": {"h": np.linspace(-2, 2, 9).astype("f2"), "u": np.arange(200, 256, dtype="u1"), "t": np.arange(12).reshape(3, 4).T},
    "zeros": {"z": np.zeros(3000)},
    "text": {"t": np.frombuffer(b"a rose is a rose is a rose, and its thorns are thorns. " * 9, "u1")},
    "noise": {"n": rng.integers(0, 256, size=700).astype("u1")},
    "skewed": {"s": np.minimum(rng.geometric(0.3, size=2500), 40).astype("u1")},
}


class Pipe(io.RawIOBase):
    """A file that cannot seek: sizes and checksums follow the data."""

    def __init__(self):
        self.bytes = b""

    def writable(self):
        return True

    def write(self, data):
        self.bytes += bytes(data)
        return len(data)


def case(name, file, arrays, same=False):
    def entry(key, x):
        return [key, HEED.get(str(x.dtype), str(x.dtype)), list(x.shape), [float(v) for v in x.ravel()]]

    return {"case": name, "file": file.hex(), "same": same, "arrays": [entry(k, arrays[k]) for k in sorted(arrays)]}


def saved(save, arrays):
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue()


def zipped(arrays, level):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, x in arrays.items():
            npy = io.BytesIO()
            np.save(npy, x)
            archive.writestr(name + ".npy", npy.getvalue())
    return file.getvalue()


def main():
    cases = []
    for name, arrays in ARRAYS.items():
        cases.append(case(f"savez {name}", saved(np.savez, arrays), arrays, same=True))
    for name, arrays in {**ARRAYS, **OTHER}.items():
        cases.append(case(f"savez_compressed {name}", saved(np.savez_compressed, arrays), arrays))
    for level in range(10):
        cases.append(case(f"level {level}", zipped(OTHER["text"], level), OTHER["text"]))
    pipe = Pipe()
    np.savez_compressed(pipe, **OTHER["text"])
    cases.append(case("not seekable", pipe.bytes, OTHER["text"]))
    with open(os.path.join(HERE, "npz.jsonl"), "w") as out:
        for line in cases:
            out.write(json.dumps(line) + "\n")
    print(len(cases), "cases")


def check(folder):
    with open(os.path.join(HERE, "npz.jsonl")) as lines:
        for number, line in enumerate(lines):
            wanted = json.loads(line)
            with np.load(os.path.join(folder, f"{number}.npz")) as file:
                assert sorted(file.files) == [a[0] for a in wanted["arrays"]], wanted["case"]
                for name, dtype, shape, elements in wanted["arrays"]:
                    x = file[name]
                    assert (str(x.dtype), list(x.shape)) == (dtype, shape), (wanted["case"], name)
                    assert [float(v) for v in x.ravel()] == elements, (wanted["case"], name)
    print("numpy.load reads all", number + 1, "files")


parser = argparse.ArgumentParser()
parser.add_argument("--check", metavar="FOLDER")
options = parser.parse_args()
check(options.check) if options.check else main()
