/// The style sheet of the site: one for screen, dark mode, phone and print.
enum Style {
  static let name = "style.css"

  static let css = colours + text + frame + grid + claims + plots + small

  /// Ink on paper. Series are Okabe and Ito's colours, darkened (or lightened) until they read on their ground.
  private static let colours = """
    :root {
      color-scheme: light dark;
      --ground: #fdfdfb; --panel: #f5f4ef; --ink: #1d2125; --quiet: #5a626b; --line: #dcdad2; --faint: #eceae3;
      --accent: #0b5394; --yes: #0b62a4; --yes-ground: #e3eef8; --no: #a84300; --no-ground: #fbeadd;
      --open: #5a5f66; --open-ground: #ececea; --ready: #3d6b4f; --warn: #7a5b00; --warn-ground: #fbf3d9;
      --s1: #0072b2; --s2: #c64f00; --s3: #00805d; --s4: #a1468a; --s5: #8a6a00; --s6: #5f6368;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --ground: #15181b; --panel: #1d2125; --ink: #e7e5df; --quiet: #a3abb3; --line: #373d43; --faint: #262b30;
        --accent: #8cbdf0; --yes: #8cc4f2; --yes-ground: #16324a; --no: #f4a36c; --no-ground: #43260f;
        --open: #b4b9bf; --open-ground: #2d3237; --ready: #8fc7a3; --warn: #e8c868; --warn-ground: #3a3010;
        --s1: #56b4e9; --s2: #f0813a; --s3: #2fc195; --s4: #d98cc3; --s5: #d8b433; --s6: #a8adb3;
      }
    }

    """

  private static let text = """
    *, *::before, *::after { box-sizing: border-box; }
    html { -webkit-text-size-adjust: 100%; scroll-padding-top: 1rem; }
    body {
      margin: 0; background: var(--ground); color: var(--ink); overflow-wrap: break-word;
      font: 1.0625rem/1.6 Charter, "Bitstream Charter", "Sitka Text", Cambria, "Liberation Serif", Georgia, serif;
    }
    h1, h2, h3, h4 { line-height: 1.25; font-weight: 600; text-wrap: balance; margin: 0 0 .6rem; }
    h1 { font-size: 2rem; letter-spacing: -.012em; margin-bottom: .8rem; }
    h2 { font-size: 1.4rem; margin-top: 3.2rem; }
    h3 { font-size: 1.12rem; margin-top: 2rem; }
    h4 { font-size: 1rem; margin-top: 1.4rem; }
    p, ul, ol, blockquote, dl { margin: 0 0 1rem; max-width: 43rem; }
    ul, ol { padding-left: 1.3rem; }
    li { margin-bottom: .25rem; }
    a { color: var(--accent); text-decoration-thickness: .06em; text-underline-offset: .18em; }
    a:hover { text-decoration-thickness: .12em; }
    :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
    code, pre { font: .875em/1.5 ui-monospace, "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
    code { overflow-wrap: anywhere; }
    pre { background: var(--panel); padding: .9rem 1.1rem; border-radius: 6px; overflow-x: auto; max-width: 100%; }
    pre code { font-size: 1em; overflow-wrap: normal; }
    blockquote { border-left: 3px solid var(--line); margin-left: 0; padding-left: 1rem; color: var(--quiet); }
    sup { line-height: 0; font-size: .75em; }
    hr { border: 0; border-top: 1px solid var(--line); margin: 2rem 0; }
    .lead { font-size: 1.2rem; line-height: 1.55; }
    .meta, .note, figcaption, summary, table, nav, .badge, .facts, footer, fieldset, .tiles, .key, .panel .small {
      font-family: system-ui, -apple-system, "Segoe UI", "Noto Sans", "Liberation Sans", Arial, sans-serif;
    }
    .meta, .note, figcaption, .small { color: var(--quiet); font-size: .875rem; line-height: 1.5; }
    .unseen {
      position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
    }

    """

