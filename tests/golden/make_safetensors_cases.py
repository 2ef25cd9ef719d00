"""Files, valid and malformed, with what the reference reader of safetensors says about each.

    python tests/golden/make_safetensors_cases.py                      writes safetensors_cases.jsonl, which is committed
    python tests/golden/make_safetensors_cases.py --random 20000 /tmp/cases.jsonl
    HEED_SAFETENSORS_CASES=/tmp/cases.jsonl build/test/bin/test_core "safetensors: judged as the reference reader judges"

The second and third line compare heed with the reference over many more files, made by changing valid ones at random
(--seed N for others). The other way round, what heed writes is read by the reference:

    HEED_SAFETENSORS_WRITTEN=/tmp/written.jsonl build/test/bin/test_core "safetensors: what is written is what the reference reader reads"
    python tests/golden/make_safetensors_cases.py --check /tmp/written.jsonl

A file that passes is committed as safetensors_written.jsonl, and heed's bytes are compared with it from then on.
Needs Python's safetensors; made with 0.8.0. A line of these files is one case:

    {"case": name, "file": its bytes in hexadecimal, "tensors": [[name, dtype, shape, bytes], ...], "metadata": {...}}

"tensors" is null where the reference refuses the file: heed must, too. Where the reference accepts it and heed does not
on purpose, "stricter" says why (core/files/safetensors.h lists the reasons): heed must refuse it. Everywhere else both must
say the same.
"""

import argparse
import json
import os
import random
import struct
import tempfile

import numpy
from safetensors import SafetensorError, deserialize, safe_open
from safetensors.numpy import save


def file_of(header, data=b"", length=None):
    header = header if isinstance(header, bytes) else header.encode()
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def entry(name, shape, offsets, dtype='"F32"'):
    return f'"{name}":{{"dtype":{dtype},"shape":{shape},"data_offsets":{offsets}}}'


def one(shape, offsets, dtype='"F32"'):
    return "{" + entry("a", shape, offsets, dtype) + "}"


def numbers(count):
    return bytes(i * 37 % 256 for i in range(count))


BITS = {"BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
        "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32,
        "F32": 32, "C64": 64, "F64": 64, "I64": 64, "U64": 64}


def reference(data):
    """What the reference reader makes of a file: its tensors and metadata, or nothing."""
    try:
        tensors = [[name, t["dtype"], list(t["shape"]), bytes(t["data"]).hex()] for name, t in deserialize(data)]
    except (SafetensorError, OverflowError):
        return None, None
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x")
        with open(path, "wb") as file:
            file.write(data)
        with safe_open(path, "np") as opened:
            assert sorted(opened.keys()) == sorted(t[0] for t in tensors)
            metadata = opened.metadata()
    return sorted(tensors), dict(sorted((metadata or {}).items()))


class Twice(Exception):
    pass


def without_twins(pairs):
    found = {}
    for key, value in pairs:
        if key in found:
            raise Twice
        found[key] = value
    return found


def stricter(data):
    """Why heed refuses a file that the reference accepts, or nothing."""
    length, = struct.unpack("<Q", data[:8])
    text = data[8:8 + length].decode()
    if not text.startswith("{"):
        return "white space before the header"
    try:
        header = json.loads(text, object_pairs_hook=without_twins)
    except Twice:
        return "a key appears twice"
    if "__metadata__" in header and header.pop("__metadata__") is None:
        return "metadata is null"
    for name, tensor in header.items():
        if not isinstance(tensor, dict):
            return "a tensor is not an object"  # the reference reads a list of its fields, too
        if len(name.encode()) > 4096:
            return "a name of more than 4096 bytes"
        if any(ord(c) < 0x20 or ord(c) == 0x7F for c in name):
            return "a name with a control character"
        if set(tensor) != {"dtype", "shape", "data_offsets"}:
            return "an unknown key"
        if len(tensor["shape"]) > 8:
            return "more than 8 axes"
        bits = BITS[tensor["dtype"]]
        for size in tensor["shape"]:
            bits *= max(size, 1)
        if max(tensor["shape"] + tensor["data_offsets"], default=0) >= 2**63 or bits >= 2**63:
            return "a size beyond 63 bits"
    return None


