"""PyTorch's answers for a mask a sequence, with as many sequences as heads, and for RMSNorm without an eps:
writes masks.safetensors, for masks_test.cpp.

    python3 make_masks.py            needs PyTorch 2.x

Names, and how numbers are chosen, are those of make_transformer.py. Masks are written as heed has them,
(B, n, m) or (1, h, n, m), true = may attend; PyTorch gets (B h, n, m), one for each sequence and head.
"""
import math
import os

import torch
import torch.nn.functional as F
from torch import nn

from safetensors_io import save

torch.manual_seed(0)
saved = {}

B, E, H, N, M = 3, 6, 3, 4, 5  # as many sequences as heads


def rand(*shape):
    return torch.randn(shape, dtype=torch.float32).double()


def put(name, tensor):
    saved[name] = tensor.detach().contiguous().numpy().copy()


def narrow(tensor):
    return tensor.float() if tensor.is_floating_point() else tensor


def case(name, m, f, **inputs):
    leaves = {}
    if m is not None:
        m.double()
        with torch.no_grad():
            for key, p in m.named_parameters():
                is_gain = "norm" in key and key.endswith("weight")
                p.copy_((0.3 * rand(*p.shape) + (1.0 if is_gain else 0.0)).float())
        for key, p in m.state_dict().items():
            put(f"{name}/param/{key}", narrow(p))
    for key, x in inputs.items():
        put(f"{name}/in/{key}", narrow(x))
        if x.is_floating_point():
            inputs[key] = leaves[key] = x.clone().requires_grad_()
    if m is not None:
        leaves.update(dict(m.named_parameters()))
    out = f(m, **inputs) if m is not None else f(**inputs)
    seed = rand(*out.shape)
    grads = torch.autograd.grad(out, list(leaves.values()), seed)
    put(f"{name}/out", out)
    put(f"{name}/seed", narrow(seed))
    for key, g in zip(leaves, grads):
        put(f"{name}/grad/{key}", g)


def some(*shape):
    """At random, but the first key is permitted to all: PyTorch has NaN for a row without any key."""
    mask = torch.rand(shape) > 0.4
    mask[..., 0] = True
    return mask


def a_head_each(mask):
    """(B, n, m) or (1, h, n, m) -> (B h, n, m)."""
    if mask.dim() == 3:
        mask = mask[:, None]
    return mask.expand(B, H, *mask.shape[2:]).reshape(B * H, *mask.shape[2:])


def prefix(lengths, n):
    causal = torch.ones(n, n, dtype=torch.bool).tril()
    return torch.stack([causal | (torch.arange(n) < length) for length in lengths])


def attention():
    mha = lambda: nn.MultiheadAttention(E, H, batch_first=True)
    run = lambda m, q, k, v, **masks: m(q, k, v, **masks)[0]
    qkv = lambda: dict(q=rand(B, N, E), k=rand(B, M, E), v=rand(B, M, E))
    case("mha/sequence", mha(), lambda m, mask, **x: run(m, **x, attn_mask=~a_head_each(mask)),
         mask=some(B, N, M), **qkv())
    case("mha/prefix", mha(), lambda m, x, mask: m(x, x, x, attn_mask=~a_head_each(mask))[0],
         x=rand(B, N, E), mask=prefix((1, 4, 2), N))
    case("mha/added", mha(), lambda m, bias, **x: run(m, **x, attn_mask=a_head_each(bias)),
         bias=rand(B, N, M), **qkv())
    case("mha/head", mha(), lambda m, mask, **x: run(m, **x, attn_mask=~a_head_each(mask)),
         mask=some(1, H, N, M), **qkv())
    case("mha/added_head", mha(), lambda m, bias, **x: run(m, **x, attn_mask=a_head_each(bias)),
         bias=rand(1, H, N, M), **qkv())
    keys = torch.arange(M) < torch.tensor([5, 2, 3])[:, None]
    case("mha/padding", mha(),
         lambda m, mask, keys, **x: run(m, **x, attn_mask=~a_head_each(mask), key_padding_mask=~keys),
         mask=some(B, N, M), keys=keys, **qkv())
    heads = lambda n, d: rand(B, H, n, d)
    case("sdpa/sequence", None,
         lambda q, k, v, mask: F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None]),
         q=heads(N, 2), k=heads(M, 2), v=heads(M, 3), mask=some(B, N, M))
    case("sdpa/added", None,
         lambda q, k, v, bias: F.scaled_dot_product_attention(q, k, v, attn_mask=bias[:, None]),
         q=heads(N, 2), k=heads(M, 2), v=heads(M, 3), bias=rand(B, N, M))


def transformers():
    options = dict(dim_feedforward=7, dropout=0.0, batch_first=True)
    encoder = nn.TransformerEncoderLayer(E, H, **options)
    case("encoder", encoder, lambda m, x, mask: m(x, src_mask=~a_head_each(mask)),
         x=rand(B, N, E), mask=prefix((3, 1, 2), N))
    case("decoder", nn.TransformerDecoderLayer(E, H, **options),
         lambda m, x, memory, mask, memory_mask: m(x, memory, tgt_mask=~a_head_each(mask),
                                                   memory_mask=~a_head_each(memory_mask)),
         x=rand(B, N, E), memory=rand(B, M, E), mask=prefix((1, 2, 3), N), memory_mask=some(B, N, M))
    case("transformer", nn.Transformer(E, H, 1, 1, **options),
         lambda m, source, target, source_mask, target_mask, memory_mask: m(
             source, target, src_mask=~a_head_each(source_mask), tgt_mask=~a_head_each(target_mask),
             memory_mask=~a_head_each(memory_mask)),
         source=rand(B, M, E), target=rand(B, N, E), source_mask=some(B, M, M),
         target_mask=prefix((1, 2, 3), N), memory_mask=some(B, N, M))


def norms():
    """Without an eps it is that of x's dtype. Numbers so small that it counts, in either."""
    for dtype, size in ((torch.float32, 3e-4), (torch.float64, 1e-8)):
        eps, name = torch.finfo(dtype).eps, str(dtype).split(".")[1]
        x = (size * rand(3, 5)).float().double()
        default = nn.RMSNorm(5).to(dtype)(x.to(dtype)).double()
        stated = nn.RMSNorm(5, eps=eps).double()(x)
        assert math.isclose((default - stated).abs().max().item(), 0.0, abs_tol=1e-6), name
        case(f"rms_norm/{name}", nn.RMSNorm(5, eps=eps), lambda m, x: m(x), x=x)


attention()
transformers()
norms()
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "masks.safetensors")
save(path, saved, {"made_by": "make_masks.py", "torch": torch.__version__})
