//! Why something was not done. One table for all rooms: the word on the wire and in the records, who has to
//! mend it, the HTTP status, and what a person is told in Japanese and in English.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who can mend what was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// Whoever asked: the message or the request is wrong.
    Caller,
    /// The institution's own administration: accreditation, list, clock, rate.
    Institution,
    /// Another room did not answer, or answered wrongly.
    Peer,
    /// This room itself.
    Ourselves,
}

macro_rules! reasons {
    ($($name:ident $word:literal $status:literal $blame:ident $ja:literal $do_ja:literal $en:literal $do_en:literal;)*) => {
        /// A reason of refusal or failure.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Reason { $(#[doc = $en] $name,)* }

        impl Reason {
            /// Every reason, for tables and tests.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word on the wire and in records.
            pub const fn as_str(self) -> &'static str { match self { $(Self::$name => $word,)* } }

            /// The reason of that word.
            pub fn parse(word: &str) -> Option<Self> { match word { $($word => Some(Self::$name),)* _ => None } }

            /// The HTTP status a problem with this reason carries (RFC 9457).
            pub const fn status(self) -> u16 { match self { $(Self::$name => $status,)* } }

            /// Who has to mend it.
            pub const fn blame(self) -> Blame { match self { $(Self::$name => Blame::$blame,)* } }

            /// What happened, in Japanese.
            pub const fn in_japanese(self) -> &'static str { match self { $(Self::$name => $ja,)* } }

            /// What to do next, in Japanese.
            pub const fn next_in_japanese(self) -> &'static str { match self { $(Self::$name => $do_ja,)* } }

            /// What happened, in English.
            pub const fn in_english(self) -> &'static str { match self { $(Self::$name => $en,)* } }

            /// What to do next, in English.
            pub const fn next_in_english(self) -> &'static str { match self { $(Self::$name => $do_en,)* } }
        }
    };
}

