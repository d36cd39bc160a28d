//! Stand-ins for the pictures on a card's face: one-bit PNGs with a frame and digits, no photograph. A municipality's own
//! pictures take their place as files.

use card::records::{Holder, Pictures};

/// Digits as 5 rows of 3 bits.
const DIGITS: [[u8; 5]; 10] = [
    [7, 5, 5, 5, 7],
    [2, 6, 2, 2, 7],
    [7, 1, 7, 4, 7],
    [7, 1, 3, 1, 7],
    [5, 5, 7, 1, 1],
    [7, 4, 7, 1, 7],
    [7, 4, 7, 5, 7],
    [7, 1, 2, 2, 2],
    [7, 5, 7, 5, 7],
    [7, 5, 7, 1, 7],
];

/// Stand-ins for a holder: the number and the security code as digits, the rest empty frames.
pub(crate) fn stand_ins(holder: &Holder) -> Pictures {
    Pictures {
        name: png(&[]),
        address: png(&[]),
        photo: empty_jp2(),
        security_code: png(holder.security_code.as_bytes()),
        number: png(holder.number.as_bytes()),
    }
}

/// A one-bit greyscale PNG of digits in a frame, each dot four pixels wide.
fn png(digits: &[u8]) -> Vec<u8> {
    const DOT: usize = 4;
    let (columns, rows) = (digits.len().max(4) * 4 + 3, 9);
    let (width, height) = (columns * DOT, rows * DOT);
    let ink = |x: usize, y: usize| {
        let frame = x == 0 || y == 0 || x == columns - 1 || y == rows - 1;
        let digit = || {
            let (x, y) = (x.checked_sub(2)?, y.checked_sub(2)?);
            let digit = digits.get(x / 4)?.checked_sub(b'0')?;
            let row = DIGITS.get(usize::from(digit))?.get(y)?;
            Some(x % 4 < 3 && row & (4 >> (x % 4)) != 0)
        };
        frame || digit().unwrap_or(false)
    };
    let mut lines = Vec::new();
    for y in 0..height {
        lines.push(0);
        for byte in 0..width.div_ceil(8) {
            let white = |bit: &usize| {
                let x = byte * 8 + bit;
                x >= width || !ink(x / DOT, y / DOT)
            };
            lines.push((0..8).filter(white).fold(0u8, |bits, bit| bits | 0x80 >> bit));
        }
    }
    let size = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
    let head = [&size(width)[..], &size(height), &[1, 0, 0, 0, 0]].concat();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    file.extend(chunk(b"IHDR", &head));
    file.extend(chunk(b"IDAT", &zlib_stored(&lines)));
    file.extend(chunk(b"IEND", &[]));
    file
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let named = [kind.as_slice(), data].concat();
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], &named, &crc32(&named).to_be_bytes()].concat()
}

/// A zlib stream of one stored block (RFC 1950, RFC 1951 §3.2.4); the pictures are far smaller than 65,535 bytes.
fn zlib_stored(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap_or(u16::MAX);
    let (mut a, mut b) = (1u32, 0u32);
    for byte in data {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    let head = [&[0x78, 0x01, 0x01][..], &length.to_le_bytes(), &(!length).to_le_bytes()].concat();
    [&head, data, &(b << 16 | a).to_be_bytes()].concat()
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0xEDB8_8320 },
        )
    })
}

/// The beginning of a JPEG 2000 file (ISO/IEC 15444-1 Annex I) without a picture in it.
fn empty_jp2() -> Vec<u8> {
    [&b"\0\0\0\x0CjP  \r\n\x87\n"[..], b"\0\0\0\x14ftypjp2 \0\0\0\0jp2 "].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_the_standards() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert!(zlib_stored(b"Wikipedia").ends_with(&0x11E6_0398u32.to_be_bytes()));
        assert_eq!(chunk(b"IEND", &[]), b"\0\0\0\0IEND\xAE\x42\x60\x82");
    }
}
