//! Pages about the card's certificates: what they were used for, passkeys, and signing in with one. The authority checks and
//! keeps everything; this room passes on what the browser made.

use std::time::Duration;

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use pages::{Form, Frame, Language, Visit, in_japan, shown};
use protocol::certificates::Purpose;
use protocol::index::Taken;
use protocol::own::AskMyRecords;
use protocol::sign_in::{
    AskChallenge, AskShown, Asserted, CHALLENGES, Challenge, EnrolPasskey, Means, PASSKEY_ASSERTIONS,
    PASSKEYS, REMOVALS, RemovePasskey, SHOWN, Shown, UsePasskey,
};
use rules::Role;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wire::{Problem, Route, Side, Who};
use words::{ActId, B64, Reason};

use crate::my_pages::{Person, person};
use crate::{Here, Portal};

const WITHIN: Duration = Duration::from_secs(15);
/// The pages with a script: our own alone, which talks to this room alone.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
);

pub(crate) fn routes() -> Vec<Route<Here>> {
    const PERSON: Who = Who::Roles(&[Role::Person]);
    let at = |method, path, who, handler| Route::new(Side::Pages, method, path, who, handler);
    vec![
        at(Method::GET, "/passkey", Who::Anyone, get(sign_in_page)),
        at(Method::GET, "/passkey.js", Who::Anyone, get(script)).gives_media(SCRIPT),
        at(Method::POST, "/passkey/challenges", Who::Anyone, post(challenge)),
        at(Method::POST, "/passkey/sign-ins", Who::Anyone, post(sign_in)),
        at(Method::GET, "/certificates", PERSON, get(certificates)),
        at(Method::POST, "/passkeys", PERSON, post(enrol)),
        at(Method::POST, "/passkeys/remove", PERSON, post(remove)),
    ]
}

fn with_script(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    response
}

#[derive(Template)]
#[template(path = "portal/passkey.html")]
struct SignInPage {
    frame: Frame,
}

async fn sign_in_page(visit: Visit) -> Response {
    with_script(shown(&SignInPage { frame: visit.frame() }))
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

async fn script() -> Response {
    let headers = [(header::CONTENT_TYPE, SCRIPT)];
    (headers, include_str!("passkey.js")).into_response()
}

impl Portal {
    async fn ask_authority<A: DeserializeOwned>(
        &self,
        path: &str,
        message: &impl Serialize,
    ) -> Result<A, Problem> {
        let authority = self.house.only("authority")?;
        Ok(self.house.post(&authority, path, message, WITHIN).await?)
    }

    fn act(&self) -> ActId {
        ActId::new(self.house.world.random())
    }
}

async fn challenge(
    State(here): State<Here>,
    body: wire::Json<AskChallenge>,
) -> Result<Json<Challenge>, Problem> {
    here.0.ask_authority(CHALLENGES, &body.message).await.map(Json)
}

/// What the page's script sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Used {
    challenge: B64,
    credential: B64,
    client: B64,
    data: B64,
    signature: B64,
}

/// The authority has checked the passkey: a session begins, as after a ticket.
async fn sign_in(
    State(here): State<Here>,
    visit: Visit,
    body: wire::Json<Used>,
) -> Result<Response, Problem> {
    let portal = here.0;
    let Used { challenge, credential, client, data, signature } = body.message;
    let ask = UsePasskey { id: portal.act(), challenge, credential, client, data, signature };
    let Asserted { assertion, look } = portal.ask_authority(PASSKEY_ASSERTIONS, &ask).await?;
    let shown = AskMyRecords { assertion, look };
    let ends = crate::my_pages::holds(&portal.house, &shown)?;
    let person = Person::new(shown);
    let doors = &portal.house.doors;
    let entered = doors.begin("本人 / the person".into(), Role::Person, Some(person), Some(ends));
    let mut response = Json(Taken {}).into_response();
    if let Some(cookie) = visit.site().session_cookie(Some(&entered.session)) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

struct UseLine {
    at: String,
    party: String,
    purpose: &'static str,
}

struct KeyLine {
    credential: String,
    enrolled: String,
    used: Option<String>,
}

struct ToShow {
    uses: Vec<UseLine>,
    passkeys: Vec<KeyLine>,
    may_enrol: bool,
}

#[derive(Template)]
#[template(path = "portal/certificates.html")]
struct CertificatesPage {
    frame: Frame,
    shown: Option<ToShow>,
}

const fn purpose(purpose: Purpose, language: Language) -> &'static str {
    match purpose {
        Purpose::Signature => language.say("署名用", "signature"),
        Purpose::Authentication => language.say("利用者証明用", "authentication"),
    }
}

async fn certificates(State(here): State<Here>, visit: Visit) -> Result<Response, Problem> {
    let (portal, language) = (here.0, visit.language());
    let assertion = &person(&visit)?.ask.assertion;
    // A demo's picker asserts somebody of whom the authority knows nothing.
    if portal.house.person_assertion(assertion).is_none() {
        return Ok(shown(&CertificatesPage { shown: None, frame: visit.frame() }));
    }
    let ask = AskShown { id: portal.act(), assertion: assertion.clone() };
    let Shown { uses, passkeys, means } = portal.ask_authority(SHOWN, &ask).await?;
    let directory = portal.house.directory();
    let uses = uses.into_iter().map(|one| {
        let entry = directory.entry(&one.party);
        let name = entry.map(|entry| language.say(&entry.name, &entry.name_en).to_owned());
        UseLine {
            at: in_japan(one.at, language),
            party: name.unwrap_or_else(|| one.party.to_string()),
            purpose: purpose(one.purpose, language),
        }
    });
    let passkeys = passkeys.into_iter().map(|line| KeyLine {
        credential: line.credential.text(),
        enrolled: in_japan(line.enrolled, language),
        used: line.used.map(|used| in_japan(used, language)),
    });
    let may_enrol = means == Means::Certificate;
    let to_show = ToShow { uses: uses.collect(), passkeys: passkeys.collect(), may_enrol };
    Ok(with_script(shown(&CertificatesPage { shown: Some(to_show), frame: visit.frame() })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Made {
    challenge: B64,
    client: B64,
    attestation: B64,
}

async fn enrol(
    State(here): State<Here>,
    visit: Visit,
    body: wire::Json<Made>,
) -> Result<Json<Taken>, Problem> {
    let Made { challenge, client, attestation } = body.message;
    let assertion = person(&visit)?.ask.assertion.clone();
    let ask = EnrolPasskey { id: here.0.act(), assertion, challenge, client, attestation };
    here.0.ask_authority(PASSKEYS, &ask).await.map(Json)
}

#[derive(Deserialize)]
struct Which {
    credential: String,
}

async fn remove(
    State(here): State<Here>,
    visit: Visit,
    Form(which): Form<Which>,
) -> Result<Response, Problem> {
    let credential = B64::parse(&which.credential);
    let credential = credential.map_err(|_| Problem::with(Reason::Malformed, "`credential` is no id."))?;
    let assertion = person(&visit)?.ask.assertion.clone();
    let ask = RemovePasskey { id: here.0.act(), assertion, credential };
    here.0.ask_authority::<Taken>(REMOVALS, &ask).await?;
    Ok(visit.go("/certificates"))
}
