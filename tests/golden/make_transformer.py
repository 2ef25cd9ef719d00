"""PyTorch's answers for the Transformer family: writes transformer.safetensors, for transformer_test.cpp.

    python3 make_transformer.py            needs PyTorch 2.x

Inputs and parameters are float32 numbers, answers are computed in float64, so that one file serves
both types. A case is a set of names:
    case/in/x   case/param/weight   case/out   case/seed (the gradient that arrives at out)
    case/grad/x   case/grad/weight   …
Boolean masks are written as heed has them, true = may attend; nn.MultiheadAttention gets their opposite.
What PyTorch has no module for is composed from its functions.
"""
import math
import os

import torch
import torch.nn.functional as F
from torch import nn

from safetensors_io import save

torch.manual_seed(0)
saved = {}

B, E, H, N, M = 2, 8, 2, 4, 5  # batch, width, heads, target and source positions


def rand(*shape):
    return torch.randn(shape, dtype=torch.float32).double()


def put(name, tensor):
    saved[name] = tensor.detach().contiguous().numpy().copy()


def narrow(tensor):
    return tensor.float() if tensor.is_floating_point() else tensor


def case(name, m, f, **inputs):
    """f(m, **inputs) and the gradients by inputs and parameters, which get random values: initial
    zeros and ones hide mistakes. Biases have mean 0: what all keys have in common would cancel in the
    gradient by the queries, and leave float32 few digits to compare."""
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


def causal(n, m):
    return torch.arange(m) <= torch.arange(n)[:, None] + m - n


def added(allowed):
    return torch.zeros(allowed.shape).double().masked_fill(~allowed, -math.inf)


def lengths(*valid, size):
    return torch.arange(size) < torch.tensor(valid)[:, None]


def mask(*shape):
    m = torch.rand(shape) > 0.4
    m[..., 0] = True  # PyTorch has NaN for a row without any key
    return m


def qkv(kdim=E, vdim=E):
    return dict(q=rand(B, N, E), k=rand(B, M, kdim), v=rand(B, M, vdim))


def multi_head():
    def mha(**k):
        return nn.MultiheadAttention(E, H, batch_first=True, **k)

    def run(m, q, k, v, **rest):
        return m(q, k, v, **rest)[0]

    case("mha/bias_kv", mha(add_bias_kv=True), run, **qkv())
    case("mha/both_dims_no_bias", mha(add_bias_kv=True, add_zero_attn=True, bias=False, kdim=6, vdim=3), run,
         **qkv(6, 3))
    allowed, keys = mask(N, M), lengths(5, 3, size=M)
    case("mha/both_masks", mha(add_bias_kv=True, add_zero_attn=True),
         lambda m, allowed, keys, **x: run(m, **x, attn_mask=~allowed, key_padding_mask=~keys),
         allowed=allowed, keys=keys, **qkv())
    case("mha/both_causal", mha(add_bias_kv=True, add_zero_attn=True),
         lambda m, x: m(x, x, x, attn_mask=~causal(M, M))[0], x=rand(B, M, E))
    # Added masks: one for all, one a head, with -inf and with padding; their gradient is wanted, too.
    hole = added(mask(N, M))
    put("mha/float/in/hole", hole)
    case("mha/float", mha(), lambda m, bias, **x: run(m, **x, attn_mask=bias + hole), bias=rand(N, M), **qkv())
    case("mha/float_per_head", mha(),
         lambda m, bias, **x: run(m, **x, attn_mask=bias.reshape(B * H, N, M)), bias=rand(B, H, N, M), **qkv())
    case("mha/float_padding", mha(add_bias_kv=True),
         lambda m, bias, keys, **x: run(m, **x, attn_mask=bias, key_padding_mask=added(keys)),
         bias=rand(N, M), keys=keys, **qkv())
    case("mha/bool_per_head", mha(),
         lambda m, allowed, **x: run(m, **x, attn_mask=~allowed.reshape(B * H, N, M)), allowed=mask(B, H, N, M), **qkv())
    m = mha(add_zero_attn=True)
    case("mha/zero_attn", m, run, **qkv())
    x = [torch.from_numpy(saved[f"mha/zero_attn/in/{key}"]).double() for key in "qkv"]
    put("mha/zero_attn/weights", m(*x, average_attn_weights=False)[1])
    put("mha/zero_attn/average", m(*x)[1])


def decoders():
    def layer(**k):
        return nn.TransformerDecoderLayer(E, H, 6, dropout=0.0, batch_first=True, **k)

    def run(m, x, memory):
        return m(x, memory)

    x = lambda: dict(x=rand(B, N, E), memory=rand(B, M, E))
    case("decoder/post", layer(), run, **x())
    case("decoder/pre", layer(norm_first=True, activation="gelu"), run, **x())
    case("decoder/no_bias", layer(bias=False, layer_norm_eps=1e-3), run, **x())
    for name, first in (("post", False), ("pre", True)):
        # PyTorch wants an attention's two masks of one type, so all are floating there.
        case(f"decoder/masks_{name}", layer(norm_first=first),
             lambda m, x, memory, memory_mask, target_keys, memory_keys: m(
                 x, memory, tgt_mask=added(causal(N, N)), memory_mask=memory_mask,
                 tgt_key_padding_mask=added(target_keys), memory_key_padding_mask=added(memory_keys)),
             memory_mask=rand(N, M), target_keys=lengths(4, 3, size=N), memory_keys=lengths(3, 5, size=M), **x())
    case("decoder/stack", nn.TransformerDecoder(layer(norm_first=True), 2, nn.LayerNorm(E)),
         lambda m, x, memory: m(x, memory, tgt_mask=~causal(N, N)), **x())
    encoder = nn.TransformerEncoderLayer(E, H, 6, dropout=0.0, batch_first=True)
    case("encoder/float_mask", encoder, lambda m, x, mask: m(x, src_mask=mask), x=rand(B, M, E), mask=rand(M, M))


