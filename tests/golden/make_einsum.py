"""PyTorch's einsum and sort: writes einsum.safetensors, which einsum_test.cpp compares with.

    python3 make_einsum.py        needs PyTorch 2.x

The equations and shapes are in the table below; names count its rows. Inputs are float32 numbers,
answers are computed in float64, so that one file serves both types.

    3/equation (the bytes of its text)   3/in/0  3/in/1 …   3/out   3/seed   3/grad/0 …

sort/ holds rows of numbers with equals, infinities and NaN:

    sort/in (4, 6, 3)   sort/AXIS/up/values   sort/AXIS/up/indices   sort/AXIS/up/grad   …/down/…
    sort/seed (the gradient that arrives)
"""
import os

import numpy as np
import torch

from safetensors_io import save

torch.manual_seed(0)
saved = {}

equations = [
    # one operand
    ("ij->ji", (2, 3)), ("ij", (2, 3)), ("ba", (2, 3)), ("ij->", (2, 3)), ("ij->i", (2, 3)), ("ij->j", (2, 3)),
    ("ii", (3, 3)), ("ii->i", (3, 3)), ("iij->j", (3, 3, 2)), ("iij->ij", (3, 3, 2)), ("ijij->ij", (2, 3, 2, 3)),
    ("iii->i", (3, 3, 3)), ("aBbA", (2, 3, 4, 2)), ("i...->...i", (2, 3, 4)), ("i...", (2, 3, 4)),
    ("i...->i", (2, 3, 4)), ("...ii->...i", (2, 3, 3)), ("...", (2, 3)), ("ij->...ij", (2, 3)), ("", ()), ("->", ()),
    ("i...i->...i", (2, 3, 2)), (" i j -> j i ", (2, 3)),
    # two
    ("i,i->", (4,), (4,)), ("i,i->i", (4,), (4,)), ("i,j->ij", (2,), (3,)), ("i,j", (2,), (3,)), ("ij,j->i", (2, 3), (3,)),
    ("ij,i->j", (2, 3), (2,)), ("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 4)), ("ij,jk->ki", (2, 3), (3, 4)),
    ("ij,kj->ik", (2, 3), (4, 3)), ("ji,jk->ik", (3, 2), (3, 4)), ("ij,ij->", (2, 3), (2, 3)), ("ij,ij->ij", (2, 3), (2, 3)),
    ("ij,ij->i", (2, 3), (2, 3)), ("ij,ji->", (2, 3), (3, 2)), ("ijk,ikl->ijl", (2, 3, 4), (2, 4, 5)),
    ("bhid,bhjd->bhij", (2, 2, 3, 4), (2, 2, 5, 4)), ("bihd,bjhd->bhij", (2, 3, 2, 4), (2, 5, 2, 4)),
    ("bhij,bjhd->bihd", (2, 2, 3, 5), (2, 5, 2, 4)), ("abc,cda->bd", (2, 3, 4), (4, 5, 2)), ("abc,cbd->ad", (2, 3, 4), (4, 3, 5)),
    ("ij,k->", (2, 3), (4,)), ("ijk,jl->li", (2, 3, 4), (3, 5)), ("ii,ij->j", (3, 3), (3, 2)), (",ij", (), (2, 3)),
    ("ij,jk->ik", (2, 1), (3, 4)), ("ij,ij->ij", (2, 1), (1, 3)), ("bi,bi->b", (1, 3), (4, 3)), ("ij,jk->ik", (0, 3), (3, 4)),
    ("ij,jk->ik", (2, 0), (0, 4)), ("bij,bjk->bk", (2, 3, 4), (2, 4, 5)),
    ("...ij,...jk->...ik", (2, 3, 4), (2, 4, 5)), ("...ij,...jk->ik...", (2, 3, 4), (5, 2, 4, 6)),
    ("...i,...i->...", (2, 3), (4, 2, 3)), ("...i,i->...", (2, 3, 4), (4,)), ("...i,...j", (2, 3), (2, 4)),
    ("...,...", (2, 1), (3,)), ("...i,...j->...", (2, 3), (5, 2, 4)), ("i...j,j->...", (2, 3, 4), (4,)),
    # more
    ("i,j,k->kij", (2,), (3,), (4,)), ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)), ("ij,jk,ki->", (2, 3), (3, 4), (4, 2)),
    ("bi,ijk,bk->bj", (2, 3), (3, 4, 5), (2, 5)), ("i,i,i->i", (3,), (3,), (3,)), ("ab,b,c->ca", (2, 3), (3,), (4,)),
    ("ij,j,", (2, 3), (3,), ()), ("...a,ab,...b->...", (2, 3), (3, 4), (2, 4)),
    ("a,b,c,d,e,f->fa", (2,), (2,), (2,), (2,), (2,), (2,)), ("abcdefgk,abcdefgk->abcdefg", (2, 1, 2, 1, 2, 1, 1, 3), (2, 1, 2, 1, 2, 2, 1, 3)),
]


def put(name, tensor):
    saved[name] = tensor.detach().contiguous().numpy().copy()


for number, (equation, *shapes) in enumerate(equations):
    leaves = [torch.randn(shape).double().requires_grad_() for shape in shapes]
    out = torch.einsum(equation, *leaves)
    seed = torch.randn(out.shape).double()
    saved[f"{number}/equation"] = np.array([ord(c) for c in equation], dtype=np.int64)
    put(f"{number}/out", out)
    put(f"{number}/seed", seed)
    for i, (x, g) in enumerate(zip(leaves, torch.autograd.grad(out, leaves, seed))):
        put(f"{number}/in/{i}", x)
        put(f"{number}/grad/{i}", g)

inf, nan = float("inf"), float("nan")
x = torch.randn(4, 6, 3).double()
x[0] = torch.tensor([[2.0, nan, 1], [1, 3, 1], [2, -inf, 1], [-1, nan, 1], [1, inf, 1], [2, 3, 1]])
x[1, :, 0] = torch.tensor([0.0, -0.0, 0.0, 1.0, -0.0, -1.0])
x[2, 1] = torch.tensor([nan, nan, 5.0])
x = x.float().double()
seed = torch.randn(x.shape).double()
put("sort/in", x)
put("sort/seed", seed)
for axis in (0, 1, 2, -2):
    for name, descending in (("up", False), ("down", True)):
        leaf = x.clone().requires_grad_()
        values, indices = torch.sort(leaf, dim=axis, descending=descending, stable=True)
        put(f"sort/{axis}/{name}/values", values)
        put(f"sort/{axis}/{name}/indices", indices)
        put(f"sort/{axis}/{name}/grad", torch.autograd.grad(values, leaf, seed)[0])

save(os.path.join(os.path.dirname(os.path.abspath(__file__)), "einsum.safetensors"), saved,
     {"torch": torch.__version__.split("+")[0]})
print(len(equations), "equations,", len(saved), "tensors")
