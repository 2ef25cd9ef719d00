"""PyTorch's answers for nn/: writes nn.safetensors, which nn_test.cpp compares with.

    python3 make_nn.py            needs PyTorch 2.x

Inputs and parameters are float32 numbers, answers are computed in float64, so that one file serves
both types. A case is a set of names:
    case/in/x   case/param/weight   case/out   case/seed (the gradient that arrives at out)
    case/grad/x   case/grad/weight   …
"""
import itertools
import math
import os

import torch
import torch.nn.functional as F
from torch import nn

from safetensors_io import save

torch.manual_seed(0)
saved = {}


def rand(*shape):
    return torch.randn(shape, dtype=torch.float32).double()


def put(name, tensor):
    saved[name] = tensor.detach().contiguous().numpy().copy()


def answer(case, out, leaves):
    """Stores out and the gradients of <out, seed> by the leaves."""
    seed = rand(*out.shape)
    grads = torch.autograd.grad(out, list(leaves.values()), seed, allow_unused=True)
    put(f"{case}/out", out)
    put(f"{case}/seed", seed)
    for name, g in zip(leaves, grads):
        put(f"{case}/grad/{name}", torch.zeros_like(leaves[name]) if g is None else g)


def function(case, f, **inputs):
    leaves = {}
    for name, x in inputs.items():
        put(f"{case}/in/{name}", x)
        if x.is_floating_point():
            inputs[name] = leaves[name] = x.clone().requires_grad_()
    answer(case, f(**inputs), leaves)


def module(case, m, f=None, **inputs):
    """The same with a module, whose parameters get random values: initial zeros and ones hide mistakes."""
    m = m.double()
    leaves = {}
    with torch.no_grad():
        for p in m.parameters():
            p.copy_((0.3 * rand(*p.shape) + (1.0 if p.dim() == 1 else 0.0)).float())
    for name, p in m.state_dict().items():
        put(f"{case}/param/{name}", p)
    for name, x in inputs.items():
        put(f"{case}/in/{name}", x)
        if x.is_floating_point():
            inputs[name] = leaves[name] = x.clone().requires_grad_()
    leaves.update(dict(m.named_parameters()))
    answer(case, (f or (lambda m, x: m(x)))(m, **inputs), leaves)


def losses():
    p, t = rand(4, 3), rand(4, 3)
    signs, unit = torch.where(rand(4, 3) > 0, 1.0, -1.0).double(), torch.rand(4, 3).double()
    pos_weight = (torch.rand(3) + 0.5).double()
    hinge = lambda s, y, reduction: {"mean": torch.mean, "sum": torch.sum, "none": lambda l: l}[reduction](
        torch.clamp(1 - y * s, min=0))
    for reduction in ("mean", "sum", "none"):
        for name, f, target in (("mse", F.mse_loss, t), ("l1", F.l1_loss, t), ("huber", F.huber_loss, t),
                                ("huber_0.3", lambda *a, **k: F.huber_loss(*a, delta=0.3, **k), t),
                                ("hinge", hinge, signs),
                                ("bce", F.binary_cross_entropy_with_logits, unit),
                                ("bce_weight", lambda *a, **k: F.binary_cross_entropy_with_logits(
                                    *a, pos_weight=pos_weight, **k), unit)):
            case = f"loss/{name}/{reduction}"
            put(f"{case}/in/target", target)
            put(f"{case}/in/pos_weight", pos_weight)
            function(case, lambda prediction: f(prediction, target, reduction=reduction), prediction=p)
    logits = 2 * rand(2, 5, 4)
    target = torch.tensor([[0, 3, 1, 2, 2], [3, 1, 0, 0, 2]])
    weight = (torch.rand(4) + 0.5).double()
    for weighted, ignoring, smoothing, reduction in itertools.product((0, 1), (0, 1), (0, 1), ("mean", "sum", "none")):
        kwargs = dict(weight=weight if weighted else None, ignore_index=2 if ignoring else -100, reduction=reduction)
        last = lambda l: l.reshape(2, 5) if reduction == "none" else l
        case = f"cross_entropy/{weighted}{ignoring}{smoothing}/{reduction}"
        put(f"{case}/in/target", target)
        put(f"{case}/in/weight", weight)
        function(case, lambda logits: last(F.cross_entropy(logits.reshape(10, 4), target.reshape(10),
                                                           label_smoothing=0.1 * smoothing, **kwargs)), logits=logits)
        if not smoothing:
            case = f"nll/{weighted}{ignoring}0/{reduction}"
            put(f"{case}/in/target", target)
            put(f"{case}/in/weight", weight)
            function(case, lambda logits: last(F.nll_loss(logits.reshape(10, 4), target.reshape(10), **kwargs)),
                     logits=torch.log_softmax(logits, -1).float().double())


