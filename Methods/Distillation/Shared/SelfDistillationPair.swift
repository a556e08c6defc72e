import ReproNN
import ReproTensor

/// Widths of the two heads; nil for patches shares the head of the class token.
public struct HeadConfiguration: Sendable, Equatable {
  public var cls: ProjectionHead.Configuration
  public var patches: ProjectionHead.Configuration?
}

/// The micro-shard of a batch of crops: some images, all their crops.
struct CropShard: Sendable {
  let globals: Tensor  // [2b, C, S, S], all first crops, then all second ones
  let locals: [Tensor]  // L x [b, C, s, s]
  let mask: Tensor  // [2b, N]
  let places: IndexTensor  // masked patches among [2b * N]
  let weights: Tensor  // [masked], 1 / masked patches of the image
  let rows: Range<Int>

  init(_ crops: MultiCrop.Crops, _ masks: BlockMasks, _ rows: Range<Int>) {
    globals = concat(crops.globals.map { $0.slice(0, rows) })
    locals = crops.locals.map { $0.slice(0, rows) }
    let images = Array(rows) + rows.map { $0 + crops.count }
    mask = masks.tensor(images)
    places = masks.places(images)
    weights = masks.weights(images)
    self.rows = rows
  }

  /// Which image each row of the local outputs shows.
  var rowsOfLocals: [Int] { locals.flatMap { _ in Array(rows) } }
}

/// A vision transformer with its projection heads.
public struct SelfDistillationNetwork: Layer {
  public var backbone: VisionTransformer
  public var dinoHead: ProjectionHead
  public var ibotHead: ProjectionHead?  // nil: shared

  init(_ vit: ViTConfiguration, _ heads: HeadConfiguration, random: RandomStream) {
    backbone = VisionTransformer(vit, random: random.child("backbone"))
    dinoHead = ProjectionHead(vit.width, heads.cls, deviation: vit.deviation, random: random.child("dino_head"))
    ibotHead = heads.patches.map {
      ProjectionHead(vit.width, $0, deviation: vit.deviation, random: random.child("ibot_head"))
    }
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("backbone", &backbone)
    v("dino_head", &dinoHead)
    v("ibot_head", &ibotHead)
  }

  /// Teacher's logits of a shard: of the class tokens of both crops, and of the patches that the student does not see.
  func targets(of shard: CropShard, usesPatches: Bool) -> [Tensor] {
    let output = backbone(shard.globals)
    let cls = dinoHead(output.classToken).split(2)
    guard usesPatches else { return cls }
    return cls + [(ibotHead ?? dinoHead)(output.patches.flattened(from: 0, through: 1).gathered(shard.places))]
  }

  /// Student's outputs of a shard, in the order of `StudentOutputs`.
  func outputs(of shard: CropShard, masksInput: Bool, usesPatches: Bool, _ context: ForwardContext) -> [Tensor] {
    let output = backbone(shard.globals, mask: masksInput ? shard.mask : nil, context.child("global"))
    let tokens = output.classToken.split(2)
    let cls = dinoHead(output.classToken).split(2)
    var z = [tokens[0], tokens[1], cls[0], cls[1]]
    z.append(
      usesPatches
        ? (ibotHead ?? dinoHead)(output.patches.flattened(from: 0, through: 1).gathered(shard.places))
        : Tensor.zeros([0, 1]))
    if !shard.locals.isEmpty {
      z.append(dinoHead(backbone(concat(shard.locals), context.child("local")).classToken))
    }
    return z
  }
}

/// A student's outputs over the whole batch.
struct StudentOutputs {
  let firstToken, secondToken: Tensor  // [B, D], class tokens of the two global crops
  let first, second: Tensor  // [B, K], their logits
  let patches: Tensor?  // [masked, K]
  let locals: Tensor?  // [L B, K]

  init(_ z: [Tensor]) {
    (firstToken, secondToken, first, second) = (z[0], z[1], z[2], z[3])
    patches = z[4].count > 0 ? z[4] : nil
    locals = z.count > 5 ? z[5] : nil
  }
}

/// A student, its moving average, and the centres of the average's logits.
public struct SelfDistillationPair: Layer {
  public var student, teacher: SelfDistillationNetwork
  public var dinoCenter, ibotCenter: Tensor  // [1, K]

  init(_ vit: ViTConfiguration, _ heads: HeadConfiguration, random: RandomStream) {
    student = SelfDistillationNetwork(vit, heads, random: random)
    teacher = student
    dinoCenter = .zeros([1, heads.cls.prototypes])
    ibotCenter = .zeros([1, (heads.patches ?? heads.cls).prototypes])
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("student", &student)
    v("teacher", &teacher, frozen: true)
    v("dino_center", &dinoCenter, .buffer)
    v("ibot_center", &ibotCenter, .buffer)
  }
}
