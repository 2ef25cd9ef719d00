"""PyTorch's side of heed_bench: the same workloads under the same names, one JSON line each.

    python3 tests/bench/peers/torch_bench.py [--threads 1] [--only TEXT] [--seconds 1] [--compile] [--list]

compare.py runs it beside heed_bench. The environment that it sets chooses the allocation and the instruction set.
"""
import argparse, json, math, resource, statistics, time

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--only", default="")
parser.add_argument("--seconds", type=float, default=1.0)
parser.add_argument("--compile", action="store_true")
parser.add_argument("--list", action="store_true")
args = parser.parse_args()

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

torch.set_num_threads(args.threads)
torch.manual_seed(0)
import_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
workloads = {}


def workload(name, unit, amount, rate=False, **facts):
    """Registers a function that prepares the workload and returns its step."""
    def register(prepare):
        workloads[name] = (unit, amount, rate, prepare, facts)
        return prepare
    return register


def compiled(f):
    return torch.compile(f) if args.compile else f


def measure(step, seconds):
    step(), step()
    calls = 1
    while True:
        start = time.perf_counter()
        for _ in range(calls):
            step()
        if time.perf_counter() - start > 5e-3:
            break
        calls *= 2
    times, spent = [], 0.0
    while spent < seconds or len(times) < 5:
        start = time.perf_counter()
        for _ in range(calls):
            step()
        batch = time.perf_counter() - start
        times.append(batch / calls)
        spent += batch
    return statistics.median(times), min(times), max(times)


# Overhead.

def chain(x, b):
    for _ in range(333):
        x = x + b
        x = x * b
        x = torch.tanh(x)
    return x + b


def repeated(f):
    def step():
        for _ in range(1000):
            f()
    return step


def no_grad(f):
    def step():
        with torch.no_grad():
            f()
    return step


@workload("op_add4_nograd", "ns/op", 1e6)
def _():
    a, b = torch.ones(4), torch.full((4,), 0.5)
    return no_grad(repeated(lambda: a + b))


@workload("op_add4_record", "ns/op", 1e6)
def _():
    a, b = torch.ones(4, requires_grad=True), torch.full((4,), 0.5)
    return repeated(lambda: a + b)


def chain_workload(run):
    def prepare():
        a, b = torch.ones(4, requires_grad=True), torch.full((4,), 0.5)
        return run(a, b)
    return prepare


workload("chain1000_fwd_nograd", "ns/op", 1e6)(chain_workload(lambda a, b: no_grad(lambda: chain(a, b))))
workload("chain1000_fwd_record", "ns/op", 1e6)(chain_workload(lambda a, b: lambda: chain(a, b)))


def chain_backward(a, b):
    f = compiled(chain)

    def step():
        a.grad = None
        f(a, b).sum().backward()
    return step


workload("chain1000_fwd_bwd", "ns/op", 1e6)(chain_workload(chain_backward))
for n in (4, 16):
    @workload(f"op_matmul{n}x{n}_nograd", "ns/op", 1e6)
    def _(n=n):
        a, b = torch.ones(n, n), torch.ones(n, n)
        return no_grad(repeated(lambda: a @ b))


# Tiny networks.

def mlp(l2):
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
    sgd = torch.optim.SGD(model.parameters(), lr=0.01)
    x, y = torch.randn(100, 2), torch.randn(100, 1).sign()

    def loss_of(x, y):
        loss = F.relu(1 - y * model(x)).mean()
        return loss + 1e-4 * sum((p * p).sum() for p in model.parameters()) if l2 else loss
    f = compiled(loss_of)

    def step():
        loss = f(x, y)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
    return step


workload("mlp_2_16_16_1_n100_step", "us", 1e6)(lambda: mlp(False))
workload("mlp_2_16_16_1_n100_step_l2", "us", 1e6)(lambda: mlp(True))


@workload("nadaraya_watson_n50_epoch", "us", 1e6)
def _():
    n = 50
    x = torch.rand(n) * 5
    y = 2 * torch.sin(x) + x ** 0.8 + 0.5 * torch.randn(n)
    own = torch.eye(n, dtype=torch.bool)
    w = nn.Parameter(torch.ones(()))
    sgd = torch.optim.SGD([w], lr=1e-4)

    def loss_of(w):
        scores = -0.5 * ((x[:, None] - x[None, :]) * w) ** 2
        return ((F.softmax(scores.masked_fill(own, -math.inf), -1) @ y - y) ** 2).sum()
    f = compiled(loss_of)

    def step():
        sgd.zero_grad()
        f(w).backward()
        sgd.step()
    return step


# GPT.

