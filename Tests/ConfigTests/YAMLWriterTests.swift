import ReproConfig
import Testing

@Suite struct YAMLWriterTests {
  @Test func orderQuotesLayoutAndCommentsDoNotChangeTheCanonicalText() throws {
    let a = try yaml("b: [1, 2]   # note\na: {y: 'word', x: ~}\n")
    let b = try yaml("a:\n  x:\n  \"y\": word\nb:\n- 1\n- 2\n")
    #expect(a.canonical == "{a: {x: null, y: word}, b: [1, 2]}\n")
    #expect(b.canonical == a.canonical)
  }

  @Test func whatMeansSomethingElseIsWrittenDifferently() throws {
    let texts = ["1", "'1'", "1.0", "true", "'true'", "null", "'null'", "''", "[]", "{}", "[1]", "'a b'", "'a  b'"]
    let written = try texts.map { try yaml("k: \($0)").canonical }
    #expect(Set(written).count == texts.count, "\(written)")
  }

  @Test func theCanonicalTextReadsBackAsItself() throws {
    let values = [
      "-", "--- a", "- a", "a: b", "#", "a #b", "&a", "*a", "!t", "%", "@", "`", "[a", "{a", "'", "\"", "\\", "|", ">",
      "?",
      "? a", ",", "1e3", "0x1p3", "~", "null", "yes", "line\nline", "tab\t", " lead", "trail ", "ü – 漢字 🙂", "\u{85}",
      "\u{2028}", "\u{FEFF}x", "\0", "\u{7F}", "..", "...", "--", String(repeating: "long ", count: 500), "a/b.c_d-e+f",
    ]
    for value in values {
      let mark = YAMLNode.Mark(file: "t", line: 1, column: 1)
      let scalar = YAMLNode(.scalar(value, quoted: true), at: mark)
      let key = value.utf8.count <= 200 ? value : "k"
      let node = YAMLNode(
        .mapping([
          .init(key: "list", keyMark: mark, value: YAMLNode(.sequence([scalar, scalar]), at: mark)),
          .init(key: key, keyMark: mark, value: scalar),
        ]), at: mark)
      for sorted in [false, true] {
        let text = node.yaml(sorted: sorted)
        let back = try yaml(text)
        #expect(back.yaml(sorted: sorted) == text)
        #expect(try back[key]?.string(named: "") == value)
      }
    }
  }

  @Test func deepAndEmptyCollectionsReadBack() throws {
    var node = try yaml("{e: [], m: {}, s: [[], {}, [[]], {a: {}}]}")
    for depth in 0..<60 {
      let content: YAMLNode.Content =
        depth % 2 == 0
        ? .sequence([node, try yaml("word")]) : .mapping([.init(key: "key", keyMark: node.mark, value: node)])
      node = YAMLNode(content, at: node.mark)
    }
    let text = node.canonical
    #expect(try yaml(text).canonical == text)
    #expect(text.split(separator: "\n").count > 60)
  }

  @Test func textForPeopleKeepsTheOrderAndStaysNarrow() throws {
    let text = try yaml(
      """
      {zebra: 1, apple: {type: adamw, lr: 0.001, warmup: 0.1, weight_decay: {from: 0.04, to: 0.4}, clip: 3, beta1: 0.9},
       stages: [{name: pretrain, steps: 100, optimizer: {type: adamw, lr: 0.001, warmup: 0.1, weight_decay: {from: 0.04, to: 0.4}}}]}
      """
    ).yaml()
    #expect(
      text == """
        zebra: 1
        apple:
          type: adamw
          lr: 0.001
          warmup: 0.1
          weight_decay: {from: 0.04, to: 0.4}
          clip: 3
          beta1: 0.9
        stages:
          - name: pretrain
            steps: 100
            optimizer: {type: adamw, lr: 0.001, warmup: 0.1, weight_decay: {from: 0.04, to: 0.4}}

        """)
  }
}
