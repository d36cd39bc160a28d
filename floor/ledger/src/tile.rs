//! Paths of tiles and entry bundles (C2SP tlog-tiles): `tile/0/x001/x234/067.p/12`, `tile/entries/000`.

use crate::{LedgerError, decimal};

/// Hashes in a full tile, entries in a full bundle.
pub const TILE_WIDTH: u64 = 256;

/// Which tile, or which bundle of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TilePath {
    /// The level; `None` is a bundle of entries.
    pub level: Option<u8>,
    /// Its number on the level.
    pub number: u64,
    /// How many hashes or entries: 256, or fewer for a partial one.
    pub width: u64,
}

impl std::fmt::Display for TilePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.level {
            Some(level) => write!(f, "tile/{level}/")?,
            None => f.write_str("tile/entries/")?,
        }
        let mut groups = vec![self.number % 1000];
        let mut rest = self.number / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for (i, group) in groups.iter().enumerate().rev() {
            if i > 0 { write!(f, "x{group:03}/")? } else { write!(f, "{group:03}")? }
        }
        if self.width < TILE_WIDTH { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

impl TilePath {
    /// Reads a path; only the one way to write it is taken.
    pub fn parse(path: &str) -> Result<Self, LedgerError> {
        const WRONG: LedgerError = LedgerError::Malformed("tile path");
        let rest = path.strip_prefix("tile/").ok_or(WRONG)?;
        let (level, rest) = rest.split_once('/').ok_or(WRONG)?;
        let level = match level {
            "entries" => None,
            level => {
                let level = decimal(level).filter(|level| *level < 64).ok_or(WRONG)?;
                Some(u8::try_from(level).map_err(|_| WRONG)?)
            }
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => {
                (number, decimal(width).filter(|w| (1..TILE_WIDTH).contains(w)).ok_or(WRONG)?)
            }
            None => (rest, TILE_WIDTH),
        };
        let mut value = 0u64;
        for (i, group) in number.split('/').rev().enumerate() {
            let digits = if i == 0 { group } else { group.strip_prefix('x').ok_or(WRONG)? };
            if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) || i > 6 {
                return Err(WRONG);
            }
            let group: u64 = digits.parse().map_err(|_| WRONG)?;
            let place = 1000u64.checked_pow(u32::try_from(i).map_err(|_| WRONG)?).ok_or(WRONG)?;
            value = group.checked_mul(place).and_then(|part| part.checked_add(value)).ok_or(WRONG)?;
        }
        let read = Self { level, number: value, width };
        // A leading group of zeroes would be a second way to write the same number.
        if read.to_string() == path { Ok(read) } else { Err(WRONG) }
    }

    /// The tiles and bundles that a tree of `size` entries has, all of them: what a mirror fetches.
    pub fn all(size: u64) -> impl Iterator<Item = Self> {
        let levels = (0u8..8).map_while(move |level| {
            let nodes = size.checked_shr(u32::from(level) * 8).unwrap_or(0);
            (nodes > 0).then_some((Some(level), nodes))
        });
        let bundles = (size > 0).then_some((None, size));
        levels.chain(bundles).flat_map(|(level, nodes)| {
            (0..nodes.div_ceil(TILE_WIDTH)).map(move |number| {
                let width = (nodes - number * TILE_WIDTH).min(TILE_WIDTH);
                Self { level, number, width }
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        let path = |level, number, width| TilePath { level, number, width }.to_string();
        assert_eq!(path(Some(0), 1_234_067, 256), "tile/0/x001/x234/067");
        assert_eq!(path(Some(2), 0, 17), "tile/2/000.p/17");
        assert_eq!(path(None, 1000, 256), "tile/entries/x001/000");
        // "A tree of size 70,000 …": 273 full and one partial of 112, one full and one of 17, one of width 1.
        let tiles: Vec<_> = TilePath::all(70_000).filter(|tile| tile.level.is_some()).collect();
        assert_eq!(tiles.iter().filter(|tile| tile.level == Some(0) && tile.width == 256).count(), 273);
        let partial: Vec<_> =
            tiles.iter().filter(|tile| tile.width < 256).map(|tile| (tile.level, tile.width)).collect();
        assert_eq!(partial, [(Some(0), 112), (Some(1), 17), (Some(2), 1)]);
        let of_256: Vec<_> = TilePath::all(256).filter(|tile| tile.level.is_some()).collect();
        assert_eq!(of_256.len(), 2);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for wrong in [
            "tile/0/1",
            "tile/64/000",
            "tile/00/000",
            "tile/0/x000/001",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/001/000",
            "tile/data/000",
            "/tile/0/000",
            "tile/0/",
            "tile/0/000/",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert!(TilePath::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_path_reads_back(level in proptest::option::of(0u8..64), number in 0u64..1 << 55, width in 1u64..=256) {
            let path = TilePath { level, number, width };
            prop_assert_eq!(TilePath::parse(&path.to_string()), Ok(path));
        }
    }
}
