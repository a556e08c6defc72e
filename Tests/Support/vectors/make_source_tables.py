"""Writes Core/Data/Providers/Tables/*.swift: size and SHA-256 of every file of the sets, from a mirror's manifest.

    python3 Tests/Support/vectors/make_source_tables.py <mirror>/MANIFEST.yaml
"""

import pathlib
import sys

import yaml

RAW = "https://raw.githubusercontent.com/"
GROUPS = {
    "Images": ["tiny-imagenet", "omniglot", "orl-faces", "sceaux-castle", "middlebury-stereo", "kitti-object-sample"],
    "NeRF": ["nerf-lego"],
    "Text": [
        "wikitext-2", "tinyshakespeare", "stsbenchmark", "sentence-classification", "short-text-topics", "multi30k",
        "movie-review-documents",
    ],
    "Tables": ["tabular", "timeseries", "lastfm", "planetoid", "multiview"],
    "Shapes": ["meshes", "modelnet10-voxels", "mocap", "fsdd", "arem", "cifar10-resnet"],
}
TITLES = {
    "tiny-imagenet": "Tiny-ImageNet, half of the classes, 64x64, with boxes",
    "omniglot": "Omniglot: the two minimal background sets, strokes, one-shot runs",
    "orl-faces": "ORL faces: 40 people, 10 grey portraits each",
    "sceaux-castle": "Sceaux castle: 11 overlapping photos with intrinsics",
    "middlebury-stereo": "Middlebury 2003 stereo: Cones and Teddy",
    "kitti-object-sample": "KITTI object detection: three frames with LiDAR",
    "nerf-lego": "NeRF synthetic Lego, 200x200, with poses",
    "wikitext-2": "WikiText-2, validation and test text",
    "tinyshakespeare": "Tiny Shakespeare: 1.1 million characters of plays",
    "stsbenchmark": "STS Benchmark: sentence pairs with similarity",
    "sentence-classification": "MR, Subj, CR, MPQA, TREC, SST: labelled sentences",
    "short-text-topics": "SearchSnippets, StackOverflow, Biomedical: short texts by topic",
    "multi30k": "Multi30k: image captions in four languages, no images",
    "movie-review-documents": "Cornell movie reviews v2.0: whole documents",
    "tabular": "Eighteen small tables: adult, wine quality, ionosphere, ...",
    "timeseries": "UCR/UEA time series: ACSF1, ArrowHead, BasicMotions, GunPoint, ItalyPowerDemand",
    "lastfm": "Last.fm (HetRec 2011): users, artists, friends",
    "planetoid": "Cora and Citeseer citation graphs, public split",
    "multiview": "Six multi-view feature sets: Scene-15, LandUse-21, MSRC-v1, ...",
    "meshes": "Thirteen common test meshes",
    "modelnet10-voxels": "ModelNet10 chairs and monitors, 32x32x32 voxels",
    "mocap": "One motion capture clip of walking",
    "fsdd": "Free Spoken Digit Dataset: 8 kHz, 6 speakers",
    "arem": "AReM: activities seen by body-worn radio beacons",
    "cifar10-resnet": "ResNet-20 weights for CIFAR-10 in three containers",
}
LICENCES = {
    "tiny-imagenet": "not stated (ImageNet: research only)", "omniglot": "MIT",
    "orl-faces": "not stated (credit Olivetti Research Laboratory)",
    "sceaux-castle": "not stated (copyright 2012 Pierre Moulon)", "kitti-object-sample": "CC BY-NC-SA 3.0",
    "nerf-lego": "not stated (model CC BY-NC)", "wikitext-2": "CC BY-SA", "tinyshakespeare": "public domain",
    "stsbenchmark": "CC BY-SA 4.0 (scores), texts see LICENSE.txt", "multi30k": "non-commercial (Flickr30k)",
    "modelnet10-voxels": "not stated (academic use)", "mocap": "MIT", "fsdd": "CC BY-SA 4.0",
    "cifar10-resnet": "BSD-2-Clause",
}
# Sets whose files are published under these very names and bytes.
BASES = {
    "omniglot": RAW + "brendenlake/omniglot/{commit}/python/",
    "middlebury-stereo": RAW + "xland16/disparitymapping/{commit}/",
    "movie-review-documents": RAW + "jbrownlee/Datasets/{commit}/",
}
MOVED = {"omniglot": {"LICENSE": "../LICENSE", "all_runs.zip": "one-shot-classification/all_runs.zip"}}


def swift_name(name):
    head, *rest = name.split("-")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def entry(d):
    name = d["name"]
    licence = LICENCES.get(name, "not stated")
    lines = [f"  static let {swift_name(name)} = SourceSet("]
    lines += [f'    id: "{name}", title: "{TITLES[name]}",', f'    licence: "{licence}",']
    if name in BASES:
        base = BASES[name].format(commit=d["source"][0]["commit"])
        head, tail = base[:80], base[80:]
        lines.append(f'    base: "{base}",' if len(base) < 100 else f'    base: "{head}"\n      + "{tail}",')
        if name in MOVED:
            lines.append("    moved: [" + ", ".join(f'"{k}": "{v}"' for k, v in MOVED[name].items()) + "],")
    lines.append('    table: """')
    for f in d["files"]:
        lines.append(f'      {f["bytes"]} {f["sha256"]} {f["path"].removeprefix(name + "/")}')
    lines.append('      """)')
    return "\n".join(lines)


manifest = yaml.safe_load(pathlib.Path(sys.argv[1]).read_text())
sets = {d["name"]: d for d in manifest["datasets"]}
folder = pathlib.Path(__file__).parents[3] / "Core/Data/Providers/Tables"
folder.mkdir(parents=True, exist_ok=True)
for group, names in GROUPS.items():
    text = "// Made by Tests/Support/vectors/make_source_tables.py: bytes, SHA-256 and path of every file.\n\n"
    text += "extension SourceSet {\n" + "\n\n".join(entry(sets[n]) for n in names) + "\n}\n"
    (folder / f"SourceSets+{group}.swift").write_text(text)
    print(group, text.count("\n"))
