import Glibc
import ReproTensor

/// What is done to a rendered picture: the look of another domain.
struct Finish: Sendable, Equatable {
  enum Style: String, Sendable, CaseIterable {
    /// As rendered.
    case photo
    /// Few tones and dark outlines.
    case cel
    /// Dark lines on white.
    case sketch
  }

  var style = Style.photo
  /// Per metre; what is far takes the colour of the fog.
  var fog: Float = 0
  var fogColor = Vec3(0.75, 0.77, 0.8)
  /// Standard deviation of the noise of every pixel and channel, in parts of 255.
  var noise: Float = 0
  /// Factors of the three channels.
  var cast = Vec3(1, 1, 1)

  /// The look of a foreign domain: fog, noise and a tint of random strength.
  static func foreign(_ random: inout RandomStream) -> Finish {
    var finish = Finish()
    finish.fog = random.float(0.02, 0.09)
    finish.fogColor = Vec3(random.float(0.55, 0.85), random.float(0.55, 0.85), random.float(0.55, 0.85))
    finish.noise = random.float(0.01, 0.05)
    finish.cast = Vec3(random.float(0.75, 1.1), random.float(0.8, 1.05), random.float(0.7, 1.1))
    return finish
  }

  /// Changes the colours of a view that has depth, normals and instances.
  func apply(to view: inout View, _ random: inout RandomStream) {
    let (w, h) = (view.camera.width, view.camera.height)
    if style != .photo {
      let lines = Self.lines(view)
      for i in 0..<w * h {
        for c in 0..<3 {
          let value = Float(view.rgb[3 * i + c]) / 255
          let toned =
            style == .sketch
            ? 0.93 + 0.07 * value : (floorf(value * 4) + 0.5) / 4 * 0.8 + value * 0.2
          view.rgb[3 * i + c] = UInt8(max(0, min(255, 255 * toned * (1 - 0.85 * lines[i]))))
        }
      }
    }
    guard fog > 0 || noise > 0 || cast != Vec3(1, 1, 1) else { return }
    let grains = noise > 0 ? random.gaussians(w * h * 3) : []
    for i in 0..<w * h {
      let clear = fog == 0 ? 1 : view.depth[i] == 0 ? 0 : expf(-fog * view.depth[i])
      for c in 0..<3 {
        var value = Float(view.rgb[3 * i + c]) / 255
        value = (fogColor[c] + (value - fogColor[c]) * clear) * cast[c]
        if noise > 0 { value += noise * grains[3 * i + c] }
        view.rgb[3 * i + c] = UInt8(max(0, min(255, (255 * value).rounded())))
      }
    }
  }

  /// How much of an edge every pixel is, 0...1: where the instance, the distance or the normal jumps.
  static func lines(_ view: View) -> [Float] {
    let (w, h) = (view.camera.width, view.camera.height)
    var lines = [Float](repeating: 0, count: w * h)
    func normal(_ i: Int) -> Vec3 { Vec3(view.normals[3 * i], view.normals[3 * i + 1], view.normals[3 * i + 2]) }
    for y in 0..<h {
      for x in 0..<w {
        let i = y * w + x
        for j in [x + 1 < w ? i + 1 : i, y + 1 < h ? i + w : i] where j != i {
          var strength: Float = view.instances[i] != view.instances[j] ? 1 : 0
          let (a, b) = (view.depth[i], view.depth[j])
          if (a == 0) != (b == 0) || abs(a - b) > 0.12 * max(a, b) { strength = 1 }
          if a > 0, b > 0 { strength = max(strength, min(1, max(0, 1.6 * (1 - normal(i).dot(normal(j))) - 0.1))) }
          lines[i] = max(lines[i], strength)
        }
      }
    }
    return lines
  }
}