class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(width, bias=False), nn.LayerNorm(width, bias=False)
        self.c_attn, self.c_proj = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.c_fc, self.m_proj = nn.Linear(width, 4 * width, bias=False), nn.Linear(4 * width, width, bias=False)

    def forward(self, x, cache=None, at=0):
        B, T, C = x.shape
        q, k, v = (t.view(B, T, self.heads, C // self.heads).transpose(1, 2) for t in self.c_attn(self.ln_1(x)).split(C, 2))
        if cache is not None:
            cache[0][:, :, at:at + T], cache[1][:, :, at:at + T] = k, v
            k, v = cache[0][:, :, :at + T], cache[1][:, :, :at + T]
        y = F.scaled_dot_product_attention(q, k, v, is_causal=cache is None)
        x = x + self.c_proj(y.transpose(1, 2).reshape(B, T, C))
        return x + self.m_proj(F.gelu(self.c_fc(self.ln_2(x))))


class GPT(nn.Module):
    def __init__(self, layers, heads, width, context, vocab, recompute=False):
        super().__init__()
        self.shape, self.recompute = (layers, heads, width, context), recompute
        self.wte, self.wpe = nn.Embedding(vocab, width), nn.Embedding(context, width)
        self.h = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.ln_f, self.lm_head = nn.LayerNorm(width, bias=False), nn.Linear(width, vocab, bias=False)
        for p in self.parameters():
            if p.dim() >= 2:
                nn.init.normal_(p, 0, 0.02)
        self.lm_head.weight = self.wte.weight
        self.register_buffer("positions", torch.arange(context))

    def forward(self, tokens, caches=None, at=0):
        n = tokens.shape[1]
        x = self.wte(tokens) + self.wpe(self.positions[at:at + n])
        for i, block in enumerate(self.h):
            arguments = x, None if caches is None else caches[i], at
            x = checkpoint(block, *arguments, use_reentrant=False) if self.recompute else block(*arguments)
        return self.lm_head(self.ln_f(x))


SHAPES = {"S": (4, 4, 128, 64, 65, 12), "M": (6, 6, 384, 256, 65, 8), "G124": (12, 12, 768, 64, 50257, 4)}


def gpt_training(layers, heads, width, context, vocab, batch, recompute=False):
    model = GPT(layers, heads, width, context, vocab, recompute)
    groups = [dict(params=[p for p in model.parameters() if p.dim() >= 2], weight_decay=0.1),
              dict(params=[p for p in model.parameters() if p.dim() < 2], weight_decay=0.0)]
    adam = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99), fused=True)
    tokens, following = torch.randint(vocab, (batch, context)), torch.randint(vocab, (batch, context))
    f = compiled(lambda t, y: F.cross_entropy(model(t).view(-1, vocab), y.view(-1)))

    def step():
        adam.zero_grad(set_to_none=True)
        f(tokens, following).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
    return step


for name, shape in SHAPES.items():
    workload(f"gpt_train_{name}", "ms", 1e3)(lambda shape=shape: gpt_training(*shape))
workload("gpt_train_M_recompute", "ms", 1e3)(lambda: gpt_training(*SHAPES["M"], recompute=True))


