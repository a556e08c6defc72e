import ReproConfig

/// An annotation file as COCO has it: images, and boxes with categories or captions.
///
/// - Source: Lin et al. 2014, "Microsoft COCO" (arXiv 1405.0312); cocodataset.org, data format.
public struct COCOFile: Sendable {
  public struct Image: Sendable, Equatable {
    public var name: String
    public var height, width: Int
    /// Places in `boxes`.
    public var boxes: [Box] = []
    public var captions: [String] = []
  }

  public struct Box: Sendable, Equatable {
    /// The place of its category in `categories`.
    public var category: Int
    /// Left, top, width, height in pixels.
    public var rectangle: [Double]
    /// Whether it surrounds a group.
    public var isCrowd: Bool
  }

  /// In the order of the file.
  public var images: [Image] = []
  /// Names in the order of their ids.
  public var categories: [String] = []

  /// - Throws: `ReproError` with the place in the file: a member that is missing or of another kind, an annotation of
  ///   an image or category that does not exist, a box that is not four numbers or has a negative extent.
  public init(_ bytes: [UInt8], file: String) throws {
    let json = try JSONValue(parsing: bytes, file: file)
    var categoryPlaces: [Int: Int] = [:]
    if let list = json["categories"]?.array {
      let named = try list.enumerated().map { i, value -> (id: Int, name: String) in
        let place = "\(file):categories[\(i)]"
        return (try value.required("id", as: \.int, at: place), try value.required("name", as: \.string, at: place))
      }
      for (place, category) in named.sorted(by: { $0.id < $1.id }).enumerated() {
        guard categoryPlaces.updateValue(place, forKey: category.id) == nil else {
          throw ReproError.data(file, "category \(category.id) is there twice")
        }
        categories.append(category.name)
      }
    }
    var places: [Int: Int] = [:]
    for (i, value) in try json.required("images", as: \.array, at: file).enumerated() {
      let place = "\(file):images[\(i)]"
      let id = try value.required("id", as: \.int, at: place)
      let name = try value.required("file_name", as: \.string, at: place)
      guard places.updateValue(images.count, forKey: id) == nil else {
        throw ReproError.data(place, "image \(id) is there twice")
      }
      guard Path.isContained(name) else {
        throw ReproError.data(place, "the name '\(clipped(name))' leaves the folder")
      }
      images.append(
        Image(name: name, height: value["height"]?.int ?? 0, width: value["width"]?.int ?? 0))
    }
    for (i, value) in try json.required("annotations", as: \.array, at: file).enumerated() {
      let place = "\(file):annotations[\(i)]"
      let id = try value.required("image_id", as: \.int, at: place)
      guard let image = places[id] else { throw ReproError.data(place, "image \(id) does not exist") }
      if let caption = value["caption"]?.string {
        images[image].captions.append(caption)
        continue
      }
      let category = try value.required("category_id", as: \.int, at: place)
      guard let slot = categoryPlaces[category] else {
        throw ReproError.data(place, "category \(category) does not exist")
      }
      let box = try value.required("bbox", as: \.array, at: place).compactMap(\.double)
      guard box.count == 4, box[2] >= 0, box[3] >= 0 else {
        throw ReproError.data(place, "the bbox is \(box)", expected: "left, top, width, height")
      }
      let isCrowd = value["iscrowd"]?.int == 1
      images[image].boxes.append(Box(category: slot, rectangle: box, isCrowd: isCrowd))
    }
  }
}
