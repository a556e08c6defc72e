import ReproEngine

/// One picture of a method with its heading, its headings over columns, and its caption.
struct PictureFigure {
  let picture: PictureFolder.Stored
  let results: PaperPage.RecipeResults
  let index: Int

  var html: HTML {
    let title = HTML.element("h4", [:], [HTML(picture.title)])
    let caption = HTML.element("figcaption", [:], [HTML(picture.caption)])
    switch picture.content {
    case .image(_, let width, let height, let columns):
      let image = HTML.element(
        "img",
        [
          "src": "../" + PaperPage.address(of: picture, results), "alt": picture.alternative, "width": "\(width)",
          "height": "\(height)", "loading": "lazy",
        ])
      let heads =
        columns.isEmpty
        ? HTML.empty
        : HTML.element(
          "div", ["class": "heads", "aria-hidden": "true"], columns.map { .element("span", [:], [HTML($0)]) })
      return .element(
        "figure", ["class": "picture", "style": "max-width: \(width)px"], [title, heads, image, caption])
    case .matrix(let matrix):
      let svg = MatrixPlot(
        id: "matrix-\(results.recipe.id)-\(index)", title: picture.title, description: picture.alternative,
        matrix: matrix)
      return .element("figure", ["class": "picture"], [title, svg.svg.html, caption])
    }
  }
}

/// A matrix as squares whose darkness is the number; the number stands in them where there is room.
struct MatrixPlot {
  let id, title, description: String
  let matrix: Picture.Matrix

  var svg: SVG {
    let names = matrix.rows.map(SVG.width)
    let left = min(130, max(40, (names.max() ?? 40))) + 26
    let side = min(34, max(9, 420 / Double(max(matrix.columns.count, 1))))
    let head = min(130, matrix.columns.map(SVG.width).max() ?? 40) + 34
    let width = left + side * Double(matrix.columns.count) + 10
    let height = head + side * Double(matrix.rows.count) + 26
    let values = matrix.values.joined()
    let (low, high) = (min(values.min() ?? 0, 0), values.max() ?? 1)
    var svg = SVG(width: width, height: height, id: id, title: title, description: description)
    svg.text(
      10, head + side * Double(matrix.rows.count) / 2, matrix.rowAxis, "label axis", anchor: .middle, turned: true)
    svg.text(left + side * Double(matrix.columns.count) / 2, 12, matrix.columnAxis, "label axis", anchor: .middle)
    for (i, name) in matrix.columns.enumerated() {
      svg.text(left + side * (Double(i) + 0.5) + 4, head - 6, shown(name, 130), anchor: .start, turned: true)
    }
    for (i, name) in matrix.rows.enumerated() {
      let y = head + side * Double(i)
      svg.text(left - 6, y + side / 2 + 4, shown(name, 130), anchor: .end)
      for (j, value) in matrix.values[i].enumerated() {
        let share = high > low ? (value - low) / (high - low) : 0
        svg.cell(left + side * Double(j), y, side, share, hint: "\(name), \(matrix.columns[j]): \(readable(value))")
        // Two digits where they fit and say something.
        if side >= 24, share >= 0.05 {
          svg.text(
            left + side * (Double(j) + 0.5), y + side / 2 + 4, decimals(value, 2).replacing("0.", with: "."),
            share > 0.55 ? "label inverse" : "label small", anchor: .middle)
        }
      }
    }
    svg.text(left, height - 6, matrix.unit, "label axis")
    return svg
  }

  private func shown(_ name: String, _ room: Double) -> String {
    var text = name
    while SVG.width(of: text) > room, text.count > 1 { text.removeLast() }
    return text == name ? name : text + "\u{2026}"
  }
}
