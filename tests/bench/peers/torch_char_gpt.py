"""The PyTorch twin of examples/char_gpt: same model, recipe and protocol, so that losses and times compare.

    python3 tests/bench/peers/torch_char_gpt.py TEXT [--seed 1] [--steps 2000] [--threads 2]

nanoGPT's CPU configuration for characters: 4 layers, 4 heads, width 128, context 64, batch 12, AdamW
(0.9, 0.99), learning rate 1e-3 to 1e-4 by cosine after 100 warm-up steps, decay 0.1 on matrices, clip 1,
no dropout, no bias, tied embedding. Prints one JSON line: val_loss over the whole validation split
(last tenth, non-overlapping blocks, every position counts) and the median milliseconds per step.
"""
import argparse, json, math, statistics, time

parser = argparse.ArgumentParser()
parser.add_argument("text")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--steps", type=int, default=2000)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--compile", action="store_true")
args = parser.parse_args()

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(args.seed)
torch.set_num_threads(args.threads)
LAYERS, HEADS, WIDTH, CONTEXT, BATCH = 4, 4, 128, 64, 12

text = open(args.text, encoding="utf-8").read()
symbols = sorted(set(text))
ids = torch.tensor([symbols.index(c) for c in text])
split = int(0.9 * len(ids))
train, val = ids[:split], ids[split:]


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH, bias=False), nn.LayerNorm(WIDTH, bias=False)
        self.c_attn = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.c_proj = nn.Linear(WIDTH, WIDTH, bias=False)
        self.c_fc = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.m_proj = nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = (t.view(B, T, HEADS, C // HEADS).transpose(1, 2) for t in self.c_attn(self.ln_1(x)).split(C, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.c_proj(y.transpose(1, 2).reshape(B, T, C))
        return x + self.m_proj(F.gelu(self.c_fc(self.ln_2(x))))


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(len(symbols), WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.h = nn.ModuleList(Block() for _ in range(LAYERS))
        self.ln_f = nn.LayerNorm(WIDTH, bias=False)
        for name, p in self.named_parameters():
            if p.dim() >= 2:
                residual = name.endswith("proj.weight")
                nn.init.normal_(p, 0.0, 0.02 / math.sqrt(2 * LAYERS) if residual else 0.02)

    def forward(self, tokens):
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.size(1)))
        for block in self.h:
            x = block(x)
        return F.linear(self.ln_f(x), self.wte.weight)


model = GPT()
params = list(model.parameters())
adamw = torch.optim.AdamW(
    [{"params": [p for p in params if p.dim() >= 2], "weight_decay": 0.1}, {"params": [p for p in params if p.dim() < 2], "weight_decay": 0.0}],
    lr=1e-3, betas=(0.9, 0.99))
forward = torch.compile(model) if args.compile else model


def rate(step):
    if step < 100:
        return 1e-3 * (step + 1) / 101
    along = (step - 100) / (args.steps - 100)
    return 1e-4 + 0.5 * (1 + math.cos(math.pi * along)) * 9e-4


def loss_of(tokens, targets, reduction="mean"):
    return F.cross_entropy(forward(tokens).view(-1, len(symbols)), targets.reshape(-1), reduction=reduction)


times = []
start = time.perf_counter()
for step in range(args.steps):
    begin = time.perf_counter()
    at = torch.randint(len(train) - CONTEXT, (BATCH,))
    x = torch.stack([train[i:i + CONTEXT] for i in at])
    y = torch.stack([train[i + 1:i + 1 + CONTEXT] for i in at])
    for group in adamw.param_groups:
        group["lr"] = rate(step)
    adamw.zero_grad(set_to_none=True)
    loss_of(x, y).backward()
    torch.nn.utils.clip_grad_norm_(params, 1.0)
    adamw.step()
    times.append(time.perf_counter() - begin)
elapsed = time.perf_counter() - start

with torch.no_grad():
    blocks = (len(val) - 1) // CONTEXT
    x = val[:blocks * CONTEXT].view(blocks, CONTEXT)
    y = val[1:blocks * CONTEXT + 1].view(blocks, CONTEXT)
    total = sum(loss_of(x[i:i + 64], y[i:i + 64], "sum").item() for i in range(0, blocks, 64))
print(json.dumps({"torch": torch.__version__, "seed": args.seed, "threads": args.threads, "steps": args.steps,
                  "val_loss": round(total / (blocks * CONTEXT), 4), "ms_per_step": round(1e3 * statistics.median(times), 2),
                  "train_seconds": round(elapsed, 1)}))