def layers():
    module("linear", nn.Linear(5, 3), x=rand(2, 4, 5))
    module("linear_no_bias", nn.Linear(5, 3, bias=False), x=rand(4, 5))
    module("embedding", nn.Embedding(7, 3), x=torch.tensor([[1, 6, 2], [2, 0, 2]]))
    module("embedding_padding", nn.Embedding(7, 3, padding_idx=2), x=torch.tensor([[1, 6, 2], [2, 0, 2]]))
    module("layer_norm", nn.LayerNorm(6), x=rand(2, 3, 6))
    module("layer_norm_no_bias", nn.LayerNorm(6, bias=False, eps=1e-3), x=rand(4, 6))
    module("layer_norm_plain", nn.LayerNorm(6, elementwise_affine=False), x=rand(4, 6))
    module("rms_norm", nn.RMSNorm(6, eps=1e-6), x=rand(2, 3, 6))
    module("sequential", nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)), x=rand(3, 4))
    x = torch.cat([torch.linspace(-8, 8, 33).double(), 3 * rand(31)])
    for name, f in (("relu", F.relu), ("gelu", F.gelu), ("gelu_tanh", lambda x: F.gelu(x, approximate="tanh")),
                    ("silu", F.silu), ("tanh", torch.tanh), ("sigmoid", torch.sigmoid), ("softplus", F.softplus),
                    ("leaky_relu", F.leaky_relu), ("elu", F.elu)):
        function(f"activation/{name}", lambda x: f(x), x=x)


causal = lambda n, m: torch.arange(m) <= torch.arange(n)[:, None] + m - n


def attention():
    B, h, d = 2, 3, 4
    mask = torch.rand(B, 1, 5, 7) > 0.4
    mask[..., 0] = True  # PyTorch has NaN for a row without any key
    for case, n, m, kwargs, ours in (("plain", 5, 7, {}, {}),
                                     ("mask", 5, 7, dict(attn_mask=mask), {}),
                                     ("causal", 6, 6, dict(is_causal=True), {}),
                                     ("causal_cache", 3, 7, dict(attn_mask=causal(3, 7)), {}),
                                     ("scale", 5, 7, dict(scale=0.3), {})):
        if case == "mask":
            put("sdpa/mask/in/mask", mask)
        function(f"sdpa/{case}", lambda q, k, v: F.scaled_dot_product_attention(q, k, v, **kwargs),
                 q=rand(B, h, n, d), k=rand(B, h, m, d), v=rand(B, h, m, d + 1 if case == "plain" else d))


def multi_head():
    E, h = 8, 2
    mha = lambda **k: nn.MultiheadAttention(E, h, batch_first=True, **k)
    allowed = torch.rand(4, 5) > 0.4
    allowed[:, 0] = True
    keys = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]).bool()
    put("mha_mask/in/mask", allowed)  # ours: true = may attend
    put("mha_mask/in/key_mask", keys)

    def with_weights(case, m, q, k, v):
        """Weights of each head, as an answer of their own."""
        w = m(q, k, v, average_attn_weights=False)[1]
        put(f"{case}/weights", w)

    def self_attention(m, x, **k):
        return m(x, x, x, **k)[0]

    m = mha()
    module("mha_self", m, self_attention, x=rand(2, 5, E))
    x = torch.from_numpy(saved["mha_self/in/x"])
    with_weights("mha_self", m, x, x, x)
    module("mha_no_bias", mha(bias=False), self_attention, x=rand(2, 5, E))
    module("mha_causal", mha(), lambda m, x: self_attention(m, x, attn_mask=~causal(5, 5)), x=rand(2, 5, E))
    module("mha_cross", mha(), lambda m, q, k, v: m(q, k, v)[0], q=rand(2, 4, E), k=rand(2, 5, E), v=rand(2, 5, E))
    module("mha_dims", mha(kdim=6, vdim=3), lambda m, q, k, v: m(q, k, v)[0], q=rand(2, 4, E), k=rand(2, 5, 6),
           v=rand(2, 5, 3))
    module("mha_mask", mha(), lambda m, q, k, v: m(q, k, v, attn_mask=~allowed, key_padding_mask=~keys)[0],
           q=rand(2, 4, E), k=rand(2, 5, E), v=rand(2, 5, E))


