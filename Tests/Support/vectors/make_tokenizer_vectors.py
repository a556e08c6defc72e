"""Writes tokenizers.json and the vocabularies beside it, by Hugging Face's `tokenizers` (pip install tokenizers).

    python3 Tests/Support/vectors/make_tokenizer_vectors.py

A few hundred merges and word pieces are learnt from the sentences below; then both tokenizers read texts that try every rule.
CLIP's authors moreover resolve character references twice before they cut: Python's `html.unescape` stands for that.
"""

import gzip
import html
import json
import pathlib

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

FOLDER = pathlib.Path(__file__).parent
CORPUS = [
    "a photo of a small red cube and a large striped ball on the floor",
    "this picture shows the spotted lamp to the left of two yellow cylinders",
    "we can't see what they're doing, but it's the children's favourite place: they'll have seen 1234 things",
    "natural language supervision helps zero-shot transfer; representation learning without labels, unlabelled or not",
    "Crème brûlée, naïve façades and Ångström units in Zürich; der größte Hörsaal; πολύ καλά; очень хорошо",
    "tokenization of unaffordable words: re-reading, untrained, retrained, training, trainer, walks, walked, walking",
] * 3
TEXTS = [
    "a photo of a small red cube", "A Photo Of A SMALL Red Cube!", "  spaces\tand\nnew   lines  ", "", "   ", "x",
    "they're can't it's we'll I'd you've I'm rock'n'roll 'quoted'", "IT'S THEY'RE", "1234 things cost $5.50 (or 7%)",
    "zero-shot, re-reading; end...", "Crème brûlée", "Cre\u0300me bru\u0302le\u0301e", "Ångström ÄÖÜ ß", "İstanbul",
    "πολύ καλά ΟΔΟΣ", "очень хорошо", "日本語 テスト 한국어", "emoji 😀👍🏽 and \u200bzero\ufeffwidth", "a\u00a0b\u2003c", "½ ² Ⅷ ٣",
    "hello\u0000world\ufffd!", "tab\x07bell", "unaffordable supercalifragilisticexpialidocious", "w" * 101, "w" * 100,
    "[CLS] [MASK] [SEP]", "<|startoftext|>cube<|endoftext|>", "«quotes» — dashes – and… ellipsis", "under_score ^hat~ `tick`",
    "http://example.org/a?b=c&d=e", "\u093e\u0928\u092e\u0938\u094d\u0924\u0947", "don\u2019t", "!'s ''s x's",
]  # fmt: skip
REFERENCES = ["salt &amp; pepper", "&lt;b&gt; &quot;x&quot;", "caf&#233; &#xE9;", "AT&amp;amp;T", "a & b &", "&amp", "&nbsp;x&nbsp;"]


def clip():
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.normalizer = normalizers.Lowercase()
    cut = pre_tokenizers.Sequence([
        pre_tokenizers.Split(
            Regex(r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"),
            behavior="removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])  # fmt: skip
    learner.pre_tokenizer = cut
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    learner.train_from_iterator(
        CORPUS, trainers.BpeTrainer(vocab_size=1050, end_of_word_suffix="</w>", initial_alphabet=alphabet, show_progress=False))
    merges = [tuple(m) for m in json.loads(learner.to_str())["model"]["merges"]][:400]
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(b) for b in printable] + [chr(256 + i) for i in range(256 - len(printable))]
    vocabulary = letters + [c + "</w>" for c in letters] + [a + b for a, b in merges] + ["<|startoftext|>", "<|endoftext|>"]
    assert len(set(vocabulary)) == len(vocabulary)
    numbers = {token: i for i, token in enumerate(vocabulary)}
    model = Tokenizer(models.BPE(numbers, merges, end_of_word_suffix="</w>", continuing_subword_prefix=""))
    model.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    model.pre_tokenizer = cut
    model.add_special_tokens(["<|startoftext|>", "<|endoftext|>"])
    # The headline of the authors' file, so that a reader who takes it for a merge is found out.
    text = "\n".join(['"small"#version: 0.2'] + [f"{a} {b}" for a, b in merges]) + "\n"
    (FOLDER / "clip_merges.txt").write_text(text, encoding="utf-8")
    (FOLDER / "clip_merges.txt.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    cases = [{"text": t, "tokens": model.encode(t).ids} for t in TEXTS]
    cases += [{"text": t, "tokens": model.encode(html.unescape(html.unescape(t)).strip()).ids} for t in REFERENCES]
    return {"count": len(vocabulary), "cases": cases}


def wordpiece(uncased):
    def prepared(model):
        model.normalizer = normalizers.BertNormalizer(lowercase=uncased, strip_accents=uncased)
        model.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        model.decoder = decoders.WordPiece()
        return model

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    learner = prepared(Tokenizer(models.WordPiece(unk_token="[UNK]")))
    learner.train_from_iterator(
        CORPUS, trainers.WordPieceTrainer(vocab_size=400, special_tokens=special, show_progress=False))
    found = learner.get_vocab()
    tokens = sorted(found, key=found.get)
    name = f"bert_vocab_{'un' if uncased else ''}cased.txt"
    (FOLDER / name).write_text("\n".join(tokens) + "\n", encoding="utf-8")
    model = prepared(Tokenizer(models.WordPiece(found, unk_token="[UNK]", max_input_chars_per_word=100)))
    texts = [t for t in TEXTS if t != "[CLS] [MASK] [SEP]"] + ["[brackets]"]
    return {"count": len(tokens), "cases": [{"text": t, "tokens": model.encode(t).ids} for t in texts]}


result = {"clip": clip(), "uncased": wordpiece(True), "cased": wordpiece(False)}
(FOLDER / "tokenizers.json").write_text(json.dumps(result, ensure_ascii=True, separators=(",", ":")) + "\n")
for name, found in result.items():
    print(name, found["count"], "tokens", len(found["cases"]), "cases")
