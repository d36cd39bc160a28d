#![doc = include_str!("../README.md")]

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use world::Stopwatch;

/// What parsers stumble over.
const DICTIONARY: [&[u8]; 44] = [
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"4294967296",
    b"18446744073709551616",
    b"-9223372036854775809",
    b"9223372036854775807",
    b"1e999",
    b"-0.0",
    b"\\u0000",
    b"\\ud800",
    b"\\",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xf0\xa0\xae\xb7",
    b"\xe3\x82\x99",
    b"\xef\xbd\xb6",
    b"\xe3\x80\x80",
    b".",
    b"..",
    b"/",
    b"%2f",
    b"-",
    b"=",
    b"A",
    b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    b"\r\n",
    b"\t",
    b"#",
    b"'",
    b"9999-12-31",
    b"0000-00-00",
    "令和元年".as_bytes(),
    "丁目".as_bytes(),
    "　髙﨑".as_bytes(),
];

/// One change of a message; places and lengths are taken modulo what is there.
#[derive(Clone, Debug)]
enum Change {
    Flip(u16, u8),
    Put(u16, u8),
    Insert(u16, usize),
    Overwrite(u16, usize),
    Delete(u16, u8),
    Double(u16, u8),
    Move(u16, u16, u8),
    Cut(u16),
    Splice(u16, usize, u16),
    Nest(u16, u8),
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<u16>;
    let word = || 0..DICTIONARY.len();
    prop_oneof![
        (place(), 0u8..8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        (place(), any::<u8>()).prop_map(|(at, byte)| Change::Put(at, byte)),
        (place(), word()).prop_map(|(at, word)| Change::Insert(at, word)),
        (place(), word()).prop_map(|(at, word)| Change::Overwrite(at, word)),
        (place(), any::<u8>()).prop_map(|(at, length)| Change::Delete(at, length)),
        (place(), any::<u8>()).prop_map(|(at, length)| Change::Double(at, length)),
        (place(), place(), any::<u8>()).prop_map(|(from, to, length)| Change::Move(from, to, length)),
        place().prop_map(Change::Cut),
        (place(), any::<usize>(), place()).prop_map(|(at, other, from)| Change::Splice(at, other, from)),
        (place(), any::<u8>()).prop_map(|(at, depth)| Change::Nest(at, depth)),
    ]
}

/// Longest message that is tried, in bytes.
const LONGEST: usize = 64 << 10;

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let length = bytes.len();
        let place = |at: u16| usize::from(at) % (length + 1);
        let range = |at: u16, long: u8| place(at)..(place(at) + usize::from(long)).min(length);
        match *self {
            Self::Flip(at, bit) => {
                if let Some(byte) = bytes.get_mut(place(at)) {
                    *byte ^= 1 << bit;
                }
            }
            Self::Put(at, value) => {
                if let Some(byte) = bytes.get_mut(place(at)) {
                    *byte = value;
                }
            }
            Self::Insert(at, word) => {
                let word = DICTIONARY.get(word).copied().unwrap_or_default();
                bytes.splice(place(at)..place(at), word.iter().copied());
            }
            Self::Overwrite(at, word) => {
                let word = DICTIONARY.get(word).copied().unwrap_or_default();
                let end = (place(at) + word.len()).min(length);
                bytes.splice(place(at)..end, word.iter().copied());
            }
            Self::Delete(at, long) => {
                bytes.drain(range(at, long));
            }
            Self::Double(at, long) => {
                let part = bytes.get(range(at, long)).unwrap_or_default().to_vec();
                bytes.splice(place(at)..place(at), part);
            }
            Self::Move(from, to, long) => {
                let part: Vec<u8> = bytes.drain(range(from, long)).collect();
                let to = place(to).min(bytes.len());
                bytes.splice(to..to, part);
            }
            Self::Cut(at) => bytes.truncate(place(at)),
            Self::Splice(at, other, from) => {
                let other = corpus.get(other % corpus.len().max(1)).map_or(&[][..], Vec::as_slice);
                let from = usize::from(from) % (other.len() + 1);
                bytes.truncate(place(at));
                bytes.extend_from_slice(other.get(from..).unwrap_or_default());
            }
            Self::Nest(at, depth) => {
                let deep = vec![if depth % 2 == 0 { b'[' } else { b'{' }; usize::from(depth) * 8];
                bytes.splice(place(at)..place(at), deep);
            }
        }
        bytes.truncate(LONGEST);
    }
}

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

/// The good messages of a target, by file name.
pub fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = folder(target);
    let entries = std::fs::read_dir(&folder).map(|entries| entries.flatten().collect::<Vec<_>>());
    let mut files: Vec<_> = entries
        .unwrap_or_default()
        .iter()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            Some((name, std::fs::read(entry.path()).ok()?))
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

/// How long each target runs.
fn time() -> Duration {
    let seconds = std::env::var("MUSUBI_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(3))
}

/// Longest that one message may take.
const SLOWEST: Duration = Duration::from_secs(5);

thread_local! {
    /// Whether this thread tries a changed message: what it says in panicking is caught and told once, at the end.
    static TRYING: Cell<bool> = const { Cell::new(false) };
}

/// Keeps panics of tried messages off the terminal; hundreds come while a failure is made small.
fn be_quiet_while_trying() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !TRYING.get() {
                usual(panic);
            }
        }));
    });
}

/// What a panic said, if `check` panicked over `bytes`.
fn panic_of(bytes: &[u8], check: impl Fn(&[u8])) -> Option<String> {
    TRYING.set(true);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(bytes)));
    TRYING.set(false);
    let said = outcome.err()?;
    let text = said.downcast_ref::<&str>().map(ToString::to_string);
    Some(text.or_else(|| said.downcast_ref::<String>().cloned()).unwrap_or_default())
}

/// Runs `check` over the corpus of `target`, then over changed messages until the time is up. `check` panics at what
/// must not be.
pub fn fuzz(target: &str, check: impl Fn(&[u8])) {
    let corpus: Vec<Vec<u8>> = corpus(target).into_iter().map(|(_, bytes)| bytes).collect();
    let timed = |bytes: &[u8]| {
        let watch = Stopwatch::start();
        check(bytes);
        assert!(watch.elapsed() < SLOWEST, "took {:?}", watch.elapsed());
    };
    corpus.iter().for_each(|message| timed(message));
    be_quiet_while_trying();
    let config =
        Config { cases: 200, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    let messages = (any::<usize>(), proptest::collection::vec(change(), 1..6));
    let watch = Stopwatch::start();
    let mut tried = 0u64;
    while watch.elapsed() < time() {
        let outcome = TestRunner::new(config.clone()).run(&messages, |(start, changes)| {
            let mut bytes = corpus.get(start % corpus.len()).cloned().unwrap_or_default();
            changes.iter().for_each(|change| change.apply(&mut bytes, &corpus));
            match panic_of(&bytes, timed) {
                Some(said) => {
                    Err(TestCaseError::fail(format!("{said}\n  on \"{}\"\n", bytes.escape_ascii())))
                }
                None => Ok(()),
            }
        });
        tried += u64::from(config.cases);
        assert!(outcome.is_ok(), "{target}: {}", outcome.err().map(|e| e.to_string()).unwrap_or_default());
    }
    println!("{target}: {tried} changed messages");
}