  private static let frame = """
    .page { max-width: 70rem; margin: 0 auto; padding: 0 1.5rem; }
    .skip { position: absolute; left: -99rem; }
    .skip:focus { left: 1rem; top: .5rem; background: var(--ground); padding: .4rem .8rem; z-index: 2; }
    h1 + .meta { max-width: 60rem; }
    .top { border-bottom: 1px solid var(--line); margin-bottom: 2.6rem; }
    .top .page { display: flex; flex-wrap: wrap; align-items: baseline; gap: .3rem 1.6rem; padding-block: .9rem; }
    .brand { font: 700 1.15rem/1.4 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; color: var(--ink);
      text-decoration: none; letter-spacing: -.02em; }
    .top nav { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; font-size: .9rem; }
    .top nav a, .crumbs a, .contents a { text-decoration: none; }
    .top nav a { color: var(--quiet); }
    .top nav a:hover, .crumbs a:hover, .contents a:hover { text-decoration: underline; }
    .top nav a[aria-current] { color: var(--ink); font-weight: 600; }
    .crumbs { font-size: .875rem; color: var(--quiet); margin-bottom: .8rem; }
    .contents { font-size: .9rem; margin: 1.6rem 0 0; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; }
    footer { border-top: 1px solid var(--line); margin-top: 4.5rem; padding-block: 1.4rem 2.5rem; font-size: .85rem;
      color: var(--quiet); }
    footer p { max-width: 46rem; margin-bottom: .4rem; }
    .panel { background: var(--panel); border-radius: 8px; padding: 1.1rem 1.3rem; margin: 1.6rem 0;
      max-width: 52rem; }
    .panel > :last-child { margin-bottom: 0; }
    .panel.warn { background: var(--warn-ground); }
    .panel.warn strong:first-child { color: var(--warn); }
    .scroll { overflow-x: auto; max-width: 100%; margin: 0 0 1.4rem; }
    table { border-collapse: collapse; font-size: .9rem; line-height: 1.45; }
    .scroll table { font-size: .86rem; }
    caption { text-align: left; color: var(--quiet); font-size: .875rem; padding-bottom: .4rem; }
    th, td { text-align: left; vertical-align: top; padding: .45rem 1rem .45rem 0;
      border-bottom: 1px solid var(--faint);
      font-weight: 400; }
    th:last-child, td:last-child { padding-right: 0; }
    thead th { color: var(--quiet); font-size: .8rem; border-bottom: 1px solid var(--line); vertical-align: bottom; }
    .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
    dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.4rem; font-size: .9rem;
      line-height: 1.45; max-width: 100%; }
    dl.facts dt { color: var(--quiet); }
    dl.facts dd { margin: 0; min-width: 0; }
    details { margin-bottom: 1rem; }
    summary { cursor: pointer; font-size: .925rem; padding: .2rem 0; }
    details[open] > summary { margin-bottom: .6rem; }

    """

