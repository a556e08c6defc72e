import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// A histogram of colours: what a picture's pixels say without their places, and without training.
///
///     h_c = sqrt( share of pixels whose red, green and blue lie in cell c ),   bins^3 cells
///
/// - Source: Swain and Ballard 1991, "Color indexing" (not on arXiv); the root as in Arandjelovic and Zisserman 2012,
///   "Three things everyone should know to improve object retrieval".
public struct ColourHistogram: MethodPlugin {
  public static let card = MethodCard(
    id: "colour-histogram", title: "Colour histogram", year: 1991, arxiv: nil, family: .baseline)

  /// Cells along each channel.
  let bins: Int

  public init(_ s: inout Section) throws(ReproError) { bins = try s.int("bins", in: 2...16, default: 4) }

  /// Nothing is trained.
  public struct State: Layer {
    public mutating func visit(_ v: inout some LayerVisitor) {}
  }

  public func makeState(for data: DataSpec, random: RandomStream) throws -> State {
    guard case .image(_, _, 3) = data[field: "image"]?.kind else {
      throw ReproError(
        .usage, at: "method.type", found: "the data set has the columns \(data.fields.map(\.name))",
        expected: "colour images in the column 'image'")
    }
    return State()
  }

  public func step(_ state: inout State, _ context: inout StepContext) throws -> Metrics { ["loss": 0] }

  public func embed(_ state: State, _ batch: Batch) throws -> Features {
    let images = batch.images()
    let (area, cells) = (images.height * images.width, bins * bins * bins)
    let counts = Tensor(
      [images.count, cells],
      filling: { target in
        for i in target.indices { target[i] = 0 }
        for p in 0..<(images.count * area) {
          let (r, g, b) = (Int(images.bytes[3 * p]), Int(images.bytes[3 * p + 1]), Int(images.bytes[3 * p + 2]))
          let cell = (r * bins / 256 * bins + g * bins / 256) * bins + b * bins / 256
          target[p / area * cells + cell] += 1
        }
      })
    return Features(global: (counts / Real(area)).sqrt())
  }
}
