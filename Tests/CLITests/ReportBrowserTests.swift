import Foundation
import ReproConfig
import ReproData
import TestSupport
import Testing

@testable import ReproCLI
@testable import ReproEngine

/// The site in a real browser: no errors, nothing wider than the window, every text readable on its ground, filters
/// that work without a script. Skipped with a word where there is no Chromium.
@Suite(.serialized) struct ReportBrowserTests {
  static let chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  /// Looks at a page and says on the console what a person would stumble over.
  private static let probe = """
    <script>
    window.addEventListener("load", function () {
      function channels(c) { return (c.match(/[\\d.]+/g) || [0, 0, 0]).map(Number); }
      function light(c) {
        return [0.2126, 0.7152, 0.0722].reduce(function (sum, w, i) {
          var v = c[i] / 255;
          return sum + w * (v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4));
        }, 0);
      }
      function ground(e) {
        for (; e; e = e.parentElement) {
          var c = channels(getComputedStyle(e).backgroundColor);
          if (c.length < 4 || c[3] > 0.99) { return c; }
        }
        return [255, 255, 255];
      }
      var worst = 99, where = "";
      document.querySelectorAll("body *").forEach(function (e) {
        var own = Array.from(e.childNodes).some(function (n) { return n.nodeType === 3 && n.data.trim() !== ""; });
        if (!own || e.closest(".unseen, .skip, script, title, desc, .inverse")) { return; }
        if (e.getClientRects().length === 0) { return; }
        var style = getComputedStyle(e);
        var ink = channels(e.closest("svg") ? style.fill : style.color);
        var a = light(ink), b = light(ground(e)), ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < worst) { worst = ratio; where = e.tagName + "." + e.getAttribute("class"); }
      });
      // The filters by their style alone: which papers each choice leaves.
      var shown = Array.from(document.querySelectorAll("input[type=radio]")).map(function (choice) {
        choice.checked = true;
        return choice.id + " " + Array.from(document.querySelectorAll("tr.paper")).filter(function (e) {
          return getComputedStyle(e).display !== "none" && getComputedStyle(e.closest("section")).display !== "none";
        }).length;
      }).join(", ");
      console.log("probe " + JSON.stringify({
        wide: document.documentElement.scrollWidth - window.innerWidth, contrast: worst, where: where, papers: shown,
        dark: matchMedia("(prefers-color-scheme: dark)").matches,
        broken: Array.from(document.images).filter(function (i) { return i.complete && i.naturalWidth === 0; }).length
      }));
    });
    </script>
    """

  struct Look {
    /// Everything that the page said on the console, without the probe's line.
    var console: [String]
    var probe: JSONValue
    var picture: ImageBatch
  }

