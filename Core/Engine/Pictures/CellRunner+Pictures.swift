import ReproData
import ReproTensor

extension CellRunner {
  /// Draws what the report shows, once for each arm: of the recipe's first seed. Pictures come from a random stream of
  /// their own and change no result; what goes wrong with one is said and does not stop the run.
  func drawPictures<M: MethodPlugin>(
    of method: M, _ state: M.State, _ data: any DatasetProvider, _ random: RandomStream
  ) throws {
    guard seed == recipe.seeds.first else { return }
    let evaluations = try recipe.evaluations.map { plan in try plugins.makeEvaluation(plan) }
    let context = PictureContext(
      data: data,
      subject: EvaluationSubject(encoder: FrozenEncoder(method: method, state: state, data: data), data: data),
      random: random.child("pictures"))
    let pictures = Profile.measure("pictures") { Picture.all(of: method, state, evaluations, context, notices) }
    do { try PictureFolder.write(pictures, ofRun: folder) } catch {
      notices("\(folder): the pictures cannot be written: \(error)")
    }
  }
}
