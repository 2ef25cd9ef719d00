"""Logits of a randomly initialised GPT-2 of 124M parameters, PyTorch against heed.

    python gpt2.py build/release/bin/gpt2 --merges merges.txt

The file has Hugging Face's layout: matrices of linear layers transposed, causal masks included, with and without the
prefix "transformer.". The forward pass is written out here, so that no other library is needed.
"""
import argparse
import json
import math
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file


def make(width, layers, vocab, context, prefix):
    torch.manual_seed(1)
    std = 0.02
    t = {"wte.weight": torch.randn(vocab, width) * std, "wpe.weight": torch.randn(context, width) * std}
    for i in range(layers):
        h = f"h.{i}."
        for name, (rows, columns) in {"attn.c_attn": (width, 3 * width), "attn.c_proj": (width, width),
                                      "mlp.c_fc": (width, 4 * width), "mlp.c_proj": (4 * width, width)}.items():
            t[h + name + ".weight"] = torch.randn(rows, columns) * std
            t[h + name + ".bias"] = torch.randn(columns) * std
        for name in ("ln_1", "ln_2"):
            t[h + name + ".weight"] = 1 + torch.randn(width) * 0.1
            t[h + name + ".bias"] = torch.randn(width) * 0.1
        t[h + "attn.bias"] = torch.tril(torch.ones(1, 1, context, context, dtype=torch.bool))
    t["ln_f.weight"] = 1 + torch.randn(width) * 0.1
    t["ln_f.bias"] = torch.randn(width) * 0.1
    return {prefix + name: x.contiguous() for name, x in t.items()}


@torch.no_grad()
def logits(t, ids, heads, layers, prefix):
    t = {name[len(prefix):]: x for name, x in t.items()}
    x = t["wte.weight"][ids] + t["wpe.weight"][: len(ids)]
    n, width = x.shape
    for i in range(layers):
        p = lambda name: t[f"h.{i}.{name}"]
        norm = lambda x, name: F.layer_norm(x, (width,), p(name + ".weight"), p(name + ".bias"))
        q, k, v = (norm(x, "ln_1") @ p("attn.c_attn.weight") + p("attn.c_attn.bias")).split(width, -1)
        q, k, v = (y.view(n, heads, -1).transpose(0, 1) for y in (q, k, v))
        scores = q @ k.transpose(1, 2) / math.sqrt(width // heads)
        scores = scores.masked_fill(~torch.tril(torch.ones(n, n, dtype=torch.bool)), -torch.inf)
        x = x + (scores.softmax(-1) @ v).transpose(0, 1).reshape(n, width) @ p("attn.c_proj.weight") + p("attn.c_proj.bias")
        hidden = F.gelu(norm(x, "ln_2") @ p("mlp.c_fc.weight") + p("mlp.c_fc.bias"), approximate="tanh")
        x = x + hidden @ p("mlp.c_proj.weight") + p("mlp.c_proj.bias")
    x = F.layer_norm(x, (width,), t["ln_f.weight"], t["ln_f.bias"])
    return x @ t["wte.weight"].T


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--merges", required=True, help="GPT-2's or other merges, with their vocabulary beside them")
    parser.add_argument("--layers", type=int, default=12)
    args = parser.parse_args()
    width, heads, vocab, context = 768, 12, 50257, 1024
    for prefix, config in (("", True), ("transformer.", False)):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            tensors = make(width, args.layers, vocab, context, prefix)
            save_file(tensors, folder / "model.safetensors", {"format": "pt"})
            if config:
                (folder / "config.json").write_text(json.dumps(
                    {"model_type": "gpt2", "vocab_size": vocab, "n_positions": context, "n_embd": width,
                     "n_layer": args.layers, "n_head": heads, "activation_function": "gelu_new"}))
            run = subprocess.run([args.program, "--model", folder / "model.safetensors", "--tokenizer", args.merges,
                                  "--prompt", "It was a bright cold day in April, and the clocks were striking thirteen.",
                                  "--steps", "5", "--temperature", "0", "--logits", folder / "logits.npy", "--json"],
                                 stdout=subprocess.PIPE, text=True, check=True)
            result = json.loads(run.stdout.splitlines()[-1])
            mine = np.load(folder / "logits.npy")
            ids = result["tokens"][: len(mine)]
            theirs = logits(tensors, torch.tensor(ids), heads, args.layers, prefix).numpy()
            greedy = list(ids)
            for _ in range(5):
                greedy.append(int(logits(tensors, torch.tensor(greedy), heads, args.layers, prefix)[-1].argmax()))
            print(f"prefix {prefix!r:16} config.json {config!s:5} {len(ids)} tokens: largest difference of logits "
                  f"{np.abs(mine - theirs).max():.2e} (largest logit {np.abs(theirs).max():.2f}); "
                  f"five greedy tokens equal: {greedy == result['tokens']}; {result['tokens_per_s']:.1f} tokens/s")


main()
