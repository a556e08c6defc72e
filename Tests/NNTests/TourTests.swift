import Foundation
import ReproNN
import ReproTensor
import TestSupport
import Testing

/// The code of docs/tensor.md, compiled and run. What stands between a line `// Tour` and the end of its `do` is a block of
/// the page, word for word: `thePageShowsThisCode` compares them.
@Suite("The tour of the tensor core")
struct TourTests {
  private func expectAbout(_ a: Tensor, _ b: [Real], _ accuracy: Real = 1e-5) {
    #expect(a.count == b.count)
    for (x, y) in zip(a.values, b) { #expect(abs(x - y) <= accuracy, "\(x) and \(y)") }
  }

  @Test func tensorsAndShapes() {
    do {
      // Tour
      let x = Tensor([2, 3], [1, 2, 3, 4, 5, 6])  // [2, 3], row by row
      let column = x.select(1, 0)  // [2], a view: nothing is copied
      let rows = x.reshaped([3, -1])  // [3, 2]
      let centred = x - x.mean(0, keepsAxis: true)  // [2, 3] - [1, 3] broadcasts
      let y = matmul(x.transposed(), centred)  // [3, 2] [2, 3] -> [3, 3]
      // End
      #expect(column.values == [1, 4] && rows.shape == [3, 2])
      expectAbout(y, [4.5, 4.5, 4.5, 4.5, 4.5, 4.5, 4.5, 4.5, 4.5])
    }
  }

  @Test func values() {
    do {
      // Tour
      let a = Tensor.zeros([3])
      var b = a
      b.withMutableElements { $0[1] = 7 }  // copies first: a still sees the buffer
      let labels = IndexTensor([0, 2])
      let picked = Tensor([2, 3], [1, 2, 3, 4, 5, 6]).picked(labels)  // [2]
      // End
      #expect(a.values == [0, 0, 0] && b.values == [0, 7, 0] && picked.values == [1, 6])
    }
  }

  @Test func derivatives() {
    do {
      // Tour
      let w = Tensor([2], [3, -1]).tracked
      let loss = (w * w * w).sum()
      let g = gradients(of: loss, with: [w])[0]  // 3 w^2
      // End
      expectAbout(g, [27, 3])
      #expect(!g.isTracked)
    }
  }

  @Test func secondDerivatives() {
    do {
      // Tour
      let x = Tensor([2], [3, -1]).tracked
      let y = (x * x * x).sum()
      let slope = gradients(of: y, with: [x], createGraph: true)[0]  // 3 x^2, with a history
      let penalty = (slope.squared().sum().sqrt() - 1).squared()  // of the length of the gradient
      let bend = gradients(of: penalty, with: [x])[0]
      // End
      // |s| = sqrt(27^2 + 3^2); d/dx (|s| - 1)^2 = 2 (|s| - 1) s 6 x / |s|
      let length = Real(738).squareRoot()
      expectAbout(bend, [2 * (length - 1) * 27 * 18 / length, 2 * (length - 1) * 3 * -6 / length], 1e-2)
    }
  }

  @Test func stops() {
    do {
      // Tour
      let x = Tensor([2], [3, -1]).tracked
      let target = x.detached * 2  // a constant: no gradient flows through it
      let reversed = Tensor.custom("reversal", [x], forward: { $0[0] }) { gradient, _, _ in [-gradient] }
      let g = gradients(of: (reversed * target).sum(), with: [x])[0]
      // End
      expectAbout(g, [-6, 2])
    }
  }

  @Test func decompositions() {
    do {
      // Tour
      let a = Tensor([2, 2], [2, 1, 1, 3]).tracked
      let (values, vectors) = a.eigh()
      let root = matmul(vectors * values.sqrt().expandedAxis(-2), vectors.transposed())  // root root = a
      let g = gradients(of: root.sum(), with: [a])[0]
      // End
      expectAbout(matmul(root, root), [2, 1, 1, 3])
      #expect(g.shape == [2, 2])
      expectGradient(
        of: { x in
          let (w, v) = x[0].eigh()
          return matmul(v * w.sqrt().expandedAxis(-2), v.transposed())
        }, at: [a.detached])
    }
  }

  @Test func rotationsAndSpectra() {
    do {
      // Tour
      let turn = Tensor([3], [0, 0, Real.pi / 2]).axisAngleToMatrix()  // [3, 3]
      let motion = rigidMotion(rotation: turn, translation: Tensor([3], [1, 0, 0]))
      let moved = Tensor([1, 3], [1, 0, 0]).moved(by: motion)  // [[1, 1, 0]]

      let signal = Tensor([8], [0, 1, 0, -1, 0, 1, 0, -1])  // two waves in eight samples
      let power = signal.rfft().squared().sum(-1)  // [5]: all of it at frequency 2
      // End
      expectAbout(moved, [1, 1, 0])
      expectAbout(power, [0, 0, 16, 0, 0])
    }
  }

  @Test func layersAreValues() {
    do {
      // Tour
      let random = RandomStream(seed: 7)
      var student = MLP(4, hidden: 16, deviation: 0.5, random: random.child("model"))
      var teacher = student  // a copy: layers are values
      var optimizer = Optimizer(.sgd(momentum: 0.9, nesterov: false), for: student)
      var data = random.child("data")
      let x = data.normal([32, 4])

      var losses: [Real] = []
      for _ in 0..<50 {
        let (loss, gradients) = valueAndGradients(of: &student) { model in
          (model(x) - x.sin()).squared().mean()
        }
        optimizer.update(&student, gradients, rate: 0.05)
        teacher.average(with: student, rate: 0.9)  // a moving average of the weights
        losses.append(loss.item)
      }
      // End
      #expect(losses[49] < 0.2 * losses[0], "\(losses[0]) to \(losses[49])")
      #expect(student.parameters.map(\.path) == ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"])
      #expect(!sameBits(teacher.fc1.weight, student.fc1.weight))
    }
  }

  @Test func streams() {
    do {
      // Tour
      let root = RandomStream(seed: 7)
      var noise = root.child("train").child("step", 17).child("augment", 5)
      let crop = noise.integer(below: 33)  // 0..<33
      let jitter = noise.normal([3, 3], deviation: 0.1)

      var again = root.child("train").child("step", 17).child("augment", 5)
      let same = again.integer(below: 33) == crop && again.normal([3, 3], deviation: 0.1).values == jitter.values
      // End
      #expect(same && (0..<33).contains(crop))
    }
  }

  @Test func threads() {
    let before = ThreadPool.shared.threads
    defer { ThreadPool.shared.threads = before }
    do {
      // Tour
      var stream = RandomStream(seed: 1)
      let (a, b) = (stream.normal([300, 200]), stream.normal([200, 310]))
      let results = [1, 2, 8].map { threads in
        ThreadPool.shared.threads = threads
        return matmul(a, b).softmax().values
      }
      let identical = results[0] == results[1] && results[1] == results[2]  // every bit
      // End
      #expect(identical)
    }
  }

  /// The lines between the marks, without their indentation.
  private static func blocks(of source: String) -> [String] {
    var (found, block): ([String], [Substring]?) = ([], nil)
    for line in source.split(separator: "\n", omittingEmptySubsequences: false) {
      switch line.drop(while: { $0 == " " }) {
      case "// Tour": block = []
      case "// End":
        let lines = block ?? []
        let indent = lines.filter { !$0.isEmpty }.map { $0.prefix { $0 == " " }.count }.min() ?? 0
        found.append(lines.map { $0.dropFirst(indent) }.joined(separator: "\n"))
        block = nil
      default: block?.append(line)
      }
    }
    return found
  }

  @Test func thePageShowsThisCode() throws {
    let here = URL(filePath: #filePath).resolvingSymlinksInPath()
    let page = here.deletingLastPathComponent().appending(path: "../../docs/tensor.md").standardized
    let text = try String(contentsOf: page, encoding: .utf8)
    let shown = text.matches(of: /(?ms)^```swift\n(.*?)\n```$/).map { String($0.output.1) }
    let compiled = Self.blocks(of: try String(contentsOf: here, encoding: .utf8))
    #expect(compiled.count >= 8)
    #expect(shown == compiled)
  }
}