def transformers():
    layer = lambda **k: nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True, **k).train()
    keys = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]).bool()
    module("encoder_post", layer(), x=rand(2, 5, 8))
    module("encoder_pre", layer(norm_first=True, activation="gelu"), x=rand(2, 5, 8))
    module("encoder_no_bias", layer(bias=False), x=rand(2, 5, 8))
    put("encoder_mask/in/key_mask", keys)
    module("encoder_mask", layer(), lambda m, x: m(x, src_mask=~causal(5, 5), src_key_padding_mask=~keys), x=rand(2, 5, 8))
    stack = nn.TransformerEncoder(layer(norm_first=True), 2, nn.LayerNorm(8), enable_nested_tensor=False)
    module("encoder_stack", stack, x=rand(2, 5, 8))


class TwinAttention(nn.Module):
    def __init__(self, E, h, bias):
        super().__init__()
        self.c_attn, self.c_proj, self.h = nn.Linear(E, 3 * E, bias), nn.Linear(E, E, bias), h

    def forward(self, x):
        B, n, E = x.shape
        q, k, v = (part.view(B, n, self.h, E // self.h).transpose(1, 2) for part in self.c_attn(x).split(E, dim=2))
        weights = (q @ k.transpose(-2, -1) / math.sqrt(E // self.h)).masked_fill(~causal(n, n), -math.inf).softmax(-1)
        return self.c_proj((weights @ v).transpose(1, 2).reshape(B, n, E))


class TwinMLP(nn.Module):
    def __init__(self, E, bias, tanh):
        super().__init__()
        self.c_fc, self.c_proj = nn.Linear(E, 4 * E, bias), nn.Linear(4 * E, E, bias)
        self.act = nn.GELU(approximate="tanh" if tanh else "none")

    def forward(self, x):
        return self.c_proj(self.act(self.c_fc(x)))


class TwinBlock(nn.Module):
    def __init__(self, E, h, bias, tanh):
        super().__init__()
        self.ln_1, self.attn = nn.LayerNorm(E, bias=bias), TwinAttention(E, h, bias)
        self.ln_2, self.mlp = nn.LayerNorm(E, bias=bias), TwinMLP(E, bias, tanh)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class TwinGPT(nn.Module):
    """A decoder-only Transformer with the names of nanoGPT."""

    def __init__(self, V, context, E, h, layers, bias, tanh):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(V, E), nn.Embedding(context, E)
        self.h = nn.ModuleList(TwinBlock(E, h, bias, tanh) for _ in range(layers))
        self.ln_f, self.lm_head = nn.LayerNorm(E, bias=bias), nn.Linear(E, V, bias=False)
        self.lm_head.weight = self.wte.weight

    def forward(self, tokens):
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1]))
        for block in self.h:
            x = block(x)
        return self.lm_head(self.ln_f(x))


def gpt():
    tokens = torch.randint(0, 11, (2, 6))
    module("gpt", TwinGPT(11, 8, 8, 2, 2, bias=False, tanh=False), lambda m, tokens: m(tokens), tokens=tokens)
    module("gpt_bias_tanh", TwinGPT(11, 8, 8, 2, 1, bias=True, tanh=True), lambda m, tokens: m(tokens), tokens=tokens)


losses()
layers()
attention()
multi_head()
transformers()
gpt()
save(os.path.join(os.path.dirname(os.path.abspath(__file__)), "nn.safetensors"), saved,
     {"torch": torch.__version__, "script": "make_nn.py"})
print(len(saved), "tensors,", sum(a.nbytes for a in saved.values()), "bytes")
