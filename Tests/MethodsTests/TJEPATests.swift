import Glibc
import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproScenes
import ReproTensor
import TestSupport
import Testing

@testable import Masked

@Suite struct TJEPATests {
  private func table() throws -> ScenesTable {
    var options = try Section(
      YAMLNode(parsing: "{numbers: 3, words: 2, chance: 1, levels: 3, train: 40, test: 10}", file: "t"), name: "data")
    return try ScenesTable(&options, root: DataRoot(cache: "", mirror: nil, seed: 1))
  }

  private func method(_ more: String = "") throws -> TJEPA {
    try make(
      TJEPA.self,
      "{width: 8, heads: 2, layers: 2, hidden: 12, init_deviation: 0.3, predictor: {width: 6, heads: 2, layers: 1, hidden: 8}\(more)}"
    )
  }

  private func context(_ data: ScenesTable, batch: Int = 8, shards: Int = 1) throws -> StepContext {
    StepContext(
      step: 0, steps: 10, random: RandomStream(seed: 9).child("step"),
      data: try TrainingData(data, labelled: false, random: RandomStream(seed: 1)), batchSize: batch, shards: shards,
      plan: .constant(rate: 1e-3))
  }

  // MARK: masks

  private func masks(registers: Int = 1, released: Bool = false, seed: UInt64 = 1, rows: Int = 200) -> ColumnMasks {
    ColumnMasks(
      rows: rows, columns: 14, registers: registers, shares: .init(context: 0.14...0.37, target: 0.16...0.62), sets: 4,
      isAsReleased: released, random: RandomStream(seed: seed))
  }

  @Test func registersAreInEveryContextAndNeverATarget() {
    for registers in 0...2 {
      let found = masks(registers: registers)
      for (context, targets) in zip(found.context, found.targets) {
        #expect(Array(context.prefix(registers)) == Array(0..<registers))
        let columns = context.dropFirst(registers)
        #expect(Set(columns).count == columns.count && columns.allSatisfy { $0 >= registers && $0 < 14 + registers })
        for target in targets {
          #expect(Set(target).count == target.count && Set(target).isDisjoint(with: context))
          #expect(target.allSatisfy { $0 >= registers && $0 < 14 + registers })
        }
      }
    }
  }

  @Test func sizesAreEqualInABatchAndWithinTheirShares() {
    var (seen, asked): (Set<Int>, Set<Int>) = ([], [])
    for seed in 0..<60 {
      let found = masks(seed: UInt64(seed), rows: 5)
      #expect(Set(found.context.map(\.count)).count == 1 && Set(found.targets.flatMap { $0.map(\.count) }).count == 1)
      seen.insert(found.context[0].count - 1)
      asked.insert(found.targets[0][0].count)
      #expect(found.context[0].count - 1 + found.targets[0][0].count <= 14)
    }
    // 0.14, 0.37, 0.16 and 0.62 of 14 columns, rounded.
    #expect(seen == Set(2...5) && asked == Set(2...9))
  }

  @Test func setsOfARowDifferUnlessTheyAreDrawnAsReleased() {
    let ours = masks().targets.count { Set($0.map { $0.sorted() }).count > 1 }
    #expect(ours > 190)
    let released = masks(released: true)
    #expect(released.targets.allSatisfy { Set($0).count == 1 })
    let tokens = released.context.flatMap { $0 } + released.targets.flatMap { $0.flatMap { $0 } }
    #expect(Set(tokens) == Set(0..<14), "the register is a place like others, the last column never is")
  }

  @Test func tablesOfFewColumnsHaveMasksToo() {
    for seed in 0..<20 {
      let found = ColumnMasks(
        rows: 3, columns: 2, registers: 1, shares: .init(context: 0.1...0.9, target: 0.8...0.9), sets: 2,
        random: RandomStream(seed: UInt64(seed)))
      #expect(found.context[0].count == 2 && found.targets[0][0].count == 1)
    }
  }

  // MARK: networks

