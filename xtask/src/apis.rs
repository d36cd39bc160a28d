//! Every room's interfaces, judged by others' tools: Schemathesis holds what is served against the room's own OpenAPI document,
//! SSLyze looks at the doors between rooms. Both come from PyPI, pinned, into an environment of their own under target.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use serde_json::{Map, Value};

use crate::{cargo::Workspace, steps::Steps};

const PACKAGES: [&str; 2] = ["schemathesis==4.32.5", "sslyze==6.3.1"];

/// Rooms whose documents are tried; one gateway stands for all.
const ROOMS: [&str; 8] =
    ["authority", "oversight", "linkage", "trustee", "portal", "registry", "research", "town"];

/// What is left out, and why.
const LEFT_OUT: [(&str, &str); 1] = [
    // In a demo a day in the far future ends every period, and with them the acts that other operations look for.
    ("/erasures", "erases what the other operations need"),
];

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";

/// What Schemathesis cannot write by itself: bodies that are bytes.
const HOOKS: &str = r#"import schemathesis


@schemathesis.serializer("application/ocsp-request", "application/timestamp-query")
def as_bytes(_context, value):
    return value if isinstance(value, bytes) else str(value).encode()
"#;

/// A demo's country that stays up until this is dropped.
struct Country {
    folder: PathBuf,
    child: Child,
    /// Kept open: a program whose output nobody takes ends.
    _output: BufReader<ChildStdout>,
    /// Key to value, by section of its configuration.
    sections: BTreeMap<String, BTreeMap<String, String>>,
}

impl Drop for Country {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Country {
    fn start(workspace: &Workspace) -> anyhow::Result<Self> {
        let folder = workspace.target.join(format!("apis-{}", std::process::id()));
        let mut child = Command::new(workspace.binary("musubi"))
            .args(["demo", "--residents", "200", "--inquiries", "100", "--seed", "3", "--data"])
            .arg(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("running the demo")?;
        let output = child.stdout.take().context("no output of the demo")?;
        let mut country = Self { folder, child, _output: BufReader::new(output), sections: BTreeMap::new() };
        let mut line = String::new();
        while !line.contains("The country stays up") {
            line.clear();
            ensure!(country._output.read_line(&mut line)? > 0, "the demo ended before its country was up");
        }
        country.sections = sections(&fs::read_to_string(country.folder.join("musubi.toml"))?);
        Ok(country)
    }

    fn address(&self, section: &str, key: &str) -> anyhow::Result<&str> {
        let found = self.sections.get(section).and_then(|section| section.get(key));
        found.map(String::as_str).with_context(|| format!("no `{key}` of [{section}]"))
    }

    fn document(&self, room: &str) -> anyhow::Result<Value> {
        let address = self.address(room, "inner")?;
        let mut stream = TcpStream::connect(address).with_context(|| format!("{room} at {address}"))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        write!(stream, "GET /openapi.json HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").context("no body")?;
        let (start, end) = (body.find('{').context("no document")?, body.rfind('}').context("no document")?);
        serde_json::from_str(body.get(start..=end).unwrap_or_default()).context("the document is no JSON")
    }
}

/// The lines `key = "value"` of each `[section]`.
fn sections(text: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut all: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name = section.to_owned();
        } else if let Some((key, value)) = line.split_once(" = ") {
            let value = value.trim_matches('"').to_owned();
            all.entry(name.clone()).or_default().insert(key.to_owned(), value);
        }
    }
    all
}

/// Who calls a group of operations: the side, and a party or a role (none: nobody in particular).
type Group = (String, Option<String>);

