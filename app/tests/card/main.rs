//! Software cards in virtual readers, judged by programs that read real ones: OpenSC, myna-card, GnuTLS, OpenSSL, a browser.
//!
//! These tests need Debian's pcscd, vsmartcard-vpcd, iproute2, opensc, opensc-pkcs11, gnutls-bin, openssl, chromium, chromium-driver
//! (`cargo xtask test --install`). pcscd has one socket on a machine: they run one at a time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test fails by panicking, its helpers too"
)]

mod agent;
#[allow(dead_code, reason = "shared with the tests of the pages")]
#[path = "../../../tests/browser/browser.rs"]
mod browser;
mod commands;
#[path = "../../../tests/browser/http.rs"]
mod http;
mod myna;
mod opensc;
#[path = "../../../tests/browser/processes.rs"]
mod processes;
mod readers;
mod tls;
mod vpcd_frames;