  @Test func tokensOfARowAreThoseOfTheEquation() throws {
    let data = try table()
    let schema = try TableSchema(data.spec, for: "test")
    #expect(schema.numbers == ["column-1", "column-2", "column-3", "column-6"])
    #expect(schema.words.map(\.name) == ["column-4", "column-5"] && schema.words.map(\.count) == [3, 3])
    let tokenizer = FeatureTokenizer(schema, width: 5, registers: 2, hasTypes: true, random: RandomStream(seed: 4))
    let batch = try data.batch([3, 7], of: .train)
    let found = rows(tokenizer(schema.rows(of: batch)).reshaped([2 * 8, 5]))
    func own(_ path: String) throws -> [[Double]] { rows(try #require(tokenizer.tensor(path))) }
    let (weight, bias, types) = (try own("weight"), try own("bias"), try own("types"))
    for row in 0..<2 {
      for k in 0..<5 {
        for r in 0..<2 { #expect(abs(found[row * 8 + r][k] - weight[r][k]) < 1e-6) }
        for (j, name) in schema.numbers.enumerated() {
          let x = Double(batch.reals(name).values[row])
          #expect(abs(found[row * 8 + 2 + j][k] - (x * weight[2 + j][k] + bias[j][k] + types[0][k])) < 1e-6)
        }
        for (j, word) in schema.words.enumerated() {
          let table = try own("embeddings.\(j).weight")[batch.integers(word.name)[row]]
          #expect(abs(found[row * 8 + 6 + j][k] - (table[k] + bias[4 + j][k] + types[1][k])) < 1e-6)
        }
      }
    }
  }

  @Test func placesOnALineAreSinusoidsInTurnOrInHalves() {
    let (turned, halves) = (
      linePositions(3, width: 4, base: 100, inTurn: true), linePositions(3, width: 4, base: 10000, inTurn: false)
    )
    for p in 0..<3 {
      let x = Double(p)
      let a = [sin(x), cos(x), sin(x / 10), cos(x / 10)]
      let b = [sin(x), sin(x / 100), cos(x), cos(x / 100)]
      for k in 0..<4 {
        #expect(
          abs(Double(turned.values[p * 4 + k]) - a[k]) < 1e-6 && abs(Double(halves.values[p * 4 + k]) - b[k]) < 1e-6)
      }
    }
  }

  @Test func theLossIsTheMeanOverRowsSetsColumnsAndDimensions() throws {
    let (data, method) = (try table(), try method())
    var state = try method.makeState(for: data.spec, random: RandomStream(seed: 2))
    let before = state
    var step = try context(data)
    let all = before.schema.rows(of: try step.batch())
    let masks = ColumnMasks(
      rows: 8, columns: 6, registers: 1, shares: method.options.shares, sets: 4, random: step.random.child("masks"))
    // Every row and every set by itself.
    var (sum, count) = (0.0, 0)
    for row in 0..<8 {
      let own = all.rows(row..<row + 1)
      let whole = before.target(own)
      for set in masks.targets[row] {
        let context = IndexTensor([1, masks.context[row].count], masks.context[row])
        let predicted = before.student.predictions(own, context, IndexTensor([1, 1, set.count], set))
        for (place, token) in set.enumerated() {
          let wanted = whole.select(1, token).values
          for (k, value) in predicted.select(2, place).values.enumerated() {
            sum += (Double(value) - Double(wanted[k])) * (Double(value) - Double(wanted[k]))
            count += 1
          }
        }
      }
    }
    let metrics = try method.step(&state, &step)
    #expect(close(metrics["loss"], sum / Double(count), 1e-5))
    #expect((metrics["variance"] ?? 0) > 0.01)
  }

  @Test func theTargetEncoderSeesTheWholeRowAndTheContextEncoderItsContextOnly() throws {
    let (data, method) = (try table(), try method())
    let state = try method.makeState(for: data.spec, random: RandomStream(seed: 2))
    let given = state.schema.rows(of: try data.batch([0], of: .train))
    var other = given
    other.numbers = given.numbers + Tensor([1, 4], [0, 0, 0.7, 0])  // column-3 is token 3
    let (context, targets) = (IndexTensor([1, 3], [0, 1, 5]), IndexTensor([1, 1, 2], [2, 3]))
    #expect(
      state.student.predictions(given, context, targets).values
        == state.student.predictions(other, context, targets).values)
    let seen = IndexTensor([1, 3], [0, 1, 3])
    #expect(
      state.student.predictions(given, seen, targets).values != state.student.predictions(other, seen, targets).values)
    // Token 2 is another column: what is said about it takes the whole row in.
    #expect(state.target(given).select(1, 2).values != state.target(other).select(1, 2).values)
  }

  @Test func theTargetEncoderFollowsTheContextEncoderAndHasNoGradient() throws {
    let (data, method) = (try table(), try method(", momentum: 0.75"))
    var state = try method.makeState(for: data.spec, random: RandomStream(seed: 2))
    let before = state
    var step = try context(data)
    _ = try method.step(&state, &step)
    let old = before.target.named
    for (k, new) in state.target.named.enumerated() {
      let student = try #require(state.student.encoder.tensor(new.name))
      for (i, value) in new.value.values.enumerated() {
        #expect(abs(value - (0.75 * old[k].value.values[i] + 0.25 * student.values[i])) < 1e-6)
      }
    }
    let moved = zip(before.student.named, state.student.named).filter { $0.value.values != $1.value.values }
    #expect(moved.count == before.student.named.count, "everything in the student is trained")
  }

  @Test func aRowIsEmbeddedAsAllTokensOfItsTargetEncoder() throws {
    let data = try table()
    for registers in [0, 1] {
      let method = try method(", registers: \(registers)")
      let state = try method.makeState(for: data.spec, random: RandomStream(seed: 2))
      let found = try method.embed(state, try data.batch([0, 1, 2], of: .test)).global
      #expect(found.shape == [3, (6 + registers) * 8])
      #expect(found.values == state.target(state.schema.rows(of: try data.batch([0, 1, 2], of: .test))).values)
    }
  }

  @Test func dataAndOptionsThatCannotWorkAreRefused() throws {
    let method = try method()
    let error = reproError { _ = try method.makeState(for: imageSpec(side: 8), random: RandomStream(seed: 1)) }
    #expect(error?.hint == "tabular offers them with columns: true")
    #expect(reproError { _ = try self.method(", context: [0.5, 0.6], target: [0.5, 0.6]") } != nil)
    #expect(
      reproError { _ = try make(TJEPA.self, "{width: 9, heads: 2}") }?.expected == "an even multiple of the heads")
  }
}
