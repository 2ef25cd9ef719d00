#!/usr/bin/env python3
"""How fast tokenisers encode, in MB/s on one thread, in one run: heed, tiktoken, Hugging Face's tokenizers.

    python3 tests/bench/peers/tokenisers.py build/release/bin/tokenise DATA

DATA holds gpt2-vocab.bpe, gpt2-encoder.json, bert-base-uncased-vocab.txt and tinyshakespeare.txt, which is taken nine
times (10 MB). Texts of one letter, of blanks and of random letters show whether time is linear. Llama 3's, Qwen2's, SmolLM's
and GPT-4o's rules are timed with GPT-2's vocabulary. Needs `pip install tokenizers tiktoken unicodedata2`.
"""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "golden"))
import tiktoken  # noqa: E402
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers  # noqa: E402
from tokeniser_peers import SECTIONS, of_family, reads_no_special  # noqa: E402

program, data = sys.argv[1], pathlib.Path(sys.argv[2])
folder = pathlib.Path(tempfile.mkdtemp())


def heed(tokens, text):
    (folder / "text").write_text(text, encoding="utf-8", newline="")
    ran = subprocess.run([program, "--json", "--quiet", "--steps", "1", "--tokenizer", str(tokens), "--text", str(folder / "text"),
                          "--out", str(folder / "out")], stdout=subprocess.PIPE, check=True)
    result = json.loads(ran.stdout.decode().rstrip("\n").rpartition("\n")[2])
    return result["encode_mb_per_s"], result["tokens"]


def timed(encode, text):
    start = time.perf_counter()
    count = encode(text)
    return len(text.encode()) / 1e6 / (time.perf_counter() - start), count


encoder = json.loads((data / "gpt2-encoder.json").read_text(encoding="utf-8"))
shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
byte_of = {**{chr(b): b for b in shown}, **{chr(256 + i): b for i, b in enumerate(b for b in range(256) if b not in shown)}}
ranks = {bytes(byte_of[c] for c in token): i for token, i in encoder.items() if token != "<|endoftext|>"}
tik = tiktoken.Encoding("gpt2", mergeable_ranks=ranks, special_tokens={"<|endoftext|>": 50256},
                        pat_str=r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s""")
merges = [tuple(line.split(" ")) for line in (data / "gpt2-vocab.bpe").read_text(encoding="utf-8").splitlines()[1:] if line]
hugging_face = Tokenizer(models.BPE(vocab=encoder, merges=merges))
hugging_face.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
bert_vocab = (data / "bert-base-uncased-vocab.txt").read_text(encoding="utf-8").split("\n")[:-1]
bert = Tokenizer(models.WordPiece({token: i for i, token in enumerate(bert_vocab)}, unk_token="[UNK]", max_input_chars_per_word=100))
bert.normalizer, bert.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()

# Families with GPT-2's vocabulary, without the added tokens.
families = []
for family in ("llama3", "qwen2", "smollm", "gpt4o"):
    tokenizer = of_family(family, {"type": "BPE", "vocab": encoder, "merges": [" ".join(pair) for pair in merges]})
    tokenizer["added_tokens"] = [{"id": 50256, "content": "<|endoftext|>", "special": True, "single_word": False,
                                  "lstrip": False, "rstrip": False, "normalized": False}]
    (folder / f"{family}.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    pattern = tokenizer["pre_tokenizer"]["pretokenizers"][0].get("pattern", {}).get("Regex")
    # tiktoken has no NFC and no Digits
    fast = tiktoken.Encoding(family, mergeable_ranks=ranks, special_tokens={}, pat_str=pattern) if pattern and family != "qwen2" else None
    families.append((family, folder / f"{family}.json", (fast and (lambda t, e=fast: len(e.encode_ordinary(t))),
                                                          lambda t, p=reads_no_special(tokenizer): len(p.encode(t).ids))))

shakespeare = (data / "tinyshakespeare.txt").read_text(encoding="utf-8")
rng = random.Random(1)
texts = {"tinyshakespeare x 9": shakespeare * 9, "one letter": "a" * 10_000_000, "blanks": " " * 10_000_000,
         "random letters": "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=10_000_000)),
         "mixed scripts": "".join(rng.choices(["кот ", "漢字", "naïve ", "🙂", "def f(x):\n    ", "12345 ", "٣ ", "e\u0301"], k=1_000_000))}
print("MB/s, one thread                 heed  tiktoken  tokenizers      tokens")
for name, text in texts.items():
    for scheme, tokens, peers in (
            ("GPT-2", "gpt2-vocab.bpe", (lambda t: len(tik.encode_ordinary(t)), lambda t: len(hugging_face.encode(t).ids))),
            ("BERT", "bert-base-uncased-vocab.txt", (None, lambda t: len(bert.encode(t).ids))), *families):
        ours = heed(data / tokens, text)
        row = [f"{ours[0]:8.1f}"]
        for column, peer in enumerate(peers):
            if peer is None or (column == 0 and name in ("one letter", "random letters", "blanks")):
                row.append("       -")  # tiktoken's time grows with the square of a piece, or its stack ends
                continue
            speed, count = timed(peer, text)
            row.append(f"{speed:8.1f}" + ("" if count == ours[1] else f" ({count} tokens)"))
        print(f"{name:20s} {scheme:6s} " + "  ".join(row) + f"  {ours[1]:10d}", flush=True)
