//! A room's table of routes: method, path, side, who may call, body limit. The table is data, so that a test
//! can hold it against every role.

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use rules::Role;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use words::Reason;

use crate::body::BodyLimit;
use crate::caller::{Caller, Callers, Insiders, PeerCertificate};
use crate::problem::{Problem, Recorded};

/// Which listener a route is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Between parties, with certificates both ways.
    Outer,
    /// The room's own people and systems, each with a certificate of its own or a key.
    Inner,
    /// Pages for people, who have signed in.
    Pages,
    /// Anybody: what is signed itself, such as the state of a certificate. Plain HTTP; nothing is written down of who asks.
    Public,
}

impl Side {
    /// The word in documents and figures.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Outer => "outer",
            Self::Inner => "inner",
            Self::Pages => "pages",
            Self::Public => "public",
        }
    }
}

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Parties of these kinds, e.g. `&["trustee"]`; `gateway` is every institution.
    Parties(&'static [&'static str]),
    /// Any party of the directory.
    AnyParty,
    /// Holders of a key, or of a session, with one of these roles.
    Roles(&'static [Role]),
    /// Any holder of a key of this room.
    AnyInner,
    /// Anybody who can reach the inner side, the pages or the public side: health, signing in, what is published.
    Anyone,
}

impl Who {
    /// Whether `caller` may call; otherwise why not.
    pub fn admits(self, caller: &Caller) -> Result<(), Reason> {
        let admitted = match (self, caller) {
            (Self::Anyone, _)
            | (Self::AnyParty, Caller::Party(_))
            | (Self::AnyInner, Caller::Inner { .. }) => true,
            (_, Caller::Nobody) => return Err(Reason::Unauthenticated),
            (Self::Parties(kinds), Caller::Party(party)) => kinds.contains(&party.kind.as_str()),
            (Self::Roles(roles), Caller::Inner { role, .. }) => roles.contains(role),
            _ => false,
        };
        if admitted { Ok(()) } else { Err(Reason::NotAllowed) }
    }

    /// The word in the snapshot of routes and roles.
    pub fn describe(self) -> String {
        match self {
            Self::Parties(kinds) => format!("party: {}", kinds.join(", ")),
            Self::AnyParty => "any party".into(),
            Self::Roles(roles) => {
                format!("key: {}", roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", "))
            }
            Self::AnyInner => "any key".into(),
            Self::Anyone => "anyone".into(),
        }
    }
}

/// Gives the JSON Schema of a message type.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// What a request or a response carries.
#[derive(Clone, Copy, Debug)]
pub enum Content {
    /// JSON of a message type.
    Json(SchemaOf),
    /// A body of another media type.
    Media(&'static str),
    /// No body.
    Nothing,
}

/// What a route takes and gives, for its room's OpenAPI document. Pages leave all of it out.
#[derive(Clone, Debug)]
pub struct About {
    /// One line of what it does, in Japanese and in English.
    pub says: [&'static str; 2],
    /// Its body, once said.
    pub takes: Option<Content>,
    /// Its query, where it has one.
    pub asks: Option<SchemaOf>,
    /// Its answers by status; problems are the same everywhere, unless `refuses` says otherwise.
    pub gives: Vec<(u16, Content)>,
    /// Headers it reads beside the usual ones.
    pub reads: &'static [Header],
    /// Headers of its answers, refusals included.
    pub sends: &'static [Header],
    /// The shape of its refusals, where another protocol has its own.
    pub refuses: Option<Content>,
}

/// A header that is part of a route's protocol.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// Its name.
    pub name: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// What it says.
    pub says: &'static str,
}

/// One line of a room's table.
#[derive(Clone, Debug)]
pub struct RouteLine {
    /// The side.
    pub side: Side,
    /// The method.
    pub method: Method,
    /// The path, with `{name}` for parameters.
    pub path: &'static str,
    /// Who may call.
    pub who: Who,
    /// The largest body, in bytes.
    pub limit: usize,
    /// What it takes and gives.
    pub about: About,
}

/// One route with its handler.
pub struct Route<S> {
    /// The line of the table.
    pub line: RouteLine,
    handler: MethodRouter<S>,
}

impl<S: Clone + Send + Sync + 'static> Route<S> {
    /// A route; `handler` must serve exactly `method`. The body limit is 64 kB unless [`Route::limit`] says so.
    pub const fn new(
        side: Side,
        method: Method,
        path: &'static str,
        who: Who,
        handler: MethodRouter<S>,
    ) -> Self {
        let about = About {
            says: ["", ""],
            takes: None,
            asks: None,
            gives: Vec::new(),
            reads: &[],
            sends: &[],
            refuses: None,
        };
        Self { line: RouteLine { side, method, path, who, limit: 64 << 10, about }, handler }
    }

