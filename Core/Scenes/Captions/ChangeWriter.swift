import ReproTensor

/// What differs between a picture and its edited copy.
public enum SceneChange: Int, Sendable, CaseIterable {
  case nothing, color, size, texture, shape, moved, removed

  public var name: String { "\(self)" }
}

/// Says what has changed.
enum ChangeWriter {
  static let frames = [
    "nothing has changed", "the turned became lost its pattern", "has moved to the left right",
    "has disappeared has been replaced by a an", "away from the camera towards", "is now",
  ]

  /// One sentence about an edit.
  ///
  /// - Parameters:
  ///   - the: the object before, as `the red cube`.
  ///   - before, after: the object in both pictures; the same for `nothing`, and any `after` for `removed`.
  static func sentence(
    _ change: SceneChange, _ the: String, _ before: CaptionObject, _ after: CaptionObject, size: Int,
    _ random: inout RandomStream
  ) -> String {
    switch change {
    case .nothing: return "nothing has changed"
    case .color: return "\(the) \(random.pick(["turned", "became", "is now"])) \(after.color.name)"
    case .size: return "\(the) \(random.pick(["became", "is now"])) \(after.size.name)"
    case .texture: return "\(the) \(random.pick(["became", "is now"])) \(after.texture.name)"
    case .shape:
      return "\(the) has been replaced by \(SceneWords.article(after.shape.name)) \(after.shape.name)"
    case .removed: return "\(the) has disappeared"
    case .moved:
      let across = (after.pixel.x - before.pixel.x) / Float(size)
      if abs(across) >= CaptionScene.sideMargin {
        return "\(the) has moved to the \(across < 0 ? "left" : "right")"
      }
      return "\(the) has moved \(after.depth > before.depth ? "away from" : "towards") the camera"
    }
  }
}
