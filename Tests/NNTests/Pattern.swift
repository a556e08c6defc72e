import Glibc
import ReproTensor
import TestSupport

/// Element i of tensor `number`: scale * (frac(0.618... * (i + 1000 number)) - 1/2) + shift; the scripts beside the vectors have
/// the same, so that inputs and parameters need not be stored.
func pattern(_ number: Int, _ shape: Shape, _ scale: Double, _ shift: Double = 0) -> Tensor {
  Tensor(
    shape,
    (0..<shape.count).map { i in
      let x = 0.6180339887498949 * (Double(i) + 1000 * Double(number))
      return Real(Float(scale * (x - Glibc.floor(x) - 0.5) + shift))
    })
}

/// What the vectors hold of a tensor: itself if it is small, else sixteen weighted sums that cover every element.
func digest(_ x: Tensor) -> Tensor {
  guard x.count > digestLimit else { return x.reshaped(to: [x.count]) }
  let weights = pattern(7, [x.count], 2).values
  var sums = [Double](repeating: 0, count: 16)
  for (i, value) in x.values.enumerated() { sums[i % 16] += Double(value) * Double(weights[i]) }
  return Tensor([16], sums.map { Real($0) })
}

/// The largest tensor that is stored as it is.
let digestLimit = 160

/// The check sum that zlib, PNG and the scripts of the vectors have (CRC-32, polynomial 0xEDB88320).
func crc32(_ text: String) -> UInt32 {
  ~text.utf8.reduce(~UInt32(0)) { sum, byte in
    var c = sum ^ UInt32(byte)
    for _ in 0..<8 { c = c & 1 == 1 ? 0xEDB8_8320 ^ (c >> 1) : c >> 1 }
    return c
  }
}
