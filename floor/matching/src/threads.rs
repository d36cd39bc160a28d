//! Work shared among threads; the result does not depend on how many there are.

/// Applies `work` to every item, on up to `threads` threads, and keeps the order.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], threads: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = threads.clamp(1, 64);
    if threads == 1 || items.len() < 256 {
        return items.iter().map(work).collect();
    }
    let chunk = items.len().div_ceil(threads);
    let work = &work;
    std::thread::scope(|scope| {
        let parts: Vec<_> = items
            .chunks(chunk)
            .map(|chunk| scope.spawn(move || chunk.iter().map(work).collect::<Vec<R>>()))
            .collect();
        parts.into_iter().flat_map(|part| result(part.join())).collect()
    })
}

/// What a thread gave; its panic, which is a bug of ours, goes on unchanged.
pub(crate) fn result<R>(joined: std::thread::Result<R>) -> R {
    joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Sorts on up to `threads` threads.
pub(crate) fn sort<T: Ord + Send>(items: &mut [T], threads: usize) {
    let threads = threads.clamp(1, 64);
    if threads > 1 && items.len() > 100_000 {
        let chunk = items.len().div_ceil(threads);
        std::thread::scope(|scope| {
            items.chunks_mut(chunk).for_each(|chunk| {
                scope.spawn(|| chunk.sort_unstable());
            });
        });
        // The stable sort finds the sorted chunks and only merges them.
        items.sort();
    } else {
        items.sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_threads_gives_the_same() {
        let numbers: Vec<u64> =
            (0..150_000_u64).map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40).collect();
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        for threads in [1, 2, 3, 7] {
            assert_eq!(map(&numbers, threads, |number| number + 1), map(&numbers, 1, |number| number + 1));
            let mut own = numbers.clone();
            sort(&mut own, threads);
            assert_eq!(own, sorted);
        }
    }
}
