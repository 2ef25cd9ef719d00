"""How far PyTorch's own f32 results are from f64: the bounds of tests/autograd/ops/precision_test.cpp.

    python tests/golden/measure_f32_error.py

Writes nothing: prints, for each op, the worst error over 200 random sizes, in the units that the test names.
Nothing in heed needs PyTorch; the figures are copied into the test by hand.
"""
import math
import torch
import torch.nn.functional as F

torch.manual_seed(0)
torch.set_num_threads(1)
worst = {}


def note(name, error):
    worst[name] = max(worst.get(name, 0.0), float(error))


def relative(y, exact):
    return ((y.double() - exact).abs() / exact.abs().clamp_min(1e-300)).max()


def size(most):
    return int(math.exp(torch.rand(()).item() * math.log(most)))


for _ in range(200):
    n = size(1_000_000)
    x = torch.randn(n)
    wide = x.double()
    total = wide.abs().sum()
    note("sum", (x.sum().double() - wide.sum()).abs() / total)
    note("mean", (x.mean().double() - wide.mean()).abs() / (total / n))
    note("norm", relative(x.norm(), wide.norm()))
    note("cumsum", ((x.cumsum(0).double() - wide.cumsum(0)).abs() / wide.abs().cumsum(0)).max())
    positive = x.abs()
    note("cumsum of positive", relative(positive.cumsum(0), positive.double().cumsum(0)))

    n = size(20_000)
    x = torch.randn(4, n) * 5
    wide = x.double()
    note("softmax", relative(torch.softmax(x, -1), torch.softmax(wide, -1)))
    note("log_softmax", ((torch.log_softmax(x, -1).double() - torch.log_softmax(wide, -1)).abs()).max())
    note("logsumexp", ((torch.logsumexp(x, -1).double() - torch.logsumexp(wide, -1)).abs()).max())
    note("layer_norm", (F.layer_norm(x, (n,)).double() - F.layer_norm(wide, (n,))).abs().max())
    note("var", relative(x.var(-1, correction=0), wide.var(-1, correction=0)) if n > 8 else 0)
    t = torch.randint(n, (4,))
    note("cross_entropy", (F.cross_entropy(x, t, reduction="none").double()
                           - F.cross_entropy(wide, t, reduction="none")).abs().max())
    p = torch.rand(4, n)
    note("bce", (F.binary_cross_entropy_with_logits(x, p, reduction="none").double()
                 - F.binary_cross_entropy_with_logits(wide, p.double(), reduction="none")).abs().max())

    m, k = size(40), size(20_000)
    a, b = torch.randn(m, k), torch.randn(k, m)
    scale = a.double().norm(dim=1, keepdim=True) * b.double().norm(dim=0, keepdim=True)
    note("matmul", ((a @ b).double() - a.double() @ b.double()).abs().div(scale).max())

for name, error in worst.items():
    print(f"{name:20} {error:.2e}")
for k in (1024, 8192, 32768, 131072, 524288):
    a, b = torch.randn(k, 64), torch.randn(k, 64)
    exact = a.double().T @ b.double()
    print(f"product, depth {k:7} {((a.T @ b).double() - exact).norm() / exact.norm():.2e}")
