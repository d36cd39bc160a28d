//! What was not done, in words, with what to do now.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use super::doors::Visitor;
use super::language::{Chosen, Frame};
use super::standing::{LONGEST_REASON, Refusal};
use super::store::Failed;

/// Why a request was not carried out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Why {
    OtherHost,
    OtherOrigin,
    NotSignedIn,
    LinkUsedUp,
    /// The form is not of this session.
    OtherForm,
    /// The form lacks something or has too much.
    Malformed,
    UnknownPage,
    UnknownCustomer,
    Refused(Refusal),
    /// The desk's file.
    Storage,
}

impl Why {
    const fn status(&self) -> StatusCode {
        match self {
            Why::OtherHost => StatusCode::MISDIRECTED_REQUEST,
            Why::OtherOrigin | Why::OtherForm => StatusCode::FORBIDDEN,
            Why::NotSignedIn | Why::LinkUsedUp => StatusCode::UNAUTHORIZED,
            Why::Malformed => StatusCode::UNPROCESSABLE_ENTITY,
            Why::UnknownPage | Why::UnknownCustomer | Why::Refused(Refusal::UnknownCase) => {
                StatusCode::NOT_FOUND
            }
            Why::Refused(Refusal::ReasonNeeded | Refusal::ReasonTooLong | Refusal::NotACandidate) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Why::Refused(Refusal::SamePerson) => StatusCode::FORBIDDEN,
            Why::Refused(_) => StatusCode::CONFLICT,
            Why::Storage => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What happened and what to do, in Japanese and in English.
    pub(super) fn words(&self) -> [[String; 2]; 2] {
        let (ja, next_ja, en, next) = match self {
            Why::OtherHost => (
                "この宛先の名前では応答しません。",
                "端末に表示されたアドレスを開いてください。",
                "The desk does not answer under this name.",
                "Open the address that the terminal shows.",
            ),
            Why::OtherOrigin => (
                "ほかのページから送られた要求は受け付けません。",
                "この確認窓口のページから操作してください。",
                "This request was sent by another page.",
                "Work from the desk's own pages.",
            ),
            Why::NotSignedIn => (
                "サインインしていません。",
                "端末に表示された自分のサインイン用リンクを開いてください。",
                "You are not signed in.",
                "Open your own sign-in link, which the terminal shows.",
            ),
            Why::LinkUsedUp => (
                "このサインイン用リンクは使えません。",
                "リンクは一度しか使えません。端末に表示された新しいリンクを開いてください。",
                "This sign-in link is not good.",
                "Each link works once. Open the newest one that the terminal shows.",
            ),
            Why::OtherForm => (
                "この入力は今のサインインのものではありません。何も変わっていません。",
                "ページを開き直して、もう一度操作してください。",
                "This form does not belong to your present session. Nothing was changed.",
                "Open the page again and repeat what you did.",
            ),
            Why::Malformed => (
                "送られた入力を読めません。何も変わっていません。",
                "ページを開き直して、もう一度操作してください。",
                "The form could not be read. Nothing was changed.",
                "Open the page again and repeat what you did.",
            ),
            Why::UnknownPage => (
                "このページはありません。",
                "一覧に戻ってください。",
                "There is no such page.",
                "Go back to the list.",
            ),
            Why::UnknownCustomer => (
                "その番号の顧客は確認の対象にありません。",
                "番号を確かめるか、一覧から選んでください。",
                "No customer with this number is among the cases.",
                "Check the number, or choose from the list.",
            ),
            Why::Storage => (
                "記録できませんでした。何も変わっていません。",
                "空き容量とファイルの権限を確かめ、もう一度操作してください。",
                "It could not be recorded. Nothing was changed.",
                "Check free space and the file's permissions, then try again.",
            ),
            Why::Refused(refusal) => return refused(refusal),
        };
        [[ja.to_owned(), next_ja.to_owned()], [en.to_owned(), next.to_owned()]]
    }
}

fn refused(refusal: &Refusal) -> [[String; 2]; 2] {
    let (ja, next_ja, en, next) = match refusal {
        Refusal::UnknownCase => (
            "その案件はありません。",
            "一覧から選んでください。",
            "There is no such case.",
            "Choose one from the list.",
        ),
        Refusal::Stale => (
            "この案件は、あなたが開いた後に変わりました。今の操作は記録していません。",
            "今の状態を見てから、必要ならもう一度操作してください。",
            "The case has changed since you opened it. What you did now was not recorded.",
            "Look at it as it is now, and repeat what you did if it is still needed.",
        ),
        Refusal::AlreadyDecided => (
            "この案件にはすでに判断があります。",
            "変えるには、まず理由を付けて取り消してください。",
            "The case has a decision already.",
            "To change it, undo it first, with a reason.",
        ),
        Refusal::NothingWaits => (
            "二人目の確認を待つ判断がありません。",
            "今の状態を見てください。",
            "No decision waits for a second look here.",
            "Look at the case as it is now.",
        ),
        Refusal::SamePerson => (
            "自分の判断を自分で確認することはできません。",
            "別の職員に確認してもらってください。誤りに気づいたときは取り消せます。",
            "Nobody can be the second pair of eyes for their own decision.",
            "Ask a colleague to look. If you think better of it, undo it.",
        ),
        Refusal::NothingToUndo => (
            "取り消す判断がありません。",
            "今の状態を見てください。",
            "There is no decision to undo.",
            "Look at the case as it is now.",
        ),
        Refusal::ReasonNeeded => (
            "理由が必要です。記録していません。",
            "理由を書いて、もう一度送ってください。",
            "A reason is needed. Nothing was recorded.",
            "Write why, and send it again.",
        ),
        Refusal::NotACandidate => (
            "その住民はこの案件の候補にいません。記録していません。",
            "案件を開き直して、候補から選んでください。",
            "This resident is not among the candidates. Nothing was recorded.",
            "Open the case again and choose one of its candidates.",
        ),
        Refusal::ReasonTooLong => {
            return [
                [
                    format!("理由が長すぎます（{LONGEST_REASON}文字まで）。記録していません。"),
                    "短くして、もう一度送ってください。".to_owned(),
                ],
                [
                    format!("The reason is longer than {LONGEST_REASON} characters. Nothing was recorded."),
                    "Make it shorter and send it again.".to_owned(),
                ],
            ];
        }
        Refusal::Tied(query_id) => {
            return [
                [
                    format!(
                        "この住民は、同じ機関の別の顧客（{query_id}）にすでに結び付いています。記録していません。"
                    ),
                    "どちらが正しいかを確かめ、誤りの方を取り消してください。".to_owned(),
                ],
                [
                    format!(
                        "This resident is tied to another customer of the same institution already ({query_id}). \
                         Nothing was recorded."
                    ),
                    "Find out which one is right, and undo the wrong one.".to_owned(),
                ],
            ];
        }
    };
    [[ja.to_owned(), next_ja.to_owned()], [en.to_owned(), next.to_owned()]]
}

impl From<Failed> for Why {
    fn from(failed: Failed) -> Why {
        match failed {
            Failed::Refused(refusal) => Why::Refused(refusal),
            Failed::Store(error) => {
                tracing::error!("the desk's file: {error}");
                Why::Storage
            }
        }
    }
}

/// A problem on its way to a person.
pub(super) struct Problem {
    why: Why,
    chosen: Chosen,
    /// The page to go back to.
    back: String,
}

impl Problem {
    pub(super) fn new(why: Why, chosen: Chosen) -> Problem {
        Problem { why, chosen, back: "/".to_owned() }
    }

    pub(super) fn back_to(self, back: String) -> Problem {
        Problem { back, ..self }
    }

    /// As a page.
    pub(super) fn response(self, visitor: Option<Visitor>) -> Response {
        let [japanese, english] = self.why.words();
        let ours = |ja: String, en: String| if self.chosen.language.tag() == "ja" { ja } else { en };
        let [what_ja, next_ja] = japanese;
        let [what_en, next_en] = english;
        let page = ProblemPage {
            what: ours(what_ja, what_en),
            next: ours(next_ja, next_en),
            frame: Frame::new(self.chosen.language, visitor, self.back.clone()),
            back: self.back,
        };
        (self.why.status(), shown(&page)).into_response()
    }
}

#[derive(Template)]
#[template(path = "review_desk/problem.html")]
struct ProblemPage {
    frame: Frame,
    what: String,
    next: String,
    back: String,
}

/// A template as an answer; one that cannot be filled is a fault of ours.
pub(super) fn shown(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!("a page could not be filled: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
