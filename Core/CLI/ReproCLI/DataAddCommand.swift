import ArgumentParser
import ReproConfig
import ReproData
import ReproEngine

struct DataAdd: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Adds a data set of your own, which recipes then name as their provider.",
    discussion: """
      Looks at the folder, says what it found, and keeps a small card of it in REPRO_CACHE; nothing is copied. A zip,
      tar or tar.gz archive is unpacked into REPRO_CACHE first. The layouts are described in docs/your-data.md:
        imagefolder  <class>/*.jpg, perhaps below train, val and test
        frames       <video>/*.jpg or <class>/<video>/*.jpg: videos as folders of frames
        coco         annotations.json and images: boxes of categories, or captions
        kitti        <date>/<drive>/image_02/data/*.png with calib_cam_to_cam.txt
        dtu          cams/*_cam.txt or cameras_sphere.npz with images: calibrated photographs
      """)

  @Argument(help: "How recipes are to call it: letters a to z, digits, hyphens.") var name: String
  @Argument(help: "The folder, or an archive of it.") var path: String
  @Option(help: "imagefolder, frames, coco, kitti or dtu.") var format: String
  @Option(help: "What it is, for the list.") var title: String?
  @Option(help: "Its licence, for the list.") var licence = "yours"
  @Flag(help: "Put it in the place of a card of that name.") var replace = false

  func run() throws {
    let formats = UserDataCard.Format.allCases.map(\.rawValue)
    guard let format = UserDataCard.Format(rawValue: format) else {
      throw ReproError(
        .usage, found: "--format is '\(clipped(format))'", expected: "one of \(formats.joined(separator: ", "))",
        hint: suggestion(for: format, among: formats))
    }
    let taken = Program.plugins.datasets.map { $0.card.id } + DataCatalog.sets.map(\.id)
    let card = try UserDataCard.add(
      name, path: path, format: format, title: title, licence: licence, taken: taken, replaces: replace,
      root: Program.dataRoot())
    Terminal.line("\(card.name): \(card.contents), in \(card.path)")
    Terminal.line("in a recipe: data: {provider: \(card.name)}")
  }
}
