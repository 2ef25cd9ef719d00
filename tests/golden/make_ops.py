"""PyTorch's answers for the ops of autograd/: writes ops.safetensors, which ops_test.cpp compares with.

    python3 make_ops.py           needs PyTorch 2.x

A case is a set of names: case/in/0, case/in/1, …; case/out; case/seed (the gradient that arrives at
out); case/grad/0, …. Inputs are float32 numbers, answers are computed in float64, so that one case
serves both types.

Cases under edge/ are about inf, NaN, signed zeros, denormals and the like, where the types differ:
their answers are computed in each type, edge/f32/case/… and edge/f64/case/…, with a seed of ones.
"""
import os
import sys

import torch
import torch.nn.functional as F

from safetensors_io import save

torch.manual_seed(0)
saved = {}


def put(name, tensor):
    saved[name] = tensor.detach().contiguous().numpy().copy()


def between(low, high, *shape):
    return (low + (high - low) * torch.rand(shape)).float().double()


def answer(case, f, inputs, seed=None):
    leaves = [x.clone().requires_grad_() if x.is_floating_point() else x for x in inputs]
    for i, x in enumerate(inputs):
        put(f"{case}/in/{i}", x)
    out = f(*leaves)
    put(f"{case}/out", out)
    if not out.requires_grad:
        return
    seed = seed(out) if seed else between(-1, 1, *out.shape)
    put(f"{case}/seed", seed)
    wanted = [x for x in leaves if x.requires_grad]
    grads = iter(torch.autograd.grad(out, wanted, seed, allow_unused=True))
    for i, x in enumerate(leaves):
        if x.requires_grad:
            g = next(grads)
            put(f"{case}/grad/{i}", torch.zeros_like(x) if g is None else g)


def case(name, f, *shapes, low=-2, high=2):
    """Floating inputs are given by their shapes, others as they are."""
    inputs = [s if torch.is_tensor(s) else between(low, high, *s) for s in shapes]
    assert f"{name}/out" not in saved, name
    answer(name, f, inputs)


# Elementwise, with broadcasting.
two = {
    "add": torch.add, "sub": torch.sub, "mul": torch.mul, "maximum": torch.maximum, "minimum": torch.minimum,
    "logaddexp": torch.logaddexp,
}
for name, f in two.items():
    for a, b in [((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1), (3,)), ((), (2, 3)), ((2, 1, 3), (4, 1))]:
        case(f"{name} {a} {b}".replace(",)", ")"), f, a, b)
for a, b in [((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1), (3,)), ((), (2, 3)), ((2, 1, 3), (4, 1))]:
    case(f"div {a} {b}".replace(",)", ")"), torch.div, a, b, low=0.3)
    case(f"pow {a} {b}".replace(",)", ")"), torch.pow, a, b, low=0.3)
one = {
    "neg": torch.neg, "abs": torch.abs, "square": torch.square, "exp": torch.exp, "expm1": torch.expm1,
    "sin": torch.sin, "cos": torch.cos, "erf": torch.erf, "sign": torch.sign, "floor": torch.floor, "ceil": torch.ceil,
    "round": torch.round, "relu": F.relu, "leaky_relu": F.leaky_relu, "leaky_relu 0.3": lambda x: F.leaky_relu(x, 0.3),
    "elu": F.elu, "elu 0.5": lambda x: F.elu(x, 0.5), "sigmoid": torch.sigmoid, "tanh": torch.tanh, "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"), "silu": F.silu, "softplus": F.softplus,
    "clamp": lambda x: x.clamp(-1, 0.9), "maximum number": lambda x: x.clamp(min=0.1), "minimum number": lambda x: x.clamp(max=0.1),
    "add number": lambda x: x + 1.5, "number sub": lambda x: 1.5 - x, "mul number": lambda x: x * 1.5,
    "div number": lambda x: x / 1.5, "pow 0": lambda x: x ** 0, "pow 1": lambda x: x ** 1, "pow 2": lambda x: x ** 2,
    "pow 3": lambda x: x ** 3, "pow -2": lambda x: x ** -2.0,
}
positive = {
    "sqrt": torch.sqrt, "rsqrt": torch.rsqrt, "reciprocal": torch.reciprocal, "log": torch.log, "log1p": torch.log1p,
    "number div": lambda x: 1.5 / x, "pow 0.5": lambda x: x ** 0.5, "pow 2.5": lambda x: x ** 2.5, "pow -1.5": lambda x: x ** -1.5,
}
for name, f in one.items():
    case(name, f, (3, 5), low=-4, high=4)
