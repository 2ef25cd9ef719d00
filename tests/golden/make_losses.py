"""torch.nn.functional.kl_div: writes losses.safetensors, which losses_test.cpp compares with.

    python3 make_losses.py        needs PyTorch 2.x

Inputs are float32 numbers, answers are computed in float64. A case is a set of names:
    kl_div/KIND/REDUCTION/in/input   …/in/target   …/out   …/seed   …/grad/input   …/grad/target
KIND: plain (the target holds probabilities), log (logarithms), zeros (some probabilities are 0; no
gradient of the target then, for PyTorch's is NaN).
"""
import os
import warnings

import torch
import torch.nn.functional as F

from safetensors_io import save

warnings.filterwarnings("ignore")
torch.manual_seed(0)
saved = {}


def put(name, tensor):
    saved[name] = tensor.detach().contiguous().numpy().copy()


log_q = torch.randn(4, 3, 5).log_softmax(-1).double()
p = torch.randn(4, 3, 5).softmax(-1)
zeros = p * (torch.rand(4, 3, 5) > 0.4)
for kind, target in (("plain", p), ("log", p.log()), ("zeros", zeros)):
    for reduction in ("mean", "sum", "none", "batchmean"):
        x, t = log_q.clone().requires_grad_(), target.double().requires_grad_(kind != "zeros")
        out = F.kl_div(x, t, reduction=reduction, log_target=kind == "log")
        seed = torch.randn(out.shape).double()
        case = f"kl_div/{kind}/{reduction}"
        for name, value in (("in/input", x), ("in/target", t), ("out", out), ("seed", seed)):
            put(f"{case}/{name}", value)
        leaves = [leaf for leaf in (x, t) if leaf.requires_grad]
        for name, g in zip(("input", "target"), torch.autograd.grad(out, leaves, seed)):
            put(f"{case}/grad/{name}", g)

save(os.path.join(os.path.dirname(os.path.abspath(__file__)), "losses.safetensors"), saved,
     {"torch": torch.__version__.split("+")[0]})
print(len(saved), "tensors")
