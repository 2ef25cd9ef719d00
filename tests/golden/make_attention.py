"""PyTorch's answers for the attention family: writes attention.safetensors, for attention_test.cpp.

    python3 make_attention.py     needs PyTorch 2.x

Each layer is composed of PyTorch's own operations, with parameters named as heed's. Names of tensors
are those of make_nn.py: case/in/x, case/param/…, case/out, case/weights, case/seed, case/grad/….
"""
import os

import torch
import torch.nn.functional as F
from torch import nn

from safetensors_io import save

torch.manual_seed(4)
saved = {}


def rand(*shape):
    return torch.randn(shape, dtype=torch.float32).double()


def put(name, tensor):
    saved[name] = tensor.detach().contiguous().numpy().copy()


def module(case, m, **inputs):
    """m(**inputs) -> (output, weights), with random parameters; gradients of <output, seed>."""
    m = m.double()
    leaves = {}
    with torch.no_grad():
        for p in m.parameters():
            p.copy_((0.4 * rand(*p.shape)).float())
    for name, p in m.state_dict().items():
        put(f"{case}/param/{name}", p)
    for name, x in inputs.items():
        put(f"{case}/in/{name}", x)
        if x.is_floating_point():
            inputs[name] = leaves[name] = x.clone().requires_grad_()
    leaves.update(dict(m.named_parameters()))
    out, weights = m(**inputs)
    seed = rand(*out.shape)
    grads = torch.autograd.grad(out, list(leaves.values()), seed, allow_unused=True)
    put(f"{case}/out", out)
    put(f"{case}/weights", weights)
    put(f"{case}/seed", seed)
    for name, g in zip(leaves, grads):
        put(f"{case}/grad/{name}", torch.zeros_like(leaves[name]) if g is None else g)


def sparsemax(s):
    z = s.sort(dim=-1, descending=True).values
    rank = torch.arange(1, s.shape[-1] + 1, dtype=s.dtype)
    size = (1 + rank * z > z.cumsum(-1)).sum(-1, keepdim=True)
    tau = (z.cumsum(-1).gather(-1, size - 1) - 1) / size
    return (s - tau).clamp(min=0)


class Weighting(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, scores, v):
        w = self.f(scores)
        return w @ v, w


class Scored(nn.Module):
    """Attention by a score of its own, as heed's Attention<Score>."""

    def __init__(self, score):
        super().__init__()
        self.score = score

    def forward(self, q, k, v, *more):
        w = self.score(q, k, *more).softmax(-1)
        return w @ v, w


class ContextAttention(Scored):
    def forward(self, q, k, v, c):
        return super().forward(q, k, v, c)


class Dot(nn.Module):
    def forward(self, q, k):
        return q @ k.transpose(-2, -1)


class Cosine(nn.Module):
    def __init__(self):
        super().__init__()
        self.log_temperature = nn.Parameter(torch.zeros(()))

    def forward(self, q, k):
        cos = F.cosine_similarity(q.unsqueeze(-2), k.unsqueeze(-3), dim=-1)
        return cos / self.log_temperature.exp()


class Additive(nn.Module):
    def __init__(self, q, k, h, bias=True):
        super().__init__()
        self.query_layer, self.key_layer = nn.Linear(q, h, bias), nn.Linear(k, h, bias)
        self.energy_layer = nn.Linear(h, 1, bias)

    def forward(self, q, k):
        pairs = self.query_layer(q).unsqueeze(-2) + self.key_layer(k).unsqueeze(-3)
        return self.energy_layer(pairs.tanh()).squeeze(-1)


class Context(nn.Module):
    def __init__(self, q, k, c, h):
        super().__init__()
        self.query_layer, self.key_layer = nn.Linear(q, h, False), nn.Linear(k, h)
        self.context_layer, self.energy_layer = nn.Linear(c, h, False), nn.Linear(h, 1, False)

    def forward(self, q, k, c):
        asked = self.query_layer(q) + self.context_layer(c)
        return self.energy_layer((asked.unsqueeze(-2) + self.key_layer(k).unsqueeze(-3)).tanh()).squeeze(-1)


