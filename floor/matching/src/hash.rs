//! A small fixed hash, so that the same data give the same blocks in every run.

/// FNV-1a, 64 bits, with a final mix. Not for adversaries: a collision only adds a candidate, which is then
/// compared in full.
pub(crate) struct Hash(u64);

impl Hash {
    pub(crate) fn of(kind: u8) -> Hash {
        Hash(0xcbf2_9ce4_8422_2325).number(u64::from(kind))
    }

    pub(crate) fn text(mut self, text: &str) -> Hash {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
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

/// A hasher for keys that are numbers already (hashes, characters): one multiplication.
#[derive(Default)]
pub(crate) struct Quick(u64);

impl std::hash::Hasher for Quick {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
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
