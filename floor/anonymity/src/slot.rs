//! Places in vectors that are there by construction: codes and ids that this crate gave itself.

/// What stands at a place.
#[inline(always)]
pub(crate) fn at<T: Copy + Default>(values: &[T], place: usize) -> T {
    values.get(place).copied().unwrap_or_default()
}

/// A code as a place.
#[inline(always)]
pub(crate) fn up(code: u32) -> usize {
    code as usize
}

/// Adds to what stands at a place.
#[inline(always)]
pub(crate) fn add(values: &mut [u32], place: usize, more: u32) {
    if let Some(value) = values.get_mut(place) {
        *value += more;
    }
}

/// A count as a number of a measure; exact below 2^53.
#[inline(always)]
pub(crate) fn real(count: u64) -> f64 {
    count as f64
}
