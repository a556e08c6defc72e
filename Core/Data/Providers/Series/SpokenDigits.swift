import ReproConfig
import ReproTensor

/// The Free Spoken Digit Dataset: 3,000 recordings of the digits 0 to 9 by six speakers, 8 kHz, one channel.
///
/// Official split: recordings 0 to 4 of each speaker and digit test, 5 to 49 train. Options: `seconds` (0.1 to 3,
/// default 1: longer recordings are cut at their end, shorter ones filled with silence), `train`, `validation`, `test`
/// (numbers of samples). Columns: `sound` `[T]` in -1...1, `label` (digit), `speaker`, `duration` (seconds).
///
/// Source: Jackson et al., github.com/Jakobovski/free-spoken-digit-dataset, doi:10.5281/zenodo.1342401.
public struct SpokenDigits: TabledDataset {
  public static let card = DatasetCard(.fsdd, source: "Jackson et al., Free Spoken Digit Dataset, zenodo.1342401")

  static let rate = 8000
  static let speakers = ["george", "jackson", "lucas", "nicolas", "theo", "yweweler"]
  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let seconds = try options.double("seconds", in: 0.1...3, default: 1)
    var sounds: [[Float]] = []
    var (digits, voices, counts): ([Int], [Int], [Int]) = ([], [], [])
    for part in ["train", "test"] {
      let name = "fsdd_\(part).tar.gz"
      let tar = try TarArchive(root.unpacked(name, of: .fsdd), file: "fsdd/\(name)")
      for (member, range) in tar.files where member.hasSuffix(".wav") {
        let place = "fsdd/\(name):\(member)"
        // {digit}_{speaker}_{index}.wav
        let words = Path.name(member).split(separator: "_").map(String.init)
        guard words.count == 3, let digit = Int(words[0]), let voice = Self.speakers.firstIndex(of: words[1]) else {
          throw ReproError.data(place, "the name of a recording", expected: "{digit}_{speaker}_{index}.wav")
        }
        let sound = try WAVSound(Array(tar.bytes[range]), file: place)
        guard sound.rate == Self.rate, sound.channels == 1 else {
          throw ReproError.data(place, "\(sound.rate) Hz, \(sound.channels) channels", expected: "8000 Hz, one channel")
        }
        sounds.append(sound.samples)
        digits.append(digit)
        voices.append(voice)
      }
      counts.append(sounds.count)
    }
    let length = Int((seconds * Double(Self.rate)).rounded())
    let rows = try PublishedParts(train: counts[0], test: counts[1] - counts[0])
      .taken(&options, labels: digits, classes: 10, root: root)
    samples = try SampleTable(
      .fsdd,
      columns: [
        .computed("sound", shape: [length], count: sounds.count) { [sounds] row, target in
          for t in 0..<length { target[t] = t < sounds[row].count ? Real(sounds[row][t]) : 0 }
        },
        try .labels(digits, classes: (0...9).map { "\($0)" }, source: "fsdd"),
        try .labels(voices, named: "speaker", classes: Self.speakers, source: "fsdd"),
        try .reals(
          "duration", sounds.map { Float($0.count) / Float(Self.rate) }, shape: [], unit: "s", source: "fsdd"),
      ], rows: rows)
  }
}
