import ReproTensor

/// How a field becomes opaque along a ray.
enum Rendering: String, Sendable, CaseIterable {
  /// NeuS: the weight has its maximum where the distance is 0, to first order.
  case unbiased
  /// The density is the logistic bump phi_s(f): what the paper calls the naive solution.
  case naive
  /// A density field of its own (NeRF).
  case density
}

/// Discrete opacity of a section of a ray: how much of what arrives is stopped in it.
///
///     alpha_i = max( (Phi_s(f_i-) - Phi_s(f_i+) + 1e-5) / (Phi_s(f_i-) + 1e-5), 0 ),   Phi_s(u) = 1 / (1 + exp(-s u))
///     f_i-+ = f(m_i) -+ cos_i d_i / 2
///
/// - Parameters:
///   - distance: f at the middle of each section, any shape.
///   - slope: derivative of f along the ray there (cos), at most 0: a surface is seen from outside.
///   - lengths: d of the sections.
///   - sharpness: s, the inverse of the width of the surface.
/// - Source: Wang et al. 2021 (NeuS, arXiv 2106.10689), Eq. 13; the constants and the ends of a section by its slope as in
///   the authors' code.
func unbiasedOpacity(distance: Tensor, slope: Tensor, lengths: Tensor, sharpness: Tensor) -> Tensor {
  let half = slope * lengths * 0.5
  let before = ((distance - half) * sharpness).sigmoid()
  let after = ((distance + half) * sharpness).sigmoid()
  return ((before - after + 1e-5) / (before + 1e-5)).clamped(0, 1)
}

/// The slope that training uses: between cos and its half turn at the start, so that no surface is without gradient.
///
///     -( relu(1/2 - cos / 2) (1 - r) + relu(-cos) r )
///
/// - Parameters:
///   - cosine: of the gradient of f and the direction of the ray.
///   - progress: r, from 0 to 1.
/// - Source: the authors' code (`cos_anneal_ratio`); not in the paper.
func annealedSlope(_ cosine: Tensor, progress: Real) -> Tensor {
  let sharp = (-cosine).relu() * progress
  if progress >= 1 { return -sharp }
  return -((0.5 - cosine * 0.5).relu() * (1 - progress) + sharp)
}

/// Opacity of sections of constant density:   alpha = 1 - exp(-density d)   (Mildenhall et al. 2020, Eq. 3).
func densityOpacity(_ density: Tensor, lengths: Tensor) -> Tensor { 1 - (-(density * lengths)).exp() }

/// The logistic density of a distance, phi_s(f) = s exp(-s f) / (1 + exp(-s f))^2.
///
/// - Source: NeuS, Eq. 3 and the naive solution of Section 3.1.
func logisticDensity(_ distance: Tensor, sharpness: Tensor) -> Tensor {
  let p = (distance * sharpness).sigmoid()
  return p * (1 - p) * sharpness
}

/// The share of each section in what a ray sees:   w_i = alpha_i prod_{j < i} (1 - alpha_j + 1e-7)   `[R, S]`
///
/// - Source: NeuS, Eq. 11; the constant as in the authors' code.
func rayWeights(_ opacity: Tensor) -> Tensor {
  let (r, s) = (opacity.shape[0], opacity.shape[1])
  if s == 1 { return opacity }
  let passed = (1 - opacity.slice(1, 0..<(s - 1)) + 1e-7).cumulativeProduct(1)
  return opacity * concat([.ones([r, 1]), passed], axis: 1)
}
