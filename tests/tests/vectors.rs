//! The protocol's vectors, computed a second time by a program that shares no line with ours.

use std::path::Path;
use std::process::Command;

#[test]
fn the_independent_script_agrees() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/protocol/check_vectors.py");
    let Ok(output) = Command::new("python3").arg(script).output() else {
        println!("left out: python3 is not installed");
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("values agree"), "{said}");
}
