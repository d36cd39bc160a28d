//! Whole requests, changed at random, at the doors of a running room: a system's that speaks X-Road, and a clerk's forms behind
//! sign-in. No answer is a fault of the room, and the room goes on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use fuzz::{corpus, fuzz};

use crate::Country;
use crate::doors::{Session, ticket};

/// Sends what a file of the corpus says: a line with method and path, lines of headers, an empty line, the body. Gives status and
/// the rest; none where the connection ended without an answer.
fn request(address: &str, own: &[(&str, &str)], bytes: &[u8]) -> Option<(u16, String)> {
    let at = bytes.windows(2).position(|two| two == b"\n\n").unwrap_or(bytes.len());
    let (head, body) = (&bytes[..at], bytes.get(at + 2..).unwrap_or_default());
    let mut lines = head.split(|byte| *byte == b'\n');
    let mut message = lines.next().unwrap_or_default().to_vec();
    message.extend(b" HTTP/1.1\r\n");
    // How the message is framed, and as whom, is not what is tried here.
    let ours =
        ["content-length", "transfer-encoding", "connection", "host", "authorization", "cookie", "origin"];
    for line in lines {
        let name = String::from_utf8_lossy(line.split(|byte| *byte == b':').next().unwrap_or_default());
        if !ours.contains(&name.trim().to_ascii_lowercase().as_str()) {
            message.extend(line);
            message.extend(b"\r\n");
        }
    }
    for (name, value) in own {
        message.extend(format!("{name}: {value}\r\n").as_bytes());
    }
    let length = body.len();
    message.extend(
        format!("Host: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n").as_bytes(),
    );
    message.extend(body);
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // A room that refuses at the head does not read the body.
    let _ = stream.write_all(&message);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some((status, text))
}

/// Puts what differs from run to run into its places.
fn filled(bytes: &[u8], places: &[(&str, &str)]) -> Vec<u8> {
    let mut filled = bytes.to_vec();
    for (place, with) in places {
        while let Some(at) = filled.windows(place.len()).position(|part| part == place.as_bytes()) {
            filled.splice(at..at + place.len(), with.bytes());
        }
    }
    filled
}

/// Every file of the corpus as it is, which must be answered so; then changed ones.
fn attack(target: &str, address: &str, own: &[(&str, &str)], places: &[(&str, &str)], good: &[(&str, u16)]) {
    for (name, bytes) in corpus(target) {
        let expected = good.iter().find(|(file, _)| *file == name).unwrap_or_else(|| panic!("{name}")).1;
        let (status, text) = request(address, own, &filled(&bytes, places)).unwrap();
        assert_eq!(status, expected, "{name}: {text}");
    }
    fuzz(target, |bytes| {
        // Without an answer: it was no HTTP.
        let Some((status, text)) = request(address, own, &filled(bytes, places)) else { return };
        assert!(status < 500, "{text}");
    });
    for (name, bytes) in corpus(target) {
        let expected = good.iter().find(|(file, _)| *file == name).map(|(_, status)| *status);
        let after = request(address, own, &filled(&bytes, places)).map(|(status, _)| status);
        // An institution's rate may be used up by now.
        assert!(after == expected || after == Some(429), "{name}: {after:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_requests_are_refused_and_the_room_goes_on() {
    let country = Country::new(100).await;
    let [number, other] = country.ground.two_at_town_and_tax();
    let section = country.ground.ready.stage.section("town").unwrap();
    let inner = section.settings.common.inner.to_string();
    let keys = country.ground.folder.path().join("town/keys/clerk.key");
    let bearer = wire::InnerKey::read(&keys).unwrap().bearer();
    let clerk = Session::enter(&ticket(&country, "/as/town/clerk"));
    tokio::task::block_in_place(|| {
        let places = [("@CUSTOMER@", number.as_str())];
        let good = [("by-path", 200), ("by-body", 200), ("nobody", 404)];
        attack("x_road", &inner, &[("Authorization", &bearer)], &places, &good);
        let own = clerk.own();
        let session = [("Cookie", clerk.cookie.as_str()), ("Origin", &own)];
        let places = [("@CUSTOMER@", other.as_str()), ("@KEY@", &clerk.form_key)];
        let good = [("find", 200), ("choices", 200), ("ask", 303), ("shield", 303), ("upload", 303)];
        attack("forms", &clerk.address, &session, &places, &good);
    });
}
