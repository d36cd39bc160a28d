//! BER-TLV as the card's files use it: tags of one or two bytes, lengths up to 65,535.

/// One object: tag, length, value. A tag above `FF` has two bytes.
pub fn object(tag: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(value.len() + 5);
    let [high, low] = tag.to_be_bytes();
    if high != 0 {
        bytes.push(high);
    }
    bytes.push(low);
    match value.len() {
        length @ ..=0x7F => bytes.push(length as u8),
        length @ 0x80..=0xFF => bytes.extend([0x81, length as u8]),
        length => {
            let [.., high, low] = length.to_be_bytes();
            bytes.extend([0x82, high, low]);
        }
    }
    bytes.extend_from_slice(value);
    bytes
}

/// Takes the first object off `bytes`: its tag, its value, what follows. `None` if it is no whole object.
pub fn first(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (&one, rest) = bytes.split_first()?;
    let (tag, rest) = if one & 0x1F == 0x1F {
        let (&two, rest) = rest.split_first().filter(|(two, _)| **two & 0x80 == 0)?;
        (u16::from_be_bytes([one, two]), rest)
    } else {
        (u16::from(one), rest)
    };
    let (length, rest) = match *rest {
        [length @ ..=0x7F, ref rest @ ..] => (usize::from(length), rest),
        [0x81, length, ref rest @ ..] => (usize::from(length), rest),
        [0x82, high, low, ref rest @ ..] => (usize::from(u16::from_be_bytes([high, low])), rest),
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(length)?;
    Some((tag, value, rest))
}

/// The value of the first object with this tag among objects in a row.
pub fn find(mut bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    while let Some((tag, value, rest)) = first(bytes) {
        if tag == wanted {
            return Some(value);
        }
        bytes = rest;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_object_is_read_as_it_was_written(
            tag in prop_oneof![Just(0x86u16), Just(0x7F21), Just(0x5F37), Just(0xDF2A)],
            value in proptest::collection::vec(any::<u8>(), 0..700),
            after in proptest::collection::vec(any::<u8>(), 0..4),
        ) {
            let mut bytes = object(tag, &value);
            bytes.extend_from_slice(&after);
            prop_assert_eq!(first(&bytes), Some((tag, value.as_slice(), after.as_slice())));
            prop_assert!(first(&bytes[..bytes.len() - after.len() - 1]).is_none());
        }
    }
}
