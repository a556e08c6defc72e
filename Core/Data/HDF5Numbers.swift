import CHDF5
import ReproConfig
import ReproTensor

extension HDF5File {
  /// The numbers of a dataset of any integer or floating point type, converted to Double: for files of other programs.
  ///
  /// - Returns: the values, row-major.
  /// - Throws: `ReproError` if the dataset is missing, holds no numbers, or claims more than the file can hold.
  public func numbers(_ object: String) throws -> (values: [Double], shape: Shape) {
    try locked { file in
      let dataset = try self.object(file, object, H5I_DATASET, "dataset")
      defer { H5Dclose(dataset) }
      let shape = try info(dataset, object).shape
      let type = try HDF5Library.check(H5Dget_type(dataset), place(object), "read the type")
      defer { H5Tclose(type) }
      guard [H5T_INTEGER, H5T_FLOAT].contains(H5Tget_class(type)) else {
        throw ReproError.data(place(object), "the values are \(HDF5Element(stored: type))", expected: "numbers")
      }
      try checkSize(dataset, object, shape, bytes: max(1, H5Tget_size(type)))
      let values = try [Double](unsafeUninitializedCapacity: shape.count) { buffer, count in
        if let base = buffer.baseAddress, shape.count > 0 {
          let status = H5Dread(dataset, hdf5_native_float64(), hdf5_whole(), hdf5_whole(), hdf5_default(), base)
          try HDF5Library.check(status, place(object), "read")
        }
        count = shape.count
      }
      return (values, shape)
    }
  }

  /// The paths of the objects that a dataset of references names: MATLAB's cells.
  func references(_ object: String) throws -> (paths: [String], shape: Shape) {
    try locked { file in
      let dataset = try self.object(file, object, H5I_DATASET, "dataset")
      defer { H5Dclose(dataset) }
      let shape = try info(dataset, object).shape
      let type = try HDF5Library.check(H5Dget_type(dataset), place(object), "read the type")
      defer { H5Tclose(type) }
      guard H5Tequal(type, hdf5_object_reference()) > 0 else {
        throw ReproError.data(place(object), "the values are \(HDF5Element(stored: type))", expected: "references")
      }
      try checkSize(dataset, object, shape, bytes: max(1, H5Tget_size(type)))
      var raw = [hobj_ref_t](repeating: 0, count: shape.count)
      if shape.count > 0 {
        let status = H5Dread(dataset, hdf5_object_reference(), hdf5_whole(), hdf5_whole(), hdf5_default(), &raw)
        try HDF5Library.check(status, place(object), "read")
      }
      let paths = try raw.map { reference -> String in
        var one = reference
        var name = [CChar](repeating: 0, count: 1024)
        let length = H5Rget_name(dataset, H5R_OBJECT, &one, &name, name.count)
        guard length > 0, length < name.count else { throw HDF5Library.failure(place(object), "follow a reference") }
        return String(decoding: name[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
      }
      return (paths, shape)
    }
  }
}
