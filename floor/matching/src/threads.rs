//! Work shared among threads; the result does not depend on how many there are.

/// Applies `work` to every item, on up to `threads` threads, and keeps the order.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], threads: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    map_with(items, threads, || (), |(), item| work(item))
}

/// The same where each thread has something of its own to work with.
pub(crate) fn map_with<T: Sync, S, R: Send>(
    items: &[T],
    threads: usize,
    own: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, &T) -> R + Sync,
) -> Vec<R> {
    let threads = threads.clamp(1, 64);
    let of_chunk = |chunk: &[T]| {
        let mut own = own();
        chunk.iter().map(|item| work(&mut own, item)).collect::<Vec<R>>()
    };
    if threads == 1 || items.len() < 256 {
        return of_chunk(items);
    }
    let chunk = items.len().div_ceil(threads);
    let of_chunk = &of_chunk;
    std::thread::scope(|scope| {
        let parts: Vec<_> = items.chunks(chunk).map(|chunk| scope.spawn(move || of_chunk(chunk))).collect();
        parts.into_iter().flat_map(|part| result(part.join())).collect()
    })
}

/// Applies `work` to each of a few items, each on a thread of its own.
pub(crate) fn map_few<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let work = &work;
    std::thread::scope(|scope| {
        let parts: Vec<_> = items.iter().map(|item| scope.spawn(move || work(item))).collect();
        parts.into_iter().map(|part| result(part.join())).collect()
    })
}

/// Works on items on up to `threads` threads, and gives the results to `take` on this one, in order, as they come.
/// No more than a few wait.
pub(crate) fn in_order<T: Sync, S, R: Send>(
    items: &[T],
    threads: usize,
    own: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, &T) -> R + Sync,
    mut take: impl FnMut(R),
) {
    let threads = threads.clamp(1, 64).min(items.len());
    if threads <= 1 {
        let mut own = own();
        items.iter().for_each(|item| take(work(&mut own, item)));
        return;
    }
    let (own, work) = (&own, &work);
    std::thread::scope(|scope| {
        // Thread i does items i, i + threads, …: whose turn it is, is known.
        let results: Vec<_> = (0..threads)
            .map(|first| {
                let (give, result) = std::sync::mpsc::sync_channel(2);
                scope.spawn(move || {
                    let mut own = own();
                    for item in items.iter().skip(first).step_by(threads) {
                        // Nobody takes it any more: this thread's work is over.
                        if give.send(work(&mut own, item)).is_err() {
                            return;
                        }
                    }
                });
                result
            })
            .collect();
        // A thread that panicked sends no more; the scope then passes its panic on.
        let mut turns = results.iter().cycle().take(items.len());
        while let Some(Ok(done)) = turns.next().map(std::sync::mpsc::Receiver::recv) {
            take(done);
        }
    });
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