reasons! {
    NotOnList "not_on_list" 403 Institution
        "この事務のためにこの機関からこの機関へ照会することは、法の一覧にありません。" "事務と照会先を確かめてください。一覧の変更は所管大臣と第三者機関の手続によります。"
        "No law on the whitelist lets this inquirer ask this provider for this affair." "Check the affair and the provider; a change of the list is a matter for the competent minister and the third-party body.";
    ItemNotCovered "item_not_covered" 403 Institution
        "この事務で照会できる項目に、この特定個人情報は含まれていません。" "一覧にある項目を選んでください。"
        "The affair is on the list, but not for this item." "Choose an item that the list names for this affair.";
    ConsentRequired "consent_required" 403 Institution
        "この項目は法により本人の同意が必要です。" "本人の同意を得て、同意の記録を添えてください。"
        "By law this item needs the person's consent." "Obtain the person's consent and attach its reference.";
    NotAccredited "not_accredited" 403 Institution
        "この機関、または担当者は、第三者機関の認定を受けていません。" "第三者機関に認定を申請してください。"
        "The institution, or the person on duty, is not accredited by the third-party body." "Apply to the third-party body for accreditation.";
    AccreditationSuspended "accreditation_suspended" 403 Institution
        "この機関、または担当者の認定は停止されています。" "機関の責任者から第三者機関に問い合わせてください。"
        "The accreditation of the institution, or of the person on duty, is suspended." "The institution's person in charge must turn to the third-party body.";
    ImpactAssessmentMissing "impact_assessment_missing" 403 Institution
        "特定個人情報保護評価が承認されていないか、期限が切れています。" "評価書を第三者機関に提出してください。"
        "The institution's impact assessment is not approved or has run out." "Submit the assessment to the third-party body.";
    Expired "expired" 403 Caller
        "照会の時刻または期限が過ぎています。" "時計を確かめて、新しい照会として出し直してください。"
        "The inquiry's time or deadline has passed." "Check the clock and send it again as a new inquiry.";
    NotYetValid "not_yet_valid" 403 Caller
        "照会の時刻が未来になっています。" "機関の時計を合わせてください。"
        "The inquiry's time lies in the future." "Set the institution's clock right.";
    Replayed "replayed" 409 Caller
        "この番号の照会はすでに使われています。" "新しい番号で出し直してください。心当たりがなければ管理者に知らせてください。"
        "This act id has been used before." "Send a new inquiry with a new id; if you did not send one before, tell your administrator.";
    InProgress "in_progress" 409 Caller
        "同じ照会を処理しているところです。" "少し待って、同じ照会をもう一度送ってください。"
        "The same act is still under way." "Wait a moment and send the same bytes again.";
    RateExceeded "rate_exceeded" 429 Institution
        "この機関の照会数が上限を超えました。" "時間をおいて送ってください。上限の変更は情報連携の運営者に相談してください。"
        "The institution sends more than its rate allows." "Send later; the platform's operator can change the rate.";
    ListTooOld "list_too_old" 503 Ourselves
        "判断に使う一覧または認定の写しが古すぎます。" "しばらくして再度送ってください。続くときは運営者に知らせてください。"
        "The copy of the whitelist or of the accreditations is too old to decide on." "Try again later; if it lasts, tell the operator.";
    WrongCaller "wrong_caller" 403 Caller
        "接続の証明書と照会の差出人が一致しません。" "自分の機関の証明書で接続してください。"
        "The certificate of the connection is not the sender named in the message." "Connect with the certificate of the sending institution.";
    NotAllowed "not_allowed" 403 Caller
        "この操作をする役割がありません。" "権限のある担当者に頼んでください。"
        "This caller has no role that may do this." "Ask somebody who holds the role.";
    Unauthenticated "unauthenticated" 401 Caller
        "だれからの要求か確認できません。" "登録された証明書または鍵を使ってください。"
        "It is not known who is asking." "Use a registered certificate or key.";
    BadSignature "bad_signature" 403 Caller
        "署名が確認できません。" "登録された署名鍵で署名してください。"
        "A signature does not verify." "Sign the exact bytes with the registered key.";
    HopMismatch "hop_mismatch" 403 Peer
        "経路の署名と届いた内容が一致しません。" "経路の運営者に知らせてください。"
        "What an earlier hop signed is not what arrived." "Tell the operators of the route.";
    UnknownParty "unknown_party" 404 Caller
        "宛先の機関が台帳にありません。" "機関の番号を確かめてください。"
        "No such party is in the directory." "Check the party's id.";
    UnknownSession "unknown_session" 409 Caller
        "照会の鍵(セッション)が知られていないか、期限が切れています。" "新しいセッションを開いて出し直してください。"
        "The session named is not known or has ended." "Open a new session and send again.";
    OldCode "old_code" 409 Caller
        "この符号の世代は切り替えにより終わりました。" "新しい世代の符号で、新しい照会として出し直してください。"
        "Codes of this epoch have ended: the institution's codes were replaced." "Send a new inquiry with the new code.";
    UnknownCode "unknown_code" 403 Caller
        "この符号は、この機関に割り当てられたものではありません。" "符号を取り寄せ直してください。心当たりがなければ管理者に知らせてください。"
        "This is no code that was given to this institution." "Fetch the code anew; if it should be right, tell your administrator.";
    CannotRotate "cannot_rotate" 409 Caller
        "この方式では、一機関の符号だけを取り替えることはできません。" "方式2、3または6では取り替えられます。"
        "Under this scheme the codes of one institution cannot be replaced alone." "Schemes 2, 3 and 6 can.";
    Malformed "malformed" 400 Caller
        "要求の形式が正しくありません。" "説明の箇所を直して送り直してください。"
        "The request is not well formed." "Mend what the detail names and send again.";
    WrongType "wrong_type" 415 Caller
        "本文の種類が正しくありません。" "Content-Type: application/json で送ってください。"
        "The body has the wrong content type." "Send Content-Type: application/json.";
    WrongOrigin "wrong_origin" 403 Caller
        "この要求は、この機関の今のページから送られたものではありません。何も変わっていません。" "ページを開き直して、もう一度操作してください。"
        "This request was not sent by a present page of this room. Nothing was changed." "Open the page again and repeat what you did.";
    TooLarge "too_large" 413 Caller
        "本文が大きすぎます。" "説明にある上限より小さくして送ってください。"
        "The body is too large." "Send less than the limit named in the detail.";
    WrongState "wrong_state" 409 Caller
        "いまの状態では、その手続はできません。何も変わっていません。" "状態を確かめてください。終わったもの(失効した証明書、返却した集合など)は、新しく求めてください。"
        "In its present state this cannot be done. Nothing was changed." "Check the state; in place of what has ended (a certificate, a set) a new one is asked for.";
    SecondPerson "second_person" 409 Caller
        "これには別の二人の判断が必要です。同じ人は一度しか数えません。" "もう一人の担当者に頼んでください。"
        "This takes two different people; one person counts once." "Ask the other person.";
    BudgetSpent "budget_spent" 409 Caller
        "このデータ領域のプライバシー予算が足りません。何も公表していません。" "より小さいεで出し直すか、領域の管理者に相談してください。"
        "The privacy budget of this data domain does not suffice. Nothing was published." "Ask with a smaller epsilon, or turn to the keeper of the domain.";
    NotFound "not_found" 404 Caller
        "その場所には何もありません。" "番号またはアドレスを確かめてください。"
        "There is nothing there." "Check the id or the address.";
    NoCustomer "no_customer" 404 Caller
        "その顧客番号の人は自機関の台帳にいません。" "顧客番号を確かめてください。"
        "The own register has nobody under that customer number." "Check the customer number.";
    NoCode "no_code" 409 Institution
        "この人にはまだ符号がありません(突合が未了または要確認)。" "突合の確認担当者に依頼してください。"
        "This customer has no link code: the match is missing or awaits review." "Ask whoever reviews matches.";
    NotAnswered "not_answered" 404 Institution
        "提供機関から回答できる情報はありませんでした。" "理由は提供機関の記録にあります。必要なら提供機関に問い合わせてください。"
        "The provider had nothing it could answer." "The reason stands in the provider's record; turn to the provider if you need it.";
    Unavailable "unavailable" 503 Peer
        "経路の一部が応答しません。" "しばらくして、新しい照会を送ってください。"
        "A part of the route does not answer." "Send a new inquiry a little later.";
    TimedOut "timed_out" 504 Peer
        "期限までに回答がありませんでした。" "しばらくして新しい照会を送ってください。"
        "No answer came before the deadline." "Send a new inquiry later.";
    BadConversion "bad_conversion" 403 Peer
        "符号の変換が正しく行われたことを示せませんでした。" "第三者機関に知らせました。経路の運営者に問い合わせてください。"
        "It was not shown that the code was converted as it must be." "The third-party body has been told; turn to the operators of the route.";
    BadReply "bad_reply" 502 Peer
        "届いた回答が確認できませんでした。" "提供機関と経路の運営者に知らせてください。"
        "The reply that came back does not verify." "Tell the provider and the operators of the route.";
    Unwitnessed "unwitnessed" 503 Ourselves
        "この機関の記録簿を見ている証人がいないため、いまは答えられません。" "しばらくして、もう一度送ってください。続くときは運営者に知らせてください。"
        "No witness has seen this room's ledger lately, so it does not answer." "Send it again a little later; if it lasts, tell the operator.";
    LedgerBroken "ledger_broken" 503 Ourselves
        "この機関の記録簿が確認された記録と一致しないため、処理を止めています。" "運営者に知らせてください。運営者は部屋の記録(ログ)の指示に従ってください。"
        "This room's ledger is not the one that was witnessed, so it has stopped." "Tell its operator, who finds in the room's log what to do.";
    CannotRecord "cannot_record" 503 Ourselves
        "この部屋はいま記録を書けないため、答えられません。" "しばらくして、もう一度送ってください。続くときは、ディスクまたはデータベースを確かめるよう運営者に知らせてください。"
        "This room cannot write its records now, so it does not answer." "Send it again a little later; if it lasts, its operator must look at the disk or the database.";
    Internal "internal" 500 Ourselves
        "内部の誤りで処理できませんでした。" "行為の番号を添えて運営者に知らせてください。"
        "Something went wrong inside this room." "Tell its operator, with the act's id.";
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unique_and_read_back() {
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.as_str()), Some(*reason));
            assert_eq!(serde_json::to_string(reason).unwrap(), format!("\"{}\"", reason.as_str()));
            assert!((400..=599).contains(&reason.status()));
        }
    }
}
