//! The agent's own pages: Japanese and English, forms alone.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::desk::{Asked, Reply};

/// Text in HTML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// A page: a title and what is in it, each in both languages.
pub(super) fn page(status: StatusCode, (japanese, english): (&str, &str), body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"ja\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>{japanese} / {english}</title><link rel=\"stylesheet\" \
         href=\"/style.css\"></head><body><main><h1>{japanese} <small lang=\"en\">{english}</small></h1>{body}</main></body></html>"
    );
    (status, Html(html)).into_response()
}

/// A paragraph in both languages, which may hold HTML.
pub(super) fn both(japanese: &str, english: &str) -> String {
    format!("<p>{japanese}<br><span lang=\"en\">{english}</span></p>")
}

pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("style.css")).into_response()
}

/// Headers of every answer: no frame around it, nothing kept, nothing loaded from elsewhere.
pub(super) fn guarded(mut response: Response) -> Response {
    let set = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        set.insert(name, HeaderValue::from_static(value));
    }
    if !set.contains_key(header::CONTENT_SECURITY_POLICY) {
        set.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    }
    response
}

const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

pub(super) fn home(waiting: Option<&Asked>) -> Response {
    let body = match waiting {
        None => both("求めはありません。", "Nothing is asked."),
        Some(asked) => format!(
            "<p><a href=\"/assent/{}\">{} の求めを見る<br><span lang=\"en\">See what {} asks</span></a></p>",
            asked.id,
            escaped(&asked.origin),
            escaped(&asked.origin)
        ),
    };
    page(StatusCode::OK, ("カード代理", "Card agent"), &body)
}

/// What is asked, by whom, and the place for the PIN.
pub(super) fn assent(asked: &Asked, wrong: Option<&str>) -> Response {
    let wrong =
        wrong.map_or(String::new(), |wrong| format!("<p role=\"alert\" id=\"wrong\">{}</p>", escaped(wrong)));
    let body = format!(
        "<dl><dt>求めているサイト <span lang=\"en\">Who asks</span></dt><dd id=\"origin\">{}</dd>\
         <dt>目的（サイトの言葉） <span lang=\"en\">What for, in its words</span></dt><dd id=\"purpose\">{}</dd></dl>{}{wrong}\
         <form method=\"post\"><input type=\"hidden\" name=\"token\" value=\"{}\">\
         <p><label for=\"pin\">利用者証明用暗証番号（数字4桁）<br><span lang=\"en\">PIN for authentication, four digits</span></label><br>\
         <input id=\"pin\" name=\"pin\" type=\"password\" inputmode=\"numeric\" autocomplete=\"off\" maxlength=\"4\"{}></p>\
         <p><button name=\"decision\" value=\"assent\">承認する <span lang=\"en\">Log in there</span></button> \
         <button name=\"decision\" value=\"refuse\" class=\"plain\">断る <span lang=\"en\">Refuse</span></button></p></form>",
        escaped(&asked.origin),
        escaped(&asked.purpose),
        both(
            "アドレスが使いたいサイトのものか確かめてください。カードは、このサイトに対してだけ署名します。",
            "Check that this is the site you mean. The card signs for it alone."
        ),
        asked.token(),
        if wrong.is_empty() { "" } else { " aria-describedby=\"wrong\" aria-invalid=\"true\"" },
    );
    page(StatusCode::OK, ("ログインの承認", "Log in?"), &body)
}

/// After the decision: back to the page that asked.
pub(super) fn ended(asked: &Asked, reply: Option<&Reply>) -> Response {
    let said = match reply {
        Some(_) => both("署名しました。", "Signed."),
        None => both("断りました。サイトには何も渡していません。", "Refused. The site was given nothing."),
    };
    let Some(back) = &asked.back else {
        let body = said + &both("元のページに戻ってください。", "Go back to the page you came from.");
        return page(StatusCode::OK, ("終わりました", "Done"), &body);
    };
    let fields = match reply {
        Some(reply) => {
            [("signed", &reply.signed), ("signature", &reply.signature), ("certificate", &reply.certificate)]
                .map(|(name, value)| {
                    format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", value.text())
                })
                .concat()
        }
        None => "<input type=\"hidden\" name=\"refused\" value=\"yes\">".into(),
    };
    let body = format!(
        "{said}<form method=\"post\" action=\"{}\">{fields}<p><button id=\"back\">{} に戻る \
         <span lang=\"en\">Go back</span></button></p></form>",
        escaped(back),
        escaped(&asked.origin)
    );
    let mut response = page(StatusCode::OK, ("終わりました", "Done"), &body);
    // This page alone may send to another origin: the one that asked.
    let policy = POLICY.replace("form-action 'self'", &format!("form-action {}", asked.origin));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

pub(super) fn problem(status: StatusCode) -> Response {
    let (japanese, english) = match status {
        StatusCode::NOT_FOUND => (
            "この求めは終わったか、2分を過ぎました。元のページからやり直してください。",
            "This request has ended, or two minutes have passed. Begin again from the page you came from.",
        ),
        StatusCode::CONFLICT => (
            "別の求めが待っています。<a href=\"/\">先にそちらを決めてください。</a>",
            "Another request waits. <a href=\"/\">Decide on that one first.</a>",
        ),
        StatusCode::FORBIDDEN => ("このページからは求められません。", "This cannot be asked from that page."),
        StatusCode::BAD_REQUEST => {
            ("求めの形が正しくありません。", "The page did not ask in the right form.")
        }
        _ => ("うまくいきませんでした。もう一度お試しください。", "That did not work. Try again."),
    };
    page(status, ("できません", "Not possible"), &both(japanese, english))
}
