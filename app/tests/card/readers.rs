//! Cards, virtual readers and pcscd for one test.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard};
use std::time::{Duration, Instant};

pub use crate::processes::{Running, need, two_ports};

pub const DRIVER: &str = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";
const SOCKET: &str = "/run/pcscd/pcscd.comm";

/// A resident's card and an authority, made once.
static MADE: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.card", "b.card"] {
        let made = musubi()
            .current_dir(&folder)
            .args(["card", "new", "--test-pins", "--image", name])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
    let mut operator = musubi();
    operator.current_dir(&folder).args([
        "card",
        "operator",
        "new",
        "--image",
        "o.card",
        "--work",
        "issue,read,areas",
    ]);
    Said::of(&mut operator, "135790\n").good();
    folder
});

/// The program under test.
pub fn musubi() -> Command {
    Command::new(env!("CARGO_BIN_EXE_musubi"))
}

/// A folder with copies of the cards and of the authority, so that a test may change them.
pub fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.card", "a.card.key", "b.card", "b.card.key", "o.card", "o.card.key"] {
        fs::copy(MADE.path().join(name), folder.path().join(name)).unwrap();
    }
    fs::create_dir(folder.path().join("card-authority")).unwrap();
    for entry in fs::read_dir(MADE.path().join("card-authority")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join("card-authority").join(entry.file_name())).unwrap();
    }
    folder
}

/// Starts `musubi card run` and waits until it says that its cards are waiting.
pub fn insert(folder: &Path, images: &[&str], way: &[String]) -> Running {
    let mut command = musubi();
    command.current_dir(folder).args(["card", "run"]).args(way).stdout(Stdio::piped());
    for image in images {
        command.args(["--image", image]);
    }
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in images {
        let line = lines.next().expect("a line for each card").unwrap();
        assert!(line.contains("reader at"), "{line}");
    }
    std::thread::spawn(move || lines.for_each(drop));
    Running(child)
}

/// pcscd with two virtual readers and the cards in them. Fields are dropped in order: pcscd first, the lock last.
pub struct Readers {
    _pcscd: Running,
    _cards: Option<Running>,
    pub folder: tempfile::TempDir,
    _lock: (MutexGuard<'static, ()>, File),
}

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

impl Readers {
    /// With both residents' cards.
    pub fn start() -> Self {
        Self::with(&["a.card", "b.card"], folder())
    }

    /// A resident's card in the first reader, an operator's in the second: a counter.
    pub fn counter() -> Self {
        Self::with(&["a.card", "o.card"], folder())
    }

    /// With these cards of this folder. Two: vpcd has two slots, and ends if one of them finds nobody to connect to.
    pub fn with(images: &[&str; 2], folder: tempfile::TempDir) -> Self {
        for program in ["pcscd", DRIVER] {
            need(program);
        }
        let lock = lock();
        let port = two_ports();
        let cards = insert(folder.path(), images, &["--listen".into(), format!("127.0.0.1:{port}")]);
        let configuration = folder.path().join("readers");
        fs::create_dir(&configuration).unwrap();
        let reader = format!(
            "FRIENDLYNAME \"Musubi\"\nDEVICENAME 127.0.0.1:0x{port:X}\nLIBPATH {DRIVER}\nCHANNELID 0x{port:X}\n"
        );
        fs::write(configuration.join("vpcd"), reader).unwrap();
        let pcscd = pcscd(&configuration, folder.path());
        let readers = Self { _pcscd: pcscd, _cards: Some(cards), folder, _lock: lock };
        wait_for(images.len(), readers.folder.path());
        readers
    }

    /// A command in the folder with the cards.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Said {
        need(program);
        Said::of(Command::new(program).args(arguments).current_dir(&self.folder), "")
    }

    /// `musubi card …`, with what is typed.
    pub fn card(&self, arguments: &str, typed: &str) -> Said {
        let arguments = arguments.split_whitespace();
        Said::of(musubi().arg("card").args(arguments).current_dir(&self.folder), typed)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Waits until pcscd sees so many cards.
pub fn wait_for(cards: usize, folder: &Path) {
    let start = Instant::now();
    loop {
        let found =
            ::musubi::card_command::pcscd::Service::connect().and_then(|mut service| service.readers());
        if found.is_ok_and(|readers| readers.iter().filter(|reader| reader.has_card).count() == cards) {
            return;
        }
        let log = || fs::read_to_string(folder.join("pcscd.log")).unwrap_or_default();
        assert!(start.elapsed() < Duration::from_secs(20), "pcscd does not see {cards} cards: {}", log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Waits for the one socket, and holds it.
pub fn lock() -> (MutexGuard<'static, ()>, File) {
    let guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    // Other test programs on this machine wait, too.
    let file = File::create(std::env::temp_dir().join("musubi-pcscd.lock")).unwrap();
    file.lock().unwrap();
    (guard, file)
}

/// Starts pcscd with these readers.
pub fn pcscd(configuration: &Path, folder: &Path) -> Running {
    assert!(
        UnixStream::connect(SOCKET).is_err(),
        "a pcscd runs on this machine already and has the one socket there is; stop it for these tests"
    );
    let log = File::create(folder.join("pcscd.log")).unwrap();
    let child = Command::new("pcscd")
        .args(["--foreground", "--error", "--config"])
        .arg(configuration)
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    Running(child)
}

/// What a program said, and whether it succeeded.
#[derive(Debug)]
pub struct Said {
    pub ok: bool,
    pub text: String,
}

impl Said {
    pub fn of(command: &mut Command, typed: &str) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        // Who does not read what is typed has ended already.
        let _ = child.stdin.take().unwrap().write_all(typed.as_bytes());
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        Self { ok: status.success(), text }
    }

    /// It succeeded; what it said.
    #[track_caller]
    pub fn good(self) -> String {
        assert!(self.ok, "{}", self.text);
        self.text
    }

    /// It failed; what it said.
    #[track_caller]
    pub fn bad(self) -> String {
        assert!(!self.ok, "it should have failed: {}", self.text);
        self.text
    }
}