def transformers():
    for name, first in (("post", False), ("pre", True)):
        m = nn.Transformer(E, H, 2 if first else 1, 1, 6, dropout=0.0, batch_first=True, norm_first=first,
                           activation="gelu" if first else "relu")
        m.encoder.use_nested_tensor = False
        case(f"transformer/{name}", m,
             lambda m, source, target, source_mask, memory_mask, source_keys, target_keys: m(
                 source, target, src_mask=~source_mask, tgt_mask=~causal(N, N), memory_mask=~memory_mask,
                 src_key_padding_mask=~source_keys, tgt_key_padding_mask=~target_keys,
                 memory_key_padding_mask=~source_keys),
             source=rand(B, M, E), target=rand(B, N, E), source_mask=mask(M, M), memory_mask=mask(N, M),
             source_keys=lengths(5, 4, size=M), target_keys=lengths(3, 4, size=N))


def sinusoid(n, d):
    angle = torch.arange(n)[:, None].double() / 10000.0 ** (torch.arange(0, d, 2).double() / d)
    return torch.stack([angle.sin(), angle.cos()], -1).reshape(n, d)


class Seq2Seq(nn.Module):
    def __init__(self, source_vocab, target_vocab):
        super().__init__()
        self.source_embedding, self.target_embedding = nn.Embedding(source_vocab, E), nn.Embedding(target_vocab, E)
        self.transformer = nn.Transformer(E, H, 1, 1, 6, dropout=0.0, batch_first=True)
        self.output = nn.Linear(E, target_vocab)

    def forward(self, source, target, keys):
        x = self.source_embedding(source) * math.sqrt(E) + sinusoid(source.shape[1], E)
        y = self.target_embedding(target) * math.sqrt(E) + sinusoid(target.shape[1], E)
        n = target.shape[1]
        return self.output(self.transformer(x, y, tgt_mask=~causal(n, n), src_key_padding_mask=~keys,
                                            memory_key_padding_mask=~keys))


def rope(x, layout, base=10000.0):
    n, d = x.shape[-2:]
    angle = torch.arange(n)[:, None].double() * base ** (-torch.arange(0, d, 2).double() / d)
    pair = x.unflatten(-1, (d // 2, 2)) if layout == "interleaved" else x.unflatten(-1, (2, d // 2)).transpose(-1, -2)
    turned = torch.view_as_real(torch.view_as_complex(pair.contiguous()) * torch.polar(torch.ones_like(angle), angle))
    return turned.flatten(-2) if layout == "interleaved" else turned.transpose(-1, -2).flatten(-2)


class GroupedQuery(nn.Module):
    def __init__(self, heads, groups, layout, bias):
        super().__init__()
        d = E // heads
        self.q_proj, self.o_proj = nn.Linear(E, E, bias), nn.Linear(E, E, bias)
        self.k_proj, self.v_proj = nn.Linear(E, groups * d, bias), nn.Linear(E, groups * d, bias)
        self.heads, self.groups, self.layout, self.d = heads, groups, layout, d

    def forward(self, x):
        split = lambda y, heads: y.unflatten(-1, (heads, self.d)).transpose(1, 2)
        q, k = split(self.q_proj(x), self.heads), split(self.k_proj(x), self.groups)
        if self.layout:
            q, k = rope(q, self.layout), rope(k, self.layout)
        y = F.scaled_dot_product_attention(q, k, split(self.v_proj(x), self.groups), is_causal=True, enable_gqa=True)
        return self.o_proj(y.transpose(1, 2).flatten(-2))


class Gated(nn.Module):
    def __init__(self, gate, bias):
        super().__init__()
        self.gate_proj, self.up_proj = nn.Linear(E, 6, bias), nn.Linear(E, 6, bias)
        self.down_proj, self.gate = nn.Linear(6, E, bias), gate

    def forward(self, x):
        return self.down_proj(self.gate(self.gate_proj(x)) * self.up_proj(x))


def composed():
    case("seq2seq", Seq2Seq(9, 7), lambda m, **x: m(**x), source=torch.randint(0, 9, (B, M)),
         target=torch.randint(0, 7, (B, N)), keys=lengths(3, 5, size=M))
    for layout in ("interleaved", "half_split"):
        case(f"rope/{layout}", None, lambda x: rope(x, layout, 100.0), x=rand(B, H, M, 6))
    for name, heads, groups, layout, bias in (("mha", 4, 4, None, False), ("grouped", 4, 2, "half_split", True),
                                              ("mqa", 4, 1, "interleaved", False)):
        case(f"grouped_query/{name}", GroupedQuery(heads, groups, layout, bias), lambda m, x: m(x), x=rand(B, M, E))
    case("swiglu", Gated(F.silu, False), lambda m, x: m(x), x=rand(B, N, E))
    case("geglu", Gated(F.gelu, True), lambda m, x: m(x), x=rand(B, N, E))
    heads = 4
    bias = -torch.tensor([2.0 ** (-8 * (h + 1) / heads) for h in range(heads)]).double()[:, None, None] * (
        torch.arange(M)[None, :] - (torch.arange(N) + M - N)[:, None]).abs()
    case("alibi", None, lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=bias),
         q=rand(B, heads, N, 3), k=rand(B, heads, M, 3), v=rand(B, heads, M, 3))


multi_head()
decoders()
transformers()
composed()
save(os.path.join(os.path.dirname(os.path.abspath(__file__)), "transformer.safetensors"), saved,
     {"torch": torch.__version__, "script": "make_transformer.py"})
print(len(saved), "tensors,", sum(a.nbytes for a in saved.values()), "bytes")
