#!/usr/bin/env python3
"""Compares heed's tokenisers with Hugging Face's tokenizers, with tiktoken, and with llama2.c's algorithm.

    python3 tests/golden/check_tokenisers.py build/test/bin/tokenise DATA [--strings 100000]

DATA holds gpt2-vocab.bpe, gpt2-encoder.json, bert-base-uncased-vocab.txt, tinyshakespeare.txt and tok512.bin. Needs
`pip install tokenizers tiktoken unicodedata2`. Not part of the test suite: tests/golden/tokens.json has a small part of it.
Strings are made of the code points of the Unicode version of unicodedata2, which should be that of unicode_tables.inc.
"""
import argparse
import json
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

import tiktoken
from tokenizers import AddedToken, Tokenizer, models

from tokeniser_peers import (ASSIGNED, SECTIONS, byte_level, bytes_to_letters, llama2c_encode, llama_form,
                             model_across_pieces, nasty, of_family, reads_no_special, train_byte_level, word_piece)

parser = argparse.ArgumentParser()
parser.add_argument("program")
parser.add_argument("data", type=pathlib.Path)
parser.add_argument("--strings", type=int, default=100_000)
parser.add_argument("--only", default="", help="gpt2, train, families, one of these, llama2c, llama or wordpiece")
arguments = parser.parse_args()
folder = pathlib.Path(tempfile.mkdtemp())
failures = 0


def report(name, wrong, total, example=""):
    global failures
    failures += wrong > 0
    print(f"{name}: {total - wrong} of {total} equal{'  ' + example if wrong else ''}", flush=True)


def run(*options):
    command = [arguments.program, "--json", "--quiet", "--steps", "1000000", "--out", str(folder / "out"), *options]
    ran = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(ran.stdout.decode().rstrip("\n").rpartition("\n")[2])


def heed(tokens, strings):
    file = folder / "strings.json"
    file.write_text(json.dumps(strings), encoding="utf-8")
    return run("--tokenizer", str(tokens), "--strings", str(file))


def first_difference(strings, ours, theirs):
    for text, a, b in zip(strings, ours, theirs):
        if a != b:
            return f"first: {ascii(text)[:300]}\n    heed {a[:40]}\n    peer {b[:40]}"
    return ""


def compare(name, strings, ours, theirs):
    report(name, sum(a != b for a, b in zip(ours, theirs)), len(strings), first_difference(strings, ours, theirs))


def check_gpt2():
    data = arguments.data
    encoder = json.loads((data / "gpt2-encoder.json").read_text(encoding="utf-8"))
    byte_of = {letter: byte for byte, letter in bytes_to_letters().items()}
    ranks = {bytes(byte_of[c] for c in token): i for token, i in encoder.items() if token != "<|endoftext|>"}
    pattern = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""
    peer = tiktoken.Encoding("gpt2", pat_str=pattern, mergeable_ranks=ranks, special_tokens={"<|endoftext|>": 50256})
    strings = nasty(arguments.strings, 1, ASSIGNED)
    result = heed(data / "gpt2-vocab.bpe", strings)
    compare("GPT-2, tiktoken", strings, result["ids"], [peer.encode_ordinary(text) for text in strings])
    report("GPT-2, round trip", int(not result["round_trip"]), 1)
    merges = [tuple(line.split(" ")) for line in (data / "gpt2-vocab.bpe").read_text(encoding="utf-8").splitlines()[1:] if line]
    hugging_face = byte_level(models.BPE(vocab=encoder, merges=merges))
    compare("GPT-2, tokenizers", strings, result["ids"], [e.ids for e in hugging_face.encode_batch(strings)])
    # tokenizer.json, in both forms, read by both.
    hugging_face.add_special_tokens(["<|endoftext|>"])
    for form, change in (("pairs", lambda m: m), ("lines", lambda m: [" ".join(pair) for pair in m])):
        model = json.loads(hugging_face.to_str())
        model["model"]["merges"] = change(model["model"]["merges"])
        (folder / "tokenizer.json").write_text(json.dumps(model), encoding="utf-8")
        again = heed(folder / "tokenizer.json", strings[:2000])
        compare(f"GPT-2 from tokenizer.json, {form}", strings[:2000], again["ids"], result["ids"][:2000])


def check_training():
    text = (arguments.data / "tinyshakespeare.txt").read_text(encoding="utf-8")
    rng = random.Random(3)
    other = "".join(rng.choice("ab c'éé𝄞\n") * rng.randrange(1, 4) for _ in range(3000)) + "".join(nasty(2000, 5, ASSIGNED))
    for name, corpus, size in (("tinyshakespeare", text, 512), ("tinyshakespeare", text, 2000), ("nasty", other, 1500)):
        file = folder / "corpus.txt"
        file.write_text(corpus, encoding="utf-8", newline="")
        run("--train", str(file), "--vocab", str(size))
        ours = json.loads((folder / "out" / "tokenizer.json").read_text(encoding="utf-8"))["model"]
        peer = train_byte_level(corpus, size)
        theirs = json.loads(peer.to_str())["model"]
        merges = [tuple(m.split(" ")) for m in ours["merges"]]
        wrong = sum(a != tuple(b) for a, b in zip(merges, theirs["merges"])) + abs(len(merges) - len(theirs["merges"]))
        report(f"merges of {name}, {size}", wrong, len(merges))
        report(f"vocabulary of {name}, {size}", int(ours["vocab"] != theirs["vocab"]), 1)
        read = Tokenizer.from_file(str(folder / "out" / "tokenizer.json"))
        strings = nasty(2000, 4, ASSIGNED)
        compare(f"tokenizers reads what heed wrote, {name}, {size}", strings,
                heed(folder / "out" / "tokenizer.json", strings)["ids"], [read.encode(s).ids for s in strings])


