"""Writes print_cases.txt: arrays, and the text that PyTorch prints for them.

    python3 tests/golden/make_print.py

A case is

    case NAME
    DTYPE SHAPE…
    values V V …            or: range START STEP (element i is START + STEP i)
    axes A A …              the array is shown with its axes in this order
    suffix TEXT             any number of them
    N                       lines of text that follow

PyTorch's "dtype=torch.float64" is "dtype=float64" here, as heed has no such prefix; lines are broken
accordingly.
"""
import math
import os

import torch
from torch import _tensor_str

add_suffixes = _tensor_str._add_suffixes
_tensor_str._add_suffixes = lambda text, suffixes, *rest, **named: add_suffixes(
    text, [suffix.replace("torch.", "") for suffix in suffixes], *rest, **named)

F32, F64, I32, I64, BOOL = torch.float32, torch.float64, torch.int32, torch.int64, torch.bool
cases = []


def case(name, dtype, shape, values=None, start=0, step=None, axes=None, grad=None):
    count = math.prod(shape)
    if values is None:
        data = [start + step * i for i in range(count)]
        source = f"range {start!r} {step!r}"
    else:
        data = list(values)
        assert len(data) == count, name
        source = "values " + " ".join(repr(float(v)) if dtype.is_floating_point else str(int(v)) for v in data)
    x = torch.tensor(data, dtype=dtype).reshape(shape)
    if axes is not None:
        x = x.permute(axes)
    suffixes = []
    if grad == "leaf":
        x.requires_grad_(True)
        suffixes = ["requires_grad=True"]
    elif grad:
        x = x.requires_grad_(True).clone()
        suffixes = ["grad_fn=<CloneBackward0>"]
    text = repr(x)
    lines = [f"case {name}", " ".join([str(dtype).replace("torch.", "")] + [str(n) for n in shape]), source,
             " ".join(["axes"] + [str(a) for a in (axes or range(len(shape)))])]
    lines += ["suffix " + s for s in suffixes]
    cases.append("\n".join(lines + [str(text.count("\n") + 1), text]))


inf, nan = math.inf, math.nan
generator = torch.Generator().manual_seed(0)


def normal(count, scale=1.0):
    return (torch.randn(count, generator=generator) * scale).tolist()


# One number.
for value in [0.0, -0.0, 1.0, -2.0, 0.5, 3.14159265, -1e-3, 1e-4, 9.9e-5, 1e-10, 12345.678, 99999999.0, 1e8, 1.5e8,
              123456789.0, 1e20, 3.4e38, 1e-45, inf, -inf, nan]:
    case(f"scalar {value!r}", F32, (), [value])
case("double scalar", F64, (), [0.1])
case("double far out", F64, (), [1.7976931348623157e308])
case("double near zero", F64, (), [5e-324])
for value in [0, -7, 2**31 - 1]:
    case(f"int32 {value}", I32, (), [value])
for value in [0, -2**63, 2**63 - 1, 2**53 + 1]:
    case(f"int64 {value}", I64, (), [value])
case("true", BOOL, (), [1])
case("false", BOOL, (), [0])

# Vectors: notation and width are chosen for all numbers together.
case("decimals", F32, (4,), [0.1, -2.5, 1.0, 3.14159265])
case("whole", F32, (4,), [1, -2, 300, 0])
case("whole with nan", F32, (5,), [1, nan, -20, inf, -inf])
case("zeros", F32, (3,), [0, 0, -0.0])
case("zeros and nan", F32, (4,), [0, nan, inf, -inf])
case("only nan", F32, (2,), [nan, nan])
case("ratio 1000", F32, (2,), [1000.5, 1.0005])
case("ratio above 1000", F32, (2,), [1001.5, 1.0005])
case("whole ratio above 1000", F32, (2,), [1001, 1])
case("small", F32, (2,), [0.00012, 0.0001])
case("smaller", F32, (2,), [0.00012, 0.00009])
case("large whole", F32, (3,), [1e8, 2e8, 3e8])
case("large", F32, (2,), [99999999.5, 1e8 + 8])
case("scientific with zero, nan, inf", F32, (5,), [1e-6, 0, nan, -inf, 123.456])
case("scientific, three-digit exponent", F64, (2,), [1e-200, -1e200])
case("rounding", F32, (5,), [0.00005, 0.99995, 0.99994, 1.00005, 2.5])
case("half to even", F64, (4,), [0.03125, 0.09375, 0.00005, 2.00005])
case("doubles", F64, (3,), [0.1, 0.2, 0.3])
case("ints", I64, (4,), [1, -20, 300, 0])
case("int32", I32, (3,), [1, -2, 3])
case("bools", BOOL, (3,), [1, 0, 1])
case("all true", BOOL, (2,), [1, 1])
case("one element", F32, (1,), [2.5])
case("line breaks", F32, (30,), normal(30))
case("line breaks of ints", I64, (100,), start=0, step=1)
case("line breaks of wide numbers", F64, (9,), [v * 1e5 for v in normal(9)])
case("line breaks of bools", BOOL, (25,), [i % 3 == 0 for i in range(25)])
case("narrow zeros", F32, (100,), [0.0] * 100)

