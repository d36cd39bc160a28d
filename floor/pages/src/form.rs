//! Forms: read once at the door, and only from a page of the same session.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use wire::{Problem, read_body};
use words::Reason;

use crate::visit::Visit;

/// A form's fields.
pub struct Form<T>(pub T);

#[derive(Deserialize)]
struct FormKey {
    #[serde(default)]
    form_key: String,
}

fn check(visit: &Visit, form_key: &str) -> Result<(), Problem> {
    // Somebody who is not signed in has no session a form could belong to.
    match visit.visitor() {
        Some(visitor) if !visitor.wrote(form_key) => {
            Err(Problem::with(Reason::WrongOrigin, "The form does not belong to the present session."))
        }
        _ => Ok(()),
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, state).await?;
        let bytes = read_body(Request::from_parts(parts, body)).await?;
        let malformed =
            || Problem::with(Reason::Malformed, "A field of the form is missing or cannot be read.");
        let key: FormKey = serde_urlencoded::from_bytes(&bytes).map_err(|_| malformed())?;
        check(&visit, &key.form_key)?;
        serde_urlencoded::from_bytes(&bytes).map(Self).map_err(|_| malformed())
    }
}

/// A form with one file (`multipart/form-data`): its fields `form_key` and `file`.
pub struct Upload {
    /// What the file is called at the sender; for the person alone.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let boundary =
            multer::parse_boundary(kind.unwrap_or_default()).map_err(|_| Problem::new(Reason::WrongType))?;
        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, state).await?;
        let bytes = read_body(Request::from_parts(parts, body)).await?;
        let stream = futures_util::stream::once(async move { Ok::<_, std::io::Error>(bytes) });
        let mut fields = multer::Multipart::new(stream, boundary);
        let malformed = || Problem::with(Reason::Malformed, "The uploaded form cannot be read.");
        let (mut key, mut file) = (String::new(), None);
        while let Some(field) = fields.next_field().await.map_err(|_| malformed())? {
            match field.name() {
                Some("form_key") => key = field.text().await.map_err(|_| malformed())?,
                Some("file") => {
                    let name = field.file_name().unwrap_or_default().to_owned();
                    let bytes = field.bytes().await.map_err(|_| malformed())?.to_vec();
                    file = Some(Self { name, bytes });
                }
                _ => return Err(malformed()),
            }
        }
        check(&visit, &key)?;
        let missing = || Problem::with(Reason::Malformed, "No file was chosen.");
        file.filter(|file| !file.bytes.is_empty()).ok_or_else(missing)
    }
}
