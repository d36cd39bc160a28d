//! The protocol of vpcd, spoken by the test: both modes, and the power cut at any moment.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::readers::{folder, insert, two_ports};

const JPKI: &str = "00A4040C0AD392F000260100000001";

fn send(stream: &mut TcpStream, payload: &[u8]) -> std::io::Result<()> {
    stream.write_all(&[&(payload.len() as u16).to_be_bytes()[..], payload].concat())
}

fn answer(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut payload = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut payload)?;
    Ok(payload)
}

fn say(stream: &mut TcpStream, hex: &str) -> std::io::Result<u16> {
    let bytes: Vec<u8> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
    send(stream, &bytes)?;
    let answer = answer(stream)?;
    Ok(u16::from_be_bytes(*answer.last_chunk().unwrap()))
}

fn connect(port: u16) -> TcpStream {
    let start = Instant::now();
    loop {
        if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) {
            stream.set_nodelay(true).unwrap();
            return stream;
        }
        assert!(start.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_card_connects_where_the_reader_listens() {
    let folder = folder();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let way = ["--connect".into(), listener.local_addr().unwrap().to_string()];
    let _card = insert(folder.path(), &["a.card"], &way);
    // Pulled out and put in again: the card comes back, and has forgotten.
    for _ in 0..2 {
        let (mut stream, _) = listener.accept().unwrap();
        send(&mut stream, &[1]).unwrap();
        send(&mut stream, &[4]).unwrap();
        assert_eq!(answer(&mut stream).unwrap(), card::ATR);
        assert_eq!(say(&mut stream, JPKI).unwrap(), 0x9000);
        assert_eq!(say(&mut stream, "00B0810000").unwrap(), 0x6982);
        assert_eq!(say(&mut stream, "0020009B06414243313233").unwrap(), 0x9000);
        assert_eq!(say(&mut stream, "00B0810000").unwrap(), 0x9000);
        // Power off and on within one connection.
        for control in [[0], [1], [2]] {
            send(&mut stream, &control).unwrap();
            assert_eq!(say(&mut stream, JPKI).unwrap(), 0x9000);
            assert_eq!(say(&mut stream, "00B0810000").unwrap(), 0x6982);
        }
    }
}

#[test]
fn killing_the_card_at_any_moment_gives_no_further_try() {
    let folder = folder();
    let mut compared = 0;
    let mut least = 3;
    let mut killed_unanswered = 0;
    for round in 0..12u64 {
        let port = two_ports();
        let mut card = insert(folder.path(), &["a.card"], &["--listen".into(), format!("127.0.0.1:{port}")]);
        let mut stream = connect(port);
        assert_eq!(say(&mut stream, JPKI).unwrap(), 0x9000);
        let left = say(&mut stream, "00200098").unwrap() - 0x63C0;
        assert!(left <= least, "round {round}: {left} tries after {least}");
        least = left;
        let wrong = [0x00, 0x20, 0x00, 0x98, 4, b'9', b'9', b'9', b'9'];
        send(&mut stream, &wrong).unwrap();
        // Somewhere within the try: before it is read, while it is written, after.
        std::thread::sleep(Duration::from_micros(round * 150));
        card.0.kill().unwrap();
        card.0.wait().unwrap();
        match answer(&mut stream) {
            Ok(answer) if (0x63C0..=0x63C2).contains(&u16::from_be_bytes(*answer.last_chunk().unwrap())) => {
                compared += 1
            }
            Ok(_) => {}
            Err(_) => killed_unanswered += 1,
        }
    }
    assert!(compared <= 3, "{compared} comparisons of three");
    println!("compared {compared}, killed without an answer {killed_unanswered}, tries left {least}");
}

#[test]
fn one_card_is_in_one_reader() {
    let folder = folder();
    let port = two_ports();
    let _card = insert(folder.path(), &["a.card"], &["--listen".into(), format!("127.0.0.1:{port}")]);
    let second = crate::readers::musubi()
        .current_dir(&folder)
        .args(["card", "run", "--image", "a.card", "--listen", &format!("127.0.0.1:{}", port + 1)])
        .output()
        .unwrap();
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains("in use"));
}

/// vpcd waits for each of its two writes to be acknowledged. With the kernel's delayed acknowledgement 400 commands take
/// 17 seconds.
#[test]
fn commands_do_not_wait_for_acknowledgements() {
    use card::host::{Host, Link};
    let readers = crate::readers::Readers::start();
    let mut reader = musubi::card_command::pcscd::Service::connect().unwrap().card(None).unwrap();
    let mut host = Host::new(&mut reader);
    host.select(card::layout::JPKI).unwrap();
    host.select_file(card::layout::jpki::AUTH_CERTIFICATE).unwrap();
    let start = Instant::now();
    for _ in 0..400 {
        assert_eq!(reader.transmit(&[0, 0xB0, 0, 0, 0]).unwrap().len(), 258);
    }
    let taken = start.elapsed();
    assert!(taken < Duration::from_secs(5), "400 commands took {taken:?}");
    let start = Instant::now();
    for _ in 0..20 {
        assert_eq!(reader.transmit(&[0, 0x20, 0, 0x98, 4, b'1', b'2', b'3', b'4']).unwrap(), [0x90, 0]);
    }
    println!("400 reads {taken:?}, 20 PINs {:?}", start.elapsed());
    drop(readers);
}

/// Real vpcd in the mode that Debian installs. It listens on every interface: here in a network of its own, with nothing in it
/// but this test.
#[test]
fn real_vpcd_listens_and_the_card_connects() {
    if std::env::var_os(INSIDE).is_some() {
        return inside_a_network_of_its_own();
    }
    for program in ["unshare", "ip", "pcscd"] {
        crate::readers::need(program);
    }
    let lock = crate::readers::lock();
    let test = std::env::current_exe().unwrap();
    let mut inside = std::process::Command::new("unshare");
    let name = "vpcd_frames::real_vpcd_listens_and_the_card_connects";
    inside.arg("--net").arg(test).args(["--exact", name]).env(INSIDE, "yes");
    let said = crate::readers::Said::of(&mut inside, "").good();
    assert!(said.contains("1 passed"), "{said}");
    drop(lock);
}

/// Set when the test runs itself once more.
const INSIDE: &str = "MUSUBI_TEST_INSIDE";

fn inside_a_network_of_its_own() {
    assert!(std::process::Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap().success());
    let folder = folder();
    let configuration = folder.path().join("readers");
    std::fs::create_dir(&configuration).unwrap();
    let reader = format!(
        "FRIENDLYNAME \"Virtual PCD\"\nDEVICENAME /dev/null:0x8C7B\nLIBPATH {}\nCHANNELID 0x8C7B\n",
        crate::readers::DRIVER
    );
    std::fs::write(configuration.join("vpcd"), reader).unwrap();
    let _pcscd = crate::readers::pcscd(&configuration, folder.path());
    connect(35_963);
    let mut cards = Some(insert(folder.path(), &["a.card", "b.card"], &[]));
    crate::readers::wait_for(2, folder.path());
    let shown = || crate::readers::Said::of(crate::readers::musubi().args(["card", "show"]), "");
    assert!(shown().good().contains("13221"));
    // Pulled out, put in again.
    drop(cards.take());
    crate::readers::wait_for(0, folder.path());
    assert!(shown().bad().contains("no card"));
    let _cards = insert(folder.path(), &["a.card"], &[]);
    crate::readers::wait_for(1, folder.path());
    shown().good();
}
