/// A named stream of random numbers: Philox 4x32-10, keyed by a seed and a spelled path.
///
/// A stream is a value. `child(_:_:)` hashes a name and an index into a new stream and never depends on how many numbers
/// were drawn, so `stream("train", step).child("augment", sample)` can be made in any order, on any thread, and a run
/// resumes at step k without replaying the steps before it. No other source of randomness exists in the project.
///
/// - Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3" (the published known answers are tests).
public struct RandomStream: Sendable, Equatable {
  /// 128 bits that name the stream: the Philox key and the upper half of its counter.
  var key: UInt64
  var lane: UInt64
  /// The next draw: block `position / 4`, word `position % 4`.
  var position: UInt64 = 0
  private var block: SIMD4<UInt32> = .zero

  /// The root stream of a seed.
  public init(seed: UInt64) {
    key = RandomStream.mix(seed &+ 0x9E37_79B9_7F4A_7C15)
    lane = RandomStream.mix(key ^ 0xD1B5_4A32_D192_ED03)
  }

  /// Whether both give the same numbers from here on.
  public static func == (a: RandomStream, b: RandomStream) -> Bool {
    a.key == b.key && a.lane == b.lane && a.position == b.position
  }

  /// The stream with this name (and number) below this one; the same whatever was drawn from either.
  public func child(_ name: String, _ index: Int = 0) -> RandomStream {
    var a = key ^ 0xCBF2_9CE4_8422_2325
    var b = lane
    for byte in name.utf8 {
      a = (a ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
      b = RandomStream.mix(b &+ UInt64(byte) &+ 0x9E37_79B9_7F4A_7C15)
    }
    let i = UInt64(bitPattern: Int64(index))
    var s = self
    s.key = RandomStream.mix(a ^ RandomStream.mix(i &+ 0x9E37_79B9_7F4A_7C15))
    s.lane = RandomStream.mix(b &+ RandomStream.mix(i ^ 0xD1B5_4A32_D192_ED03))
    s.position = 0
    s.block = .zero
    return s
  }

  /// SplitMix64's finaliser: a bijection in which every input bit moves every output bit.
  private static func mix(_ x: UInt64) -> UInt64 {
    var z = x
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// One block of Philox 4x32-10.
  static func philox(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
    var (c0, c1, c2, c3) = (counter[0], counter[1], counter[2], counter[3])
    var (k0, k1) = (key[0], key[1])
    for _ in 0..<10 {
      let p0 = UInt64(0xD251_1F53) &* UInt64(c0)
      let p1 = UInt64(0xCD9E_8D57) &* UInt64(c2)
      (c0, c1, c2, c3) = (
        UInt32(truncatingIfNeeded: p1 >> 32) ^ c1 ^ k0, UInt32(truncatingIfNeeded: p1),
        UInt32(truncatingIfNeeded: p0 >> 32) ^ c3 ^ k1, UInt32(truncatingIfNeeded: p0)
      )
      k0 = k0 &+ 0x9E37_79B9
      k1 = k1 &+ 0xBB67_AE85
    }
    return SIMD4(c0, c1, c2, c3)
  }

  /// The next 32 random bits.
  public mutating func next32() -> UInt32 {
    let word = Int(position & 3)
    if word == 0 {
      let n = position >> 2
      block = RandomStream.philox(
        counter: SIMD4(
          UInt32(truncatingIfNeeded: n), UInt32(truncatingIfNeeded: n >> 32), UInt32(truncatingIfNeeded: lane),
          UInt32(truncatingIfNeeded: lane >> 32)),
        key: SIMD2(UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32)))
    }
    position &+= 1
    return block[word]
  }

  /// The next 64 random bits.
  public mutating func next64() -> UInt64 {
    let low = UInt64(next32())
    return low | UInt64(next32()) << 32
  }

  /// Uniform in [0, 1), a multiple of 2^-53.
  public mutating func uniform() -> Double { Double(next64() >> 11) * 0x1p-53 }

  /// Uniform in [low, high).
  public mutating func uniform(_ low: Double, _ high: Double) -> Double {
    min(low + (high - low) * uniform(), max(low, high.nextDown))  // the sum may round up to high
  }

  /// Uniform in 0..<bound without bias (Lemire's multiplication with rejection).
  public mutating func integer(below bound: Int) -> Int {
    require(bound > 0 && bound <= Int(UInt32.max), "integer(below:) needs 1...2^32-1, got \(bound)")
    let n = UInt32(bound)
    var product = UInt64(next32()) &* UInt64(n)
    if UInt32(truncatingIfNeeded: product) < n {
      let threshold = (0 &- n) % n
      while UInt32(truncatingIfNeeded: product) < threshold { product = UInt64(next32()) &* UInt64(n) }
    }
    return Int(product >> 32)
  }

  /// True with the given probability.
  public mutating func bernoulli(_ probability: Double) -> Bool { uniform() < probability }

  /// The order 0..<count shuffled (Fisher and Yates).
  public mutating func permutation(_ count: Int) -> [Int] {
    var p = Array(0..<count)
    shuffle(&p)
    return p
  }

  /// Shuffles in place (Fisher and Yates).
  public mutating func shuffle<T>(_ items: inout [T]) {
    guard items.count > 1 else { return }
    for i in stride(from: items.count - 1, to: 0, by: -1) { items.swapAt(i, integer(below: i + 1)) }
  }
}
