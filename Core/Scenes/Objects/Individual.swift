import ReproTensor

/// One individual of a class: its proportions, patterns and colours, the same in every picture of it.
struct Individual: Sendable {
  let kind: ObjectClass
  let parts: [Part]
  let materials: [Material]

  /// - Parameters:
  ///   - number: which individual of the class.
  ///   - world: the stream of the data set.
  init(_ kind: ObjectClass, number: Int, of world: RandomStream) {
    self.kind = kind
    let own = world.child("individual", number * ObjectClass.allCases.count + kind.rawValue)
    var shape = own.child("shape")
    parts = kind.parts(&shape)
    // The look comes from a stream of its own that draws the same way for every class.
    var look = own.child("look")
    let main = Look.material(&look)
    let other = Look.material(&look)
    materials = [main, look.bernoulli(0.5) ? other : main]
  }

  /// The body at a place, standing on the ground.
  func body(rotation: Mat3, scale: Float, over place: SIMD2<Float>, instance: UInt16) -> Body {
    var body = Body(
      parts: parts, materials: materials, pose: Pose(rotation: rotation), scale: scale, instance: instance,
      semantic: UInt8(kind.rawValue + 1))
    body.pose.translation = Vec3(place.x, body.reach(Vec3(0, -1, 0)), place.y)
    return body
  }

  /// A pose from which the camera can tell the class: turned at random, tilted, sometimes toppled.
  ///
  /// - Parameter towards: direction to the camera, of length 1.
  func rotation(_ random: inout RandomStream, towards: Vec3) -> Mat3 {
    var rotation = random.tilted(upTo: 0.3)
    for _ in 0..<40 {
      let isToppled = random.bernoulli(0.3)
      rotation = random.tilted(upTo: isToppled ? 1.9 : 0.45)
      let axis = Vec3(rotation.row0.y, rotation.row1.y, rotation.row2.y)
      if kind.isRecognisable(cosine: axis.dot(towards)) { break }
    }
    return rotation
  }
}