  private static let grid = """
    .count { display: flex; flex-wrap: wrap; gap: .8rem 2.6rem; margin: 1.8rem 0 2.2rem; padding: 0; list-style: none;
      max-width: 100%; }
    .count li { margin: 0; }
    .count b { display: block; font-size: 2rem; line-height: 1.1; font-weight: 600; font-variant-numeric: lining-nums; }
    .count span { font: .85rem system-ui, "Segoe UI", "Noto Sans", "Liberation Sans", sans-serif; color: var(--quiet); }
    .map { display: grid; grid-template-columns: max-content 1fr; gap: .65rem 1.2rem; align-items: center;
      margin: 0 0 1rem; max-width: 100%; }
    .map > a { font: .9rem/1.2 system-ui, "Segoe UI", "Noto Sans", "Liberation Sans", sans-serif; color: var(--ink);
      text-decoration: none; }
    .map > a:hover { text-decoration: underline; }
    .map > a span { color: var(--quiet); font-variant-numeric: tabular-nums; }
    .tiles { display: flex; flex-wrap: wrap; gap: 4px; margin: 0; padding: 0; list-style: none; max-width: 100%; }
    .tiles li { margin: 0; }
    .tile { display: block; width: 22px; height: 22px; border-radius: 4px; border: 1px solid var(--line);
      color: var(--ground); position: relative; }
    .tile .mark { position: absolute; inset: 2px; width: 16px; height: 16px; margin: 0; }
    .tile:hover { outline: 2px solid var(--ink); outline-offset: 1px; }
    .tile.v-yes { background: var(--yes); border-color: var(--yes); }
    .tile.v-no { background: var(--no); border-color: var(--no); }
    .tile.v-open { background: var(--open-ground); border-color: var(--open); color: var(--open); }
    .tile.v-ready { border-color: var(--ready); color: var(--ready); }
    .is-stale.tile::after { content: ""; position: absolute; inset: -4px; border: 2px dotted var(--warn);
      border-radius: 7px; }
    .key { display: flex; flex-wrap: wrap; gap: .3rem 1.3rem; font-size: .85rem; color: var(--quiet); list-style: none;
      padding: 0; margin: 0 0 .5rem; max-width: 100%; }
    .key li { display: flex; align-items: center; gap: .45rem; margin: 0; }
    .key .tile { display: inline-block; flex: none; }
    .key .tile:hover { outline: 0; }
    .mark { width: 1em; height: 1em; fill: none; stroke: currentColor; stroke-width: 2.2; stroke-linecap: round;
      stroke-linejoin: round; flex: none; }
    .mark .solid { fill: currentColor; }
    .badge { display: inline-flex; align-items: center; gap: .35em; font-size: .8rem; line-height: 1.3;
      font-weight: 600;
      padding: .18em .6em; border-radius: 1em; white-space: nowrap; }
    .badge.yes { color: var(--yes); background: var(--yes-ground); }
    .badge.no { color: var(--no); background: var(--no-ground); }
    .badge.open { color: var(--open); background: var(--open-ground); }
    .badge.ready { color: var(--ready); box-shadow: inset 0 0 0 1px; }
    .badge.planned { color: var(--quiet); font-weight: 400; padding-left: 0; padding-right: 0; }
    .badge.stale { color: var(--warn); background: var(--warn-ground); }
    .filter { border: 0; margin: 2.4rem 0 .9rem; padding: 0; display: none; flex-wrap: wrap; gap: .4rem;
      font-size: .875rem;
      align-items: center; }
    @supports selector(:has(a)) { .filter { display: flex; } }
    .filter legend { float: left; padding: 0; margin-right: .6rem; color: var(--quiet); }
    .filter label { border: 1px solid var(--line); border-radius: 1.2em; padding: .2em .8em; cursor: pointer; }
    .filter label:has(:checked) { background: var(--ink); color: var(--ground); border-color: var(--ink); }
    .filter label:has(:focus-visible) { outline: 2px solid var(--accent); outline-offset: 2px; }
    .filter input[type=radio] { position: absolute; opacity: 0; }
    .filter input[type=search] { font: inherit; color: inherit; background: var(--ground);
      border: 1px solid var(--line);
      border-radius: 1.2em; padding: .25em .9em; min-width: 14rem; }
    .grid:has(#show-implemented:checked) .paper:not(.is-implemented),
    .grid:has(#show-executed:checked) .paper:not(.is-executed),
    .grid:has(#show-yes:checked) .paper:not(.v-yes),
    .grid:has(#show-no:checked) .paper:not(.v-no),
    .grid:has(#show-open:checked) .paper:not(.v-open),
    .grid:has(#show-stale:checked) .paper:not(.is-stale),
    .grid .paper.unmatched { display: none; }
    .grid:has(#show-implemented:checked) .family:not(:has(.is-implemented)),
    .grid:has(#show-executed:checked) .family:not(:has(.is-executed)),
    .grid:has(#show-yes:checked) .family:not(:has(.v-yes)),
    .grid:has(#show-no:checked) .family:not(:has(.v-no)),
    .grid:has(#show-open:checked) .family:not(:has(.v-open)),
    .grid:has(#show-stale:checked) .family:not(:has(.is-stale)),
    .grid.searched .family:not(:has(.paper:not(.unmatched))) { display: none; }
    .papers { width: 100%; table-layout: fixed; }
    .papers th:nth-child(1) { width: 44%; }
    .papers th:nth-child(2) { width: 15%; }
    .papers th:nth-child(3), .papers th:nth-child(4) { width: 16%; }
    .papers tbody th { padding-right: 2rem; }
    .papers tbody th a { text-decoration: none; color: var(--ink); }
    .papers .is-implemented th a { color: var(--accent); font-weight: 600; }
    .papers tbody th a:hover { text-decoration: underline; }
    .papers small { display: block; color: var(--quiet); font-size: .8rem; }
    .family > h2 { margin-top: 2.6rem; font-size: 1.2rem; }
    .family > h2 a { color: inherit; text-decoration: none; }
    .family > h2 a:hover { text-decoration: underline; }

    """

