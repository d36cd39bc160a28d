//! `musubi ceremony root`: the country's root key is made off-line, before witnesses, and leaves the machine as shares alone.
//! Each step is said and written down: a transcript, each line over the hash of the one before, signed by the root itself.
//! `musubi ceremony verify` reads it back, beside the artefacts.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use authority::Root;
use clap::Args;
use seal::x509::Certificate;
use seal::{Dice, KeyFolder, KeyShare, Sha256, sha256};
use serde::{Deserialize, Serialize};
use words::{B64, Moment};
use world::World;
use zeroize::Zeroizing;

/// Whose shares they are.
const OF: &str = "country-root";
/// The transcript's file.
pub const TRANSCRIPT: &str = "transcript.jsonl";
const KIND: &str = "musubi-root-ceremony-v1";

/// What `musubi ceremony root` takes.
#[derive(Args, Debug)]
pub struct RootArgs {
    /// A folder that is empty or not there yet: certificate, shares and transcript go into it.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// How many shares give the root's key back.
    #[arg(long, value_name = "K")]
    pub needed: u8,
    /// How many shares there are.
    #[arg(long, value_name = "N")]
    pub of: u8,
    /// Who is there; at least two.
    #[arg(long, value_name = "NAME", required = true)]
    pub witness: Vec<String>,
    /// Rehearse: everything is done, with a key that is thrown away; no share is written, the machine may have a network.
    #[arg(long)]
    pub dry_run: bool,
    /// Why this machine may have a network all the same; goes into the transcript.
    #[arg(long, value_name = "REASON")]
    pub connected: Option<String>,
}

/// What `musubi ceremony verify` takes.
#[derive(Args, Debug)]
pub struct VerifyArgs {
    /// The transcript; the artefacts beside it are held against it, as far as they are there.
    #[arg(value_name = "TRANSCRIPT")]
    pub transcript: PathBuf,
}

/// One line of the transcript.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// From 1.
    step: u32,
    at: Moment,
    ja: String,
    en: String,
    /// Artefacts of this step: name and SHA-256.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    artefacts: Vec<Artefact>,
    /// SHA-256 of the line before; of the kind's name for the first.
    previous: B64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Artefact {
    name: String,
    sha256: B64,
}

/// The last line: the root signs the hash of the line before.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Closing {
    musubi: String,
    rehearsal: bool,
    /// The root's certificate, DER.
    certificate: B64,
    previous: B64,
    signature: B64,
}

impl Closing {
    fn text(previous: &B64, rehearsal: bool, certificate: &[u8]) -> String {
        let certificate = words::hex(&sha256(certificate));
        format!("{KIND}\n{}\nrehearsal {rehearsal}\n{certificate}\n", previous.text())
    }
}

/// Writes down what is said.
struct Transcript<'a> {
    world: &'a World,
    lines: Vec<String>,
    previous: Sha256,
}

impl<'a> Transcript<'a> {
    fn new(world: &'a World) -> Self {
        Self { world, lines: Vec::new(), previous: sha256(KIND.as_bytes()) }
    }

    fn step(&mut self, ja: &str, en: &str, artefacts: &[(&str, &[u8])]) -> Result<()> {
        let step = u32::try_from(self.lines.len() + 1)?;
        println!("{step}. {ja}\n   {en}");
        let artefact = |(name, bytes): &(&str, &[u8])| {
            let hash = sha256(bytes);
            println!("   {name}: SHA-256 {}", words::hex(&hash));
            Artefact { name: (*name).to_owned(), sha256: B64::from(hash) }
        };
        let line = Line {
            step,
            at: Moment(self.world.now()),
            ja: ja.to_owned(),
            en: en.to_owned(),
            artefacts: artefacts.iter().map(artefact).collect(),
            previous: B64::from(self.previous),
        };
        let text = serde_json::to_string(&line)?;
        self.previous = sha256(text.as_bytes());
        self.lines.push(text);
        Ok(())
    }

    fn close(mut self, root: &Root, certificate: &[u8], rehearsal: bool) -> Result<String> {
        let previous = B64::from(self.previous);
        let signature = root.sign(Closing::text(&previous, rehearsal, certificate).as_bytes())?;
        let (certificate, signature) = (B64::from(certificate), B64::from(signature));
        let closing = Closing { musubi: KIND.into(), rehearsal, certificate, previous, signature };
        self.lines.push(serde_json::to_string(&closing)?);
        Ok(self.lines.join("\n") + "\n")
    }
}

