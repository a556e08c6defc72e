"""Faults that people make, one at a time: what the tests must notice without the goldens.

Each is a change of one place of the sources, made when the copy is prepared and switched on by the environment variable
PLANTED_FAULT, so that one build serves all of them. `old` must occur exactly once in its file.
"""

from dataclasses import dataclass


@dataclass
class Fault:
    id: str
    what: str  # what goes wrong, in words
    file: str
    old: str
    new: str  # asks isPlanted("<id>")
    tests: str  # the test target that is asked first: that of the module
    trains: bool = True  # whether a training run can notice at all


DINO = "Methods/Distillation/DINOv2.swift"
SHARED = "Methods/Distillation/Shared"

FAULTS = [
    # The method
    Fault(
        "no-average", "the teacher is never updated", DINO,
        "rate: Real(options.teacherMomentum(context.progress)))",
        'rate: isPlanted("no-average") ? 1 : Real(options.teacherMomentum(context.progress)))', "MethodsTests"),
    Fault(
        "teacher-is-student", "the teacher is a copy of the student instead of its average", DINO,
        "    metrics[\"target-entropy\"] =",
        '    if isPlanted("teacher-is-student") { pair.teacher = pair.student }\n    metrics["target-entropy"] =',
        "MethodsTests"),
    Fault(
        "swapped-views", "each view is matched with its own target instead of the other's", DINO,
        "crossEntropyRows(targets: target[1], logits: z.first,",
        'crossEntropyRows(targets: target[isPlanted("swapped-views") ? 0 : 1], logits: z.first,', "MethodsTests"),
    Fault(
        "locals-with-one-target", "local crops are matched with one of the two global targets", DINO,
        "let both = (target[0] + target[1]).gathered(",
        'let both = (isPlanted("locals-with-one-target") ? target[0] * 2 : target[0] + target[1]).gathered(',
        "MethodsTests"),
    Fault(
        "term-off-by-factor", "the patch loss is divided by B instead of 2 B", DINO,
        "/ Real(2 * target[0].shape[0])", '/ Real((isPlanted("term-off-by-factor") ? 1 : 2) * target[0].shape[0])',
        "MethodsTests"),
    Fault(
        "wrong-student-temperature", "the student's logits are divided by 1 instead of 0.1", DINO,
        "logits: locals, temperature: options.studentTemperature).sum()",
        'logits: locals,\n          temperature: isPlanted("wrong-student-temperature") ? 1 : options.studentTemperature\n'
        "        ).sum()", "MethodsTests"),
    Fault(
        "wrong-teacher-temperature", "targets are sharpened with the student's temperature", DINO,
        "let temperature = Real(options.teacherTemperature(context.progress))",
        'let temperature: Real =\n      isPlanted("wrong-teacher-temperature")\n'
        "      ? options.studentTemperature : Real(options.teacherTemperature(context.progress))", "MethodsTests"),
    Fault(
        "mask-not-applied", "the student sees the patches that it has to guess", f"{SHARED}/SelfDistillationPair.swift",
        "mask: masksInput ? shard.mask : nil,",
        'mask: masksInput && !isPlanted("mask-not-applied") ? shard.mask : nil,', "MethodsTests"),
    Fault(
        "student-as-target", "the patches' targets come from the masked images", f"{SHARED}/SelfDistillationPair.swift",
        "let output = backbone(shard.globals)\n",
        'let output = backbone(shard.globals, mask: isPlanted("student-as-target") ? shard.mask : nil)\n', "MethodsTests"),
    Fault(
        "shared-start-missing", "the teacher does not start as the student", f"{SHARED}/SelfDistillationPair.swift",
        "    teacher = student\n",
        '    teacher =\n      isPlanted("shared-start-missing")\n'
        '      ? SelfDistillationNetwork(vit, heads, random: random.child("teacher")) : student\n', "MethodsTests"),
    Fault(
        "koleo-not-normalised", "KoLeo is computed on features that are not normalised", f"{SHARED}/TeacherTargets.swift",
        "let z = x.l2Normalized(epsilon: 1e-8)\n",
        'let z = isPlanted("koleo-not-normalised") ? x : x.l2Normalized(epsilon: 1e-8)\n', "MethodsTests"),
    Fault(
        "koleo-self-neighbour", "KoLeo takes every sample as its own nearest neighbour",
        f"{SHARED}/TeacherTargets.swift", ".fillingDiagonal(-1).argmax()",
        '.fillingDiagonal(isPlanted("koleo-self-neighbour") ? 2 : -1).argmax()', "MethodsTests"),
    Fault(
        "sinkhorn-once", "Sinkhorn-Knopp runs one iteration", f"{SHARED}/TeacherTargets.swift",
        "for _ in 0..<iterations {", 'for _ in 0..<(isPlanted("sinkhorn-once") ? 1 : iterations) {', "MethodsTests"),
    Fault(
        "center-not-subtracted", "centring is forgotten", f"{SHARED}/TeacherTargets.swift",
        "(logits.detached - center).softmax(",
        '(isPlanted("center-not-subtracted") ? logits.detached : logits.detached - center).softmax(', "MethodsTests"),
    Fault(
        "head-not-normalised", "the projection is not normalised before the prototypes", f"{SHARED}/ProjectionHead.swift",
        "return linear(y.l2Normalized(),", 'return linear(isPlanted("head-not-normalised") ? y : y.l2Normalized(),',
        "MethodsTests"),
    Fault(
        "mask-weights", "masked patches are not weighted by the number in their image", f"{SHARED}/BlockMasks.swift",
        "repeating: 1 / Real(max(count, 1)), count: count)",
        'repeating: isPlanted("mask-weights") ? 1 : 1 / Real(max(count, 1)), count: count)', "MethodsTests"),
    Fault(
        "one-crop-scale", "local crops are drawn from the scale of global ones", f"{SHARED}/MultiCrop.swift",
        "var rest = try policy(&small, scale: [0.05, 0.32])",
        'var rest = try policy(&small, scale: isPlanted("one-crop-scale") ? [0.32, 1] : [0.05, 0.32])', "MethodsTests"),
    Fault(
        "augmentation-seed-reused", "both global crops are drawn from the same stream", f"{SHARED}/MultiCrop.swift",
        'random: random.child("global", $0)) },',
        'random: random.child("global", isPlanted("augmentation-seed-reused") ? 0 : $0)) },', "MethodsTests"),
    Fault(
        "last-layer-not-frozen", "the prototypes are trained from the first step", "Methods/Distillation/DINOv2Options.swift",
        "let freezes = progress < freezeLastLayer",
        'let freezes = progress < freezeLastLayer && !isPlanted("last-layer-not-frozen")', "MethodsTests"),
    # Networks and optimizers
    Fault(
        "no-bias-correction", "AdamW without bias correction", "Core/Tensor/Updates/Updates.swift",
        "let stepSize = Real(Double(rate) / (1 - Glibc.pow(Double(beta1), Double(step))))",
        'let stepSize =\n      isPlanted("no-bias-correction")\n'
        "      ? rate : Real(Double(rate) / (1 - Glibc.pow(Double(beta1), Double(step))))", "NNTests"),
    Fault(
        "positions-forgotten", "position embeddings are not added", "Core/NN/Attention/VisionTransformer.swift",
        "if rows == side && columns == side { return posEmbed }",
        'if rows == side && columns == side { return isPlanted("positions-forgotten") ? posEmbed * 0 : posEmbed }',
        "NNTests"),
    Fault(
        "clip-forgotten", "gradients are never clipped", "Core/NN/Training/Clipping.swift",
        "if length > limit {", 'if length > limit && !isPlanted("clip-forgotten") {', "NNTests"),
    Fault(
        "warm-up-forgotten", "the learning rate starts at its peak", "Core/NN/Training/LearningRate.swift",
        "if progress < warmup {", 'if progress < warmup && !isPlanted("warm-up-forgotten") {', "NNTests"),
    Fault(
        "shards-not-added", "the gradient of one micro-shard stands for all", "Core/NN/Training/Differentiation.swift",
        "    var level = shards\n",
        '    var level = isPlanted("shards-not-added") ? [shards[0]] : shards\n', "NNTests"),
    Fault(
        "target-not-constant", "gradients flow into the loss's targets with the wrong sign",
        "Core/NN/Losses/CrossEntropy.swift", "return -(targets * (logits / temperature).logSoftmax()).sum(-1)",
        'return (isPlanted("target-not-constant") ? 1 : -1) * (targets * (logits / temperature).logSoftmax()).sum(-1)',
        "NNTests"),
    # Data
    Fault(
        "label-leak", "label columns reach the training code", "Core/Engine/TrainingData.swift",
        "if !labelled {\n      all", 'if !labelled && !isPlanted("label-leak") {\n      all', "EngineTests"),
    Fault(
        "test-rows-in-training", "the training set is the test split", "Core/Engine/TrainingData.swift",
        "samples = try MemoryDataset(provider, .train, labelled: labelled)",
        'samples = try MemoryDataset(\n'
        '      provider, isPlanted("test-rows-in-training") ? .test : .train, labelled: labelled)', "EngineTests"),
    Fault(
        "order-never-changes", "every epoch has the order of the first", "Core/Engine/TrainingData.swift",
        'random.child("epoch", step / perEpoch)',
        'random.child("epoch", isPlanted("order-never-changes") ? 0 : step / perEpoch)', "EngineTests"),
    Fault(
        "never-flipped", "views are never mirrored", "Core/Data/Augmentations/ViewPolicy.swift",
        "let flips = stream.bernoulli(flip)",
        'let flips = stream.bernoulli(flip) && !isPlanted("never-flipped")', "DataTests"),
    Fault(
        "jitter-without-hue", "colours are changed without hue", "Core/Data/Augmentations/ViewPolicy.swift",
        "default: canvas.hue(Float(stream.uniform(-jitter.hue, jitter.hue)))",
        'default: if !isPlanted("jitter-without-hue") { canvas.hue(Float(stream.uniform(-jitter.hue, jitter.hue))) }',
        "DataTests"),
    Fault(
        "one-world", "the seed does not draw the world", "Core/Engine/Runs/CellRunner.swift",
        "let root = DataRoot(cache: dataCache, mirror: mirror, seed: seed, notices: notices)",
        'let root = DataRoot(\n      cache: dataCache, mirror: mirror, seed: isPlanted("one-world") ? 0 : seed, notices: notices)',
        "EngineTests"),
    Fault(
        "optimizer-lost", "a resumed run forgets the optimizer's moments", "Core/Engine/Runs/Session.swift",
        "session.optimizers.append(StepContext.NamedOptimizer(name: name, optimizer: optimizer))",
        'if !isPlanted("optimizer-lost") {\n'
        "            session.optimizers.append(StepContext.NamedOptimizer(name: name, optimizer: optimizer))\n          }",
        "EngineTests", trains=False),
    # Evaluations
    Fault(
        "evaluated-on-training-set", "the neighbours' accuracy is measured on the training samples",
        "Evaluations/Probes/WeightedKNN.swift", "features.vectors(subject, .test,",
        'features.vectors(subject, isPlanted("evaluated-on-training-set") ? .train : .test,', "EvaluationsTests"),
    Fault(
        "knn-temperature", "votes of neighbours are not sharpened", "Evaluations/Probes/WeightedKNN.swift",
        "let weights = (similarities / Real(temperature)).exp().values",
        'let weights = (similarities / Real(isPlanted("knn-temperature") ? 1 : temperature)).exp().values',
        "EvaluationsTests"),
    Fault(
        "rate-chosen-on-test", "the probe is fitted to all samples before the rate is chosen",
        "Evaluations/Probes/LinearProbe.swift", "return (labels.indices.filter { !isHeld.contains($0) }, held)",
        'return (labels.indices.filter { isPlanted("rate-chosen-on-test") || !isHeld.contains($0) }, held)',
        "EvaluationsTests"),
    Fault(
        "query-in-gallery", "a query finds itself", "Evaluations/Matching/InstanceRetrieval.swift",
        "excluding: { [$0] }) { i in\n    members[identity[i]].filter { $0 != i }",
        'excluding: { isPlanted("query-in-gallery") ? [] : [$0] }) { i in\n'
        '    members[identity[i]].filter { isPlanted("query-in-gallery") || $0 != i }', "EvaluationsTests"),
    Fault(
        "iou-of-absent-classes", "classes that are not there count as 0", "Evaluations/Metrics/Scores/Confusion.swift",
        "return union > 0 ? Double(self[c, c]) / Double(union) : nil",
        'return union > 0 ? Double(self[c, c]) / Double(union) : isPlanted("iou-of-absent-classes") ? 0 : nil',
        "EvaluationsTests"),
    # Statistics
    Fault(
        "ties-not-counted", "sign flips with the same sum are not counted", "Core/Engine/Evidence/SignFlip.swift",
        "($1 <= limit ? 1 : 0)", '($1 <= (isPlanted("ties-not-counted") ? -limit : limit) ? 1 : 0)', "EngineTests"),
    Fault(
        "attempts-free", "p is not multiplied by the number of attempts", "Core/Engine/Evidence/Adjustments.swift",
        "return min(1, Double(attempts) * p)", 'return isPlanted("attempts-free") ? p : min(1, Double(attempts) * p)',
        "EngineTests", trains=False),
    Fault(
        "development-seeds-judged", "seeds on which rates were chosen enter claims",
        "Core/Engine/Evidence/MeasurementTable.swift", "&& cell.seed < Recipe.firstDevelopmentSeed",
        '&& (cell.seed < Recipe.firstDevelopmentSeed || isPlanted("development-seeds-judged"))', "EngineTests",
        trains=False),
]
