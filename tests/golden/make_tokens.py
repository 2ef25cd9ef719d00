#!/usr/bin/env python3
"""Writes tokens.json, which examples/kit/tokens/golden_test.cpp compares with: what Hugging Face's tokenizers learns and
encodes, and llama2.c's algorithm in Python.

    python3 make_tokens.py      needs `pip install tokenizers unicodedata2`
"""
import json
import os

import tokenizers
import unicodedata2 as unicodedata
from tokenizers import processors

from tokeniser_peers import (ASSIGNED, SECTIONS, llama2c_encode, llama_form, model_across_pieces, nasty, of_family,
                             reads_no_special, train_byte_level, word_piece)

TEXT = """She sells sea-shells on the sea-shore; the shells she sells are sea-shells, I'm sure.
So if she sells sea-shells on the sea-shore, then I'm sure she'll sell sea-shore shells.

Peter Piper picked a peck of pickled peppers. A peck of pickled peppers Peter Piper picked.
If Peter Piper picked a peck of pickled peppers, where's the peck that Peter Piper picked in 1813?
\tÜber allen Gipfeln ist Ruh', in allen Wipfeln spürest du kaum einen Hauch… 北京 北海 東京
"""


def short(strings, length=24):
    return [s[:length] for s in strings]


def byte_pair():
    peer = train_byte_level(TEXT, 320)
    strings = short(nasty(40, 1, ASSIGNED)) + TEXT.splitlines()
    model = json.loads(peer.to_str())["model"]
    return {"text": TEXT, "size": 320, "merges": [" ".join(pair) for pair in model["merges"]], "strings": strings,
            "ids": [peer.encode(s).ids for s in strings]}


FAMILIES = ["it's I'LL 'ſo we'Re", "x\r\n\r\n y \n  z\n", "a1 22 333 4444  5", "!?\n/\n #[x]", "camelCase HTMLParser AB漢CD",
            "e\u0301e\u0301 q\u0307\u0323 각 \u1112\u1161\u11ab", "\t\t<tool>    if x:", " \u00a0x\u2003 ", "🙂👍🏽 ١٢ ½Ⅷ", ""]


def families():
    """One vocabulary, and the ids that the sections of each family give."""
    model = model_across_pieces(TEXT.splitlines(keepends=True) + FAMILIES * 3, 400)
    strings = FAMILIES + short(nasty(30, 6, ASSIGNED)[8:])
    return {"vocab": sorted(model["vocab"], key=model["vocab"].get), "merges": [" ".join(pair) for pair in model["merges"]],
            "added": of_family("llama3", model)["added_tokens"], "strings": strings,
            "families": [{"name": name, **SECTIONS[name],
                          "ids": [reads_no_special(of_family(name, model)).encode(s).ids for s in strings]}
                         for name in SECTIONS]}


def llama():
    model = llama_form(TEXT, 310)
    peer = tokenizers.Tokenizer.from_str(json.dumps(model))
    strings = [s.replace("▁", "").replace("<s>", "") for s in short(nasty(14, 2, ASSIGNED))] + TEXT.splitlines()
    return {"tokenizer": model, "strings": strings, "ids": [peer.encode(s).ids for s in strings]}


def llama2c():
    """Pieces after <unk>, BOS, EOS and the bytes, whose score is 0; with ties, and one that no text reaches."""
    names = ["<unk>", "\n<s>\n", "\n</s>\n"] + [f"<0x{b:02X}>" for b in range(256)]
    model = json.loads(train_byte_level(TEXT, 300).to_str())["model"]
    merged = ["".join(pair).replace("Ġ", " ") for pair in model["merges"] if all(c < "\x7f" or c == "Ġ" for c in "".join(pair))]
    letters = sorted({c for c in TEXT if c not in "x\t"})
    pieces = names + merged + [" "] + [c for c in letters if c != " "] + ["x yz"]
    scores = [0.0] * len(names) + [-float(i // 2) for i in range(len(merged))] + [-1e9] * (len(letters) + 1)
    lookup = {piece.encode(): i for i, piece in enumerate(pieces)}
    vocab = [piece.encode() for piece in pieces]
    strings = [s.replace("\0", "") for s in short(nasty(14, 3, ASSIGNED))] + TEXT.splitlines()
    return {"pieces": pieces[len(names):], "scores": scores[len(names):], "strings": strings,
            "ids": [llama2c_encode(s.encode(), vocab, scores, lookup) for s in strings]}


def bert():
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + list("abcdefghijklmnopqrstuvwxyz0123456789.,;:!?'-…«»()[]<>|#")
    vocab += ["##" + c for c in "abcdefghijklmnopqrstuvwxyz0123456789αβσςإनमиоу"] + list("αβσςдиояそか" "北京東न")
    vocab += ["sea", "##s", "##ll", "shell", "##ore", "peter", "##per", "pick", "##led", "the", "über", "uber", "##ing"]
    vocab = list(dict.fromkeys(vocab))
    peer = word_piece(vocab)
    strings = short(nasty(60, 4, ASSIGNED)) + TEXT.splitlines()
    strings += ["a" * 100, "a" * 101, "İSTANBUL", "ÀÉÎõü", "\u302e\U0001d165\u0301\U0001d16dx", "각 힣", "K\u0327\u0301x"]
    strings += ["a\u1e5eb \u10d50\U00010d50", "a\u2e4fb a\u08d3b a\U00016fe4b a\u1b7db"]  # of younger versions than 8
    ids = [peer.encode(s).ids for s in strings]
    peer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    pairs = []
    for length in (4, 5, 8, 9, 16):
        peer.enable_truncation(length)
        for first, second in ((1, 9), (9, 1), (4, 4), (7, 8), (8, 7), (0, 20), (3, 5)):
            encoded = peer.encode("a " * first, "b " * second)
            pairs.append({"first": "a " * first, "second": "b " * second, "length": length, "ids": encoded.ids,
                          "types": encoded.type_ids})
    return {"vocab": vocab, "strings": strings, "ids": ids, "pairs": pairs}


golden = {"made_with": f"tokenizers {tokenizers.__version__}, Unicode {unicodedata.unidata_version}",
          "byte_pair": byte_pair(), "families": families(), "llama": llama(), "llama2c": llama2c(), "word_piece": bert()}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tokens.json")
with open(path, "w", encoding="ascii") as file:
    file.write("{" + ",\n".join(f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}"
                                for key, value in golden.items()) + "}\n")
