//! Bodies: JSON, read once at the door, with errors that name the place and never repeat the content.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use words::Reason;

use crate::Problem;

/// How long a body may take to arrive.
const ARRIVAL: std::time::Duration = std::time::Duration::from_secs(20);

/// The limit of a route, put into the request by the route table. Bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimit(pub usize);

/// A JSON body, already parsed, together with the exact bytes it was parsed from.
pub struct Json<T> {
    /// The message.
    pub message: T,
    /// The bytes as they came: what is hashed for repeats.
    pub bytes: Bytes,
}

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        check_type(request.headers())?;
        let bytes = read_body(request).await?;
        let message = read_json(&bytes)?;
        Ok(Self { message, bytes })
    }
}

/// The whole body, of whatever content type, up to the route's limit.
pub async fn read_body(request: Request) -> Result<Bytes, Problem> {
    let limit = request.extensions().get::<BodyLimit>().map_or(64 << 10, |limit| limit.0);
    collect(request.into_body(), limit).await
}

/// A body of lines, of whatever content type.
pub struct Text(pub String);

impl<S: Sync> FromRequest<S> for Text {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let bytes = read_body(request).await?;
        let text = String::from_utf8(bytes.to_vec());
        text.map(Self).map_err(|_| Problem::with(Reason::Malformed, "The body is not valid UTF-8."))
    }
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(Problem::new(Reason::WrongType))
    }
}

async fn collect(body: Body, limit: usize) -> Result<Bytes, Problem> {
    let too_large = || Problem::with(Reason::TooLarge, format!("The limit of this route is {limit} bytes."));
    match tokio::time::timeout(ARRIVAL, Limited::new(body, limit).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Problem::with(Reason::Malformed, "The body broke off before its end.")),
        Err(_) => Err(Problem::with(Reason::Malformed, "The body did not arrive within 20 seconds.")),
    }
}

/// Parses JSON. The detail names line, column and field; serde's own message is not repeated, since it quotes
/// what was sent.
pub fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if std::str::from_utf8(bytes).is_err() {
        return Err(Problem::with(Reason::Malformed, "The body is not valid UTF-8."));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let (line, column) = (error.inner().line(), error.inner().column());
        let path = error.path().to_string();
        let path = plain_path(&path);
        let what = match error.inner().classify() {
            serde_json::error::Category::Data => {
                format!("the field `{path}` is missing, unknown, or has a wrong value")
            }
            _ => "it is not JSON".into(),
        };
        Problem::with(Reason::Malformed, format!("Line {line}, column {column}: {what}."))
    })?;
    reader
        .end()
        .map_err(|_| Problem::with(Reason::Malformed, "There is something after the end of the JSON."))?;
    Ok(parsed)
}

/// A field path is the sender's text where a field is unknown: only plain names are repeated.
fn plain_path(path: &str) -> &str {
    let plain = path.len() <= 60
        && path.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._[]".contains(&b));
    if plain { path } else { "?" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Message {
        age: u8,
    }

    #[test]
    fn errors_name_the_place_and_never_the_content() {
        for (body, expected) in [
            (&br#"{"age":"secret-name"}"#[..], "`age`"),
            (br#"{"age":1,"x":2}"#, "field"),
            (br#"{"age":1"#, "not JSON"),
            (br#"{"age":1} {}"#, "after the end"),
            (b"\xff{", "UTF-8"),
            (b"", "not JSON"),
        ] {
            let problem = read_json::<Message>(body).unwrap_err();
            assert_eq!(problem.reason, Reason::Malformed);
            assert!(problem.detail.contains(expected), "{}", problem.detail);
            assert!(!problem.detail.contains("secret-name"));
        }
        assert_eq!(read_json::<Message>(br#"{"age":7}"#).unwrap().age, 7);
    }
}