    /// The same with another body limit, in bytes.
    pub fn limit(mut self, bytes: usize) -> Self {
        self.line.limit = bytes;
        self
    }

    /// The same, with one line of what it does, in Japanese and in English.
    pub const fn says(mut self, ja: &'static str, en: &'static str) -> Self {
        self.line.about.says = [ja, en];
        self
    }

    /// The same, which reads and sends these headers.
    pub const fn headers(mut self, reads: &'static [Header], sends: &'static [Header]) -> Self {
        self.line.about.reads = reads;
        self.line.about.sends = sends;
        self
    }

    /// The same, whose refusals have this shape.
    pub fn refuses<T: JsonSchema>(mut self) -> Self {
        self.line.about.refuses = Some(Content::Json(SchemaGenerator::subschema_for::<T>));
        self
    }

    /// The same, which takes this message as its body.
    pub fn takes<T: JsonSchema>(mut self) -> Self {
        self.line.about.takes = Some(Content::Json(SchemaGenerator::subschema_for::<T>));
        self
    }

    /// The same, which takes a body of this media type.
    pub const fn takes_media(mut self, media: &'static str) -> Self {
        self.line.about.takes = Some(Content::Media(media));
        self
    }

    /// The same, which takes no body.
    pub const fn takes_nothing(mut self) -> Self {
        self.line.about.takes = Some(Content::Nothing);
        self
    }

    /// The same, which takes the fields of this type in its query.
    pub fn asks<T: JsonSchema>(mut self) -> Self {
        self.line.about.asks = Some(T::json_schema);
        self
    }

    /// The same, which gives this message with status 200.
    pub fn gives<T: JsonSchema>(self) -> Self {
        self.gives_with::<T>(200)
    }

    /// The same, which gives this message with that status.
    pub fn gives_with<T: JsonSchema>(mut self, status: u16) -> Self {
        self.line.about.gives.push((status, Content::Json(SchemaGenerator::subschema_for::<T>)));
        self
    }

    /// The same, which gives a body of this media type with status 200.
    pub fn gives_media(self, media: &'static str) -> Self {
        self.gives_media_with(200, media)
    }

    /// The same, which gives a body of this media type with that status.
    pub fn gives_media_with(mut self, status: u16, media: &'static str) -> Self {
        self.line.about.gives.push((status, Content::Media(media)));
        self
    }
}

/// A request that was turned away before any act began.
#[derive(Clone, Debug)]
pub struct Rejection {
    /// Who called.
    pub caller: String,
    /// `POST /inquiries`, or `-` where no route matched.
    pub route: String,
    /// Why.
    pub reason: Reason,
}

/// Where a room writes rejections down; the response waits until it has (refusals are recorded like answers).
pub trait Notes: Send + Sync + 'static {
    /// Makes the record durable. On failure nothing is sent but `internal`.
    fn note(&self, rejection: Rejection) -> std::pin::Pin<Box<dyn Future<Output = bool> + Send + '_>>;

    /// A request was served with that status: to be counted, nothing else.
    fn served(&self, side: Side, status: u16);
}

