"""What PyTorch's forward hooks see: writes inside.safetensors, which tests/golden/inside_test.cpp compares with capture().

    python3 make_inside.py            needs PyTorch 2.x

A case is a set of names:
    case/in/x   case/param/weight   case/out/PATH (what the module of that path returns, "" for the model itself)
    case/seed (the gradient that arrives at the model's output)   case/grad/PATH (the gradient at that value)
Inputs and parameters are float32 numbers, answers are computed in float64.
"""
import os
import sys

import torch
from torch import nn

from safetensors_io import save

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "examples", "outgrow"))
from gpt import GPT, GPTOptions  # noqa: E402  (heed's GPT in PyTorch)

torch.manual_seed(0)
saved = {}


def put(name, tensor):
    saved[name] = tensor.detach().contiguous().numpy().copy()


def inside(case, model, x, call=lambda m, x: m(x)):
    model = model.double().train()  # dropout is 0; in eval() an encoder layer would call no hooks
    seen = {}

    def watch(path):
        def hook(module, inputs, output):
            seen[path] = output[0] if isinstance(output, tuple) else output
            if isinstance(output, tuple) and len(output) == 2 and isinstance(output[1], tuple):  # an LSTM
                seen[path + ":hidden"], seen[path + ":cell"] = output[1]
            elif isinstance(output, tuple) and output[1] is not None:
                seen[path + ":weights"] = output[1]
        return hook

    with torch.no_grad():
        for p in model.parameters():
            p.copy_((0.5 * torch.randn(p.shape) + (1.0 if p.dim() == 1 else 0.0)).float())
    for path, module in model.named_modules():
        module.register_forward_hook(watch(path))
    for name, p in model.state_dict().items():
        put(f"{case}/param/{name}", p)
    put(f"{case}/in/x", x)
    out = call(model, x)
    seed = torch.randn(out.shape).double()
    put(f"{case}/seed", seed)
    for path, y in seen.items():
        put(f"{case}/out/{path}", y)
        (g,) = torch.autograd.grad((out * seed).sum(), y, retain_graph=True, allow_unused=True)
        if g is not None:
            put(f"{case}/grad/{path}", g)


def rand(*shape):
    return torch.randn(*shape).double()


for first in (False, True):
    inside("encoder_pre" if first else "encoder_post",
           nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, batch_first=True, norm_first=first), 2,
                                 nn.LayerNorm(8), enable_nested_tensor=False), rand(2, 5, 8))
inside("mha", nn.MultiheadAttention(8, 2, batch_first=True), rand(2, 5, 8),
       lambda m, x: m(x, x, x, average_attn_weights=False)[0])
inside("lstm", nn.LSTM(3, 4, num_layers=2, batch_first=True), rand(2, 5, 3), lambda m, x: m(x)[0])
inside("gpt", GPT(GPTOptions(vocab=11, context=6, width=8, heads=2, layers=2)), torch.randint(0, 11, (2, 6)))

save(os.path.join(os.path.dirname(os.path.abspath(__file__)), "inside.safetensors"), saved, {"torch": torch.__version__})
