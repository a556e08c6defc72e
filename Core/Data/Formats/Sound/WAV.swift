import ReproConfig
import ReproTensor

/// A sound as samples in -1...1: RIFF WAVE files with integer or floating point PCM.
///
/// - Source: the RIFF/WAVE description of Microsoft and IBM, 1991, and its WAVE_FORMAT_EXTENSIBLE of 2001.
public struct WAVSound: Sendable, Equatable {
  /// Samples per second and channel.
  public var rate: Int
  public var channels: Int
  /// Frame by frame, channels interleaved. Integers of b bits are divided by 2^(b-1).
  public var samples: [Float]

  public init(rate: Int, channels: Int, samples: [Float]) {
    require(channels > 0 && samples.count % channels == 0, "\(samples.count) samples of \(channels) channels")
    (self.rate, self.channels, self.samples) = (rate, channels, samples)
  }

  /// Sample times.
  public var frames: Int { samples.count / channels }
  /// In seconds.
  public var duration: Double { Double(frames) / Double(rate) }

  /// The mean of all channels.
  public var mono: [Float] {
    if channels == 1 { return samples }
    return (0..<frames).map { t in
      var sum: Float = 0
      for c in 0..<channels { sum += samples[t * channels + c] }
      return sum / Float(channels)
    }
  }

  /// Reads 8 (unsigned), 16, 24 or 32 bit integers or 32 or 64 bit floats.
  ///
  /// - Throws: `ReproError` with the byte offset if the file is no WAVE file, is cut off, has another coding (A-law,
  ///   ADPCM, MP3), claims no or too many channels, or has a float that is not finite.
  public init(_ bytes: [UInt8], file: String) throws {
    self = try bytes.withUnsafeBytes { raw in
      var reader = try ByteReader(raw, file: file)
      guard try reader.take(4, "the signature").elementsEqual("RIFF".utf8) else {
        throw reader.error("this is not a WAVE file", expected: "RIFF", at: 0)
      }
      _ = try reader.little(4, "the size")
      guard try reader.take(4, "the form").elementsEqual("WAVE".utf8) else {
        throw reader.error("a RIFF file of another form", expected: "WAVE", at: 8)
      }
      var coding: Coding?
      while reader.remaining > 0 {
        let at = reader.offset
        let id = String(decoding: try reader.take(4, "a chunk's name"), as: UTF8.self)
        let size = Int(try reader.little(4, "a chunk's size"))
        switch id {
        case "fmt ":
          let end = reader.offset + size
          coding = try Coding(&reader, size, at)
          try reader.seek(end)
        case "data":
          guard let coding else { throw reader.error("samples before their format", expected: "a fmt chunk", at: at) }
          return try coding.decode(&reader, size, at)
        default: _ = try reader.take(size, "the chunk '\(clipped(id))'")
        }
        // Chunks begin at even offsets.
        if size % 2 == 1, reader.remaining > 0 { _ = try reader.take(1, "padding") }
      }
      throw reader.error("the file ends without samples", expected: "a data chunk")
    }
  }

  /// How the samples are stored.
  private struct Coding {
    var isFloat: Bool
    var channels, rate, bits: Int

    init(_ reader: inout ByteReader, _ size: Int, _ at: Int) throws {
      guard size >= 16 else { throw reader.error("a format of \(size) bytes", expected: "at least 16", at: at) }
      var kind = Int(try reader.little(2, "the coding"))
      channels = Int(try reader.little(2, "the channels"))
      rate = Int(try reader.little(4, "the rate"))
      _ = try reader.little(4, "the bytes per second")
      let block = Int(try reader.little(2, "the block size"))
      bits = Int(try reader.little(2, "the bits"))
      if kind == 0xFFFE {
        guard size >= 40 else { throw reader.error("an extended format of \(size) bytes", expected: "40", at: at) }
        _ = try reader.take(8, "the extension")
        kind = Int(try reader.little(2, "the coding"))
      }
      guard (kind == 1 && [8, 16, 24, 32].contains(bits)) || (kind == 3 && [32, 64].contains(bits)) else {
        throw reader.error("coding \(kind) with \(bits) bits", expected: "PCM of 8 to 32 or floats of 32 or 64", at: at)
      }
      guard (1...64).contains(channels), block == channels * bits / 8, (1...1_000_000).contains(rate) else {
        throw reader.error("\(channels) channels, blocks of \(block) bytes, \(rate) samples a second", at: at)
      }
      isFloat = kind == 3
    }

    func decode(_ reader: inout ByteReader, _ size: Int, _ at: Int) throws -> WAVSound {
      let width = bits / 8
      let start = reader.offset
      let data = try reader.take(size, "samples")
      guard size % (width * channels) == 0 else {
        throw reader.error("\(size) bytes of samples", expected: "a multiple of \(width * channels)", at: at)
      }
      let count = size / width
      var samples = [Float](repeating: 0, count: count)
      for i in 0..<count {
        let p = i * width
        switch (isFloat, width) {
        case (false, 1): samples[i] = (Float(data[p]) - 128) / 128
        case (false, 2):
          samples[i] = Float(data.loadUnaligned(fromByteOffset: p, as: Int16.self)) / 32_768
        case (false, 3):
          let value = Int32(data[p]) | Int32(data[p + 1]) << 8 | Int32(Int8(bitPattern: data[p + 2])) << 16
          samples[i] = Float(value) / 8_388_608
        case (false, _): samples[i] = Float(data.loadUnaligned(fromByteOffset: p, as: Int32.self)) / 2_147_483_648
        case (true, 4): samples[i] = data.loadUnaligned(fromByteOffset: p, as: Float.self)
        case (true, _): samples[i] = Float(data.loadUnaligned(fromByteOffset: p, as: Double.self))
        }
        guard samples[i].isFinite else {
          throw reader.error("sample \(i) is not finite", expected: "a number", at: start + p)
        }
      }
      return WAVSound(rate: rate, channels: channels, samples: samples)
    }
  }

  /// The bytes of a file with 16-bit samples; values beyond -1...1 are clipped.
  public var bytes: [UInt8] {
    require(channels < 1 << 15 && samples.count < 1 << 30, "\(samples.count) samples do not fit a WAVE file")
    var bytes: [UInt8] = []
    func put(_ value: Int, _ count: Int) {
      for k in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * k))) }
    }
    bytes += "RIFF".utf8
    put(36 + 2 * samples.count, 4)
    bytes += "WAVEfmt ".utf8
    for (value, count) in [
      (16, 4), (1, 2), (channels, 2), (rate, 4), (2 * channels * rate, 4), (2 * channels, 2), (16, 2),
    ] { put(value, count) }
    bytes += "data".utf8
    put(2 * samples.count, 4)
    for sample in samples {
      require(sample.isFinite, "a sample of a sound is \(sample)")
      put(Int(max(-32_768, min((sample * 32_768).rounded(), 32_767))), 2)
    }
    return bytes
  }
}
