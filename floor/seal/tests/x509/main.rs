//! X.509 against others: NIST's path validation suite, OpenSSL on random chains, and OpenSSL on our own objects.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod against_openssl;
mod linted;
mod pkits;
mod profile;
mod support;