/// The operations of a document by who may call them. Pages that need a session are left to the browser tests.
fn groups(document: &Value) -> BTreeMap<Group, Map<String, Value>> {
    let mut groups: BTreeMap<Group, Map<String, Value>> = BTreeMap::new();
    let paths = document.get("paths").and_then(Value::as_object).into_iter().flatten();
    for (path, item) in paths {
        // A path that stands on two sides has the side as its fragment.
        let path = path.split('#').next().unwrap_or(path);
        if LEFT_OUT.iter().any(|(left, _)| *left == path) {
            continue;
        }
        for (method, operation) in item.as_object().into_iter().flatten() {
            let who = operation.get("x-musubi-who").and_then(Value::as_str);
            let side = operation.pointer("/tags/0").and_then(Value::as_str);
            let (Some(who), Some(side)) = (who, side) else { continue };
            let first = who.split_once(": ").and_then(|(_, names)| names.split(", ").next());
            let caller = match (side, first) {
                ("pages", _) if who != "anyone" => continue,
                (_, None) if who == "anyone" => None,
                // Any party, any key.
                ("outer", None | Some("gateway")) => Some("town"),
                (_, None) => Some("operator"),
                (_, named) => named,
            };
            let group = groups.entry((side.to_owned(), caller.map(str::to_owned))).or_default();
            let item = group.entry(path).or_insert_with(|| Value::Object(Map::new()));
            if let Some(item) = item.as_object_mut() {
                item.insert(method.clone(), operation.clone());
            }
        }
    }
    groups
}

/// Judges the interfaces.
pub(crate) fn steps(steps: &mut Steps, workspace: &Workspace, long: bool) {
    if steps.is_stopped() {
        return;
    }
    let Some(tools) = steps.step("Schemathesis and SSLyze", || tools(workspace)) else { return };
    let Some(country) = steps.step("a country for both", || Country::start(workspace)) else { return };
    steps.step("doors between rooms (SSLyze)", || doors(&tools, &country));
    steps.tests("what is served, against its documents (Schemathesis)", || served(&tools, &country, long));
}

/// The folder of the tools' programs.
fn tools(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let folder = workspace.target.join("judges-of-interfaces");
    let programs = folder.join("bin");
    if !programs.join("python").exists() {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&folder).status();
        ensure!(
            made.is_ok_and(|status| status.success()),
            "Schemathesis needs Python 3 with venv (Debian: apt-get install python3-venv)"
        );
    }
    let mut install = Command::new(programs.join("python"));
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES);
    ensure!(install.status()?.success(), "pip could not install {}", PACKAGES.join(", "));
    Ok(programs)
}

/// TLS 1.3 and nothing older, client certificates and no door without.
fn doors(tools: &Path, country: &Country) -> anyhow::Result<()> {
    let report = country.folder.join("sslyze.json");
    let rooms: Vec<&String> = country
        .sections
        .iter()
        .filter(|(_, keys)| keys.contains_key("outer"))
        .map(|(name, _)| name)
        .collect();
    let mut sslyze = Command::new(tools.join("sslyze"));
    sslyze.args(["--sslv2", "--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3", "--json_out"]);
    sslyze.arg(&report).stdout(Stdio::null());
    for room in &rooms {
        sslyze.arg(country.address(room, "outer")?);
    }
    // Its exit code holds the doors against a profile for public web sites: the report is what counts here.
    sslyze.status().context("running sslyze")?;
    let report: Value = serde_json::from_slice(&fs::read(&report).context("sslyze wrote no report")?)?;
    let results = report.get("server_scan_results").and_then(Value::as_array).context("no results")?;
    ensure!(results.len() == rooms.len(), "{} of {} doors were looked at", results.len(), rooms.len());
    for (room, result) in rooms.iter().zip(results) {
        let client = result.pointer("/connectivity_result/client_auth_requirement").and_then(Value::as_str);
        ensure!(client == Some("REQUIRED"), "{room}: client certificates are {client:?}");
        for version in ["ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1", "tls_1_2", "tls_1_3"] {
            let accepted = result
                .pointer(&format!("/scan_result/{version}_cipher_suites/result/accepted_cipher_suites"))
                .and_then(Value::as_array)
                .with_context(|| format!("{room}: {version} was not tried"))?;
            ensure!(
                accepted.is_empty() == (version != "tls_1_3"),
                "{room}: {version} has {} cipher suites",
                accepted.len()
            );
        }
    }
    println!("{} doors: TLS 1.3 alone, client certificates required", rooms.len());
    Ok(())
}