for name, f in positive.items():
    case(name, f, (3, 5), low=0.2, high=3)
mask = torch.tensor([[True, False, True], [False, False, True]])
case("where", lambda m, a, b: torch.where(m, a, b), mask, (2, 3), (2, 3))
case("where row", lambda m, a, b: torch.where(m, a, b), mask[0], (2, 3), (2, 1))
case("masked_fill", lambda m, x: x.masked_fill(m, -1.5), mask, (2, 3))
for name in ["eq", "ne", "lt", "le", "gt", "ge"]:
    case(name, lambda a, b, f=getattr(torch, name): f(a.round(), b.round()), (3, 4), (4,))

# Reductions.
axes = {"all": None, "0": 0, "1": 1, "-1": -1, "0,2": (0, 2), "0,1": (0, 1), "1,2": (1, 2)}
for text, axis in axes.items():
    for keep in [False, True]:
        end = f" over {text}" + (" keepdim" if keep else "")
        over = dict(dim=axis if axis is not None else (0, 1, 2), keepdim=keep)
        case("sum" + end, lambda x: x.sum(**over), (2, 3, 4))
        case("mean" + end, lambda x: x.mean(**over), (2, 3, 4))
        case("var" + end, lambda x: x.var(**over), (2, 3, 4))
        case("var biased" + end, lambda x: x.var(correction=0, **over), (2, 3, 4))
        case("norm" + end, lambda x: torch.linalg.vector_norm(x, **over), (2, 3, 4))
        case("amax" + end, lambda x: x.amax(**over), (2, 3, 4))
        case("amin" + end, lambda x: x.amin(**over), (2, 3, 4))
ties = torch.tensor([[1.0, 3, 3, 2], [5, 5, 5, 5]], dtype=torch.float64)
case("amax shares", lambda x: x.amax(1), ties)
case("amin shares", lambda x: x.amin(1), ties)
case("max of equals", lambda x: x.max(1).values, ties)
case("maximum of equals", torch.maximum, ties, ties.clone())
case("minimum of equals", torch.minimum, ties, ties.clone())
case("argmax of equals", lambda x: x.argmax(1), ties)
for axis in [0, 1, -1]:
    for keep in [False, True]:
        end = f" {axis}" + (" keepdim" if keep else "")
        case("max" + end, lambda x: x.max(axis, keep).values, (2, 3, 4))
        case("min" + end, lambda x: x.min(axis, keep).values, (2, 3, 4))
        case("argmax" + end, lambda x: x.argmax(axis, keep), (2, 3, 4))
        case("argmin" + end, lambda x: x.argmin(axis, keep), (2, 3, 4))
        case("prod" + end, lambda x: x.prod(axis, keep), (2, 3, 4))
        case("logsumexp" + end, lambda x: x.logsumexp(axis, keep), (2, 3, 4))
    case(f"cumsum {axis}", lambda x: x.cumsum(axis), (2, 3, 4))
    case(f"softmax {axis}", lambda x: x.softmax(axis), (2, 3, 4))
    case(f"log_softmax {axis}", lambda x: x.log_softmax(axis), (2, 3, 4))
    case(f"topk {axis}", lambda x: x.topk(2, axis).values, (3, 3, 4))
    case(f"topk smallest {axis}", lambda x: x.topk(2, axis, largest=False).values, (3, 3, 4))
case("topk indices", lambda x: x.topk(3, 1).indices, (3, 5))
case("prod with zeros", lambda x: (x * torch.tensor([[1.0, 0, 1], [0, 0, 1]])).prod(1), (2, 3))
case("softmax long", lambda x: x.softmax(-1), (2, 37), low=-10, high=10)
case("log_softmax long", lambda x: x.log_softmax(-1), (2, 37), low=-10, high=10)
case("logsumexp long", lambda x: x.logsumexp(-1), (2, 37), low=-10, high=10)

# Normalisation.
case("layer_norm", lambda x: F.layer_norm(x, (6,)), (2, 3, 6))
case("layer_norm weight", lambda x, w: F.layer_norm(x, (6,), w), (2, 3, 6), (6,))
case("layer_norm weight bias", lambda x, w, b: F.layer_norm(x, (6,), w, b), (2, 3, 6), (6,), (6,))
case("layer_norm bias", lambda x, b: F.layer_norm(x, (6,), None, b), (2, 3, 6), (6,))
case("layer_norm eps", lambda x, w, b: F.layer_norm(x, (6,), w, b, 0.1), (2, 3, 6), (6,), (6,))
case("layer_norm long", lambda x, w, b: F.layer_norm(x, (37,), w, b), (70, 37), (37,), (37,))
case("rms_norm", lambda x: F.rms_norm(x, (6,), eps=1e-6), (2, 3, 6))
case("rms_norm weight", lambda x, w: F.rms_norm(x, (6,), w, eps=1e-6), (2, 3, 6), (6,))
case("rms_norm eps", lambda x, w: F.rms_norm(x, (6,), w, eps=0.1), (2, 3, 6), (6,))