def made_cases():
    yield "no bytes", b""
    yield "seven bytes", b"1234567"
    for name, length in [("0", 0), ("1", 1), ("2^63", 2**63), ("2^64-1", 2**64 - 1), ("100000001", 100000001)]:
        yield "header of length " + name, file_of("{", length=length)
    yield "nothing in it", file_of("{}")
    yield "a byte too many", file_of("{}", b"1")
    for name, start, end in [("space before", " ", ""), ("line before", "\n", ""), ("BOM before", "\ufeff", ""), ("spaces after", "", "   "),
                             ("white space after", "", " \t\r\n"), ("letter after", "", "x"), ("NUL after", "", "\0")]:
        yield name, file_of(start + one("[1]", "[0,4]") + end, numbers(4))
    for text in ["[]", '"x"', "null", "1", "{", "{}{}", '{"a":}', '{"a"}', "{'a':1}", "{/**/}", "{,}", '{"a":NaN}', "\u007b\u2028\u007d"]:
        yield "header " + text, file_of(text)
    yield "not UTF-8", file_of(b'{"\xff":1}')
    yield "overlong", file_of(b'{"\xc0\xaf":1}')
    yield "deep", file_of('{"a":' + "[" * 200 + "]" * 200 + "}")
    yield "comma too many", file_of(one("[1]", "[0,4]")[:-1] + ",}", numbers(4))

    for dtype, bits in BITS.items():
        yield "dtype " + dtype, file_of(one("[8]", f"[0,{bits}]", f'"{dtype}"'), numbers(bits))
    for dtype in ['"F33"', '"f32"', '""', "3", "null", '["F32"]']:
        yield "dtype " + dtype, file_of(one("[1]", "[0,4]", dtype), numbers(4))
    for shape in ['"2"', "2", "[2.0]", "[1e0]", "[-1]", "[-0]", "[+1]", "[01]", "[[1]]", "[null]", '["1"]', "[true]", "[NaN]", "null", "{}"]:
        yield "shape " + shape, file_of(one(shape, "[0,4]"), numbers(4))
    for offsets in ["[0]", "[]", "[0,1,2]", '"0,4"', "[4,0]", "[null,4]", "[-4,0]", "[0,4.0]", "[0,8]", "[0,3]", "[1,5]", "{}"]:
        yield "offsets " + offsets, file_of(one("[1]", offsets), numbers(4))
    for name, shape, size in [("scalar", "[]", 4), ("nothing", "[2,0]", 0), ("eight axes", "[1,1,1,1,1,1,1,2]", 8), ("nine axes", "[1,1,1,1,1,1,1,1,2]", 8),
                              ("product overflows", "[2,9223372036854775807]", 4), ("product wraps", "[4,4611686018427387905]", 16),
                              ("overflow, then 0", "[4294967296,4294967296,0]", 0), ("0, then overflow", "[0,4294967296,4294967296]", 0),
                              ("2^60", "[1152921504606846976]", 4), ("2^63", "[9223372036854775808,0]", 0), ("2^64", "[18446744073709551616,0]", 0),
                              ("2^63 of nothing", "[0,9223372036854775808]", 0)]:
        yield name, file_of(one(shape, f"[0,{size}]"), numbers(size))
    yield "odd count of halves of bytes", file_of(one("[3]", "[0,2]", '"F4"'), numbers(2))

    two = lambda a, b: "{" + entry("a", "[1]", a) + "," + entry("b", "[1]", b) + "}"
    for a, b, size in [("[0,4]", "[4,8]", 8), ("[4,8]", "[0,4]", 8), ("[0,4]", "[3,7]", 7), ("[0,4]", "[0,4]", 4), ("[0,4]", "[5,9]", 9), ("[0,4]", "[4,8]", 7),
                       ("[0,4]", "[4,8]", 9), ("[1,5]", "[5,9]", 9)]:
        yield f"a {a}, b {b} of {size} bytes", file_of(two(a, b), numbers(size))
    yield "nothing within another", file_of("{" + entry("a", "[2]", "[0,8]") + "," + entry("b", "[0]", "[4,4]") + "}", numbers(8))
    yield "nothing between", file_of("{" + entry("a", "[1]", "[0,4]") + "," + entry("n", "[0]", "[4,4]") + "," + entry("b", "[1]", "[4,8]") + "}", numbers(8))
    yield "nothing at the end", file_of("{" + entry("n", "[3,0]", "[4,4]") + "," + entry("a", "[1]", "[0,4]") + "}", numbers(4))
    yield "two nothings", file_of("{" + entry("n", "[0]", "[0,0]") + "," + entry("m", "[0]", "[0,0]") + "}")
    yield "aligned to nothing", file_of("{" + entry("z", "[1]", "[1,5]") + "," + entry("b", "[1]", "[0,1]", '"BOOL"') + "}", b"\1" + numbers(4))

    a = entry("a", "[1]", "[0,4]")
    yield "a tensor twice", file_of("{" + a + "," + a + "}", numbers(4))
    yield "a tensor twice, by escape", file_of("{" + a + "," + entry("\\u0061", "[1]", "[0,4]") + "}", numbers(4))
    yield "shape twice", file_of(one("[2],\"shape\":[1]", "[0,4]"), numbers(4))
    yield "metadata twice", file_of('{"__metadata__":{},"__metadata__":{"a":"b"}}')
    yield "a key of metadata twice", file_of('{"__metadata__":{"a":"b","a":"c"}}')
    yield "an unknown key", file_of(one("[1]", "[0,4],\"x\":[1,{}]"), numbers(4))
    for key in ["dtype", "shape", "data_offsets"]:
        yield key + " is missing", file_of(one("[1]", "[0,4]").replace(key, key.upper()), numbers(4))
    yield "a list for a tensor", file_of('{"a":["F32",[1],[0,4]]}', numbers(4))

    for metadata in ["{}", '{"a":"b"}', '{"a":"é","":""}', '{"a":1}', '{"a":null}', '{"a":{}}', "[]", "null", '"x"', '{"a":"b",}', '{"\\u0000":"\\u001b[31m"}']:
        yield "metadata " + metadata, file_of('{"__metadata__":' + metadata + "," + a + "}", numbers(4))
    yield "metadata makes no tensors", file_of('{"__metadata__":{"format":"pt","largest_layer":"pt","dropped":"a"},' + a + "," + entry("pt", "[1]", "[4,8]") + "}", numbers(8))
    yield "metadata named as a tensor", file_of('{"__metadata__":{"a":"b","b":"a"},' + a + "," + entry("b", "[1]", "[4,8]") + "}", numbers(8))
    yield "a tensor where metadata belong", file_of('{"__metadata__":' + a[4:] + "}", numbers(4))

    names = ["", " ", "é", "\\u00e9", "漢 \\\"q\\\"", "\\\\", "a/b", "../x", "\\u001b[31m", "\\u009b31m", "\\u0000", "\x7f", "\\n", "\\ud800", "\\ud83d\\ude00", "😀",
             "\\x", "\\u12", "\\/", "\u202e", "x" * 4096, "x" * 4097, "__metadata__x"]
    for i, name in enumerate(names):
        yield f"name {i}", file_of("{" + entry(name, "[1]", "[0,4]") + "}", numbers(4))
    whole = {"pt": numpy.array(0.5, numpy.float32), "format": numpy.zeros((2, 0, 3), numpy.int64), "a.b/c": numpy.arange(6, dtype=numpy.int16).reshape(2, 3),
             "__metadata": numpy.array([True, False]), "é漢😀": numpy.array([-0.0, numpy.nan, numpy.inf]), "": numpy.array([7], numpy.uint8)}
    yield "written by the reference", save(whole, {"format": "pt", "pt": "a.b/c", "a.b/c": "pt", "": "é\n\x1b[31m"})
    yield "written by the reference, every dtype", save({t: numpy.arange(3).astype(t) for t in ["bool", "uint8", "int8", "int16", "uint16", "float16", "int32", "uint32", "float32", "int64", "uint64", "float64", "complex64"]})
    yield "written by the reference, nothing", save({}, {"a": "b"})
    yield "a raw line end in a name", file_of("{" + entry("a\nb", "[1]", "[0,4]") + "}", numbers(4))
    yield "a name without end", file_of('{"a')
    for text in [b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", b"<!DOCTYPE html><html></html>", b"PK\x03\x04" + bytes(60), b"\x80\x02" + bytes(60),
                 b"GGUF" + bytes(60), b"\x93NUMPY\x01\x00" + bytes(60), b"\x1f\x8b\x08" + bytes(60)]:
        yield "another format: " + repr(text[:5]), text
    yield "something after it", file_of(one("[1]", "[0,4]"), numbers(4)) + b"PK\x03\x04"


