//! Command and response APDUs (ISO/IEC 7816-4 §5.1), short and extended.

/// A status word, SW1-SW2 (ISO/IEC 7816-4 §5.6; the values are those seen on real cards).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub u16);

impl Status {
    /// Done.
    pub const OK: Self = Self(0x9000);
    /// The store could not keep a change; nothing was compared or done.
    pub const NOT_KEPT: Self = Self(0x6581);
    /// The session key is not offered here.
    pub const NO_SESSION_KEY: Self = Self(0x66F1);
    /// Wrong length.
    pub const LENGTH: Self = Self(0x6700);
    /// The file is of another structure.
    pub const STRUCTURE: Self = Self(0x6981);
    /// Something must be presented first.
    pub const SECURITY: Self = Self(0x6982);
    /// Blocked: no tries are left.
    pub const BLOCKED: Self = Self(0x6984);
    /// Not in this state.
    pub const CONDITIONS: Self = Self(0x6985);
    /// No file is selected.
    pub const NO_FILE: Self = Self(0x6986);
    /// Secure messaging: an object is missing.
    pub const SM_MISSING: Self = Self(0x6987);
    /// Secure messaging: an object is wrong.
    pub const SM_WRONG: Self = Self(0x6988);
    /// Secure messaging: the session is dead.
    pub const SM_DEAD: Self = Self(0x69FC);
    /// The data field is wrong.
    pub const DATA: Self = Self(0x6A80);
    /// No such file or application.
    pub const NOT_FOUND: Self = Self(0x6A82);
    /// No such record.
    pub const NO_RECORD: Self = Self(0x6A83);
    /// No room left.
    pub const FULL: Self = Self(0x6A84);
    /// P1-P2 are wrong.
    pub const PARAMETERS: Self = Self(0x6A86);
    /// No such key or data object.
    pub const NO_KEY: Self = Self(0x6A88);
    /// It is there already.
    pub const EXISTS: Self = Self(0x6A89);
    /// The offset lies outside.
    pub const OFFSET: Self = Self(0x6B00);
    /// No such instruction.
    pub const INSTRUCTION: Self = Self(0x6D00);
    /// No such class.
    pub const CLASS: Self = Self(0x6E00);
    /// A fault of the card itself.
    pub const FAULT: Self = Self(0x6F00);

    /// `63Cx`: x tries are left.
    pub fn tries(left: u8) -> Self {
        Self(0x63C0 | u16::from(left.min(15)))
    }
}

/// What a command brought back.
pub(crate) type Outcome = Result<Vec<u8>, Status>;

/// A command, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command<'a> {
    pub(crate) class: u8,
    pub(crate) instruction: u8,
    pub(crate) p1: u8,
    pub(crate) p2: u8,
    pub(crate) data: &'a [u8],
    /// How many bytes are wanted at most; `None` where there is no Le field.
    pub(crate) wanted: Option<usize>,
}

impl<'a> Command<'a> {
    /// Takes a command apart: cases 1, 2, 3, 4, short and extended. Lengths that do not agree are `6700`.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Status> {
        let (header, body) = bytes.split_first_chunk::<4>().ok_or(Status::LENGTH)?;
        let [class, instruction, p1, p2] = *header;
        let command = |data, wanted| Ok(Self { class, instruction, p1, p2, data, wanted });
        // Zero stands for the most that the field can say.
        let short = |le: u8| if le == 0 { 256 } else { usize::from(le) };
        let long = |le: [u8; 2]| match u16::from_be_bytes(le) {
            0 => 65_536,
            le => usize::from(le),
        };
        match *body {
            [] => command(&[], None),
            [le] => command(&[], Some(short(le))),
            [0, high, low] => command(&[], Some(long([high, low]))),
            [0, high, low, ref rest @ ..] => {
                let length = usize::from(u16::from_be_bytes([high, low]));
                let (data, le) = rest.split_at_checked(length).ok_or(Status::LENGTH)?;
                match *le {
                    _ if length == 0 => Err(Status::LENGTH),
                    [] => command(data, None),
                    [high, low] => command(data, Some(long([high, low]))),
                    _ => Err(Status::LENGTH),
                }
            }
            [length, ref rest @ ..] => {
                let (data, le) = rest.split_at_checked(usize::from(length)).ok_or(Status::LENGTH)?;
                match *le {
                    _ if length == 0 => Err(Status::LENGTH),
                    [] => command(data, None),
                    [le] => command(data, Some(short(le))),
                    _ => Err(Status::LENGTH),
                }
            }
        }
    }

    /// P1 and P2 as one number.
    pub(crate) fn parameters(&self) -> u16 {
        u16::from_be_bytes([self.p1, self.p2])
    }
}

/// The response's bytes.
pub(crate) fn response(outcome: Outcome) -> Vec<u8> {
    let (mut bytes, status) = match outcome {
        Ok(data) => (data, Status::OK),
        Err(status) => (Vec::new(), status),
    };
    bytes.extend_from_slice(&status.0.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(bytes: &[u8]) -> Option<(usize, Option<usize>)> {
        Command::parse(bytes).ok().map(|command| (command.data.len(), command.wanted))
    }

    #[test]
    fn all_seven_cases() {
        assert_eq!(parsed(&[0, 0xA4, 4, 0x0C]), Some((0, None)));
        assert_eq!(parsed(&[0, 0xB0, 0, 0, 0]), Some((0, Some(256))));
        assert_eq!(parsed(&[0, 0xB0, 0, 0, 4]), Some((0, Some(4))));
        assert_eq!(parsed(&[0, 0x20, 0, 0x80, 2, 9, 9]), Some((2, None)));
        assert_eq!(parsed(&[0, 0x2A, 0, 0x80, 2, 9, 9, 0]), Some((2, Some(256))));
        assert_eq!(parsed(&[0, 0xB0, 0, 0, 0, 0, 0]), Some((0, Some(65_536))));
        assert_eq!(parsed(&[0, 0x2A, 0, 0, 0, 0, 2, 9, 9]), Some((2, None)));
        assert_eq!(parsed(&[0, 0x2A, 0, 0, 0, 0, 2, 9, 9, 1, 0]), Some((2, Some(256))));
    }

    #[test]
    fn lengths_that_disagree() {
        for bad in [&[][..], &[0, 0x20, 0], &[0, 0x20, 0, 0x80, 5, 1], &[0, 0x20, 0, 0x80, 1, 1, 1, 1]] {
            assert_eq!(Command::parse(bad), Err(Status::LENGTH));
        }
        assert_eq!(Command::parse(&[0, 0x20, 0, 0x80, 0, 0, 0, 1]), Err(Status::LENGTH));
        assert_eq!(Command::parse(&[0, 0x20, 0, 0x80, 0, 0, 1, 1, 1]), Err(Status::LENGTH));
    }

    proptest! {
        #[test]
        fn what_is_built_is_read(data in proptest::collection::vec(any::<u8>(), 1..600), le in proptest::option::of(1usize..=65_536)) {
            let mut bytes = vec![0x80, 0x2A, 1, 2, 0];
            bytes.extend_from_slice(&(data.len() as u16).to_be_bytes());
            bytes.extend_from_slice(&data);
            if let Some(le) = le {
                bytes.extend_from_slice(&((le % 65_536) as u16).to_be_bytes());
            }
            let command = Command::parse(&bytes).unwrap();
            prop_assert_eq!((command.data, command.wanted), (data.as_slice(), le));
        }
    }
}
