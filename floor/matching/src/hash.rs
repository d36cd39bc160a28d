//! A small fixed hash, so that the same data give the same blocks in every run.

/// Multiplications and shifts, with a final mix. Not for adversaries: a collision only adds a candidate, which is then
/// compared in full.
pub(crate) struct Hash(u64);

impl Hash {
    pub(crate) fn of(kind: u8) -> Hash {
        Hash(0xcbf2_9ce4_8422_2325).number(u64::from(kind))
    }

    pub(crate) fn text(mut self, text: &str) -> Hash {
        self.0 = mixed(self.0, text.as_bytes());
        self.number(0xff)
    }

    pub(crate) fn number(mut self, number: u64) -> Hash {
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 ^= self.0 >> 29;
        self
    }

    pub(crate) fn end(self) -> u64 {
        let mut mixed = self.0;
        mixed ^= mixed >> 33;
        mixed = mixed.wrapping_mul(0xff51_afd7_ed55_8ccd);
        mixed ^ (mixed >> 33)
    }
}

/// Mixes bytes in, eight at a time; the last ones with their number.
fn mixed(mut state: u64, bytes: &[u8]) -> u64 {
    let mut eight = bytes.chunks_exact(8);
    for chunk in &mut eight {
        let number = chunk.try_into().map_or(0, u64::from_le_bytes);
        state = (state.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        state ^= state >> 29;
    }
    let rest = eight.remainder();
    let last = rest.iter().fold(rest.len() as u64, |number, byte| number << 8 | u64::from(*byte));
    (state.rotate_left(5) ^ last).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A hasher for keys that are numbers already (hashes, characters): one multiplication.
#[derive(Default)]
pub(crate) struct Quick(u64);

impl std::hash::Hasher for Quick {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = mixed(self.0, bytes);
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// A map whose keys are numbers.
pub(crate) type QuickMap<K, V> = std::collections::HashMap<K, V, std::hash::BuildHasherDefault<Quick>>;