def check_families():
    """The sections of tokenizer.json that published models have, with a small vocabulary."""
    text = (arguments.data / "tinyshakespeare.txt").read_text(encoding="utf-8")
    model = model_across_pieces([text[i:i + 200] for i in range(0, 200_000, 200)] + nasty(5000, 9, ASSIGNED), 4000)
    strings = [f"a{c} {c}e\u0301'{c}" for c in ASSIGNED] + nasty(arguments.strings, 10, ASSIGNED)
    for name in SECTIONS:
        if arguments.only not in ("", "families", name):
            continue
        file = folder / "tokenizer.json"
        file.write_text(json.dumps(of_family(name, model)), encoding="utf-8")
        peer = reads_no_special(of_family(name, model))
        result, ids = heed(file, strings), [e.ids for e in peer.encode_batch(strings)]
        compare(name, strings, result["ids"], ids)
        if name == "blank_first":
            continue  # adds a blank
        back = strings if peer.normalizer is None else [peer.normalizer.normalize_str(s) for s in strings]
        # An added token comes back as the file writes it, which for "éé" is not its NFC; tokenizers takes it for bytes.
        report(f"{name}, decoded", int(not heed(file, [s for s in back if "éé" not in s])["round_trip"]), 1)
        shown = [i for i in range(0, len(strings), 50) if "<|endoftext|>" not in strings[i] and "éé" not in back[i]]
        compare(f"{name}, decoded by tokenizers", [strings[i] for i in shown], [back[i] for i in shown],
                [peer.decode(ids[i], skip_special_tokens=False) for i in shown])


def check_llama2c():
    data, vocab, scores, at = (arguments.data / "tok512.bin").read_bytes(), [], [], 4
    while at < len(data):
        score, length = struct.unpack_from("<fi", data, at)
        vocab.append(data[at + 8:at + 8 + length])
        scores.append(score)
        at += 8 + length
    lookup = {piece: i for i, piece in enumerate(vocab)}
    strings = [s.replace("\0", "") for s in nasty(min(5000, arguments.strings), 6, ASSIGNED)]
    strings = [s if len(s) < 400 else s[:400] for s in strings]
    text = (arguments.data / "tinyshakespeare.txt").read_text(encoding="utf-8")
    strings += [text[i:i + 200] for i in range(0, 200_000, 200)]
    result = heed(arguments.data / "tok512.bin", strings)
    compare("llama2.c", strings, result["ids"], [llama2c_encode(s.encode(), vocab, scores, lookup) for s in strings])
    report("llama2.c, round trip", int(not result["round_trip"]), 1)


def check_llama():
    """A tokeniser of Llama's form, trained by tokenizers."""
    text = (arguments.data / "tinyshakespeare.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines()[:4000] if line]
    model = llama_form("\n".join(lines), 900)
    (folder / "tokenizer.json").write_text(json.dumps(model), encoding="utf-8")
    peer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    strings = [s.replace("▁", "").replace("<s>", "") for s in nasty(arguments.strings // 5, 7, ASSIGNED)] + lines
    result = heed(folder / "tokenizer.json", strings)
    compare("Llama's tokenizer.json", strings, result["ids"], [e.ids for e in peer.encode_batch(strings)])
    report("Llama's tokenizer.json, round trip", int(not result["round_trip"]), 1)


def check_wordpiece():
    vocab = [line for line in (arguments.data / "bert-base-uncased-vocab.txt").read_text(encoding="utf-8").split("\n") if line]
    peer = word_piece(vocab)
    strings = ASSIGNED + [f"a{c}b" for c in ASSIGNED] + nasty(arguments.strings, 8, ASSIGNED)
    ours = heed(arguments.data / "bert-base-uncased-vocab.txt", strings)["ids"]
    compare("WordPiece", strings, ours, [e.ids for e in peer.encode_batch(strings)])
    peer.add_special_tokens([AddedToken(token, normalized=False) for token in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")])
    (folder / "tokenizer.json").write_text(peer.to_str(), encoding="utf-8")
    compare("WordPiece from tokenizer.json", strings[:2000], heed(folder / "tokenizer.json", strings[:2000])["ids"], ours[:2000])


for check_name, check in (("gpt2", check_gpt2), ("train", check_training), ("families", check_families), ("llama2c", check_llama2c),
                          ("llama", check_llama), ("wordpiece", check_wordpiece)):
    if arguments.only in ("", check_name) or (check_name == "families" and arguments.only in SECTIONS):
        check()
sys.exit(failures > 0)
