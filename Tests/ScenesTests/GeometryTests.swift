import Glibc
import ReproTensor
import Testing

@testable import ReproScenes

@Suite struct GeometryTests {
  @Test func rotationsAreOrthonormalAndTurnByTheRightHandRule() {
    var random = RandomStream(seed: 2)
    for _ in 0..<20 {
      let r = random.rotation()
      let unit = r * r.transposed
      for (row, axis) in [(unit.row0, Vec3(1, 0, 0)), (unit.row1, Vec3(0, 1, 0)), (unit.row2, Vec3(0, 0, 1))] {
        #expect((row - axis).length < 1e-5)
      }
      #expect(abs(r.determinant - 1) < 1e-5)
    }
    let turned = Mat3.rotation(axis: Vec3(0, 0, 2), angle: .pi / 2) * Vec3(1, 0, 0)
    #expect((turned - Vec3(0, 1, 0)).length < 1e-6)
  }

  @Test func aPoseAndItsInverseCancel() {
    var random = RandomStream(seed: 5)
    let a = Pose(rotation: random.rotation(), translation: Vec3(1, -2, 3))
    let b = Pose(rotation: random.rotation(), translation: Vec3(0.5, 0, -1))
    let p = Vec3(0.3, 0.7, -0.2)
    #expect((a.inverse(a(p)) - p).length < 1e-5)
    #expect(((a * b)(p) - a(b(p))).length < 1e-5)
  }

  @Test func aCameraSeesItsTargetInTheMiddleAndUpAbove() {
    let pose = Camera.lookAt(eye: Vec3(3, 2, -4), target: Vec3(0.5, 1, 0))
    let camera = Camera(width: 65, height: 49, verticalFieldOfView: 0.9, worldToCamera: pose)
    let middle = camera.project(Vec3(0.5, 1, 0))
    #expect(abs(middle.pixel.x - 32) < 1e-3 && abs(middle.pixel.y - 24) < 1e-3)
    #expect(abs(middle.depth - Vec3(2.5, 1, -4).length) < 1e-4)
    let above = camera.project(Vec3(0.5, 1.2, 0))
    #expect(above.pixel.y < 23 && abs(above.pixel.x - 32) < 1e-3)
    #expect((camera.eye - Vec3(3, 2, -4)).length < 1e-4)
    // The upper edge of the picture, half a pixel above the first centre, is half the field of view away.
    let edge = camera.unproject(SIMD2(32, -0.5), depth: 1)
    #expect(abs(atan2f(-edge.y, 1) - 0.45) < 1e-5)
    // Right of the target is right in the picture: right = forward x up.
    let right = (Vec3(0.5, 1, 0) - camera.eye).cross(Vec3(0, 1, 0)).normalized
    #expect(camera.project(Vec3(0.5, 1, 0) + right * 0.1).pixel.x > 32)
  }

  @Test func aSolidReachesAsFarAsItsFarthestPoint() {
    var random = RandomStream(seed: 6).child("reach")
    for solid in randomSolids(&random) {
      let direction = random.rotation().row0
      var most = -Double.infinity
      for _ in 0..<60_000 {
        let p = Vec3(random.float(-2, 2), random.float(-2, 2), random.float(-2, 2))
        if isInside(D3(p), solid) { most = max(most, Double(p.dot(direction))) }
      }
      let reach = Double(solid.reach(direction))
      #expect(most <= reach + 1e-5, "\(solid)")
      #expect(most > reach - 0.2, "\(solid)")
    }
  }

  @Test func noiseStaysInRangeIsSmoothAndVaries() {
    var random = RandomStream(seed: 7)
    var (low, high, sum) = (Float.infinity, -Float.infinity, Float(0))
    for _ in 0..<2000 {
      var p = Lanes3(.zero, .zero, .zero)
      for lane in 0..<8 {
        (p.x[lane], p.y[lane], p.z[lane]) = (random.float(-90, 400), random.float(-90, 400), random.float(-90, 400))
      }
      let a = valueNoise(p)
      let b = valueNoise(Lanes3(p.x + 1e-3, p.y, p.z))
      for lane in 0..<8 {
        (low, high, sum) = (min(low, a[lane]), max(high, a[lane]), sum + a[lane])
        #expect(abs(a[lane] - b[lane]) < 4e-3)
      }
    }
    #expect(low >= 0 && high <= 1)
    #expect(low < 0.1 && high > 0.9 && abs(sum / 16000 - 0.5) < 0.02)
  }

  @Test func everyPatternMixesItsColoursAndFadesFromAfar() {
    var random = RandomStream(seed: 9)
    for pattern in Material.Pattern.allCases {
      let material = Material(pattern: pattern, first: Vec3(0.8, 0.5, 0.2), second: Vec3(0.2, 0.5, 0.8))
      func spread(_ footprint: Float) -> Float {
        var (low, high) = (Float.infinity, -Float.infinity)
        for _ in 0..<300 {
          var p = Lanes3(.zero, .zero, .zero)
          for lane in 0..<8 {
            (p.x[lane], p.y[lane], p.z[lane]) = (random.float(-9, 9), random.float(-9, 9), random.float(-9, 9))
          }
          let color = material.albedo(p, footprint: .all(footprint))
          for lane in 0..<8 {
            #expect(color.x[lane] > 0.199 && color.x[lane] < 0.801 && abs(color.y[lane] - 0.5) < 1e-5)
            #expect(abs(color.x[lane] + color.z[lane] - 1) < 1e-5)
            (low, high) = (min(low, color.x[lane]), max(high, color.x[lane]))
          }
        }
        return high - low
      }
      if pattern == .plain {
        #expect(spread(0) == 0)
      } else {
        #expect(spread(0) > 0.5, "\(pattern)")
        #expect(spread(6) < 0.2 * spread(0), "\(pattern)")
      }
    }
  }
}
