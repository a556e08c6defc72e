import Glibc
import ReproTensor
import Testing

@testable import ReproScenes

@Suite struct RendererTests {
  private let quarter = Float.pi / 2

  @Test func depthOfTheCentreRayEqualsTheClosedForm() {
    let across = Pose(rotation: .rotation(axis: Vec3(1, 0, 0), angle: quarter))
    let corner = Pose(rotation: .rotation(axis: Vec3(0, 1, 0), angle: quarter / 2))
    let aside = Pose(rotation: across.rotation, translation: Vec3(0.8, 0, 0))
    let facing = Pose(rotation: across.rotation, translation: Vec3(0, 0, -1))
    let cases: [(Solid, Pose, Float)] = [
      (.sphere(radius: 0.7), .identity, 5 - 0.7), (.ellipsoid(radii: Vec3(0.5, 0.6, 0.9)), .identity, 5 - 0.9),
      (.box(half: Vec3(0.5, 0.5, 0.4)), .identity, 5 - 0.4),
      (.box(half: Vec3(0.5, 0.5, 0.5)), corner, 5 - 0.5 * Float(2).squareRoot()),
      (.cylinder(radius: 0.6, half: 0.9), .identity, 5 - 0.6), (.cylinder(radius: 0.6, half: 0.9), across, 5 - 0.9),
      (.cone(radius: 0.8, half: 0.5), .identity, 5 - 0.4),
      (.frustum(bottom: 0.8, top: 0.4, half: 0.5), .identity, 5 - 0.6),
      (.capsule(radius: 0.3, half: 0.6), .identity, 5 - 0.3), (.capsule(radius: 0.3, half: 0.6), across, 5 - 0.9),
      (.torus(major: 0.8, minor: 0.25), .identity, 5 - 1.05), (.torus(major: 0.8, minor: 0.25), aside, 5 - 0.25),
      (.torus(major: 0.8, minor: 0.25), across, 0), (.plane, facing, 6),
    ]
    let renderer = Renderer(width: 33, height: 33)
    for (solid, pose, depth) in cases {
      let view = renderer.render(scene([(solid, pose)]), from: frontCamera(33, distance: 5), .depth)
      #expect(abs(view.depth[16 * 33 + 16] - depth) < 2e-5, "\(solid) at \(pose): \(view.depth[16 * 33 + 16])")
    }
  }

  /// Every pixel of every kind of solid against a march through the solid's inside in Double, halved to 1e-6.
  @Test func everyRayStopsWhereItEntersTheSolid() {
    var random = RandomStream(seed: 3).child("solids")
    let size = 24
    let renderer = Renderer(width: size, height: size, supersampling: 1)
    var compared = 0
    for round in 0..<3 {
      for solid in randomSolids(&random) {
        let pose = Pose(
          rotation: random.rotation(), translation: Vec3(random.float(-0.3, 0.3), random.float(-0.3, 0.3), 0))
        let camera = frontCamera(size, distance: 4)
        let view = renderer.render(scene([(solid, pose)]), from: camera, [.depth, .instances])
        for y in 0..<size {
          for x in 0..<size {
            let ray = D3(
              (Double(x) - Double(camera.center.x)) / Double(camera.focal.x),
              (Double(y) - Double(camera.center.y)) / Double(camera.focal.y), 1)
            // Camera at (0, 0, 4), looking along -z with y down.
            func point(_ t: Double) -> D3 { D3(0, 0, 4) + t * D3(ray.x, -ray.y, -1) }
            func inside(_ t: Double) -> Bool { isInside(toLocal(point(t), pose), solid) }
            let step = 0.004
            let first = (500...1400).first { inside(Double($0) * step) }
            let found = Double(view.depth[y * size + x])
            #expect((view.instances[y * size + x] == 1) == (found > 0))
            guard let first else {
              // The march may step over a sliver; the renderer may not see anything thick.
              #expect(found == 0 || !(inside(found + 0.01)), "\(solid) in round \(round)")
              continue
            }
            var (out, into) = (Double(first - 1) * step, Double(first) * step)
            for _ in 0..<20 {
              let middle = (out + into) / 2
              if inside(middle) { into = middle } else { out = middle }
            }
            let isGrazing = !inside(into + 0.01)
            #expect(isGrazing || abs(found - into) < 5e-4, "\(solid) at \(x), \(y): \(found) for \(into)")
            compared += 1
          }
        }
      }
    }
    #expect(compared > 2000)
  }

