import Glibc
import ReproEngine

/// The progress of a sweep: a bar for each running cell on a terminal, a line now and then in a pipe.
final class ProgressBoard {
  private let cells: [CellID]
  private let total: Int
  private var running: [(cell: Int, progress: CellProgress?)] = []
  private var finished = 0
  private var drawnLines = 0
  private var lastDrawn = 0.0
  private var announced: [Int: Int] = [:]
  private let nameWidth: Int

  init(cells: [CellID], waiting: [Int]) {
    self.cells = cells
    total = waiting.count
    nameWidth = cells.map { "\($0.arm)-\($0.seed)".count }.max() ?? 0
    if cells.count > waiting.count {
      Terminal.write("\(cells.count - waiting.count) of \(cells.count) runs are already finished\n")
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
      let quarter = progress.step * 4 / max(progress.steps, 1)
      if announced[cell] != quarter {
        announced[cell] = quarter
        Terminal.write(text(cell, progress) + "\n")
      }
    }
  }

  func end(_ cell: Int, failed: Bool) {
    running.removeAll { $0.cell == cell }
    announced[cell] = nil
    finished += 1
    if !Terminal.isInteractive {
      let id = cells[cell]
      Terminal.write("\(id.arm)-\(id.seed): \(failed ? "failed" : "done") (\(finished) of \(total))\n")
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

  private func erase() {
    guard Terminal.isInteractive, drawnLines > 0 else { return }
    Terminal.write("\u{1B}[\(drawnLines)F\u{1B}[J")
    drawnLines = 0
  }

  private func draw(force: Bool) {
    guard Terminal.isInteractive else { return }
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    let now = Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    guard force || now - lastDrawn > 0.1 else { return }
    lastDrawn = now
    erase()
    var lines = running.map { cell, progress in
      progress.map { text(cell, $0) } ?? "\(padded(cell))  preparing"
    }
    lines.append(Terminal.dim("\(finished) of \(total) runs done"))
    for line in lines { Terminal.write(String(line.prefix(Terminal.width - 1)) + "\n") }
    drawnLines = lines.count
  }

  private func padded(_ cell: Int) -> String {
    let name = "\(cells[cell].arm)-\(cells[cell].seed)"
    return name + String(repeating: " ", count: nameWidth - name.count)
  }

  private func text(_ cell: Int, _ p: CellProgress) -> String {
    let width = 20
    let full = width * p.step / max(p.steps, 1)
    let bar = String(repeating: "#", count: full) + String(repeating: ".", count: width - full)
    let terms = p.metrics.items.prefix(4).map { "\($0.name) \(decimals($0.value, 3))" }.joined(separator: "  ")
    return "\(padded(cell))  \(p.stage) [\(bar)] \(p.step)/\(p.steps)  \(decimals(p.samplesPerSecond, 0))/s  "
      + "\(duration(p.secondsLeft)) left  \(terms)"
  }
}
