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
