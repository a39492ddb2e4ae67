//! The middle of several ratios, and how far apart they are.

/// Several ratios of one kind, in ascending order.
#[derive(Clone, Debug)]
pub(crate) struct Ratios(Vec<f64>);

impl Ratios {
    pub(crate) fn of(ratios: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = ratios.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        Self(sorted)
    }

    /// The middle one; the mean of the two in the middle.
    pub(crate) fn median(&self) -> f64 {
        let ratios = &self.0;
        let middle = ratios.len() / 2;
        let above = ratios.get(middle).copied().unwrap_or(f64::NAN);
        if ratios.len().is_multiple_of(2) {
            let below = ratios.get(middle.wrapping_sub(1)).copied();
            return f64::midpoint(below.unwrap_or(f64::NAN), above);
        }
        above
    }

    /// The distance between the quartiles: half of all rounds lie within it.
    pub(crate) fn spread(&self) -> f64 {
        let quarter = self.0.len() / 4;
        let low = self.0.get(quarter);
        let high = self.0.iter().rev().nth(quarter);
        match (low, high) {
            (Some(low), Some(high)) => high - low,
            _ => f64::NAN,
        }
    }

    /// How far the median may be off: the standard error that it would have if
    /// the ratios were normally distributed.
    pub(crate) fn median_error(&self) -> f64 {
        /// A quartile's distance from the middle, in standard deviations, twice;
        /// and the median's standard error against the mean's.
        const DEVIATIONS: f64 = 1.349;
        const OF_MEDIAN: f64 = 1.253;
        let count = u32::try_from(self.0.len()).map_or(f64::INFINITY, f64::from);
        OF_MEDIAN * self.spread() / DEVIATIONS / count.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        assert!((Ratios::of([3.0, 1.0, 2.0]).median() - 2.0).abs() < 1e-9);
        assert!((Ratios::of([4.0, 1.0, 2.0, 3.0]).median() - 2.5).abs() < 1e-9);
        assert!(Ratios::of([]).median().is_nan());
    }

    #[test]
    fn the_spread_leaves_out_the_outer_quarters() {
        let ratios = Ratios::of([1.0, 9.0, 1.1, 1.2, 1.3, 0.1, 1.25]);
        assert!((ratios.spread() - 0.3).abs() < 1e-9, "{}", ratios.spread());
        assert!(Ratios::of([2.0]).spread().abs() < 1e-9);
    }
}
