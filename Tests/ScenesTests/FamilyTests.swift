import Glibc
import ReproConfig
import ReproData
import ReproTensor
import Testing

@testable import ReproScenes

/// A data set with options as a recipe would write them.
func family<D: DatasetProvider>(_ type: D.Type, seed: UInt64 = 1, _ options: String = "") throws -> D {
  var section = try Section(try YAMLNode(parsing: "{\(options)}", file: "test.yaml"), name: "data")
  let provider = try type.init(&section, root: DataRoot(cache: "", mirror: nil, seed: seed))
  try section.finish()
  return provider
}

/// Everything of a batch as bytes and texts, column by column.
private func contents(_ batch: Batch) -> [String: [Double]] {
  var all: [String: [Double]] = [:]
  for (name, values) in batch.columns {
    switch values {
    case .images(let images): all[name] = images.bytes.map { Double($0) }
    case .integers(let numbers): all[name] = numbers.map { Double($0) }
    case .reals(let tensor): all[name] = tensor.values.map { Double($0.bitPattern) }
    case .texts(let texts): all[name] = texts.flatMap { $0.utf8.map { Double($0) } }
    }
  }
  return all
}

/// One after the other: some change the number of threads.
@Suite(.serialized) struct FamilyTests {
  /// Small versions of every family with all their columns.
  private static let small: [(any DatasetProvider.Type, String)] = [
    (ScenesMulti.self, "size: 32, style: mixed, outputs: all"),
    (ScenesOrbit.self, "size: 24, views: 2, points: 100, outputs: all"),
    (ScenesOrbit.self, "size: 24, views: 2, points: 64, shape: distance, background: dome, outputs: all"),
    (
      ScenesOrbit.self, "size: 24, views: 2, points: 64, shape: compounds, background: clutter, path: arc, outputs: all"
    ),
    (ScenesDrive.self, "size: [24, 32], frames: 3, moving: 1, outputs: all"),
    (
      ScenesDrive.self,
      "size: [24, 32], frames: 3, cues: weak, movers: disguised, sideways: 0.7, stride: [0.2, 0.5], outputs: all"
    ),
    (ScenesDrive.self, "size: [24, 32], frames: 2, world: street, rig: three, outputs: all"),
    (ScenesDrive.self, "size: [24, 32], frames: 2, world: tour, things: 30, train: 20, outputs: all"),
    (ScenesDrive.self, "size: [24, 32], frames: 2, world: flight, outputs: all"),
    (ScenesRooms.self, "size: 32, points: 100, outputs: all"),
    (ScenesRooms.self, "size: 32, points: 100, views: 3, path: walk, things: furniture, turned: true, outputs: all"),
    (ScenesVideo.self, "size: 24, frames: 4, max_objects: 3, orders: true, outputs: all"),
    (ScenesRobot.self, "size: 16, steps: 5, missing: 0.3, outputs: all"),
    (ScenesRobot.self, "size: 16, steps: 5, task: arm, distractors: 2"),
    (ScenesNavigation.self, "size: 16, steps: 3, points: 200, policy: mixed, outputs: all"),
    (ScenesNavigation.self, "size: 16, steps: 3, points: 200, place: room, walks: 2"),
    (ScenesCartoon.self, "size: 48, frames: 3, style: series, outputs: all"),
  ]