def gpt_generation(layers, heads, width, context, vocab, batch):
    model = GPT(layers, heads, width, context, vocab).eval()
    f = compiled(model)

    def step():
        with torch.no_grad():
            caches = [(torch.zeros(1, heads, context, width // heads), torch.zeros(1, heads, context, width // heads)) for _ in range(layers)]
            token = torch.zeros(1, 1, dtype=torch.long)
            for at in range(context):
                token = torch.multinomial(F.softmax(f(token, caches, at)[:, -1] / 0.8, -1), 1)
    return step


for name in ("S", "M"):
    workload(f"gpt_generate_{name}", "tokens/s", SHAPES[name][3], True)(lambda name=name: gpt_generation(*SHAPES[name]))


# Layers.

def layer(name, make, call):
    def prepare(backward):
        module = make()
        x = torch.randn(8, 256, 384, requires_grad=backward)
        f = compiled(lambda x: call(module, x))

        def step():
            if not backward:
                with torch.no_grad():
                    return f(x)
            x.grad = None
            module.zero_grad(set_to_none=True)
            f(x).sum().backward()
        return step
    workload(name + "_fwd", "ms", 1e3)(lambda: prepare(False))
    workload(name + "_fwd_bwd", "ms", 1e3)(lambda: prepare(True))


layer("encoder_layer", lambda: nn.TransformerEncoderLayer(384, 6, 4 * 384, 0.0, batch_first=True), lambda m, x: m(x))
layer("multi_head_attention", lambda: nn.MultiheadAttention(384, 6, batch_first=True), lambda m, x: m(x, x, x, need_weights=False)[0])
for n in (1024, 4096, 8192):
    def attention(n, backward):
        q, k, v = (torch.randn(1, 6, n, 64, requires_grad=backward) for _ in range(3))
        g = torch.randn(1, 6, n, 64)
        f = compiled(F.scaled_dot_product_attention)

        def step():
            y = f(q, k, v)
            if backward:
                q.grad = k.grad = v.grad = None
                y.backward(g)
        return step
    workload(f"attention_T{n}_fwd", "ms", 1e3)(lambda n=n: attention(n, False))
    workload(f"attention_T{n}_fwd_bwd", "ms", 1e3)(lambda n=n: attention(n, True))


# Recurrent: GRU sequence to sequence with additive attention, one decoder step at a time.

@workload("seq2seq_gru_h128_b32_step", "ms", 1e3)
def _():
    H, V, B, S = 128, 3000, 32, 15

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.source, self.target = nn.Embedding(V, H), nn.Embedding(V, H)
            self.encoder, self.decoder = nn.GRU(H, H, batch_first=True), nn.GRU(2 * H, H, batch_first=True)
            self.query, self.key, self.energy, self.out = nn.Linear(H, H), nn.Linear(H, H), nn.Linear(H, 1), nn.Linear(H, V)

        def forward(self, source, target):
            memory, h = self.encoder(self.source(source))
            keys, outputs = self.key(memory), []
            embedded = self.target(target)
            for i in range(S):
                scores = self.energy(torch.tanh(self.query(h.permute(1, 0, 2)) + keys)).transpose(1, 2)
                context = F.softmax(scores, -1) @ memory
                y, h = self.decoder(torch.cat((embedded[:, i:i + 1], context), 2), h)
                outputs.append(y)
            return self.out(torch.cat(outputs, 1))
    model = Model()
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    source, target = torch.randint(V, (B, S)), torch.randint(V, (B, S))
    f = compiled(lambda s, t: F.cross_entropy(model(s, t).view(-1, V), t.view(-1)))

    def step():
        adam.zero_grad(set_to_none=True)
        f(source, target).backward()
        adam.step()
    return step


# Elementwise, rows, losses, the optimizer.

def elementwise(name, shape, bytes_each, f):
    n = math.prod(shape)
    @workload(f"{name}_{16 if n > 4 << 20 else 1}M", "GB/s", 1e-9 * bytes_each * n, True)
    def _():
        a, b, g = torch.randn(shape), torch.randn(shape), compiled(f)
        return no_grad(lambda: g(a, b))


for n in (1 << 20, 16 << 20):
    elementwise("copy", (n,), 8, lambda a, b: a.clone())
    elementwise("add", (n,), 12, lambda a, b: a + b)
    elementwise("exp", (n,), 8, lambda a, b: torch.exp(a))
    elementwise("tanh", (n,), 8, lambda a, b: torch.tanh(a))
    elementwise("gelu", (n,), 8, lambda a, b: F.gelu(a))
    elementwise("gelu_tanh", (n,), 8, lambda a, b: F.gelu(a, approximate="tanh"))
    elementwise("softmax64", (n // 64, 64), 8, lambda a, b: F.softmax(a, -1))
    elementwise("softmax1024", (n // 1024, 1024), 8, lambda a, b: F.softmax(a, -1))
    elementwise("layer_norm384", (n // 384, 384), 8, lambda a, b, w=torch.ones(384), z=torch.zeros(384): F.layer_norm(a, (384,), w, z))
    elementwise("sum_axis0", (n // 1024, 1024), 4, lambda a, b: a.sum(0))
    elementwise("sum_axis1", (n // 1024, 1024), 4, lambda a, b: a.sum(1))
    elementwise("transpose", (n // 1024, 1024), 8, lambda a, b: a.t().contiguous())
for backward in (False, True):
    @workload("cross_entropy_256x50257_fwd" + ("_bwd" if backward else ""), "Gelem/s", 1e-9 * 256 * 50257, True)
    def _(backward=backward):
        logits, target = torch.randn(256, 50257, requires_grad=True), torch.randint(50257, (256,))
        f = compiled(F.cross_entropy)

        def step():
            logits.grad = None
            loss = f(logits, target)
            if backward:
                loss.backward()
        return step


@workload("adamw_10M", "GB/s", 28e-9 * 10_000_000, True)
def _():
    p = nn.Parameter(torch.randn(10_000_000))
    p.grad = torch.randn(10_000_000)
    adam = torch.optim.AdamW([p], fused=True)
    return adam.step


for name, (unit, amount, rate, prepare, facts) in workloads.items():
    if name != args.only[1:] if args.only.startswith("=") else args.only not in name:
        continue
    if args.list:
        print(name)
        continue
    median, low, high = measure(prepare(), args.seconds)
    value, a, b = (amount / s if rate else amount * s for s in (median, low, high))
    print(json.dumps(dict(name=name, peer="torch " + torch.__version__.split("+")[0], threads=args.threads, value=value, unit=unit,
                          low=min(a, b), high=max(a, b), import_mib=import_mib,
                          resident_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, **facts)), flush=True)