class Multiplicative(nn.Module):
    def __init__(self, q, k):
        super().__init__()
        self.query_layer = nn.Linear(q, k)

    def forward(self, q, k):
        return self.query_layer(q) @ k.transpose(-2, -1)


class Location(nn.Module):
    def __init__(self, q, places):
        super().__init__()
        self.attn = nn.Linear(q, places)

    def forward(self, q, k):
        return self.attn(q)[..., :k.shape[-2]]


class Mlp(nn.Module):
    def __init__(self, score, h):
        super().__init__()
        self.score, self.hidden_layer, self.energy_layer = score, nn.Linear(1, h), nn.Linear(h, 1)

    def forward(self, q, k):
        return self.energy_layer(self.hidden_layer(self.score(q, k).unsqueeze(-1)).tanh()).squeeze(-1)


class Gaussian(nn.Module):
    def __init__(self, heads):
        super().__init__()
        self.log_width = nn.Parameter(torch.zeros(heads))

    def forward(self, q, k):
        return -0.5 * torch.cdist(q, k).square() * (-2 * self.log_width).exp()[:, None, None]


class Elementwise(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d))

    def forward(self, q, k):
        return (q * self.weight) @ k.transpose(-2, -1)


class Compact(nn.Module):
    """A kernel that is 0 beyond its width, normalised by its sum."""

    class Width(nn.Module):
        def __init__(self):
            super().__init__()
            self.log_width = nn.Parameter(torch.zeros(()))

    def __init__(self, kernel):
        super().__init__()
        self.score, self.kernel = Compact.Width(), kernel

    def forward(self, q, k, v):
        u = torch.cdist(q, k) / self.score.log_width.exp()
        w = self.kernel(u)
        w = w / w.sum(-1, keepdim=True)
        return w @ v, w


def flat(score):
    """Scored, with the score's parameters under their own names, without "score."."""
    scores = score.forward

    def forward(q, k, v):
        w = scores(q, k).softmax(-1)
        return w @ v, w

    score.forward = forward
    return score


class KeyValue(nn.Module):
    def __init__(self, q, k, v):
        super().__init__()
        self.query_layer, self.key_layer, self.value_layer = nn.Linear(q, k), nn.Linear(k, k), nn.Linear(k, v)

    def forward(self, q, k, v):
        w = (self.query_layer(q).unsqueeze(1) @ self.key_layer(k).transpose(1, 2)).softmax(dim=2)
        return (w @ self.value_layer(v)).squeeze(1), w.squeeze(1)


class Self(nn.Module):
    def __init__(self, i, h):
        super().__init__()
        self.query_layer, self.key_layer, self.value_layer = (nn.Linear(i, h) for _ in range(3))

    def forward(self, x):
        w = (self.query_layer(x) @ self.key_layer(x).transpose(1, 2)).softmax(-1)
        return w @ self.value_layer(x), w


class PerHead(nn.Module):
    def __init__(self, i, h, heads):
        super().__init__()
        for name in ("query_layers", "key_layers", "value_layers"):
            setattr(self, name, nn.ModuleList(nn.Linear(i, h) for _ in range(heads)))
        self.linear = nn.Linear(h * heads, h)

    def forward(self, x):
        w = [(q(x) @ k(x).transpose(1, 2)).softmax(-1) for q, k in zip(self.query_layers, self.key_layers)]
        out = self.linear(torch.cat([a @ v(x) for a, v in zip(w, self.value_layers)], dim=-1))
        return out, torch.stack(w, 1)


class MultiHead(nn.Module):
    def __init__(self, E, heads, score):
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(E, E) for _ in range(3))
        self.attention, self.out_proj, self.h = Scored(score), nn.Linear(E, E), heads

    def forward(self, q, k, v):
        split = lambda x: x.unflatten(-1, (self.h, -1)).transpose(1, 2)
        out, w = self.attention(split(self.q_proj(q)), split(self.k_proj(k)), split(self.v_proj(v)))
        return self.out_proj(out.transpose(1, 2).flatten(2)), w