/// Interfaces of this machine that are up, the loopback aside.
fn interfaces_up(folder: &Path) -> Vec<String> {
    let all = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let up = all.filter(|one| {
        let state = std::fs::read_to_string(one.path().join("operstate")).unwrap_or_default();
        // Tunnels say `unknown` while they are up.
        one.file_name() != "lo" && ["up", "unknown"].contains(&state.trim())
    });
    let mut names: Vec<String> = up.map(|one| one.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn check_network(args: &RootArgs, transcript: &mut Transcript<'_>) -> Result<()> {
    let up = interfaces_up(Path::new("/sys/class/net"));
    match (up.as_slice(), args.dry_run, &args.connected) {
        ([], ..) => transcript.step(
            "この機械にはネットワークがないことを確かめた。",
            "This machine was found to have no network.",
            &[],
        ),
        (_, true, _) => transcript.step(
            &format!("練習: ネットワークがある({})。本番では断られる。", up.join(", ")),
            &format!(
                "Rehearsal: there is a network ({}). The ceremony itself would be refused.",
                up.join(", ")
            ),
            &[],
        ),
        (_, false, Some(reason)) => transcript.step(
            &format!("ネットワークがある({})。理由: {reason}", up.join(", ")),
            &format!("There is a network ({}). The reason given: {reason}", up.join(", ")),
            &[],
        ),
        (_, false, None) => bail!(
            "この機械はネットワークにつながっています({0})。外してから行うか、理由を --connected に書いてください。何も作っていません。\n\
             This machine has a network ({0}). Take it off, or give a reason with --connected. Nothing was made.",
            up.join(", ")
        ),
    }
}

/// The ceremony itself.
///
/// # Errors
/// What was found wrong and what to do; nothing is half made then but what stands in the folder, which says so.
pub fn root(args: &RootArgs, world: &World) -> Result<()> {
    ensure!(
        args.witness.len() >= 2 && args.witness.iter().all(|name| !name.trim().is_empty()),
        "立会人は二人以上です(--witness を二つ以上)。 / At least two witnesses must be named (--witness, twice or more)."
    );
    ensure!(
        args.needed >= 2 && args.needed <= args.of,
        "--needed は 2 以上、--of 以下です。 / --needed is at least 2 and at most --of."
    );
    let taken = std::fs::read_dir(&args.out).is_ok_and(|mut files| files.next().is_some());
    ensure!(!taken, "{0} は空ではありません。 / {0} is not empty.", args.out.display());
    let mut transcript = Transcript::new(world);
    let names = args.witness.join(", ");
    transcript.step(
        &format!("立会人: {names}。"),
        &format!("Witnesses: {names}. Program: musubi {}.", env!("CARGO_PKG_VERSION")),
        &[],
    )?;
    let program = std::env::current_exe().and_then(std::fs::read).context("reading this program")?;
    transcript.step(
        "このプログラムの照合値を読み上げた。",
        "The program's hash was read out.",
        &[("program", &program)],
    )?;
    check_network(args, &mut transcript)?;
    let root = Root::generate()?;
    let today = Moment(world.now()).date_in_japan();
    let (pem, certificate) = root.certificate(today)?;
    let folder = KeyFolder::new(&args.out);
    transcript.step(
        "国の根の鍵を作り、その証明書に署名した。",
        "The country's root key was made and its certificate signed.",
        &[("root.pem", pem.as_bytes())],
    )?;
    let dice = {
        let world = world.clone();
        Dice::new(move |buffer| world.fill(buffer))
    };
    let key = Zeroizing::new(root.key_pem());
    let shares = seal::split(OF, key.as_bytes(), args.needed, args.of, &dice)?;
    check_shares(&shares, args.needed, &key)?;
    let text = |share: &KeyShare| serde_json::to_vec_pretty(share).map(Zeroizing::new);
    let texts = shares.iter().map(text).collect::<Result<Vec<_>, _>>()?;
    let named: Vec<String> = (1..=args.of).map(|number| share_name(number, args.of)).collect();
    let artefacts: Vec<(&str, &[u8])> =
        named.iter().map(String::as_str).zip(texts.iter().map(|text| text.as_slice())).collect();
    transcript.step(
        &format!("鍵を {} 枚に分け、どの {} 枚からも戻ることを確かめた。", args.of, args.needed),
        &format!(
            "The key was split into {} shares; every {} in a row were seen to give it back.",
            args.of, args.needed
        ),
        &artefacts,
    )?;
    if args.dry_run {
        transcript.step(
            "練習: 分割片は書かず、鍵は捨てる。",
            "Rehearsal: no share is written; the key is thrown away.",
            &[],
        )?;
    } else {
        for (name, text) in &artefacts {
            folder.write(name, text)?;
        }
        transcript.step(
            "分割片を書いた。一枚ずつ別の人に渡し、ここには残さない。鍵そのものはどこにも書かれていない。",
            "The shares were written: one for each holder, none to stay here. The key itself was written nowhere.",
            &[],
        )?;
    }
    folder.write("root.pem", pem.as_bytes())?;
    let text = transcript.close(&root, &certificate, args.dry_run)?;
    folder.write(TRANSCRIPT, text.as_bytes())?;
    println!(
        "記録: {0}  照合値 / transcript's SHA-256: {1}\n確かめる / verify: musubi ceremony verify {0}",
        args.out.join(TRANSCRIPT).display(),
        words::hex(&sha256(text.as_bytes()))
    );
    Ok(())
}

fn share_name(number: u8, of: u8) -> String {
    format!("{OF}-share-{number}-of-{of}.json")
}

/// Puts the shares together again, each `needed` in a row, round the circle.
fn check_shares(shares: &[KeyShare], needed: u8, key: &str) -> Result<()> {
    for start in 0..shares.len() {
        let some: Vec<KeyShare> =
            shares.iter().cycle().skip(start).take(usize::from(needed)).cloned().collect();
        let back = seal::combine(&some)?;
        ensure!(back.secret.as_slice() == key.as_bytes(), "the shares do not give the key back");
    }
    Ok(())
}

/// The root from its shares, with the certificate of the ceremony's transcript; for the ceremony of parties.
///
/// # Errors
/// If the transcript does not hold or is of a rehearsal, or the shares do not give its root's key back.
pub fn from_shares(paths: &[PathBuf], transcript: &Path) -> Result<Root> {
    let text = std::fs::read_to_string(transcript)
        .with_context(|| format!("{0} を読めません。 / Cannot read {0}.", transcript.display()))?;
    let beside = transcript.parent().unwrap_or(Path::new("."));
    let found = read_back(&text, beside).with_context(|| {
        format!(
            "{0}: 記録は成り立ちません。何も変えていません。 / {0}: the transcript does not hold; nothing was changed",
            transcript.display()
        )
    })?;
    ensure!(
        !found.rehearsal,
        "{0} は練習の記録です。 / {0} is the transcript of a rehearsal.",
        transcript.display()
    );
    let shares = paths
        .iter()
        .map(|path| {
            let bytes = std::fs::read(path).map(Zeroizing::new);
            let bytes = bytes.with_context(|| format!("cannot read {}", path.display()))?;
            serde_json::from_slice(&bytes)
                .with_context(|| format!("{0} は分割片ではありません。 / {0} is no share.", path.display()))
        })
        .collect::<Result<Vec<KeyShare>>>()?;
    if let Some(other) = shares.iter().find(|share| share.of != OF) {
        bail!("分割片 {0} は {1} のものです。 / Share {0} is of {1}.", other.number, other.of);
    }
    let combined = seal::combine(&shares).context(
        "分割片から根の鍵を戻せません。何も変えていません。 / The shares do not give the root's key back; nothing was changed",
    )?;
    let pem = std::str::from_utf8(&combined.secret).context("what the shares hold is no key")?;
    let certificate = Certificate::parse(&found.certificate.0).context("the root's certificate")?;
    Root::from_pem(pem)?.with(&certificate).context(
        "分割片は、記録の証明書の鍵のものではありません。何も変えていません。 / The shares are of another key than the transcript's certificate; nothing was changed",
    )
}

/// What a transcript was found to say.
#[derive(Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many steps.
    pub steps: usize,
    /// Whether it was a rehearsal.
    pub rehearsal: bool,
    /// The root's certificate, DER.
    pub certificate: B64,
    /// Artefacts that were there and are as they were.
    pub held: Vec<String>,
    /// Artefacts that are not here.
    pub absent: Vec<String>,
}

/// Reads a transcript; artefacts are looked for in `beside`.
///
/// # Errors
/// What does not hold, and in which line.
pub fn read_back(text: &str, beside: &Path) -> Result<Verified> {
    let (body, closing) = text.trim_end().rsplit_once('\n').context("the transcript has no steps")?;
    let mut previous = sha256(KIND.as_bytes());
    let (mut held, mut absent, mut steps, mut last) = (Vec::new(), Vec::new(), 0, i64::MIN);
    // Not `lines`, which would let a line end in a carriage return that nobody signed.
    for (at, text) in body.split('\n').enumerate() {
        let number = at + 1;
        let line: Line =
            serde_json::from_str(text).with_context(|| format!("line {number} is no step of a ceremony"))?;
        ensure!(
            line.previous == B64::from(previous),
            "line {number} does not go on from the one before: something was changed, taken out or put in"
        );
        ensure!(usize::try_from(line.step) == Ok(number), "line {number} says it is step {}", line.step);
        ensure!(line.at.0 >= last, "line {number} is older than the one before");
        for Artefact { name, sha256: hash } in line.artefacts {
            let plain = !name.contains(['/', '\\']) && name != "..";
            ensure!(plain, "line {number} names an artefact outside the folder");
            match std::fs::read(beside.join(&name)) {
                Ok(bytes) if B64::from(sha256(&bytes)) == hash => held.push(name),
                Ok(_) => bail!("{name} is not what it was in line {number}"),
                Err(_) => absent.push(name),
            }
        }
        (previous, steps, last) = (sha256(text.as_bytes()), number, line.at.0);
    }
    let closing: Closing =
        serde_json::from_str(closing).context("the last line does not close a ceremony")?;
    ensure!(closing.musubi == KIND, "the transcript is of another kind");
    ensure!(closing.previous == B64::from(previous), "the last line does not go on from the one before");
    let root = Certificate::parse(&closing.certificate.0).context("the root's certificate")?;
    let signed = Closing::text(&closing.previous, closing.rehearsal, &closing.certificate.0);
    let signature = root.key().verify_hash(&sha256(signed.as_bytes()), &closing.signature.0);
    signature.context("the transcript is not signed by its root")?;
    Ok(Verified { steps, rehearsal: closing.rehearsal, certificate: closing.certificate, held, absent })
}

/// `musubi ceremony verify`.
///
/// # Errors
/// What does not hold.
pub fn verify(args: &VerifyArgs) -> Result<()> {
    let text = std::fs::read_to_string(&args.transcript)
        .with_context(|| format!("cannot read {}", args.transcript.display()))?;
    let beside = args.transcript.parent().unwrap_or(Path::new("."));
    let found = read_back(&text, beside).with_context(|| {
        format!("{0}: 記録は成り立ちません / {0}: the transcript does NOT hold", args.transcript.display())
    })?;
    println!(
        "記録は成り立ちます: {0} 段{1}。ここにある成果物は同じ: {2}。ここにない: {3}。\n\
         The transcript holds: {0} steps{4}. Artefacts here that are as they were: {2}. Not here: {3}.",
        found.steps,
        if found.rehearsal { "(練習)" } else { "" },
        found.held.join(", "),
        found.absent.join(", "),
        if found.rehearsal { " (a rehearsal)" } else { "" },
    );
    println!("SHA-256: {}", words::hex(&sha256(text.as_bytes())));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(out: &Path) -> RootArgs {
        RootArgs {
            out: out.to_owned(),
            needed: 2,
            of: 3,
            witness: vec!["結 花子".into(), "A. Witness".into()],
            dry_run: false,
            connected: Some("a test".into()),
        }
    }

    #[test]
    fn a_ceremony_is_read_back_and_its_shares_give_the_root() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("root");
        root(&args(&out), &World::real()).unwrap();
        let text = std::fs::read_to_string(out.join(TRANSCRIPT)).unwrap();
        let found = read_back(&text, &out).unwrap();
        assert_eq!((found.steps, found.rehearsal), (6, false));
        assert_eq!(found.held.len(), 4, "certificate and shares: {found:?}");
        assert_eq!(found.absent, ["program"]);
        // Nothing but shares has the key.
        for file in std::fs::read_dir(&out).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            assert!(!text.contains("PRIVATE KEY"));
        }
        let share = |number| out.join(share_name(number, 3));
        let transcript = out.join(TRANSCRIPT);
        let back = from_shares(&[share(3), share(1)], &transcript).unwrap();
        // The very certificate of that day, whatever the day is now.
        let closing: Closing = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        let (pem, der) = back.certificate(Moment(0).date_in_japan()).unwrap();
        assert_eq!(B64::from(der), closing.certificate);
        assert_eq!(pem, std::fs::read_to_string(out.join("root.pem")).unwrap());
        let few = from_shares(&[share(1)], &transcript).err().unwrap();
        assert!(format!("{few:#}").contains("2 shares are needed"), "{few:#}");
        // Another ceremony's transcript, one that was changed, none.
        let other = folder.path().join("other");
        root(&args(&other), &World::real()).unwrap();
        let refused = |transcript: &Path| {
            format!("{:#}", from_shares(&[share(3), share(1)], transcript).err().unwrap())
        };
        assert!(refused(&other.join(TRANSCRIPT)).contains("another key"));
        let changed = folder.path().join("changed.jsonl");
        std::fs::write(&changed, text.replacen("\"at\":1", "\"at\":2", 1)).unwrap();
        assert!(refused(&changed).contains("does not hold"));
        assert!(refused(&folder.path().join("none")).contains("Cannot read"));
        // Once is enough: the folder is taken.
        assert!(root(&args(&out), &World::real()).is_err());
        verify(&VerifyArgs { transcript: out.join(TRANSCRIPT) }).unwrap();
    }

    #[test]
    fn whatever_is_changed_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("root");
        root(&args(&out), &World::real()).unwrap();
        let text = std::fs::read_to_string(out.join(TRANSCRIPT)).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let refused = |lines: &[&str]| read_back(&lines.join("\n"), &out).unwrap_err();
        for at in 0..lines.len() {
            // Left out, or with another digit in it.
            let mut without = lines.clone();
            without.remove(at);
            refused(&without);
            let changed = match at + 1 == lines.len() {
                true => lines[at].replace("\"rehearsal\":false", "\"rehearsal\":true"),
                false => lines[at].replacen("\"at\":1", "\"at\":2", 1),
            };
            assert_ne!(changed, lines[at]);
            let mut other = lines.clone();
            other[at] = &changed;
            refused(&other);
            // Or with another end of the line, as some editors write it; of the last line it is none.
            let returned = format!("{}\r", lines[at]);
            other[at] = &returned;
            if at + 1 < lines.len() {
                refused(&other);
            }
        }
        let mut swapped = lines.clone();
        swapped.swap(1, 2);
        refused(&swapped);
        std::fs::write(out.join("root.pem"), "another").unwrap();
        assert!(refused(&lines).to_string().contains("root.pem is not what it was"));
    }

    #[test]
    fn what_makes_no_ceremony_is_refused_before_anything_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("root");
        let cases = [
            RootArgs { witness: vec!["one".into()], ..args(&out) },
            RootArgs { needed: 1, ..args(&out) },
            RootArgs { needed: 4, ..args(&out) },
        ];
        for wrong in cases {
            assert!(root(&wrong, &World::real()).is_err());
            assert!(!out.exists());
        }
        // A network is refused unless somebody says why.
        let net = folder.path().join("net");
        for (name, state) in [("lo", "unknown"), ("eth0", "up"), ("eth1", "down"), ("wg0", "unknown")] {
            std::fs::create_dir_all(net.join(name)).unwrap();
            std::fs::write(net.join(name).join("operstate"), state).unwrap();
        }
        assert_eq!(interfaces_up(&net), ["eth0", "wg0"]);
        if !interfaces_up(Path::new("/sys/class/net")).is_empty() {
            let wrong = RootArgs { connected: None, ..args(&out) };
            assert!(root(&wrong, &World::real()).unwrap_err().to_string().contains("--connected"));
            assert!(!out.exists());
        }
        // A rehearsal writes its transcript and no share.
        root(&RootArgs { dry_run: true, connected: None, ..args(&out) }, &World::real()).unwrap();
        let text = std::fs::read_to_string(out.join(TRANSCRIPT)).unwrap();
        let found = read_back(&text, &out).unwrap();
        assert!(found.rehearsal && found.held == ["root.pem"]);
        let rehearsed = from_shares(&[out.join(share_name(1, 3))], &out.join(TRANSCRIPT)).err().unwrap();
        assert!(rehearsed.to_string().contains("rehearsal"), "{rehearsed}");
    }
}