# Products.
for a, b in [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)),
             ((5, 2, 3), (5, 3, 4)), ((2, 1, 2, 3), (5, 3, 4)), ((5, 2, 3), (3,)), ((3,), (5, 3, 4)), ((17, 33), (33, 9)),
             ((1, 3), (3, 1)), ((0, 3), (3, 4)), ((2, 0), (0, 4))]:
    case(f"matmul {a} {b}".replace(",)", ")"), torch.matmul, a, b)
for x in [(3,), (4, 3), (2, 4, 3), (0, 3)]:
    case(f"linear {x}".replace(",)", ")"), F.linear, x, (5, 3))
    case(f"linear bias {x}".replace(",)", ")"), F.linear, x, (5, 3), (5,))

# Indexing.
at = torch.tensor([[0, 1, 1, 0], [1, 1, 0, 0]])
columns = torch.tensor([[3, 3], [0, 1]])
case("gather 0", lambda i, x: x.gather(0, i), at, (2, 4))
case("gather -1", lambda i, x: x.gather(-1, i), columns, (2, 4))
case("scatter_add 0", lambda i, x, s: x.scatter_add(0, i, s), at, (2, 4), (2, 4))
case("scatter_add -1", lambda i, x, s: x.scatter_add(-1, i, s), columns, (2, 4), (2, 2))
picks = torch.tensor([1, 0, 1])
case("index_select 0", lambda i, x: x.index_select(0, i), picks, (2, 4))
case("index_select 1", lambda i, x: x.index_select(1, i), picks, (2, 4, 3))
ids = torch.tensor([[2, 0, 2], [1, 4, 4]])
case("embedding", lambda i, t: F.embedding(i, t), ids, (5, 3))
case("embedding padding", lambda i, t: F.embedding(i, t, padding_idx=2), ids, (5, 3))
case("one_hot", lambda i: F.one_hot(i, 5), ids)

# Views and joins.
views = {
    "transpose": lambda x: x.transpose(0, -1), "permute": lambda x: x.permute(2, 0, 1), "reshape": lambda x: x.reshape(-1, 6),
    "reshape of a transpose": lambda x: x.transpose(0, 1).reshape(6, 4), "flatten": lambda x: x.flatten(),
    "flatten 1": lambda x: x.flatten(1), "flatten 0 1": lambda x: x.flatten(0, 1), "unsqueeze": lambda x: x.unsqueeze(-1),
    "select": lambda x: x.select(1, -1), "brackets": lambda x: x[1], "slice": lambda x: x[:, 1:3], "slice step": lambda x: x[:, :, 1:4:2],
    "slice negative": lambda x: x[:, -2:-1], "diagonal": lambda x: x.diagonal(dim1=-2, dim2=-1), "split": lambda x: x.split(3, 2)[0],
    "chunk": lambda x: x.chunk(2, 2)[1], "tril": lambda x: x.tril(), "tril -1": lambda x: x.tril(-1), "triu": lambda x: x.triu(),
    "triu 1": lambda x: x.triu(1), "clone": lambda x: x.clone(),
}
for name, f in views.items():
    case(name, f, (2, 3, 4))
case("expand", lambda x: x.expand(4, 2, 3), (2, 1))
case("squeeze", lambda x: x.squeeze(1), (2, 1, 3))
case("cat 0", lambda a, b: torch.cat([a, b]), (2, 3), (1, 3))
case("cat -1", lambda a, b: torch.cat([a, b], -1), (2, 3), (2, 2))
case("stack 0", lambda a, b: torch.stack([a, b]), (2, 3), (2, 3))
case("stack 1", lambda a, b: torch.stack([a, b], 1), (2, 3), (2, 3))
case("stack -1", lambda a, b: torch.stack([a, b], -1), (2, 3), (2, 3))
case("sum_to", lambda x: x.sum_to_size(3, 1), (2, 3, 4))

