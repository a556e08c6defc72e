import Glibc
import ReproConfig
import ReproEngine
import ReproTensor

/// What was measured of one workload; its JSON has the fields of the reference script first.
struct BenchResult {
  var workload: String
  var unit: String
  var threads: Int
  var steps: Int
  /// Seconds of one step.
  var median, least: Double
  /// Processor seconds of one step on average, all threads together, waiting ones included: says more than the median on a
  /// machine that others use, too.
  var processor: Double
  /// Units of the workload in a second, at the median.
  var perSecond: Double
  /// Largest resident memory of the process, MiB.
  var memory: Double
  /// The most that tensors alone took at once, MiB.
  var tensors: Double
  /// GFLOP/s of the products, at the median.
  var gflops: Double?
  /// Buffers that a step took from the system, on average: 0 once the buffer cache holds what a step needs.
  var allocations: Double
  /// Where the time of the timed steps went; nil if nobody asked.
  var profile: [Profile.Row]?

  /// Runs a workload in this process.
  ///
  /// - Parameters:
  ///   - steps: timed steps; nil for the workload's own number.
  ///   - profiles: whether the ops of the timed steps are timed, too (which takes a little time itself).
  init(_ workload: Workload, steps: Int?, profiles: Bool = false) throws {
    let step = try workload.prepare()
    for _ in 0..<Workload.warmUps { try step.run() }
    let count = steps ?? workload.steps
    var times: [Double] = []
    times.reserveCapacity(count)
    let before = BufferCache.shared.counters.systemAllocations
    if profiles { Profile.start() }
    let processorBefore = ProcessorTime.seconds
    for _ in 0..<count {
      let start = Signals.seconds()
      try step.run()
      times.append(Signals.seconds() - start)
    }
    if profiles { profile = Profile.stop() }
    let after = BufferCache.shared.counters.systemAllocations
    let processorAfter = ProcessorTime.seconds
    times.sort()
    self.workload = workload.name
    unit = workload.unit
    threads = ThreadPool.shared.threads
    self.steps = count
    (median, least) = (times[count / 2], times[0])
    perSecond = step.units / median
    processor = (processorAfter - processorBefore) / Double(count)
    memory = Self.largestMemory
    tensors = Double(BufferCache.shared.counters.peakBytes) / 1_048_576
    gflops = step.operations.map { [median] in $0 / median * 1e-9 }
    allocations = Double(after - before) / Double(count)
  }

  /// The most memory that this process has had so far, MiB.
  private static var largestMemory: Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return Double(usage.ru_maxrss) / 1024
  }

  var json: JSONValue {
    var object: JSONValue = [
      "impl": .string("repro \(InstructionSet.current.rawValue)"), "workload": .string(workload),
      "threads": .int(threads), "median_s": .double(median), "min_s": .double(least), "per_s": .double(perSecond),
      "maxrss_mib": .double(memory), "tensors_mib": .double(tensors), "steps": .int(steps), "unit": .string(unit),
      "processor_s": .double(processor),
      "allocations_per_step": .double(allocations),
    ]
    if let gflops { object["gflops"] = .double(gflops) }
    if let profile { object["profile"] = ProfileFile.json(profile) }
    return object
  }

  /// Reads what `json` wrote.
  init(_ json: JSONValue) throws(ReproError) {
    let place = "bench"
    workload = try json.required("workload", as: \.string, at: place)
    unit = try json.required("unit", as: \.string, at: place)
    threads = try json.required("threads", as: \.int, at: place)
    steps = try json.required("steps", as: \.int, at: place)
    median = try json.required("median_s", as: \.double, at: place)
    least = try json.required("min_s", as: \.double, at: place)
    perSecond = try json.required("per_s", as: \.double, at: place)
    memory = try json.required("maxrss_mib", as: \.double, at: place)
    tensors = try json.required("tensors_mib", as: \.double, at: place)
    processor = try json.required("processor_s", as: \.double, at: place)
    allocations = try json.required("allocations_per_step", as: \.double, at: place)
    gflops = json["gflops"]?.double
    if let rows = json["profile"] { profile = try ProfileFile.rows(rows, at: place) }
  }

  static let header = [
    "workload", "threads", "median", "least", "per second", "unit", "GFLOP/s", "peak MiB", "allocations",
  ]
  static let rightAligned: Set<Int> = [1, 2, 3, 4, 6, 7, 8]

  var row: [String] {
    [
      workload, "\(threads)", shortTime(median), shortTime(least), grouped(perSecond), unit,
      gflops.map { decimals($0, 1) } ?? "-", decimals(memory, 0), decimals(allocations, 1),
    ]
  }
}

/// A duration of a measurement: 1.234 s, 12.3 ms, 4.56 us.
func shortTime(_ seconds: Double) -> String {
  for (unit, scale) in [("s", 1.0), ("ms", 1e3), ("us", 1e6)] where seconds * scale >= 1 {
    let value = seconds * scale
    return decimals(value, value < 10 ? 3 : value < 100 ? 2 : 1) + " " + unit
  }
  return decimals(seconds * 1e9, 1) + " ns"
}

/// A count with blanks between thousands: 1 234 567; one decimal below 100.
func grouped(_ value: Double) -> String {
  guard value.isFinite, value >= 100, value < 1e18 else { return decimals(value, 1) }
  var digits = Array("\(Int(value.rounded()))")
  var at = digits.count - 3
  while at > 0 {
    digits.insert(" ", at: at)
    at -= 3
  }
  return String(digits)
}
