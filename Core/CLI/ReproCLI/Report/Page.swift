import ReproEngine

/// The frame of every page: head, navigation, footer.
struct Page {
  var title: String
  /// One sentence for search engines and previews.
  var description: String
  /// From this page to the first one: "" or "../".
  var home = ""
  /// The place in the navigation, an address from the first page.
  var place: String?
  var usesScript = false
  var body: [HTML]

  /// - Parameter families: those that have a page.
  func text(families: [Family]) -> String {
    let heading = title == Page.site ? title : "\(title) \u{00B7} repro"
    let head: [HTML] = [
      .element("meta", ["charset": "utf-8"]),
      .element("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
      .element("title", [:], [HTML(heading)]),
      .element("meta", ["name": "description", "content": description]),
      .element("meta", ["name": "color-scheme", "content": "light dark"]),
      .element("link", ["rel": "icon", "href": Page.icon]),
      .element("link", ["rel": "stylesheet", "href": home + Style.name]),
    ]
    let script: [HTML] =
      usesScript ? [.element("script", ["src": home + Script.name, "defer": ""], [])] : []
    return HTML.document(
      .element(
        "html", ["lang": "en"],
        [
          "\n", .element("head", [:], head + script), "\n",
          .element("body", [:], [skip, header(families), "\n", main, "\n", footer]), "\n",
        ]))
  }

  static let site = "repro: papers on self-supervised learning, rebuilt and tested"

  /// A drawing in its own address, so that no browser asks for a file: a tick on blue.
  private static let icon =
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' height='32' "
    + "rx='7' fill='%230b62a4'/%3E%3Cpath d='M8 17l5.5 5.5L24 10' fill='none' stroke='white' "
    + "stroke-width='4'/%3E%3C/svg%3E"

  private var skip: HTML { .link("#main", class: "skip", "Skip to the content") }

  private var main: HTML { .element("main", ["class": "page", "id": "main"], body) }

  private func header(_ families: [Family]) -> HTML {
    func item(_ address: String, _ name: String) -> HTML {
      .link(home + address, current: address == place, HTML(name))
    }
    let links =
      [item("index.html", "All papers")] + families.map { item($0.page, $0.title) }
      + [item("statistics.html", "How to read this")]
    return .element(
      "header", ["class": "top"],
      [
        .div(
          "page", .link(home + "index.html", class: "brand", "repro"),
          .element("nav", ["aria-label": "Site"], links))
      ])
  }

  private var footer: HTML {
    .element(
      "footer", [:],
      [
        .div(
          "page",
          .p(
            "Numbers and verdicts come from the records in the repository; ", .code("./repro verify"),
            " computes them again. Small scale tests claims, not absolute numbers: ",
            .link(home + "statistics.html", "how to read this"), "."),
          .p("Written by ", .code("repro report"), ". The same records give the same pages, byte for byte."))
      ])
  }
}

extension Family {
  var title: String {
    switch self {
    case .contrastive: "Contrastive"
    case .distillation: "Distillation"
    case .masked: "Masked"
    case .geometric: "Geometric"
    case .multimodal: "Multimodal"
    case .evaluation: "Studies"
    case .baseline: "Baselines"
    }
  }

  /// What the methods of a family have in common.
  var sentence: String {
    switch self {
    case .contrastive:
      "Views of the same thing are pulled together, views of different things pushed apart; what is learnt is decided "
        + "by what counts as the same."
    case .distillation:
      "A student learns to say what a teacher says, often a moving average of itself that sees more of the picture."
    case .masked: "A part is hidden and has to be told from the rest: pixels, patches, words, nodes or features."
    case .geometric:
      "The geometry of several views supervises: what one camera sees must agree with what another one sees of it."
    case .multimodal: "Pictures, words, sound and signals that occur together teach each other."
    case .evaluation:
      "Surveys and benchmarks: no method of their own, but claims about the methods of others, tested by running them."
    case .baseline: "Methods that several papers are compared with."
    }
  }

  /// From the first page.
  var page: String { "families/\(rawValue).html" }
}
