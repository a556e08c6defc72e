#if DoubleReal
  /// The scalar of every tensor: `Double` under the package trait `DoubleReal`, for gradient checks to 1e-7.
  public typealias Real = Double
#else
  /// The scalar of every tensor: `Float`; the package trait `DoubleReal` makes it `Double`.
  public typealias Real = Float
#endif