  private static let claims = """
    .claim { border-top: 1px solid var(--line); padding-top: 1.3rem; margin-top: 2rem; }
    .claim > h3 { margin: 0 0 .5rem; font-size: 1.15rem; }
    .claim .badges { display: flex; flex-wrap: wrap; gap: .4rem .6rem; margin: 0 0 .9rem; align-items: center; }
    .claim .sentence { font-size: 1.0625rem; }
    .verdicts { list-style: none; padding: 0; margin: 0; max-width: 100%; }
    .verdicts li { display: grid; grid-template-columns: 11.5rem 1fr; gap: .2rem 1rem; padding: .5rem 0; margin: 0;
      border-top: 1px solid var(--line); align-items: baseline; }
    .verdicts li:first-child { border-top: 0; }
    .verdicts a { color: inherit; text-decoration: none; }
    .verdicts a:hover { text-decoration: underline; }
    .verdicts .primary { font-weight: 600; }
    .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 25rem), 1fr)); gap: 1.6rem 2.4rem;
      align-items: start; }
    .pair > *, figure { min-width: 0; }
    figure { margin: 0 0 1.4rem; }
    figcaption { margin-top: .5rem; max-width: 43rem; }
    figure > h4, figure > h3 { margin: 0 0 .5rem; }
    .picture img { display: block; max-width: 100%; height: auto; }
    .picture figcaption { width: max-content; max-width: min(43rem, 100vw - 2.2rem); }
    .heads { display: grid; grid-auto-flow: column; grid-auto-columns: 1fr; gap: .3rem; text-align: center;
      margin-bottom: .3rem; }
    .heads span { color: var(--quiet); font: .75rem/1.3 system-ui, "Segoe UI", "Liberation Sans", sans-serif; }

    """

  private static let plots = """
    .plot { display: block; width: 100%; max-width: 34rem; height: auto; }
    .plot .label { font: 12px system-ui, "Segoe UI", "Noto Sans", "Liberation Sans", Arial, sans-serif;
      fill: var(--ink);
      font-variant-numeric: tabular-nums; }
    .plot .label.axis, .plot .label.quiet { fill: var(--quiet); }
    .plot .label.quiet { font-size: 11px; }
    .plot .label.small { font-size: 11px; }
    .plot .label.name { font-weight: 600; }
    .plot .label { paint-order: stroke; stroke: var(--ground); stroke-width: 4px; stroke-linejoin: round; }
    .plot .label.inverse, .plot .cell + .label { stroke: none; }
    .plot line { stroke-linecap: butt; }
    .plot .grid { stroke: var(--faint); stroke-width: 1; }
    .plot .tick, .plot .zero { stroke: var(--line); stroke-width: 1; }
    .plot .margin { stroke: var(--ink); stroke-width: 1.3; }
    .plot .delta { stroke: var(--quiet); stroke-width: 1.3; stroke-dasharray: 4 3; }
    .plot .dot { fill: var(--s1); fill-opacity: .55; stroke: var(--s1); stroke-width: 1.2; }
    .plot .dot.against { fill: var(--ground); stroke: var(--s2); stroke-width: 1.8; }
    .plot .interval { stroke: var(--ink); stroke-width: 1.8; }
    .plot .mean { fill: var(--ink); }
    .plot .thread { fill: none; stroke: var(--s1); stroke-opacity: .4; stroke-width: 1; }
    .plot .curve { fill: none; stroke-width: 1.9; stroke-linejoin: round; stroke-linecap: butt; }
    .plot .band { fill-opacity: .16; stroke: none; }
    .plot .curve.s1 { stroke: var(--s1); } .plot .band.s1 { fill: var(--s1); }
    .plot .curve.s2 { stroke: var(--s2); stroke-dasharray: 7 3; } .plot .band.s2 { fill: var(--s2); }
    .plot .curve.s3 { stroke: var(--s3); stroke-dasharray: 2 2.5; } .plot .band.s3 { fill: var(--s3); }
    .plot .curve.s4 { stroke: var(--s4); stroke-dasharray: 9 3 2 3; } .plot .band.s4 { fill: var(--s4); }
    .plot .curve.s5 { stroke: var(--s5); stroke-dasharray: 14 4; } .plot .band.s5 { fill: var(--s5); }
    .plot .curve.s6 { stroke: var(--s6); stroke-dasharray: 4 4; } .plot .band.s6 { fill: var(--s6); }
    .plot .label.inverse { fill: var(--ground); font-size: 11px; }
    .plot .cell { fill: var(--s1); stroke: var(--ground); stroke-width: 1; }

    """

