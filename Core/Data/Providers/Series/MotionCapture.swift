import ReproConfig
import ReproTensor

/// One motion capture clip of walking: 23 joints, 1,064 frames at 120 Hz, cut into windows.
///
/// Columns: `joints` `[T, J, 3]` (places of the joints, the ends of chains left out, in the units of the file, y
/// up) and, with `centred: true` (default), relative to the root joint of each frame. Options: `window` (frames
/// of a sample, default 30), `step` (frames between them, default 4), `stride` (frames between the starts of samples,
/// default 15), `train`, `validation`, `test` (numbers of samples). The source has no split: the last fifth of the clip
/// is the test part, and windows that reach into it are left out of the training part.
///
/// Source: Alemi 2017, PyMO, demos/data/AV_8Walk_Meredith_HVHA_Rep1.bvh.
public struct MotionCapture: TabledDataset {
  public static let card = DatasetCard(.mocap, source: "Alemi 2017, PyMO, AV_8Walk_Meredith_HVHA_Rep1.bvh")

  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let window = try options.int("window", in: 1...200, default: 30)
    let step = try options.int("step", in: 1...60, default: 4)
    let stride = try options.int("stride", in: 1...500, default: 15)
    let isCentred = try options.bool("centred", default: true)
    let name = "AV_8Walk_Meredith_HVHA_Rep1.bvh"
    let motion = try BVHMotion(root.unpacked("\(name).gz", of: .mocap), file: "mocap/\(name)")
    let joints = motion.joints.indices.filter { !motion.joints[$0].isEnd }
    let frames = (0..<motion.frames).map { motion.positions(frame: $0) }
    let span = (window - 1) * step + 1
    let cut = motion.frames * 4 / 5
    var values: [Float] = []
    var (train, test, count): ([Int], [Int], Int) = ([], [], 0)
    for start in Swift.stride(from: 0, through: motion.frames - span, by: stride) {
      if start >= cut {
        test.append(count)
      } else if start + span <= cut {
        train.append(count)
      } else {
        continue
      }
      count += 1
      for t in 0..<window {
        let frame = frames[start + t * step]
        for j in joints { for k in 0..<3 { values.append(frame[3 * j + k] - (isCentred ? frame[k] : 0)) } }
      }
    }
    guard !train.isEmpty, !test.isEmpty else {
      throw ReproError(
        .usage, at: "\(options.node.mark)", found: "windows of \(span) frames leave no training or no test part",
        expected: "less of the \(motion.frames) frames")
    }
    let rows = try PublishedParts(train: train, test: test).taken(&options, root: root)
    samples = try SampleTable(
      .mocap,
      columns: [
        try .reals(
          "joints", values, shape: [window, joints.count, 3], unit: "unit of the file", source: "mocap/\(name)")
      ],
      rows: rows)
  }
}
