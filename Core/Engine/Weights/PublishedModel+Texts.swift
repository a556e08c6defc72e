import ReproConfig
import ReproData
import ReproNN
import ReproTensor

extension PublishedModel {
  func clip(_ f: FileSizes, _ choices: Choices, _ random: RandomStream) throws -> (any Layer, KeyMap) {
    let stem = try f.shape("visual.conv1.weight", rank: 4)
    guard f.view["visual.class_embedding"] != nil else {
      throw f.fail("the image tower is no vision transformer", expected: "'visual.class_embedding'")
    }
    let places = try f.shape("visual.positional_embedding", rank: 2)
    let texts = try f.shape("positional_embedding", rank: 2)
    let image = CLIPConfiguration.Tower(
      width: try f.positive(stem[0], "visual.conv1.weight"), depth: try f.depth("visual.transformer.resblocks."),
      heads: try f.heads(choices.heads, width: stem[0]))
    let text = CLIPConfiguration.Tower(
      width: try f.positive(texts[1], "positional_embedding"), depth: try f.depth("transformer.resblocks."),
      heads: try f.heads(choices.textHeads ?? choices.heads, width: texts[1]))
    guard stem[2] == stem[3], stem[2] > 0, stem[1] > 0 else {
      throw f.fail("'visual.conv1.weight' is \(stem)", expected: "[D, C, p, p]")
    }
    var c = CLIPConfiguration(
      image: image, text: text, patch: stem[2], side: try f.side(places[0] - 1, "visual.positional_embedding"),
      vocabulary: try f.positive(try f.shape("token_embedding.weight", rank: 2)[0], "token_embedding.weight"),
      context: try f.positive(texts[0], "positional_embedding"),
      embedding: try f.positive(try f.shape("text_projection", rank: 2)[1], "text_projection"))
    c.channels = stem[1]
    // OpenAI's own files tell their sizes in three arrays that OpenCLIP's do not have.
    let isOpenAI = f.view["input_resolution"] != nil || f.view.file.notes.contains { $0.name == "input_resolution" }
    c.activation = choices.quickGELU ?? isOpenAI ? .quickGELU : .gelu
    let known: Set<String> = ["input_resolution", "context_length", "vocab_size", "attn_mask"]
    let map = KeyMap(source: { .array(PublishedModel.clipName($0)) }, ignoring: { known.contains($0) })
    return (CLIP(c, random: random), map)
  }

  /// Our name of a parameter in CLIP's words.
  static func clipName(_ path: String) -> String {
    var name = path.hasPrefix("text.") ? String(path.dropFirst(5)) : path
    let isVisual = name.hasPrefix("visual.")
    if name.hasPrefix((isVisual ? "visual." : "") + "transformer.norm.") {
      let end = name.split(separator: ".").last ?? ""
      return isVisual ? "visual.ln_post.\(end)" : "ln_final.\(end)"
    }
    for (ours, theirs) in [
      ("transformer.layers.", "transformer.resblocks."), (".self_attn.", ".attn."), (".linear1.", ".mlp.c_fc."),
      (".linear2.", ".mlp.c_proj."), (".norm1.", ".ln_1."), (".norm2.", ".ln_2."),
    ] { name = name.replacing(ours, with: theirs) }
    return name
  }

  func bert(_ f: FileSizes, _ choices: Choices, _ random: RandomStream) throws -> (any Layer, KeyMap) {
    let words = try f.shape("embeddings.word_embeddings.weight", rank: 2)
    let places = try f.shape("embeddings.position_embeddings.weight", rank: 2)
    let types = try f.shape("embeddings.token_type_embeddings.weight", rank: 2)
    let hidden = try f.shape("encoder.layer.0.intermediate.dense.weight", rank: 2)[0]
    let width = try f.positive(words[1], "embeddings.word_embeddings.weight")
    // MiniLM keeps twelve heads at a width of 384.
    let heads = try f.heads(choices.heads, width: width, usual: width == 384 ? 32 : 64)
    var c = BERTConfiguration(
      vocabulary: try f.positive(words[0], "embeddings.word_embeddings.weight"),
      positions: try f.positive(places[0], "embeddings.position_embeddings.weight"),
      types: try f.positive(types[0], "embeddings.token_type_embeddings.weight"), width: width,
      depth: try f.depth("encoder.layer."), heads: heads,
      hidden: try f.positive(hidden, "encoder.layer.0.intermediate.dense.weight"))
    c.hasPooler = f.view["pooler.dense.weight"] != nil
    let map = KeyMap(
      source: PublishedModel.bertSource,
      ignoring: { $0 == "embeddings.position_ids" || $0.hasPrefix("cls.") })
    return (BERT(c, random: random), map)
  }

  /// Where a parameter of our BERT stands in Hugging Face's.
  @Sendable static func bertSource(_ path: String) -> KeyMap.Source {
    let parts = path.split(separator: ".").map(String.init)
    switch parts[0] {
    case "encoder":
      let layer = "encoder.layer.\(parts[2])."
      let end = parts.last ?? ""
      switch parts[3] {
      case "self_attn" where end.hasPrefix("in_proj"):
        let kind = end == "in_proj_weight" ? "weight" : "bias"
        return .stacked(["query", "key", "value"].map { "\(layer)attention.self.\($0).\(kind)" })
      case "self_attn": return .array("\(layer)attention.output.dense.\(end)")
      case "linear1": return .array("\(layer)intermediate.dense.\(end)")
      case "linear2": return .array("\(layer)output.dense.\(end)")
      case "norm1": return .array("\(layer)attention.output.LayerNorm.\(end)")
      default: return .array("\(layer)output.LayerNorm.\(end)")
      }
    case "norm": return .array("embeddings.LayerNorm.\(parts[1])")
    case "pooler": return .array("pooler.dense.\(parts[1])")
    default: return .array("embeddings.\(path)")
    }
  }
}