  @Test("every family gives the same bits for any number of threads and any order, and other bits for another seed")
  func determinism() throws {
    let before = ThreadPool.shared.threads
    defer { ThreadPool.shared.threads = before }
    func check<D: DatasetProvider>(_ type: D.Type, _ options: String) throws {
      let data = try family(type, options)
      let indices = [3, 0, 4]
      ThreadPool.shared.threads = 1
      let alone = contents(try data.batch(indices, of: .train))
      for threads in [2, 8] {
        ThreadPool.shared.threads = threads
        #expect(contents(try data.batch(indices, of: .train)) == alone, "\(D.card.id) \(options), \(threads) threads")
      }
      let single = contents(try data.batch([4], of: .train))
      for (name, values) in single {
        let whole = alone[name] ?? []
        #expect(Array(whole[2 * values.count..<3 * values.count]) == values, "\(D.card.id) \(name)")
      }
      let other = try family(type, seed: 2, options)
      #expect(contents(try other.batch(indices, of: .train)) != alone && other.fingerprint != data.fingerprint)
      #expect(contents(try data.batch(indices, of: .test)) != alone)
    }
    for (type, options) in Self.small { try check(type, options) }
  }

  @Test("columns are those of the specification, with its shapes, classes and ranges")
  func columns() throws {
    func check<D: DatasetProvider>(_ type: D.Type, _ options: String) throws {
      let data = try family(type, options)
      let batch = try data.batch([0, 1, 2], of: .train)
      #expect(batch.columns.map(\.name) == data.spec.fields.map(\.name))
      for field in data.spec.fields {
        let place = "\(D.card.id) \(field.name)"
        switch (field.kind, batch[field.name]) {
        case (.image(let h, let w, let c), .images(let images)):
          #expect(
            [images.count, images.frames, images.height, images.width, images.channels] == [3, 1, h, w, c], "\(place)")
        case (.frames(let f, let h, let w, let c), .images(let images)):
          #expect(
            [images.count, images.frames, images.height, images.width, images.channels] == [3, f, h, w, c], "\(place)")
        case (.labelMap(let h, let w, let classes), .images(let images)):
          #expect([images.height, images.width, images.channels] == [h, w, 1], "\(place)")
          #expect(images.bytes.allSatisfy { Int($0) < classes.count }, "\(place)")
        case (.category(let classes), .integers(let values)):
          #expect(values.count == 3 && values.allSatisfy { classes.indices.contains($0) }, "\(place)")
        case (.identity(let count), .integers(let values)):
          #expect(values.count == 3 && values.allSatisfy { (0..<count).contains($0) }, "\(place)")
        case (.real(let shape, _), .reals(let tensor)):
          #expect(tensor.shape.array == [3] + shape.array, "\(place)")
          #expect(tensor.values.allSatisfy { $0.isFinite }, "\(place)")
        default: Issue.record("\(place) has another kind of column")
        }
      }
      #expect(data.spec.fields.first.map { !$0.isLabel } == true)
      #expect(sceneProviders.contains { $0.card.id == D.card.id })
    }
    for (type, options) in Self.small { try check(type, options) }
  }

  @Test("wrong options are refused with their place and what is known")
  func options() throws {
    func message<D: DatasetProvider>(_ type: D.Type, _ options: String) -> String {
      do {
        _ = try family(type, options)
        return "none"
      } catch { return "\(error)" }
    }
    #expect(message(ScenesMulti.self, "outputs: [deth]").contains("depth"))
    #expect(message(ScenesMulti.self, "min_objects: 6").contains("min_objects"))
    #expect(message(ScenesOrbit.self, "kinds: [3, 3]").contains("kinds"))
    #expect(message(ScenesOrbit.self, "size: [1, 2, 3]").contains("size"))
    #expect(message(ScenesRobot.self, "cameras: [front, front]").contains("twice"))
    #expect(message(ScenesRobot.self, "cameras: []").contains("no camera"))
    #expect(message(ScenesDrive.self, "wrld: street").contains("world"))
    #expect(message(ScenesCartoon.self, "cast: 9").contains("cast"))
  }

  @Test("scenes of several: boxes hold their masks, counts, presence and the label are true of the picture")
  func multi() throws {
    let data = try family(
      ScenesMulti.self,
      "size: 48, max_objects: 6, colors: named, scales: two, outputs: [visibility, positions, colors, edit, edited]")
    let batch = try data.batch(Array(0..<60), of: .train)
    let (masks, instances) = (batch.images("mask"), batch.images("instances"))
    let (boxes, kinds, present) = (
      batch.reals("boxes").values, batch.reals("classes").values, batch.reals("present").values
    )
    let positions = batch.reals("positions").values
    let relations = batch.reals("relations").values
    var edits = 0
    for i in 0..<60 {
      let own = Array(instances.bytes[i * 2304..<(i + 1) * 2304])
      let count = batch.integers("count")[i]
      #expect(own.max().map { Int($0) } == count)
      var most = (0, -1)
      for m in 0..<6 {
        let box = (0..<4).map { boxes[(i * 6 + m) * 4 + $0] }
        guard m < count else {
          #expect(box == [0, 0, 0, 0] && kinds[i * 6 + m] == -1)
          continue
        }
        let pixels = own.indices.filter { own[$0] == UInt8(m + 1) }
        #expect(
          Real(pixels.map { $0 % 48 }.min() ?? -1) == box[0] && Real(pixels.map { $0 / 48 }.min() ?? -1) == box[1])
        #expect(
          Real((pixels.map { $0 % 48 }.max() ?? -1) + 1) == box[2]
            && Real((pixels.map { $0 / 48 }.max() ?? -1) + 1) == box[3])
        #expect(pixels.allSatisfy { Real(masks.bytes[i * 2304 + $0]) == kinds[i * 6 + m] + 1 })
        #expect(present[i * 10 + Int(kinds[i * 6 + m])] == 1)
        if pixels.count > most.0 { most = (pixels.count, Int(kinds[i * 6 + m])) }
        for n in 0..<count where n != m {
          let right = positions[(i * 6 + m) * 3] - positions[(i * 6 + n) * 3]
          let told = relations[((i * 6 + m) * 6 + n) * 2]
          #expect(told == (abs(right) < 0.3 ? 0 : right > 0 ? 1 : -1))
          #expect(told == -relations[((i * 6 + n) * 6 + m) * 2])
        }
      }
      #expect(batch.integers("label")[i] == most.1)
      #expect(present[i * 10..<(i + 1) * 10].count { $0 == 1 } == Set((0..<count).map { kinds[i * 6 + $0] }).count)
      let (a, b) = (batch.images("image")[i].bytes, batch.images("edited")[i].bytes)
      #expect((batch.integers("edit")[i] == 0) == (a == b))
      if a != b { edits += 1 }
    }
    #expect(edits > 15 && edits < 45)
  }

  @Test("orbits: the true surface projects onto the masks, cameras look at the object, angles are those of the cameras")
  func orbit() throws {
    for shape in ["objects", "compounds", "distance", "meshes"] {
      let data = try family(
        ScenesOrbit.self,
        "shape: \(shape), size: 64, views: 4, path: sphere, outputs: [points, angles, depth, rotations, sdf]")
      let batch = try data.batch([0, 1], of: .train)
      let (points, cameras) = (
        batch.reals("points").values.map { Float($0) }, batch.reals("cameras").values.map { Float($0) }
      )
      let masks = batch.images("masks")
      for i in 0..<2 {
        let seen = data.observations(i, of: .train)
        for v in 0..<4 {
          let camera = seen[v].view.camera
          #expect(Array(cameras[(i * 4 + v) * 12..<(i * 4 + v + 1) * 12]) == camera.worldToCamera.rows)
          let mask = masks.bytes[(i * 4 + v) * 4096..<(i * 4 + v + 1) * 4096]
          let first = mask.startIndex
          var (inside, covered, farthest) = (0, Set<Int>(), Float(0))
          for k in 0..<2048 {
            let at = (i * 2048 + k) * 6
            let p = Vec3(points[at], points[at + 1], points[at + 2])
            farthest = max(farthest, p.length)
            let pixel = camera.project(p).pixel
            let (x, y) = (Int(pixel.x.rounded()), Int(pixel.y.rounded()))
            covered.insert(y * 64 + x)
            // A point at the outline may round to a pixel whose centre just misses.
            let near = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)].contains { dx, dy in
              let (u, w) = (x + dx, y + dy)
              return u >= 0 && w >= 0 && u < 64 && w < 64 && mask[first + w * 64 + u] == 1
            }
            if near { inside += 1 }
          }
          #expect(inside == 2048 && farthest < 1.02, "\(shape) \(i) \(v): \(inside), \(farthest)")
          let area = mask.count { $0 == 1 }
          #expect(area > 150 && covered.count > area / 4, "\(shape): \(covered.count) of \(area)")
        }
      }
      if shape == "distance" {
        let sdf = batch.reals("sdf").values
        #expect(sdf.count == 2 * 2048 * 4 && stride(from: 3, to: sdf.count, by: 4).contains { sdf[$0] < -0.02 })
      }
    }
  }

  @Test("quaternions are those of the rotations")
  func quaternions() {
    var random = RandomStream(seed: 12)
    for _ in 0..<200 {
      let rotation = random.rotation()
      let q = Pose(rotation: rotation).quaternion
      let back = Mat3.rotation(quaternion: q)
      #expect(abs((q * q).sum() - 1) < 1e-4 && q.w >= 0)
      #expect(
        (back.row0 - rotation.row0).length + (back.row1 - rotation.row1).length + (back.row2 - rotation.row2).length
          < 1e-4)
    }
  }

  @Test("drives: steps are 0.15 to 0.4 m, movers are marked, flow carries pixels to the next frame")
  func drive() throws {
    let data = try family(ScenesDrive.self, "frames: 4, moving: 1, outputs: all")
    let batch = try data.batch(Array(0..<6), of: .train)
    let cameras = batch.reals("cameras").values.map { Float($0) }
    let (moving, still) = (batch.images("moving"), try family(ScenesDrive.self, "moving: 0, outputs: [moving, motion]"))
    #expect(moving.bytes.count { $0 == 1 } > 200)
    let calm = try still.batch([0, 1, 2], of: .train)
    #expect(calm.images("moving").bytes.allSatisfy { $0 == 0 } && calm.integers("motion") == [0, 0, 0])
    for i in 0..<6 {
      let eyes = (0..<4).map { t -> Vec3 in
        let c = Array(cameras[(i * 4 + t) * 12..<(i * 4 + t + 1) * 12])
        let r = Mat3(rows: Vec3(c[0], c[1], c[2]), Vec3(c[4], c[5], c[6]), Vec3(c[8], c[9], c[10]))
        return -(r.transposed * Vec3(c[3], c[7], c[11]))
      }
      for (a, b) in zip(eyes, eyes.dropFirst()) { #expect((b - a).length > 0.12 && (b - a).length < 0.47) }
      let seen = data.observations(i, of: .train)
      let (now, later) = (seen[0], seen[1])
      var (error, count) = (Float(0), 0)
      let (w, h) = (96, 64)
      for p in 0..<w * h where now.occluded[p] == 0 && now.view.depth[p] > 0 {
        let (u, v) = (Float(p % w) + now.flow[2 * p], Float(p / w) + now.flow[2 * p + 1])
        let (x, y) = (Int(u.rounded()), Int(v.rounded()))
        guard x >= 0, y >= 0, x < w, y < h else { continue }
        // The same thing is there: its id, but for the outlines.
        if now.view.instances[p] != later.view.instances[y * w + x] { error += 1 }
        count += 1
      }
      #expect(count > 3000 && error / Float(count) < 0.03, "\(error) of \(count)")
    }
    let standing = try family(ScenesDrive.self, "camera: static, outputs: [motion]").batch([0, 1], of: .train)
    #expect(standing.integers("motion") == [1, 1])
    let poses = standing.reals("cameras").values
    #expect(Array(poses[0..<12]) == Array(poses[12..<24]))
  }

  @Test("rooms: walls meet at right angles, the layout holds everything, coverage only grows")
  func rooms() throws {
    let data = try family(
      ScenesRooms.self,
      "views: 5, path: around, turned: true, points: 500, outputs: [layout, axes, objects, coverage, seen, normals, points]"
    )
    let batch = try data.batch(Array(0..<8), of: .train)
    let (axes, layout) = (batch.reals("axes").values.map { Float($0) }, batch.reals("layout").values.map { Float($0) })
    let (coverage, seen) = (batch.reals("coverage").values, batch.reals("seen").values)
    let points = batch.reals("points").values.map { Float($0) }
    for i in 0..<8 {
      let rows = (0..<3).map { Vec3(axes[i * 9 + $0 * 3], axes[i * 9 + $0 * 3 + 1], axes[i * 9 + $0 * 3 + 2]) }
      #expect(abs(rows[0].dot(rows[1])) < 1e-5 && abs(rows[0].length - 1) < 1e-5)
      let size = Vec3(layout[3 * i], layout[3 * i + 1], layout[3 * i + 2])
      let outside = (0..<500).count { k in
        let at = (i * 500 + k) * 8
        let p = Vec3(points[at], points[at + 1], points[at + 2])
        let q = Vec3(rows[0].dot(p), rows[1].dot(p), rows[2].dot(p))
        let low = Vec3(-size.x / 2, 0, -size.z / 2) - 1e-2
        return any(q .< low) || any(q .> Vec3(size.x / 2, size.y, size.z / 2) + 1e-2)
      }
      #expect(outside == 0)
      let mine = (0..<5).map { coverage[i * 5 + $0] }
      #expect(mine == mine.sorted() && mine[4] > 0.5 && mine[4] <= 1 && mine[0] == seen[i * 5])
      #expect((0..<5).allSatisfy { seen[i * 5 + $0] <= mine[$0] })
      // Walls, floor and ceiling have the axes as normals.
      guard i < 3 else { continue }
      let view = data.observations(i, of: .train)[0].view
      let oblique = (0..<64 * 64).count { p in
        guard Int(view.classes[p]) > 8 else { return false }
        let own = Vec3(view.normals[3 * p], view.normals[3 * p + 1], view.normals[3 * p + 2])
        let n = view.camera.worldToCamera.rotation.transposed * own
        return (rows.map { abs($0.dot(n)) }.max() ?? 0) < 0.9999
      }
      #expect(oblique == 0)
    }
  }

  @Test(
    "clips: things go where their action says, tracks stay in their boxes, a backward clip is the forward one reversed")
  func video() throws {
    let data = try family(
      ScenesVideo.self, "size: 48, frames: 8, camera: static, outputs: [tracks, boxes, instances, flow]")
    let batch = try data.batch(Array(0..<40), of: .train)
    let (tracks, boxes) = (batch.reals("tracks").values, batch.reals("boxes").values)
    for i in 0..<40 {
      let xs = (0..<8).map { tracks[(i * 8 + $0) * 2] }
      let ys = (0..<8).map { tracks[(i * 8 + $0) * 2 + 1] }
      let (dx, dy) = (xs[7] - xs[0], ys[7] - ys[0])
      switch VideoAction.ten[batch.integers()[i]] {
      case .left: #expect(dx < -8 && abs(dy) < 1)
      case .right: #expect(dx > 8 && abs(dy) < 1)
      case .up: #expect(dy < -8 && abs(dx) < 1)
      case .down: #expect(dy > 8 && abs(dx) < 1)
      case .clockwise, .counterclockwise, .expand, .shrink: #expect(abs(dx) < 0.5 && abs(dy) < 0.5)
      case .bounce: #expect((ys.max() ?? 0) - (ys.min() ?? 0) > 4)
      case .oscillate: #expect((xs.max() ?? 0) - (xs.min() ?? 0) > 4)
      default: Issue.record("no such action in ten")
      }
      // The motion is eased: first and second half differ.
      if i % 10 < 4 { #expect(abs(abs(xs[4] - xs[0] + ys[4] - ys[0]) - abs(dx + dy) * 4 / 7) > 1) }
      // Of what turns clockwise, the right side goes down.
      if [.clockwise, .counterclockwise].contains(VideoAction.ten[i % 10]) {
        let seen = data.observations(i, of: .train)[3]
        var turn: Float = 0
        for p in 0..<48 * 48 where seen.view.instances[p] == 1 {
          let (x, y) = (Float(p % 48) - Float(xs[3]), Float(p / 48) - Float(ys[3]))
          turn += x * seen.flow[2 * p + 1] - y * seen.flow[2 * p]
        }
        #expect((turn > 0) == (i % 10 == 4))
      }
      let widths = (0..<8).map { t in boxes[(i * 8 + t) * 4 + 2] - boxes[(i * 8 + t) * 4] }
      if VideoAction.ten[i % 10] == .expand { #expect(widths[7] > widths[0]) }
      if VideoAction.ten[i % 10] == .shrink { #expect(widths[7] < widths[0]) }
    }
    let orders = try family(ScenesVideo.self, "frames: 6, orders: true, outputs: [order]")
    let plain = try family(ScenesVideo.self, "frames: 6")
    let (some, forward) = (try orders.batch(Array(0..<24), of: .train), try plain.batch(Array(0..<24), of: .train))
    var seen = Set<Int>()
    for i in 0..<24 {
      let size = 32 * 32 * 3
      func frames(_ batch: Batch) -> [[UInt8]] {
        (0..<6).map { Array(batch.images("frames").bytes[(i * 6 + $0) * size..<(i * 6 + $0 + 1) * size]) }
      }
      let (a, b) = (frames(some), frames(forward))
      seen.insert(some.integers("order")[i])
      switch some.integers("order")[i] {
      case 0: #expect(a == b)
      case 1: #expect(a == b.reversed())
      default: #expect(a != b && Set(a) == Set(b))
      }
    }
    #expect(seen == [0, 1, 2])
  }

  @Test("the expert solves every task, chance does not, and a step is a pure function")
  func robot() throws {
    for task in RobotWorld.Task.allCases {
      let world = RobotWorld(task: task, views: [.front])
      var (solved, lucky) = (0, 0)
      for episode in 0..<40 {
        for isExpert in [true, false] {
          var random = RandomStream(seed: 5).child("episode", episode)
          var state = world.start(&random)
          var isDone = false
          for _ in 0..<(task == .arm ? 50 : 40) {
            let action = isExpert ? world.expert(state) : (0..<world.actions).map { _ in random.float(-1, 1) }
            let (next, reward) = world.step(state, action)
            #expect(world.step(state, action).state == next)
            let left = world.distance(next)
            #expect(abs(reward - (-left + (left < 0.05 ? 1 : 0))) < 1e-6)
            if left < 0.05 { isDone = true }
            state = next
          }
          if isDone { if isExpert { solved += 1 } else { lucky += 1 } }
        }
      }
      #expect(solved >= 36, "\(task): \(solved) of 40")
      #expect(lucky < 20, "\(task): \(lucky) of 40 by chance")
    }
    let data = try family(ScenesRobot.self, "missing: 0.5, steps: 10, experts: 1")
    let batch = try data.batch([0, 1, 2], of: .train)
    let available = batch.reals("available").values
    for i in 0..<3 {
      for t in 0..<10 {
        #expect(available[(i * 10 + t) * 2] + available[(i * 10 + t) * 2 + 1] >= 1)
        for (c, name) in ["front", "side"].enumerated() {
          let frame = batch.images(name).bytes[(i * 10 + t) * 3072..<(i * 10 + t + 1) * 3072]
          #expect(frame.allSatisfy { $0 == 0 } == (available[(i * 10 + t) * 2 + c] == 0))
        }
      }
    }
    #expect(available.contains(0))
  }

  @Test("an explorer never stands in a thing, turns come back, greedy sees more than chance")
  func navigation() throws {
    var (greedy, chance) = (0.0, 0.0)
    for place in ["outdoor", "room"] {
      for policy in ["greedy", "random"] {
        let data = try family(
          ScenesNavigation.self,
          "place: \(place), policy: \(policy), steps: 12, points: 600, size: [24, 32], outputs: [depth]")
        let batch = try data.batch([0, 1], of: .train)
        let (coverage, gain) = (batch.reals("coverage").values, batch.reals("gain").values)
        for i in 0..<2 {
          var sum: Real = 0
          for t in 0..<12 {
            sum += gain[i * 12 + t]
            #expect(abs(coverage[i * 12 + t] - sum) < 1e-5 && gain[i * 12 + t] >= 0)
          }
          if policy == "greedy" { greedy += Double(sum) } else { chance += Double(sum) }
          let world = data.world(i, of: .train)
          #expect(world.isFree.contains(true) && world.isFree.contains(false))
          // Nothing is nearer than the margin of a free place.
          let depth = batch.reals("depth").values[(i * 12) * 768..<(i * 12 + 1) * 768]
          #expect(depth.filter { $0 > 0 }.min() ?? 0 > 0.08)
          var random = RandomStream(seed: 1)
          var state = world.start(&random)
          let first = state
          for _ in 0..<8 { state = world.step(state, .turnLeft).state }
          #expect(state == first && world.step(world.step(first, .turnRight).state, .turnLeft).state == first)
          state.node = SIMD3(-1, 0, 0)
          #expect(!world.isFree(state.node))
        }
      }
    }
    #expect(greedy > 1.15 * chance, "\(greedy) by greed, \(chance) by chance")
  }

  @Test(
    "cartoons: boxes are those of the instances, detections miss and invent as often as promised"
  )
  func cartoon() throws {
    let data = try family(ScenesCartoon.self, "size: 64, frames: 6, outputs: [instances, parts]")
    let batch = try data.batch(Array(0..<30), of: .train)
    let (boxes, ids) = (batch.reals("boxes").values, batch.reals("identities").values)
    let detections = batch.reals("detections").values
    let instances = batch.images("instances")
    var (shown, missed, wrong) = (0, 0, 0)
    for i in 0..<30 {
      for t in 0..<6 {
        let frame = Array(instances.bytes[(i * 6 + t) * 4096..<(i * 6 + t + 1) * 4096])
        let rows = (0..<8).map { d in Array(detections[((i * 6 + t) * 8 + d) * 6..<((i * 6 + t) * 8 + d + 1) * 6]) }
        wrong += rows.count { $0[4] > 0 && $0[5] == -1 }
        for m in 0..<4 {
          let box = (0..<4).map { boxes[((i * 6 + t) * 4 + m) * 4 + $0] }
          let pixels = frame.indices.filter { Int(frame[$0]) == m + 1 }
          guard !pixels.isEmpty else {
            #expect(box == [0, 0, 0, 0])
            continue
          }
          #expect(
            box[0] == Real(pixels.map { $0 % 64 }.min() ?? 0) && box[3] == Real((pixels.map { $0 / 64 }.max() ?? 0) + 1)
          )
          #expect(ids[i * 4 + m] >= 0 && ids[i * 4 + m] < 12)
          shown += 1
          if !rows.contains(where: { $0[4] > 0 && $0[5] == ids[i * 4 + m] }) { missed += 1 }
        }
      }
    }
    #expect(shown > 300)
    #expect(Double(missed) / Double(shown) > 0.05 && Double(missed) / Double(shown) < 0.16)
    #expect(wrong > 5 && Double(wrong) / Double(shown) < 0.1)
    #expect(batch.integers("series") == [Int](repeating: 0, count: 30))
  }
}
