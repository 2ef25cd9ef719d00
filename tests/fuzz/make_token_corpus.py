#!/usr/bin/env python3
"""Writes the seeds of the tokenisers' fuzz targets: python3 tests/fuzz/make_token_corpus.py"""
import json
import os
import struct

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")


def write(target, **seeds):
    folder = os.path.join(FOLDER, target)
    os.makedirs(folder, exist_ok=True)
    for name, content in seeds.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())


shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
letters = [chr(b) for b in shown] + [chr(256 + i) for i in range(68)]
compact = {"ensure_ascii": False, "separators": (",", ":")}
encoder = {letter: i for i, letter in enumerate(letters + ["ab", "Ġab", "abab", "<|endoftext|>"])}
merges = "#version: 0.2\na b\nĠ ab\nab ab"
write("gpt2_files", sound=merges + "\n" + json.dumps(encoder, **compact), no_merges="\n" + json.dumps(encoder, **compact),
      no_vocabulary=merges, no_bytes=merges + '\n{"a":0,"b":1,"ab":2}', three="a b c\n{}", same_id='a b\n{"a":0,"b":0}',
      broken_json='a b\n{"a":', one_word="a\n{}", empty="")

level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
special = {"id": 258, "content": "<|endoftext|>", "single_word": False, "lstrip": False, "rstrip": False,
           "normalized": False, "special": True}
plain = dict(special, id=259, content="<tool>", special=False)
vocab = {letter: i for i, letter in enumerate(letters + ["ab", "abab"])}
byte_pair = {"added_tokens": [special, plain], "normalizer": None, "pre_tokenizer": level,
             "model": {"type": "BPE", "vocab": vocab, "merges": ["a b", ["ab", "ab"]]}}
end = r"\s*[\r\n]+|\s+(?!\S)|\s+"
contractions, any_case = "(?i:'s|'t|'re|'ve|'m|'ll|'d)", r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
capitals, before = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*", r"[^\r\n\p{L}\p{N}]?"
llama3 = rf"{contractions}|{before}\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{end}"
gpt4o = (rf"{before}{any_case}{contractions}?|{before}{capitals}{contractions}?|\p{{N}}{{1,3}}"
         rf"| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{end}")
tekken = rf"{before}{any_case}|{before}{capitals}|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{end}"


def family(step, normalizer=None, ignore_merges=False, use_regex=False, **split):
    """byte_pair with a step before ByteLevel. The text to encode comes first: the fuzz target takes the beginning."""
    steps = [step, dict(level, use_regex=use_regex)] if step else [dict(level, **split, use_regex=use_regex)]
    return json.dumps({"text": "it'S I'LL 12345 \r\n\n  camelCase HTML e\u0301\u0323 \u1112\u1161\u11ab <tool>ab \U0001d11e!/\n",
                       "normalizer": normalizer,
                       "pre_tokenizer": {"type": "Sequence", "pretokenizers": steps} if step else steps[0],
                       "added_tokens": [special, dict(plain, normalized=True)],
                       "model": dict(byte_pair["model"], ignore_merges=ignore_merges)}, **compact)


def split(pattern, behavior="Isolated", invert=False):
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": invert}


nfc = {"type": "NFC"}
families = {"smollm": family({"type": "Digits", "individual_digits": True}, use_regex=True),
            "digits": family({"type": "Digits", "individual_digits": False}, use_regex=True),
            "llama3": family(split(llama3), ignore_merges=True), "gpt4": family(split(llama3, "Removed", True)),
            "qwen2": family(split(llama3.replace("{1,3}", "")), nfc), "gpt4o": family(split(gpt4o)),
            "tekken": family(split(tekken), ignore_merges=True), "whole": family(None),
            "neox": family(None, nfc, use_regex=True), "blank": family(None, use_regex=True, add_prefix_space=True),
            "other_pattern": family(split("(a*)*b"))}
names = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
llama = {"added_tokens": [dict(special, id=i, content=names[i]) for i in range(3)],
         "normalizer": {"type": "Sequence", "normalizers": [
             {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
         "model": {"type": "BPE", "byte_fallback": True, "merges": ["▁ a", "a b"],
                   "vocab": {name: i for i, name in enumerate(names + ["▁", "a", "b", "▁a", "ab", "é"])}}}
bert = {"added_tokens": [dict(special, id=0, content="[UNK]")], "normalizer": {"type": "BertNormalizer"},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": {"[UNK]": 0, "type": 1, "##s": 2, "{": 3, "\"": 4}}}
write("tokenizer_json", **families, byte_pair=json.dumps(byte_pair, **compact), llama=json.dumps(llama, **compact),
      bert=json.dumps(bert, **compact), characters='{"type":"characters","symbols":"{}:,\\"achrstypelombs"}',
      words='{"type":"words","words":["{\\"","type","\\":\\"","words","Ġa"]}', unigram='{"model":{"type":"Unigram"}}',
      no_merges='{"model":{"type":"BPE","vocab":{}},"pre_tokenizer":{"type":"ByteLevel"}}',
      llama2c='{"type":"llama2.c","pieces":["a"],"scores":[0]}', broken='{"model":{"type":"BPE","vocab":{"a"', empty="")


def llama2c(pieces, scores=None):
    data = struct.pack("<I", max(map(len, pieces), default=0))
    for i, piece in enumerate(pieces):
        data += struct.pack("<fI", scores[i] if scores else -i, len(piece)) + piece
    return data


base = ["<unk>", "\n<s>\n", "\n</s>\n"] + names[3:]
pieces = [name.encode() for name in base + [" ", "a", "b", "c", " a", "ab", "abc", "é", "éa"]]
write("llama2c", sound=llama2c(pieces), ties=llama2c(pieces, [0.0] * len(pieces)), few=llama2c(pieces[:100]),
      cut=llama2c(pieces)[:-3], nan=llama2c(pieces, [float("nan")] * len(pieces)), empty=b"", four=b"\0\0\0\0",
      twice=llama2c(pieces + pieces[260:]), huge=struct.pack("<IfI", 2**31, 0, 2**31))

tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "##re", "un", "##aff", "##able", ",", "北", "é", "e", "[", "]"]
write("word_piece", sound="\n".join(tokens) + "\n", windows="\r\n".join(tokens), no_unk="a\nb\n", blank="[UNK]\n\na",
      twice="[UNK]\na\na", only="[UNK]", broken=b"[UNK]\n\xff", marks="[UNK]\n##\n###\n####\n#\n", empty="")

write("tokens", words="the cat sat on the mat, that's the cat's mat. 1 12 123", blanks="  \n\n\t a \u00a0\u2003\u0085 b  ",
      scripts="Ünïcödé 漢字 кот 🙂👍🏽 e\u0301\u0323 İ ß ½ ٣", letters="a" * 100, broken=b"\xff\xc3(\xe2\x82\xf0\x9f\x98 ab",
      nul=b"\0\0a\0", stops="x\n\nyabz", marks="''s 're!!!---...<|endoftext|>", empty="")
