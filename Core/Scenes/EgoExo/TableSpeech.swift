import ReproData
import ReproTensor

/// What people say while they do things at the table.
enum TableSpeech {
  static let starts = [
    "so now we are going to", "okay next you want to", "and then i just", "alright let us", "now you can see me",
  ]
  static let ends = ["", "here", "like this", "real quick", "just like that"]
  /// What has nothing to do with the picture.
  static let chatter = [
    "thanks for watching everybody", "do not forget to subscribe", "my grandmother taught me this years ago",
    "so how was your weekend", "you can find the list in the description", "this is my favourite part of the day",
    "i will be right back", "it is really hot in here today",
  ]

  /// A sentence about an action; in a share of the cases its verb or its noun is wrong.
  static func transcript(
    _ verb: TableVerb, _ noun: TableNoun, slips: Double, _ random: inout RandomStream
  ) -> (text: String, isSlip: Bool) {
    var (said, what) = (verb, noun)
    let isSlip = random.bernoulli(slips)
    if isSlip {
      if random.bernoulli(0.5) || verb == .wave || verb == .walk {
        said = random.pick(TableVerb.allCases.filter { $0 != verb })
      } else {
        what = random.pick(TableNoun.allCases.filter { $0 != noun })
      }
    }
    let name = random.bernoulli(0.5) ? what.alias : what.name
    let end = random.pick(ends)
    var text = "\(random.pick(starts)) \(said.colloquial)"
    switch said {
    case .wave: break
    case .walk: text += " there"
    default: text += " the \(name)"
    }
    return (end.isEmpty ? text : "\(text) \(end)", isSlip)
  }

  /// All words of narrations and transcripts, in a fixed order.
  static let vocabulary: WordVocabulary = {
    var texts = starts + ends + chatter
    texts += TableVerb.allCases.flatMap { [$0.sentence("the", "the"), $0.colloquial] }
    texts += TableNoun.allCases.flatMap { [$0.name, $0.alias] } + NamedColor.allCases.map(\.name)
    texts += ["C a an the there"]
    return WordVocabulary(words: texts.flatMap { WordVocabulary.split($0) })
  }()
}

extension ScenesEgoExo {
  /// All words of `narration` and `transcript`; `scenes-web-video` speaks the same language.
  public static let vocabulary = TableSpeech.vocabulary
}