def random_cases(count, seed):
    """Valid files with a few bytes changed; the length of the header is set right again in most."""
    draw = random.Random(seed)
    words = [b"{", b"}", b"[", b"]", b'"', b",", b":", b" ", b"0", b"-1", b"1e3", b"9223372036854775807", b"null", b"true", b'"shape":[', b'"F16"', b"\\u0061", b"\\ud800",
             b"\xff", b"\xc3\xa9", b'"__metadata__":{', b'"a":"b"', b"\n"]
    for number in range(count):
        entries, data = [], b""
        if draw.random() < 0.5:
            entries.append('"__metadata__":' + json.dumps({draw.choice("abcé "): draw.choice(["pt", "a", "b", ""]) for _ in range(draw.randrange(4))}, ensure_ascii=draw.random() < 0.5))
        for name in draw.sample(["a", "b", "pt", "é", "h.0.w", "", "漢"], draw.randrange(5)):
            dtype = draw.choice(list(BITS))
            shape = [draw.randrange(4) for _ in range(draw.randrange(4))]
            bits = BITS[dtype]
            for size in shape:
                bits *= size
            if bits % 8:
                shape, bits = [8], 8 * BITS[dtype]
            entries.append(entry(name, json.dumps(shape), f"[{len(data)},{len(data) + bits // 8}]", f'"{dtype}"'))
            data += numbers(bits // 8)
        draw.shuffle(entries)
        header = ("{" + ",".join(entries) + "}" + " " * draw.randrange(3)).encode()
        for _ in range(draw.randrange(4)):
            at, length = draw.randrange(len(header) + 1), draw.randrange(9)
            kind = draw.randrange(5)
            if kind == 0:
                header = header[:at] + header[at + length:]
            elif kind == 1:
                header = header[:at] + header[at:at + 8 * length] + header[at:]
            elif kind == 2:
                header = header[:at] + draw.choice(words) + header[at:]
            elif kind == 3 and at < len(header):
                header = header[:at] + bytes([header[at] ^ 1 << draw.randrange(8)]) + header[at + 1:]
            else:
                digits = [i for i, c in enumerate(header) if chr(c).isdigit()]
                if digits:
                    i = draw.choice(digits)
                    header = header[:i] + str(draw.randrange(20)).encode() + header[i + 1:]
        if draw.random() < 0.1:
            data = data[:draw.randrange(len(data) + 1)] + bytes(draw.randrange(3))
        length = len(header) + (draw.choice([-8, -1, 1, 8]) if draw.random() < 0.1 else 0)
        yield f"random {seed}.{number}", file_of(header, data, max(length, 0))


def check(path):
    """Compares what heed says of files that it wrote with what the reference says."""
    with open(path, encoding="utf-8") as lines:
        cases = [json.loads(line) for line in lines]
    for case in cases:
        tensors, metadata = reference(bytes.fromhex(case["file"]))
        if (tensors, metadata) != (sorted(case["tensors"]), case["metadata"]):
            raise SystemExit(f"{case['case']}: heed says {case['tensors']} {case['metadata']}, the reference {tensors} {metadata}")
    print(f"{len(cases)} files by heed: the reference reads them alike")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--random", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--check", metavar="WRITTEN")
    parser.add_argument("out", nargs="?", default=os.path.join(os.path.dirname(__file__), "safetensors_cases.jsonl"))
    options = parser.parse_args()
    if options.check:
        return check(options.check)
    cases = list(made_cases()) + list(random_cases(options.random or 60, options.seed))
    accepted = 0
    with open(options.out, "w", encoding="utf-8") as out:
        for name, data in cases:
            tensors, metadata = reference(data)
            case = {"case": name, "file": data.hex(), "tensors": tensors, "metadata": metadata}
            if tensors is not None and (why := stricter(data)):
                case["stricter"] = why
            accepted += tensors is not None
            out.write(json.dumps(case, separators=(",", ":"), ensure_ascii=True) + "\n")
    print(f"{len(cases)} cases, {accepted} accepted by the reference: {options.out}")


if __name__ == "__main__":
    main()