class LocalM(nn.Module):
    def __init__(self, D, score):
        super().__init__()
        self.score, self.D = score, D

    def forward(self, q, k, v):
        s = self.score(q, k)
        outside = (torch.arange(k.shape[1]) - torch.arange(q.shape[1])[:, None]).abs() > self.D
        w = s.masked_fill(outside, -torch.inf).softmax(-1)
        return w @ v, w


class LocalP(nn.Module):
    def __init__(self, D, q, h, score):
        super().__init__()
        self.score, self.D = score, D
        self.position_layer, self.position_out = nn.Linear(q, h, False), nn.Linear(h, 1, False)

    def forward(self, q, k, v):
        p = k.shape[1] * self.position_out(self.position_layer(q).tanh()).sigmoid()
        d = torch.arange(k.shape[1]) - p
        w = self.score(q, k).masked_fill(d.abs() > self.D, -torch.inf).softmax(-1)
        w = w * (-d.square() / (2 * (self.D / 2) ** 2)).exp()
        return w @ v, w


def qkv(q=3, k=3, v=4, n=4, m=5, B=2):
    return dict(q=rand(B, n, q), k=rand(B, m, k), v=rand(B, m, v))


scores = lambda: dict(scores=rand(2, 4, 6), v=rand(2, 6, 3))
module("sparsemax", Weighting(sparsemax), **scores())
module("sigmoid", Weighting(torch.sigmoid), **scores())
module("hard", Weighting(lambda s: F.one_hot(s.argmax(-1), s.shape[-1]).double()), **scores())
module("cosine", Scored(Cosine()), **qkv())
module("additive", flat(Additive(3, 2, 5)), **qkv(3, 2))
module("additive_no_bias", flat(Additive(3, 2, 5, bias=False)), **qkv(3, 2, m=4))
module("context", ContextAttention(Context(3, 2, 4, 5)), **qkv(3, 2), c=rand(2, 4, 4))
module("multiplicative", flat(Multiplicative(3, 2)), **qkv(3, 2))
module("location", Scored(Location(3, 8)), **qkv(3, 2))
module("mlp", Scored(Mlp(Dot(), 4)), **qkv())
module("local_m", LocalM(1, Dot()), **qkv(n=5))
module("local_p", LocalP(2, 3, 4, Dot()), **qkv(m=9))
module("key_value", KeyValue(3, 4, 6), q=rand(2, 3), k=rand(2, 5, 4), v=rand(2, 5, 4))
module("self", Self(3, 4), x=rand(2, 5, 3))
module("per_head", PerHead(3, 4, 2), x=rand(2, 5, 3))
module("heads_additive", MultiHead(6, 2, Additive(3, 3, 5)), q=rand(2, 4, 6), k=rand(2, 5, 6), v=rand(2, 5, 6))
module("heads_gaussian", MultiHead(6, 2, Gaussian(2)), q=rand(2, 4, 6), k=rand(2, 5, 6), v=rand(2, 5, 6))
module("elementwise", Scored(Elementwise(3)), **qkv())
near = lambda: {name: 0.3 * x for name, x in qkv().items()}  # some key in reach of each query
module("epanechikov", Compact(lambda u: 0.75 * (1 - u.square()).clamp(min=0)), **near())
module("triangular", Compact(lambda u: (1 - u).clamp(min=0)), **near())
mask = torch.rand(4, 6) > 0.4
mask[:, 2] = True
put("sparsemax_mask/in/mask", mask)
module("sparsemax_mask", Weighting(lambda s: sparsemax(s.masked_fill(~mask, -1e30))), **scores())
save(os.path.join(os.path.dirname(os.path.abspath(__file__)), "attention.safetensors"), saved,
     {"torch": torch.__version__, "script": "make_attention.py"})
print(len(saved), "tensors,", sum(a.nbytes for a in saved.values()), "bytes")
