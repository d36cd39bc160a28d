//! Scheme 1: the Individual Number is everybody's code. Forbidden by 番号法 and by 004 (大綱): for a laboratory alone.

use house::BoxFuture;
use seal::{LinkCode, OpenCode};
use words::{Domain, Scheme};

use super::{OpenError, OpenScheme, StorageStats};

/// The driver. It keeps nothing: there is nothing to convert.
pub struct SameNumber;

fn numbers(codes: Vec<OpenCode>) -> Result<Vec<OpenCode>, OpenError> {
    codes.into_iter().map(|code| code.number().map(|_| code).map_err(OpenError::from)).collect()
}

impl OpenScheme for SameNumber {
    fn scheme(&self) -> Scheme {
        Scheme::Number
    }

    fn issue(&self, people: Vec<LinkCode>, _to: Domain) -> BoxFuture<'_, Result<Vec<OpenCode>, OpenError>> {
        Box::pin(async move {
            numbers(people.iter().map(OpenCode::from_link_code).collect::<Result<Vec<_>, _>>()?)
        })
    }

    fn convert(
        &self,
        codes: Vec<OpenCode>,
        _from: Domain,
        _to: Domain,
    ) -> BoxFuture<'_, Result<Vec<OpenCode>, OpenError>> {
        Box::pin(async move { numbers(codes) })
    }

    fn storage_stats(&self) -> BoxFuture<'_, Result<StorageStats, OpenError>> {
        Box::pin(async { Ok(StorageStats::default()) })
    }
}