fn served(tools: &Path, country: &Country, long: bool) -> anyhow::Result<(u64, u64)> {
    // Fifty-eight groups one after the other: with a minute each they alone would take the hour.
    let (examples, seconds) = if long { ("200", "20") } else { ("5", "3") };
    let (mut passed, mut failed) = (0, 0);
    fs::write(country.folder.join("bodies.py"), HOOKS)?;
    for room in ROOMS {
        let document = country.document(room)?;
        for ((side, caller), paths) in groups(&document) {
            let mut part = document.clone();
            if let Some(part) = part.as_object_mut() {
                part.insert("paths".into(), paths.into());
            }
            let name = format!("{room}, {side}, {}", caller.as_deref().unwrap_or("anyone"));
            let file = country.folder.join("part.json");
            fs::write(&file, serde_json::to_vec(&part)?)?;
            let mut command = Command::new(tools.join("st"));
            // It keeps what it found where it runs.
            command.current_dir(&country.folder);
            command.env("SCHEMATHESIS_HOOKS", "bodies").env("PYTHONPATH", &country.folder);
            command.arg("run").arg(&file).args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing"]);
            command.args(["--max-examples", examples, "--max-time", seconds, "--generation-deterministic"]);
            command.args(["--suppress-health-check", "all", "--warnings", "off", "--no-color"]);
            match (side.as_str(), &caller) {
                ("outer", Some(party)) => {
                    let keys = country.folder.join(party).join("keys");
                    command.arg("--url").arg(format!("https://{}", country.address(room, "outer")?));
                    // Parties are known by the directory, not by a host's name: SSLyze and the tests look at that.
                    command.args(["--tls-verify", "false", "--request-cert"]).arg(keys.join("tls.crt"));
                    command.arg("--request-cert-key").arg(keys.join("tls.key"));
                }
                ("pages", _) => {
                    let pages = country.address(&format!("{room}.pages"), "listen");
                    let Ok(pages) = pages else { continue };
                    command.arg("--url").arg(format!("http://{pages}"));
                }
                ("public", _) => {
                    command.arg("--url").arg(format!("http://{}", country.address(room, "public")?));
                }
                (_, caller) => {
                    command.arg("--url").arg(format!("http://{}", country.address(room, "inner")?));
                    if let Some(role) = caller {
                        let key = fs::read_to_string(country.folder.join(format!("{room}/keys/{role}.key")))?;
                        command.arg("--header").arg(format!("Authorization: Bearer {}", key.trim()));
                    }
                }
            }
            let output = command.stdin(Stdio::null()).output().context("running st")?;
            let told = String::from_utf8_lossy(&output.stdout);
            if output.status.success() {
                passed += 1;
                println!("{name}: ok");
            } else if output.status.code() == Some(1) {
                failed += 1;
                println!("{name}: FAILED\n{told}");
            } else {
                bail!(
                    "{name}: st ended with {}: {told}{}",
                    output.status,
                    String::from_utf8_lossy(&output.stderr)
                );
            }
        }
    }
    ensure!(passed + failed > 20, "only {} parts were tried", passed + failed);
    Ok((passed, failed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn operations_go_to_who_may_call_them() {
        let operation = |side: &str, who: &str| json!({ "get": { "tags": [side], "x-musubi-who": who } });
        let document = json!({ "paths": {
            "/health": operation("inner", "anyone"),
            "/inquiries": operation("outer", "party: gateway"),
            "/own-records": operation("outer", "party: portal, gateway"),
            "/ledger/checkpoint#outer": operation("outer", "any party"),
            "/metrics": operation("inner", "key: operator"),
            "/desk": operation("pages", "key: clerk"),
            "/erasures": operation("inner", "key: operator"),
        }});
        let groups = groups(&document);
        let of = |side: &str, caller: Option<&str>| {
            let group = groups.get(&(side.to_owned(), caller.map(str::to_owned)));
            group.map(|paths| paths.keys().cloned().collect::<Vec<_>>()).unwrap_or_default()
        };
        assert_eq!(of("outer", Some("town")), ["/inquiries", "/ledger/checkpoint"]);
        assert_eq!(of("outer", Some("portal")), ["/own-records"]);
        assert_eq!(
            (of("inner", None), of("inner", Some("operator"))),
            (vec!["/health".into()], vec!["/metrics".into()])
        );
        assert_eq!(groups.len(), 4);
    }

    #[test]
    fn a_configuration_is_read_by_section() {
        let all = sections("[town]\nouter = \"127.0.0.1:1\"\n\n[town.pages]\nlisten = \"127.0.0.1:2\"\n");
        assert_eq!(all["town"]["outer"], "127.0.0.1:1");
        assert_eq!(all["town.pages"]["listen"], "127.0.0.1:2");
    }
}