  @Test func normalsAreUnitAndAgreeWithDifferencesOfDepth() {
    var random = RandomStream(seed: 8).child("solids")
    let size = 240
    let renderer = Renderer(width: size, height: size, supersampling: 1)
    for solid in randomSolids(&random) {
      let camera = frontCamera(size, distance: 4)
      let view = renderer.render(scene([(solid, Pose(rotation: random.rotation()))]), from: camera)
      func normal(_ i: Int) -> Vec3 { Vec3(view.normals[3 * i], view.normals[3 * i + 1], view.normals[3 * i + 2]) }
      func point(_ x: Int, _ y: Int) -> Vec3 {
        camera.unproject(SIMD2(Float(x), Float(y)), depth: view.depth[y * size + x])
      }
      var compared = 0
      for y in 1..<size - 1 {
        for x in 1..<size - 1 {
          let i = y * size + x
          guard view.depth[i] > 0 else {
            #expect(normal(i) == .zero)
            continue
          }
          let n = normal(i)
          #expect(abs(n.length - 1) < 1e-5)
          #expect(n.dot(point(x, y)) < 1e-4, "normals face the camera")
          let around = [i - 1, i + 1, i - size, i + size]
          guard around.allSatisfy({ view.depth[$0] > 0 && (normal($0) - n).length < 0.08 }) else { continue }
          let difference = (point(x, y + 1) - point(x, y - 1)).cross(point(x + 1, y) - point(x - 1, y)).normalized
          #expect((difference - n).length < 0.04, "\(solid) at \(x), \(y): \(n) for \(difference)")
          compared += 1
        }
      }
      #expect(compared > 200, "\(solid)")
    }
  }

  @Test func projectingThePointOfAPixelGivesThePixel() {
    let center = Vec3(0.2, 0.6, -0.3)
    let world = scene([(.sphere(radius: 0.6), Pose(translation: center)), (.plane, .identity)])
    let pose = Camera.lookAt(eye: Vec3(2, 2.5, 3), target: Vec3(0, 0.4, 0), roll: 0.2)
    let camera = Camera(
      width: 40, height: 30, focal: SIMD2(38, 41), center: SIMD2(18.5, 15.25), worldToCamera: pose)
    let view = Renderer(width: 40, height: 30).render(world, from: camera, [.depth, .instances])
    var seen: [UInt16: Int] = [:]
    for y in 0..<30 {
      for x in 0..<40 {
        let i = y * 40 + x
        guard view.depth[i] > 0 else { continue }
        let pixel = SIMD2(Float(x), Float(y))
        let point = camera.worldToCamera.inverse(camera.unproject(pixel, depth: view.depth[i]))
        let back = camera.project(point)
        #expect(abs(back.pixel.x - pixel.x) < 1e-3 && abs(back.pixel.y - pixel.y) < 1e-3)
        let homogeneous = camera.intrinsics * camera.worldToCamera(point)
        #expect(abs(homogeneous.x / homogeneous.z - pixel.x) < 1e-3)
        #expect(abs(back.depth - view.depth[i]) < 1e-4)
        // The point lies on the surface that the instance map names.
        let offset = view.instances[i] == 1 ? (point - center).length - 0.6 : point.y
        #expect(abs(offset) < 1e-4)
        seen[view.instances[i], default: 0] += 1
      }
    }
    #expect((seen[1] ?? 0) > 30 && (seen[2] ?? 0) > 200)
  }