  /// - Parameter change: makes a copy of the page what the test is about.
  private func look(
    _ page: String, in folder: String, width: Int, dark: Bool = false, _ change: (String) -> String = { $0 }
  ) throws -> Look {
    let text = String(decoding: try bytes("\(folder)/\(page)"), as: UTF8.self)
    let copy = "\(folder)/\(page.dropLast(5))-seen.html"
    try write(change(text).replacing("</head>", with: Self.probe + "</head>"), to: copy)
    defer { try? FileManager.default.removeItem(atPath: copy) }
    let shot = "\(folder)/shot.png"
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(Self.chromium))
    process.arguments = [
      "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--user-data-dir=\(folder)/profile",
      "--enable-logging=stderr", "--window-size=\(width),1400", "--screenshot=\(shot)",
      "--blink-settings=preferredColorScheme=\(dark ? 0 : 1)", "file://\(copy)",
    ]
    let errors = "\(folder)/said.txt"
    try write("", to: errors)
    process.standardError = FileHandle(forWritingAtPath: errors)
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    let said = String(decoding: try bytes(errors), as: UTF8.self).split(separator: "\n").filter {
      $0.contains(":CONSOLE")
    }.map(String.init)
    let line = try #require(said.first { $0.contains("\"probe {") }, "\(said)")
    let from = try #require(line.firstIndex(of: "{"))
    let to = try #require(line.lastIndex(of: "}"))
    return Look(
      console: said.filter { !$0.contains("\"probe {") },
      probe: try JSONValue(parsing: String(line[from...to]), file: "probe"), picture: try PNG.read(shot, channels: 3))
  }

  @Test func everyPageIsReadableOnAScreenAndAPhoneInLightAndDark() throws {
    guard Self.chromium != nil else {
      Swift.print("skipped: no chromium")
      return
    }
    try withReportRoot { root in
      // The repository's own papers, with the results of a made-up one beside them.
      try root.record()
      let site = try Site(roots: [root.folder, Person.repository], runs: root.runs, plugins: .builtIn)
      _ = try SiteWriter(site: site, folder: root.out).write()
      // Pages that say what is wrong prove that the probe hears and sees it.
      let bad = try look("statistics.html", in: root.out, width: 390) {
        $0.replacing(
          "<main", with: "<p style=\"color:#ddd;width:900px\">x</p><script>undefinedFunction()</script><main")
      }
      #expect(bad.console.contains { $0.contains("undefinedFunction") })
      #expect((bad.probe["wide"]?.double ?? 0) > 0 && (bad.probe["contrast"]?.double ?? 99) < 2)

      var brightness: [Bool: Double] = [:]
      for (page, width, dark) in [
        ("index.html", 1280, false), ("index.html", 390, true), ("papers/toy.html", 390, false),
        ("papers/toy.html", 1280, true), ("papers/dinov2.html", 390, true), ("statistics.html", 390, false),
      ] {
        let name = "\(page) at \(width) pixels, \(dark ? "dark" : "light")"
        let seen = try look(page, in: root.out, width: width, dark: dark)
        #expect(seen.console.isEmpty, "\(name): \(seen.console)")
        #expect(seen.probe["wide"]?.double == 0, "\(name) is wider than the window")
        let worst = seen.probe["contrast"]?.double ?? 0
        #expect(worst >= 4.5, "\(name): contrast \(worst) of \(seen.probe["where"]?.string ?? "")")
        #expect(seen.probe["dark"]?.bool == dark && seen.probe["broken"]?.int == 0, "\(name)")
        #expect(seen.picture.width == width && Set(seen.picture.bytes).count > 50, "\(name) shows nothing")
        let mean = Double(seen.picture.bytes.reduce(0) { $0 + Int($1) }) / Double(seen.picture.bytes.count)
        brightness[dark] = mean
      }
      #expect((brightness[true] ?? 255) < 80 && (brightness[false] ?? 0) > 175, "\(brightness)")
    }
  }

  @Test func theFiltersWorkWithoutTheSitesScript() throws {
    guard Self.chromium != nil else {
      Swift.print("skipped: no chromium")
      return
    }
    let papers = "- {id: other, title: Another paper, year: 2020, venue: V, family: contrastive, kind: theory}\n"
    try withReportRoot(papers: papers) { root in
      try root.record()
      _ = try root.pages()
      let seen = try look("index.html", in: root.out, width: 1280) { $0.replacing(Script.name, with: "absent.js") }
      #expect(
        seen.probe["papers"]?.string == "show-all 2, show-implemented 1, show-executed 1, show-yes 1, show-no 0, "
          + "show-open 0, show-stale 0")
    }
  }

  @Test func whatPapersAndRecipesSayIsShownAndNeverRun() throws {
    guard Self.chromium != nil else {
      Swift.print("skipped: no chromium")
      return
    }
    let hostile = "<script>console.log('owned')</script><img src=absent onerror=console.log('owned')>"
    let papers = "- {id: other, title: \"\(hostile)\", year: 2020, venue: V, family: contrastive, kind: theory}\n"
    let ask = """
      <script>window.addEventListener("load", function () {
        var hostile = /<script>console.log\\('owned'\\)<.script><img src=absent onerror=console.log\\('owned'\\)>/g;
        console.log("shown " + (document.body.textContent.replace(/<script>window[^]*/, "").match(hostile) || []).length);
      });</script></head>
      """
    try withReportRoot(papers: papers, notes: "# \(hostile)\n\n\(hostile)\n") {
      ["STATEMENT", "DATASET", "DEVIATION"].reduce($0) { $0.replacing($1, with: hostile) }
    } _: { root in
      try root.record()
      _ = try root.pages()
      for (page, times) in [("index.html", 1), ("papers/toy.html", 4)] {
        let seen = try look(page, in: root.out, width: 1280) { $0.replacing("</head>", with: ask) }
        #expect(!seen.console.contains { $0.contains("owned") }, "\(page): \(seen.console)")
        #expect(seen.probe["broken"]?.int == 0, "\(page) has an image that the recipe put there")
        let line = seen.console.first { $0.contains("\"shown ") } ?? ""
        let shown = line.components(separatedBy: "\"shown ").last.flatMap { Int($0.prefix { $0.isNumber }) } ?? 0
        #expect(shown >= times, "\(page): \(seen.console)")
      }
    }
  }
}
