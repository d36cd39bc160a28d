//! The defaults of DESIGN §7, in one place; `musubi check-config` prints them.

/// Bounds of the road. All times in milliseconds unless the name says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// How long a used id is kept against replay.
    pub replay_window_ms: i64,
    /// How far an act's `at` may lie from this room's clock, either way.
    pub clock_tolerance_ms: i64,
    /// How long an inquirer waits for its reply.
    pub deadline_ms: i64,
    /// The longest deadline a message may name.
    pub longest_deadline_ms: i64,
    /// Inquiries an institution may send in one second.
    pub rate_per_second: u32,
    /// Inquiries an institution may send in one hour.
    pub rate_per_hour: u32,
    /// Rows an institution may send for issue in one hour.
    pub issue_rows_per_hour: u32,
    /// Rows in one batch of an issue, at most.
    pub batch_rows: usize,
    /// Size classes of a reply, in bytes; beyond the last one each class is four times the one before.
    pub size_classes: [usize; 4],
    /// The largest answer that is given, in bytes; a larger one is none.
    pub largest_answer: usize,
    /// The first time step of a reply; each further one is twice as long.
    pub time_step_ms: i64,
    /// How long a session lives.
    pub session_ms: i64,
    /// How long the previous session is still taken after its end.
    pub previous_session_ms: i64,
    /// How long an index entry waits for a portal that is away, after the end of the session it was converted to.
    pub index_patience_ms: i64,
    /// How often the directory, the accreditations and the whitelist are fetched.
    pub poll_ms: i64,
    /// How long a signed document of oversight or the authority stays valid without being renewed.
    pub document_valid_ms: i64,
    /// Conversions that are to be shown to the next hop and the provider, in percent; those by right of emergency,
    /// disaster or the person always are.
    pub proofs_percent: u8,
    /// How long a room answers without a witness having seen its ledger.
    pub unwitnessed_ms: i64,
    /// How many leaves a room writes without a witness having seen its ledger.
    pub unwitnessed_leaves: u64,
    /// The largest body of a message, in bytes, where the route names no other.
    pub body_bytes: usize,
    /// The largest body of a batch, in bytes.
    pub batch_body_bytes: usize,
}

impl Defaults {
    /// The defaults of the house.
    pub const fn house() -> Self {
        Self {
            replay_window_ms: 600_000,
            clock_tolerance_ms: 120_000,
            deadline_ms: 10_000,
            longest_deadline_ms: 60_000,
            rate_per_second: 200,
            rate_per_hour: 50_000,
            issue_rows_per_hour: 500_000,
            batch_rows: 500,
            size_classes: [4 << 10, 16 << 10, 64 << 10, 256 << 10],
            largest_answer: 16 << 20,
            time_step_ms: 250,
            session_ms: 86_400_000,
            previous_session_ms: 3_600_000,
            index_patience_ms: 30 * 86_400_000,
            poll_ms: 15_000,
            document_valid_ms: 7 * 86_400_000,
            proofs_percent: 2,
            unwitnessed_ms: 60_000,
            unwitnessed_leaves: 100_000,
            body_bytes: 512 << 10,
            batch_body_bytes: 8 << 20,
        }
    }

    /// The size class of a reply of `length` bytes: the smallest class that holds it.
    pub fn size_class(&self, length: usize) -> usize {
        let last = self.size_classes.iter().copied().max().unwrap_or(4096).max(1);
        self.size_classes.iter().copied().find(|class| length <= *class).unwrap_or_else(|| {
            let mut class = last;
            while class < length {
                class = class.saturating_mul(4);
            }
            class
        })
    }

    /// The largest padded answer that stands in a reply's JSON, in bytes; a larger one follows it.
    pub fn largest_in_json(&self) -> usize {
        self.size_classes.iter().copied().max().unwrap_or(4096)
    }

    /// The largest content that makes an answer no larger than [`Defaults::largest_answer`], in bytes.
    pub const fn largest_content(&self) -> usize {
        self.largest_answer - 1024
    }

    /// When a reply that was ready `elapsed_ms` after the inquiry's arrival may leave, measured from the
    /// arrival: 250 ms, 500 ms, 1 s, 2 s …
    pub fn time_step(&self, elapsed_ms: i64) -> i64 {
        let mut step = self.time_step_ms.max(1);
        while step < elapsed_ms {
            step = step.saturating_mul(2);
        }
        step
    }
}

impl Default for Defaults {
    fn default() -> Self {
        Self::house()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_steps_hold_what_they_must() {
        let d = Defaults::house();
        for (length, class) in [
            (0, 4096),
            (4096, 4096),
            (4097, 16384),
            (262_144, 262_144),
            (262_145, 1_048_576),
            (5_000_000, 16_777_216),
        ] {
            assert_eq!(d.size_class(length), class);
        }
        for (elapsed, step) in [(0, 250), (250, 250), (251, 500), (501, 1000), (1001, 2000)] {
            assert_eq!(d.time_step(elapsed), step);
        }
    }
}