  @Test func supersampledEdgesLieBetweenTheTwoColours() {
    // Light from everywhere alike: one linear colour for the box, another for the sky.
    var light = plainLight
    light.key.color = .zero
    light.ambientUp = Vec3(1, 1, 1)
    light.ambientDown = Vec3(1, 1, 1)
    var world = scene([(.box(half: Vec3(0.7, 0.7, 0.7)), Pose(rotation: .rotation(axis: Vec3(1, 2, 3), angle: 0.7)))])
    world.lighting = light
    let camera = frontCamera(32, distance: 4)
    let smooth = Renderer(width: 32, height: 32, supersampling: 2).render(world, from: camera)
    let sharp = Renderer(width: 32, height: 32, supersampling: 1).render(world, from: camera)
    #expect(smooth.depth == sharp.depth && smooth.normals == sharp.normals)
    let (box, sky) = (Vec3(0.5, 0.4, 0.3), Vec3(0.1, 0.2, 0.3))
    var levels: [Int: Int] = [:]
    for i in 0..<32 * 32 {
      let matching = (0...4).filter { k in
        (0..<3).allSatisfy { c in
          let linear = sky[c] + (box[c] - sky[c]) * Float(k) / 4
          let encoded = 255 * (1.055 * powf(linear, 1 / 2.4) - 0.055)
          return abs(encoded - Float(smooth.rgb[3 * i + c])) < 1.2
        }
      }
      #expect(!matching.isEmpty, "pixel \(i) is no mixture: \(smooth.rgb[3 * i..<3 * i + 3])")
      for k in matching { levels[k, default: 0] += 1 }
      let isEdge = matching.contains { $0 != 0 && $0 != 4 }
      if !isEdge { #expect(smooth.rgb[3 * i] == sharp.rgb[3 * i]) }
    }
    for k in 0...4 { #expect((levels[k] ?? 0) > 0, "no pixel is covered by \(k) quarters") }
  }

  @Test func theShadowOfABallUnderAZenithLightIsItsDisc() {
    let world = scene([(.sphere(radius: 0.5), Pose(translation: Vec3(0.1, 1.2, -0.2))), (.plane, .identity)])
    let pose = Camera.lookAt(eye: Vec3(0, 2.5, 4), target: .zero)
    let camera = Camera(width: 64, height: 64, verticalFieldOfView: 0.7, worldToCamera: pose)
    let view = Renderer(width: 64, height: 64, supersampling: 1).render(world, from: camera)
    var (dark, bright) = (0, 0)
    for i in 0..<64 * 64 where view.instances[i] == 2 {
      let pixel = SIMD2(Float(i % 64), Float(i / 64))
      let p = pose.inverse(camera.unproject(pixel, depth: view.depth[i]))
      let distance = hypotf(p.x - 0.1, p.z + 0.2)
      // Ambient alone against ambient and key: far apart in brightness, whatever the contact shadow does.
      if distance < 0.49 {
        #expect(view.rgb[3 * i] < 130)
        dark += 1
      }
      if distance > 0.51 {
        #expect(view.rgb[3 * i] > 170)
        bright += 1
      }
    }
    #expect(dark > 40 && bright > 500)
  }

  /// A part hides the light by `blocks`; the same rays must meet it by `hit`.
  @Test func whatBlocksALightIsWhatARayMeets() {
    struct Compare: KernelVisitor {
      var random: RandomStream
      var blocked = 0
      var free = 0
      var differ = 0
      var missed = 0
      init(seed: UInt64) { random = RandomStream(seed: seed) }
      mutating func visit<K: SolidKernel>(_ kernel: K) {
        for _ in 0..<400 {
          var (o, d) = (Lanes3(.zero, .zero, .zero), Lanes3(.zero, .zero, .zero))
          for lane in 0..<8 {
            let from = random.rotation().row0 * random.float(2.5, 5)
            let to = random.rotation().row0 * random.float(0, 2)
            let ray = to - from
            (o.x[lane], o.y[lane], o.z[lane]) = (from.x, from.y, from.z)
            (d.x[lane], d.y[lane], d.z[lane]) = (ray.x, ray.y, ray.z)
          }
          let hit = kernel.hit(o, d, near: 1e-3)
          let blocks = kernel.blocks(o, d, near: 1e-3)
          for lane in 0..<8 {
            if blocks[lane] { blocked += 1 } else { free += 1 }
            if blocks[lane] != (hit[lane] < .infinity) { differ += 1 }
            if !blocks[lane] && hit[lane] < .infinity { missed += 1 }
          }
        }
      }
    }
    let shapes: [UnitShape] = [
      .sphere, .box, .frustum(top: 1), .frustum(top: 0), .frustum(top: 0.6), .capsule(half: 1), .torus(minor: 0.3),
    ]
    for shape in shapes {
      var compare = Compare(seed: 4)
      shape.accept(&compare)
      #expect(compare.blocked > 200 && compare.free > 200, "\(shape)")
      // Rounding may tell grazing rays apart; a torus blocks what passes within a thousandth of it.
      #expect(compare.differ <= 8 && compare.missed <= 2, "\(shape): \(compare.differ), \(compare.missed) differ")
    }
  }

  @Test func aPictureDoesNotDependOnWhatWasRenderedBefore() {
    var random = RandomStream(seed: 1).child("solids")
    let solids = randomSolids(&random)
    let camera = frontCamera(32, distance: 4)
    let renderer = Renderer(width: 32, height: 32)
    let used = solids.map {
      renderer.render(scene([($0, .identity), (.plane, Pose(translation: Vec3(0, -1, 0)))]), from: camera)
    }
    for (solid, view) in zip(solids, used) {
      let fresh = Renderer(width: 32, height: 32)
        .render(scene([(solid, .identity), (.plane, Pose(translation: Vec3(0, -1, 0)))]), from: camera)
      #expect(fresh == view)
    }
  }

  @Test func theNearerBodyIsSeenWhateverTheOrder() {
    let near = (Solid.sphere(radius: 0.4), Pose(translation: Vec3(0, 0, 1)))
    let far = (Solid.box(half: Vec3(1, 1, 0.2)), Pose.identity)
    let camera = frontCamera(33, distance: 5)
    let renderer = Renderer(width: 33, height: 33)
    let a = renderer.render(scene([near, far]), from: camera, [.instances, .depth])
    let b = renderer.render(scene([far, near]), from: camera, [.instances, .depth])
    #expect(a.depth == b.depth)
    #expect(a.instances[16 * 33 + 16] == 1 && b.instances[16 * 33 + 16] == 2)
    #expect(a.instances.map { $0 == 0 ? 0 : 3 - $0 } == b.instances)
  }

  @Test func aRoomIsSeenFromInside() {
    let world = scene([(.box(half: Vec3(2, 1.5, 3)), .identity)])
    let view = Renderer(width: 33, height: 33).render(world, from: frontCamera(33, distance: 1), [.depth, .normals])
    let i = 16 * 33 + 16
    #expect(abs(view.depth[i] - 4) < 1e-5)
    #expect(abs(view.normals[3 * i + 2] + 1) < 1e-5)
    #expect(view.depth.allSatisfy { $0 > 0 })
  }
}