  private static let small = """
    @media (max-width: 46rem) {
      body { font-size: 1rem; }
      .page { padding: 0 1.1rem; }
      h1 { font-size: 1.6rem; }
      .top { margin-bottom: 1.8rem; }
      .map { grid-template-columns: 1fr; gap: .3rem; }
      .map > .tiles { margin-bottom: .7rem; }
      .tile { width: 26px; height: 26px; }
      .tile .mark { inset: 4px; }
      .verdicts li { grid-template-columns: 1fr; }
      .papers, .papers tbody, .papers tr, .papers th, .papers td { display: block; width: auto; }
      .papers th:nth-child(1), .papers th:nth-child(2), .papers th:nth-child(3) { width: auto; }
      .papers thead { display: none; }
      .papers tr { padding: .7rem 0; border-bottom: 1px solid var(--faint); }
      .papers tbody th, .papers td { border: 0; padding: 0; text-align: left; }
      .papers td:not(:empty) { margin-top: .25rem; }
      .papers td[data-name]::before { content: attr(data-name) " "; color: var(--quiet); font-size: .8rem; }
      .papers .number { white-space: normal; }
      dl.facts { grid-template-columns: 1fr; gap: 0; }
      dl.facts dd { margin-bottom: .5rem; }
      .pair dl.facts { grid-template-columns: max-content 1fr; gap: .3rem 1.2rem; }
      .plot .label { font-size: 14px; }
      .plot .label.quiet, .plot .label.small, .plot .label.inverse { font-size: 13px; }
      .count { gap: .8rem 1.8rem; }
      .count b { font-size: 1.6rem; }
      .lead { font-size: 1.1rem; }
    }
    @media print {
      :root { --ground: #fff; --panel: #f4f4f2; }
      body { font-size: 10.5pt; }
      .top nav, .filter, .contents, .skip, .top { display: none; }
      .page { max-width: none; padding: 0; }
      h2, h3, figcaption { break-after: avoid; }
      figure, .claim, .panel, tr, .map > .tiles { break-inside: avoid; }
      .tile, .badge, .panel, .plot { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
      pre { white-space: pre-wrap; overflow-wrap: anywhere; }
      .scroll { overflow: visible; }
      a { color: inherit; text-decoration: none; }
    }
    @media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }

    """
}

/// The little that pages do by themselves where JavaScript is on: a field that finds papers by their words.
enum Script {
  static let name = "search.js"

  static let source = """
    // Adds a search field to the grid; without this file everything else works as well.
    (function () {
      "use strict";
      var filter = document.querySelector(".filter");
      var grid = document.querySelector(".grid");
      if (!filter || !grid) { return; }
      var field = document.createElement("input");
      field.type = "search";
      field.placeholder = "Find in titles";
      field.setAttribute("aria-label", "Find papers by words of their titles");
      var said = document.createElement("span");
      said.setAttribute("role", "status");
      said.className = "small";
      filter.appendChild(field);
      filter.appendChild(said);
      var papers = Array.prototype.slice.call(grid.querySelectorAll(".papers .paper"));
      field.addEventListener("input", function () {
        var words = field.value.toLowerCase().split(/\\s+/).filter(Boolean);
        var left = 0;
        papers.forEach(function (paper) {
          var text = paper.textContent.toLowerCase();
          var fits = words.every(function (word) { return text.indexOf(word) >= 0; });
          paper.classList.toggle("unmatched", !fits);
          if (fits) { left += 1; }
        });
        grid.classList.toggle("searched", words.length > 0);
        said.textContent = words.length > 0 ? left + " of " + papers.length : "";
      });
    })();

    """
}