/// Builds the router of one side.
pub fn router<S: Clone + Send + Sync + 'static>(
    side: Side,
    routes: Vec<Route<S>>,
    state: S,
    callers: Arc<dyn Callers>,
    insiders: Arc<dyn Insiders>,
    notes: Arc<dyn Notes>,
) -> Router {
    let mut router = Router::new();
    for route in routes.into_iter().filter(|route| route.line.side == side) {
        let line = route.line;
        let path = line.path;
        let guarded = route.handler.layer(middleware::from_fn(move |request: Request, next: Next| {
            let line = line.clone();
            async move { guard(&line, request, next).await }
        }));
        router = router.route(path, guarded);
    }
    router
        .fallback(|| async { Problem::new(Reason::NotFound) })
        .method_not_allowed_fallback(|| async {
            Problem::with(Reason::NotFound, "This path does not take that method.")
        })
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            let (callers, insiders, notes) =
                (Arc::clone(&callers), Arc::clone(&insiders), Arc::clone(&notes));
            async move {
                let response = admit(side, callers, insiders, Arc::clone(&notes), request, next).await;
                notes.served(side, response.status().as_u16());
                response
            }
        }))
        .with_state(state)
}

/// Builds the router of the public side: who asks is neither looked at nor recorded, and paths may be encoded, as RFC 6960
/// A.1.1 has them.
pub fn public_router<S: Clone + Send + Sync + 'static>(
    routes: Vec<Route<S>>,
    state: S,
    served: impl Fn(u16) + Clone + Send + Sync + 'static,
) -> Router {
    let public = routes.into_iter().filter(|route| route.line.side == Side::Public);
    let router = public.fold(Router::new(), |router, Route { line, handler }| {
        let guarded = handler.layer(middleware::from_fn(move |mut request: Request, next: Next| {
            request.extensions_mut().insert(BodyLimit(line.limit));
            next.run(request)
        }));
        router.route(line.path, guarded)
    });
    router
        .fallback(|| async { Problem::new(Reason::NotFound) })
        .method_not_allowed_fallback(|| async {
            Problem::with(Reason::NotFound, "This path does not take that method.")
        })
        .layer(middleware::map_response(move |response: Response| {
            served(response.status().as_u16());
            std::future::ready(response)
        }))
        .with_state(state)
}

/// Finds out who calls, refuses paths that could be read in two ways, and sees that refusals are recorded.
async fn admit(
    side: Side,
    callers: Arc<dyn Callers>,
    insiders: Arc<dyn Insiders>,
    notes: Arc<dyn Notes>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = match (side, request.extensions().get::<PeerCertificate>()) {
        (Side::Outer, Some(certificate)) => {
            callers.party(&certificate.fingerprint).map_or(Caller::Nobody, Caller::Party)
        }
        (Side::Outer, None) => Caller::Nobody,
        // A certificate alone says who it is: a key beside it is not looked at.
        (Side::Inner, Some(certificate)) => insiders.certified(certificate),
        (Side::Inner | Side::Pages | Side::Public, _) => {
            insiders.caller(request.uri().path(), request.headers())
        }
    };
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| format!("{} {}", request.method(), path.as_str()));
    let path = request.uri().path();
    // Encoded slashes and dots, empty and dot segments: refused whole instead of normalised.
    let ambiguous = path.contains('%')
        || path.contains('\\')
        || path.split('/').skip(1).any(|part| matches!(part, "." | ".."));
    let ambiguous = ambiguous || path.contains("//");
    request.extensions_mut().insert(caller.clone());
    let response = if ambiguous {
        Problem::with(
            Reason::Malformed,
            "The path has an encoded character, an empty segment or a dot segment.",
        )
        .into_response()
    } else {
        next.run(request).await
    };
    tracing::debug!(side = ?side, caller = caller.label(), route = route.as_deref().unwrap_or("-"), status = response.status().as_u16(), "served");
    let Some(problem) = response.extensions().get::<Problem>() else { return response };
    if response.extensions().get::<Recorded>().is_some() {
        return response;
    }
    let rejection = Rejection {
        caller: caller.label(),
        route: route.unwrap_or_else(|| "-".into()),
        reason: problem.reason,
    };
    if notes.note(rejection).await { response } else { Problem::new(Reason::Internal).into_response() }
}

async fn guard(line: &RouteLine, mut request: Request, next: Next) -> Response {
    let caller = request.extensions().get::<Caller>().cloned().unwrap_or(Caller::Nobody);
    if let Err(reason) = line.who.admits(&caller) {
        return Problem::new(reason).into_response();
    }
    request.extensions_mut().insert(BodyLimit(line.limit));
    next.run(request).await
}