# Matrices and beyond.
case("matrix", F32, (2, 3), normal(6))
case("matrix of whole numbers", F32, (3, 2), [1, 2, 3, 4, 5, 6])
case("matrix with long rows", F32, (2, 20), normal(40))
case("transposed", F32, (2, 3), normal(6), axes=(1, 0))
case("permuted", I64, (2, 3, 4), start=0, step=1, axes=(2, 0, 1))
case("column", I64, (3, 1), [1, 2, 3])
case("row", I64, (1, 3), [1, 2, 3])
case("three axes", F32, (2, 2, 3), normal(12))
case("four axes", I64, (2, 2, 2, 2), start=0, step=1)
case("five axes", I64, (1, 2, 1, 2, 1), start=-2, step=1)
case("eight axes", I64, (1, 1, 1, 1, 1, 1, 1, 2), [5, 6])
case("matrix of doubles", F64, (2, 2), [1.5, 2.25, -3, 4])
case("matrix of bools", BOOL, (2, 2), [1, 0, 0, 1])

# Empty.
case("empty", F32, (0,), [])
case("empty matrix", F32, (0, 3), [])
case("empty matrix the other way", F32, (2, 0), [])
case("empty, three axes", F64, (2, 0, 3), [])
case("empty ints", I64, (0,), [])
case("empty bools", BOOL, (0, 2), [])

# More than 1000 elements.
case("1000 elements", I64, (1000,), start=0, step=1)
case("1001 elements", I64, (1001,), start=0, step=1)
case("long, fractions", F32, (2000,), start=-1, step=0.5)
case("long, hidden numbers do not count", F32, (2001,), [1e-9 if 3 <= i < 1998 else float(i % 7) for i in range(2001)])
case("large matrix", F32, (40, 40), start=0, step=0.25)
case("tall matrix", I64, (600, 2), start=0, step=1)
case("wide matrix", I64, (2, 600), start=0, step=1)
case("axes of 6 and 7", I64, (6, 7, 30), start=0, step=1)
case("large, three axes", F32, (10, 11, 12), start=0, step=1)
case("large, four axes", I32, (7, 2, 9, 10), start=0, step=1)
case("large, transposed", I64, (30, 50), start=0, step=1, axes=(1, 0))
case("large bools", BOOL, (50, 50), [i % 2 for i in range(2500)])

# What the Tensor level adds.
case("leaf", F32, (2,), [1.5, 2.5], grad="leaf")
case("leaf scalar", F32, (), [1.5], grad="leaf")
case("double leaf", F64, (2,), [1.5, 2.5], grad="leaf")
case("with history", F32, (2, 2), normal(4), grad="node")
case("empty leaf", F32, (0, 2), [], grad="leaf")
for count in [6, 7]:
    case(f"suffix at the end of {count} numbers", F32, (count,), [0.5] * count, grad="leaf")
    case(f"suffixes at the end of {count} doubles", F64, (count,), [0.5] * count, grad="node")
case("suffix on a line of its own", F32, (2, 8), normal(16), grad="leaf")

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "print_cases.txt"), "w") as out:
    out.write(f"{len(cases)} cases, printed by PyTorch {torch.__version__.split('+')[0]} (make_print.py)\n")
    out.write("\n".join(cases) + "\n")
print(len(cases), "cases")