# Whole numbers. (Their answers are computed in their own types.)
inf, nan = float("inf"), float("nan")
whole, divisor = torch.tensor([7, -7, 8, -8, 0, 5]), torch.tensor([2, 2, -3, -3, 4, 5])
case("i64 add", torch.add, whole, divisor)
case("i64 sub", torch.sub, whole, divisor)
case("i64 mul", torch.mul, whole, divisor)
small, wide = whole.int(), torch.tensor([2000000000, 2000000000, -7], dtype=torch.int32)
ends = torch.tensor([2**63 - 1, -2**63, 2**63 - 1])
yes = torch.tensor([True, False, True])
case("i64 div", torch.div, whole, divisor)
case("i64 div by 0", torch.div, whole, torch.tensor([0, 0, 2, 2, 0, 1]))
case("i64 div number", lambda x: x / 4.0, whole)
case("i64 div fraction", lambda x: x / 2.5, whole)
case("number div i64", lambda x: 1.0 / x, whole)
case("i32 div", torch.div, small, divisor.int())
case("bool div", torch.div, yes, torch.ones(3, dtype=torch.bool))
case("i64 floor_divide", torch.floor_divide, whole, divisor)
case("i32 floor_divide", torch.floor_divide, small, divisor.int())
case("i64 floor_divide number", lambda x: x // 3, whole)
case("number floor_divide i64", lambda x: -7 // x, divisor)
case("i64 pow", lambda x: x ** 5, whole)
case("i64 pow i64", torch.pow, whole, divisor.abs())
case("i64 pow wraps", lambda x: x ** 31, whole)
case("i64 add wraps", torch.add, ends, ends)
case("i64 sub wraps", torch.sub, ends, -ends)
case("i64 mul wraps", torch.mul, ends, ends)
case("i64 sum wraps", lambda x: x.sum(), ends)
case("i64 cumsum wraps", lambda x: x.cumsum(0), ends)
case("i64 prod wraps", lambda x: x.prod(0), ends)
case("i32 add wraps", torch.add, wide, wide)
case("i32 mul wraps", torch.mul, wide, wide)
case("i32 sum", lambda x: x.sum(), wide)
case("i32 sum over 0", lambda x: x.sum(0, keepdim=True), wide)
case("i32 prod", lambda x: x.prod(0), wide)
case("i32 cumsum", lambda x: x.cumsum(0), wide)
case("bool prod", lambda m: m.prod(0), yes)
case("bool cumsum", lambda m: m.cumsum(0), yes)
for name in ["eq", "ne", "lt", "le", "gt", "ge"]:
    f = getattr(torch, name)
    for number in [2.5, -7.0, 1e30, -inf, nan]:
        case(f"i64 {name} {number}", lambda x: f(x, number), whole)
    case(f"i32 {name} 3e9", lambda x: f(x, 3e9), wide)
    case(f"bool {name} 0.5", lambda x: f(x, 0.5), yes)
case("i64 maximum", torch.maximum, whole, divisor)
case("i64 minimum", torch.minimum, whole, divisor)
case("i64 sum", lambda x: x.sum(), whole)
case("i64 cumsum", lambda x: x.cumsum(0), whole)
case("i64 argmax", lambda x: x.argmax(0), whole)
case("i64 lt", torch.lt, whole, divisor)
case("bool sum", lambda m: m.sum(1), mask)
case("bool to f64", lambda m: m.double(), mask)
case("f64 to i64", lambda x: x.long(), torch.tensor([1.9, -1.9, 0.5, -0.5, 1e9], dtype=torch.float64))
case("f64 to bool", lambda x: x.bool(), torch.tensor([0.0, -0.0, 0.1, -3, float("nan")], dtype=torch.float64))

# The edges.
def edge(name, f, *inputs):
    for kind, dtype in [("f32", torch.float32), ("f64", torch.float64)]:
        typed = [torch.tensor(x, dtype=dtype) if not torch.is_tensor(x) else x for x in inputs]
        answer(f"edge/{kind}/{name}", f, typed, torch.ones_like)


special = [inf, -inf, nan, 0.0, -0.0, 1e-40, -1e-40, 1e-30, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -1.5, -2.5, 1e4, -1e4, 88.0,
           89.5, -87.0, -104.0, 20.0, -20.0, 1e-3, 3.4e38, 709.0, 1e300]
for name, f in one.items():
    if name in ["sin", "cos"]:  # of huge numbers: a matter of reduction, compared elsewhere
        edge(name, f, [x for x in special if not 1e5 < abs(x) < inf])
    else:
        edge(name, f, special)
for name, f in positive.items():
    edge(name, f, special)
base, exponent = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, inf, -inf, nan], [0.0, -0.0, 1.0, -1.0, 2.0, 3.0, 0.5, -0.5, inf, -inf, nan]
grid = [[b] * len(exponent) for b in base], [exponent] * len(base)
edge("pow", torch.pow, *grid)
for name, f in list(two.items()) + [("div", torch.div)]:
    edge(name, f, [[b] * len(base) for b in base], [base] * len(base))
for name in ["eq", "ne", "lt", "le", "gt", "ge"]:
    edge(name, getattr(torch, name), [[b] * len(base) for b in base], [base] * len(base))
rows = [[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [1e4, 1e4, 1e4], [-inf, 0.0, 1.0], [-inf, -inf, 2.0], [nan, 0.0, 1.0],
        [1e38, -1e38, 0.0], [100.0, 0.0, -100.0], [0.0, 0.0, 0.0]]
edge("softmax", lambda x: x.softmax(-1), rows)
edge("log_softmax", lambda x: x.log_softmax(-1), rows)
edge("logsumexp", lambda x: x.logsumexp(-1), rows)
edge("logsumexp of inf", lambda x: x.logsumexp(-1).detach(), [[inf, 0.0], [-inf, -inf], [inf, -inf]])
edge("amax", lambda x: x.amax(-1).detach(), [[1.0, nan, 2.0], [-inf, -inf, -inf], [-0.0, -1.0, -2.0], [inf, 1.0, nan]])
edge("amin", lambda x: x.amin(-1).detach(), [[1.0, nan, 2.0], [inf, inf, inf], [0.0, 1.0, 2.0], [-inf, 1.0, nan]])
edge("max", lambda x: x.max(-1).values, [[1.0, nan, 2.0], [-inf, -inf, -inf], [inf, 1.0, nan]])
edge("argmax", lambda x: x.argmax(-1), [[1.0, nan, 2.0], [-inf, -inf, -inf], [inf, 1.0, nan], [3.0, 3.0, 3.0]])
edge("argmin", lambda x: x.argmin(-1), [[1.0, nan, 2.0], [inf, inf, inf], [-inf, 1.0, nan], [3.0, 3.0, 3.0]])
edge("topk", lambda x: x.topk(2).values, [[1.0, nan, 2.0], [-inf, 1.0, inf], [0.0, -1.0, -2.0]])
edge("topk smallest", lambda x: x.topk(2, largest=False).values, [[1.0, nan, 2.0], [-inf, 1.0, inf], [0.0, -1.0, -2.0]])
edge("sum", lambda x: x.sum(-1), [[inf, 1.0], [inf, -inf], [nan, 1.0], [-0.0, -0.0], [1e-40, 1e-40]])
edge("prod", lambda x: x.prod(-1), [[inf, 2.0, 1.0], [2.0, 0.0, 3.0], [0.0, 0.0, 3.0], [nan, 1.0, 1.0]])
edge("cumsum", lambda x: x.cumsum(-1), [[1.0, inf, 1.0], [1.0, nan, 1.0], [inf, -inf, 1.0]])
edge("var of one", lambda x: x.var(-1), [[3.0], [-1.0]])
edge("norm of zeros", lambda x: torch.linalg.vector_norm(x, dim=-1), [[0.0, 0.0], [3.0, 4.0]])
edge("sum of nothing", lambda x: x.sum(1), torch.zeros(2, 0, dtype=torch.float64))
edge("prod of nothing", lambda x: x.prod(1), torch.zeros(2, 0, dtype=torch.float64))
edge("mean of nothing", lambda x: x.mean(1), torch.zeros(2, 0, dtype=torch.float64))
edge("logsumexp of nothing", lambda x: x.logsumexp(1), torch.zeros(2, 0, dtype=torch.float64))
edge("layer_norm of equals", lambda x: F.layer_norm(x, (3,)), [[2.0, 2.0, 2.0], [1e4, 1e4, 1e4], [1.0, 2.0, 3.0]])
edge("layer_norm of NaN", lambda x: F.layer_norm(x, (3,)).detach(), [[2.0, nan, 2.0], [inf, 1.0, 2.0]])
edge("floor_divide", lambda a, b: torch.div(a, b, rounding_mode="floor"), [[b] * 12 for b in [7.0, -7.0, 1.0, -1.0, 0.0, -0.0, inf, nan]],
     [[2.0, -2.0, 3.0, 0.1, -0.1, 0.3, 1e-3, inf, -inf, 0.0, -0.0, nan]] * 8)
edge("where", lambda a, b: torch.where(torch.tensor([True, False, True]), a, b), [1.0, nan, inf], [nan, 2.0, -inf])
edge("clamp of infinite bounds", lambda x: x.clamp(-inf, inf), special)

save(os.path.join(sys.path[0], "ops.safetensors"), saved, {"made by": "make_ops.py", "torch": torch.__version__})
