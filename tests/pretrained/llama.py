"""Logits of randomly initialised Llamas in Hugging Face's layout, PyTorch against heed.

    python llama.py build/release/bin/llama --tokenizer FILE

Shared and separate heads of keys, tied and separate heads, f32 and bf16 files, one file and several with an index. The
forward pass is written out here, so that no other library is needed; it takes the weights as they are rounded.
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

VOCAB, WIDTH, HIDDEN, LAYERS, HEADS, CONTEXT = 32000, 96, 256, 3, 6, 128


def make(kv_heads, tied, dtype):
    torch.manual_seed(2)
    kv = WIDTH // HEADS * kv_heads
    shapes = {"model.embed_tokens.weight": (VOCAB, WIDTH)}
    for i in range(LAYERS):
        p = f"model.layers.{i}."
        shapes |= {p + "self_attn.q_proj.weight": (WIDTH, WIDTH), p + "self_attn.k_proj.weight": (kv, WIDTH),
                   p + "self_attn.v_proj.weight": (kv, WIDTH), p + "self_attn.o_proj.weight": (WIDTH, WIDTH),
                   p + "mlp.gate_proj.weight": (HIDDEN, WIDTH), p + "mlp.up_proj.weight": (HIDDEN, WIDTH),
                   p + "mlp.down_proj.weight": (WIDTH, HIDDEN)}
    t = {name: torch.randn(shape) * 0.1 for name, shape in shapes.items()}
    for i in range(LAYERS):
        for name in ("input_layernorm", "post_attention_layernorm"):
            t[f"model.layers.{i}.{name}.weight"] = 1 + 0.1 * torch.randn(WIDTH)
    t["model.norm.weight"] = 1 + 0.1 * torch.randn(WIDTH)
    if not tied:
        t["lm_head.weight"] = torch.randn(VOCAB, WIDTH) * 0.1
    return {name: x.to(dtype).contiguous() for name, x in t.items()}


def rotate(x, base=10000.0):
    n, d = x.shape[-2:]
    angles = torch.outer(torch.arange(n, dtype=torch.float64), base ** (-torch.arange(0, d, 2, dtype=torch.float64) / d))
    cos, sin = (f(angles).float().repeat(1, 2) for f in (torch.cos, torch.sin))
    return x * cos + torch.cat([-x[..., d // 2:], x[..., : d // 2]], -1) * sin


@torch.no_grad()
def logits(t, ids, kv_heads, eps):
    t = {name: x.float() for name, x in t.items()}
    norm = lambda x, w: x * torch.rsqrt((x * x).mean(-1, keepdim=True) + eps) * w
    x = t["model.embed_tokens.weight"][ids]
    n, d = len(ids), WIDTH // HEADS
    for i in range(LAYERS):
        p = lambda name: t[f"model.layers.{i}.{name}.weight"]
        y = norm(x, p("input_layernorm"))
        q, k, v = (F.linear(y, p(f"self_attn.{c}_proj")).view(n, -1, d).transpose(0, 1) for c in "qkv")
        q, k = rotate(q), rotate(k)
        k, v = (z.repeat_interleave(HEADS // kv_heads, 0) for z in (k, v))
        scores = (q @ k.transpose(1, 2) / math.sqrt(d)).masked_fill(~torch.tril(torch.ones(n, n, dtype=torch.bool)), -torch.inf)
        x = x + F.linear((scores.softmax(-1) @ v).transpose(0, 1).reshape(n, WIDTH), p("self_attn.o_proj"))
        y = norm(x, p("post_attention_layernorm"))
        x = x + F.linear(F.silu(F.linear(y, p("mlp.gate_proj"))) * F.linear(y, p("mlp.up_proj")), p("mlp.down_proj"))
    return F.linear(norm(x, t["model.norm.weight"]), t.get("lm_head.weight", t["model.embed_tokens.weight"]))


def save(folder, tensors, shards):
    if shards == 1:
        return save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    names, where = sorted(tensors), {}
    for s in range(shards):
        file = f"model-{s + 1:05}-of-{shards:05}.safetensors"
        part = {name: tensors[name] for name in names[s::shards]}
        save_file(part, folder / file, {"format": "pt"})
        where |= dict.fromkeys(part, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--tokenizer", required=True, help="any with at most 32,000 tokens")
    args = parser.parse_args()
    for kv_heads, tied, dtype, shards, weights in ((6, False, torch.float32, 1, "f32"), (2, True, torch.float32, 3, "f32"),
                                                   (3, False, torch.bfloat16, 2, "f32"), (2, True, torch.bfloat16, 1, "file"),
                                                   (2, False, torch.float16, 1, "file")):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            tensors = make(kv_heads, tied, dtype)
            save(folder, tensors, shards)
            (folder / "config.json").write_text(json.dumps(
                {"model_type": "llama", "vocab_size": VOCAB, "hidden_size": WIDTH, "intermediate_size": HIDDEN,
                 "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": kv_heads,
                 "max_position_embeddings": CONTEXT, "rms_norm_eps": 1e-5, "tie_word_embeddings": tied, "hidden_act": "silu"}))
            run = subprocess.run([args.program, "--model", folder, "--tokenizer", args.tokenizer, "--prompt", "One day, Lily saw a big red ball.",
                                  "--steps", "8", "--temperature", "0", "--weights", weights, "--logits", folder / "l.npy", "--json"],
                                 stdout=subprocess.PIPE, text=True, check=True)
            result = json.loads(run.stdout.splitlines()[-1])
            mine = np.load(folder / "l.npy")
            ids = [1] + result["tokens"]
            theirs = logits(tensors, torch.tensor(ids[: len(mine)]), kv_heads, 1e-5).numpy()
            print(f"kv_heads {kv_heads}, tied {tied!s:5}, {str(dtype):14}, {shards} files, --weights {weights:4}: {len(mine)} tokens, "
                  f"largest difference of logits {np.abs(mine - theirs).max():.2e} (largest logit {np.abs(theirs).max():.1f})")


main()
