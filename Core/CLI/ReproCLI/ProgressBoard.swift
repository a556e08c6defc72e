import ReproEngine

/// The progress of a sweep: a bar for each running cell on a terminal, a line now and then in a pipe.
final class ProgressBoard {
  private let cells: [CellID]
  private let total: Int
  private var running: [(cell: Int, progress: CellProgress?)] = []
  private var finished = 0
  private var drawnLines = 0
  private var lastDrawn = 0.0
  private var announced: [Int: String] = [:]
  private let nameWidth: Int
  private let started = Signals.seconds()

  init(cells: [CellID], waiting: [Int]) {
    self.cells = cells
    total = waiting.count
    nameWidth = waiting.map { "\(cells[$0].arm)-\(cells[$0].seed)".count }.max() ?? 0
    if cells.count > waiting.count {
      Terminal.write("\(cells.count - waiting.count) of \(counted(cells.count, "run")) finished earlier\n")
    }
  }

  func start(_ cell: Int) {
    running.append((cell, nil))
    draw(force: true)
  }

  func update(_ cell: Int, _ progress: CellProgress) {
    for i in running.indices where running[i].cell == cell { running[i].progress = progress }
    if Terminal.isInteractive {
      draw(force: false)
    } else {
      // A line at each quarter of a stage.
      let place = "\(progress.stage) \(progress.step * 4 / max(progress.steps, 1))"
      if announced[cell] != place {
        announced[cell] = place
        Terminal.write(ProgressLine(name(cell), progress).text(width: nil, nameWidth: nameWidth) + "\n")
      }
    }
  }

  func end(_ cell: Int, failed: Bool) {
    running.removeAll { $0.cell == cell }
    announced[cell] = nil
    finished += 1
    if !Terminal.isInteractive {
      Terminal.write("\(name(cell)): \(failed ? "failed" : "done") (\(finished) of \(total))\n")
    }
    draw(force: true)
  }

  /// A line above the bars.
  func say(_ text: String) {
    erase()
    Terminal.error(text)
    draw(force: true)
  }

  func close() { erase() }

  private func name(_ cell: Int) -> String { "\(cells[cell].arm)-\(cells[cell].seed)" }

  private func erase() {
    guard Terminal.isInteractive, drawnLines > 0 else { return }
    Terminal.write("\u{1B}[\(drawnLines)F\u{1B}[J")
    drawnLines = 0
  }

  /// Writes the new lines over the old ones, at once: nothing flickers.
  private func draw(force: Bool) {
    guard Terminal.isInteractive else { return }
    let now = Signals.seconds()
    guard force || now - lastDrawn > 0.1 else { return }
    lastDrawn = now
    let width = Terminal.width - 1
    var lines = running.map { cell, progress in
      progress.map { ProgressLine(name(cell), $0).text(width: width, nameWidth: nameWidth) }
        ?? "\(name(cell))  preparing"
    }
    lines.append(Terminal.dim("\(finished) of \(counted(total, "run")) done" + left(now)))
    var text = drawnLines > 0 ? "\u{1B}[\(drawnLines)F" : ""
    for line in lines { text += "\u{1B}[K\(line)\n" }
    Terminal.write(text + "\u{1B}[J")
    drawnLines = lines.count
  }

  /// What is left of all runs, from the share that is done; silent before there is enough to judge from.
  private func left(_ now: Double) -> String {
    var done = Double(finished)
    for (_, progress) in running {
      if let progress { done += Double(progress.step) / Double(max(progress.steps, 1)) }
    }
    let elapsed = now - started
    guard finished < total, elapsed > 5, done > 0.02 * Double(total) else { return "" }
    return ", about \(duration(elapsed / done * (Double(total) - done))) left"
  }
}

/// How far one run is, on one line.
struct ProgressLine {
  private let name: String
  private let progress: CellProgress

  init(_ name: String, _ progress: CellProgress) { (self.name, self.progress) = (name, progress) }

  /// - Parameters:
  ///   - width: what does not fit is left out from the right, never cut; nil for no limit.
  ///   - nameWidth: names are padded to this width.
  func text(width: Int?, nameWidth: Int) -> String {
    let p = progress
    let cells = (width ?? 120) < 100 ? 10 : 20
    let full = cells * p.step / max(p.steps, 1)
    let bar = String(repeating: "#", count: full) + String(repeating: ".", count: cells - full)
    let steps = "\(p.steps)"
    var parts = [
      "\(padded(name, nameWidth))  \(p.stage) [\(bar)] \(padded("\(p.step)", steps.count, right: true))/\(steps)"
    ]
    if p.samplesPerSecond > 0 { parts.append(padded("\(decimals(p.samplesPerSecond, 0))/s", 6, right: true)) }
    if p.step < p.steps { parts.append("\(clock(p.secondsLeft)) left") }
    parts += p.metrics.items.map { "\($0.name) \(short($0.value))" }
    var line = parts[0]
    for part in parts.dropFirst() {
      if let width, line.count + 2 + part.count > width { break }
      line += "  " + part
    }
    return width.map { TextTable.clipped(line, to: $0) } ?? line
  }

  private func padded(_ text: String, _ width: Int, right: Bool = false) -> String {
    let pad = String(repeating: " ", count: max(0, width - text.count))
    return right ? pad + text : text + pad
  }

  /// 0:48, 3:05, 2:10:00.
  private func clock(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "?" }
    let s = Int(max(0, seconds).rounded())
    func two(_ n: Int) -> String { n < 10 ? "0\(n)" : "\(n)" }
    return s < 3600 ? "\(s / 60):\(two(s % 60))" : "\(s / 3600):\(two(s / 60 % 60)):\(two(s % 60))"
  }

  /// Four digits or so: 6.012, 0.043, 132.5.
  private func short(_ value: Double) -> String { decimals(value, value.magnitude < 100 ? 3 : 1) }
}
