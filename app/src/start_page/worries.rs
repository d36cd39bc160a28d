//! What citizens worry about (seed 001, table 12), and what this system does about each, with the place where one sees it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use pages::{Frame, Visit, shown};

use super::Here;

/// Where an answer can be seen.
enum See {
    /// A path of this start page.
    Here(&'static str),
    /// A path of oversight's pages.
    Oversight(&'static str),
    /// A command.
    Command(&'static str),
}

struct Worry {
    worry: [&'static str; 2],
    answer: [&'static str; 2],
    /// What is not there yet, said plainly.
    not_yet: Option<[&'static str; 2]>,
    see: &'static [(See, [&'static str; 2])],
}

const RECORDS: [&str; 2] = ["わたしの記録", "My records"];
const COUNTRY: [&str; 2] = ["だれがだれに聞けるか", "Who may ask whom"];

/// The fourteen, in the table's order.
const WORRIES: [Worry; 14] = [
    Worry {
        worry: [
            "偽造や成りすましで、個人情報をのぞき見されないか?",
            "Might somebody forge an identity and peek?",
        ],
        answer: [
            "職員も本人も、鍵や表明で本人と確かめてから入ります。機関どうしは証明書で互いを確かめ、照会ごとに署名を検証します。名乗りだけでは何も見えません。",
            "Staff and persons show who they are before they enter; institutions know one another by certificate, and every inquiry's signature is verified. A claimed name opens nothing.",
        ],
        not_yet: Some([
            "この見本の国では、カードの代わりに「見本の本人確認」を使います。見本の設定がない国では使えません。",
            "In this demo a picker stands in for the card. A country not configured for a demo takes nothing it signs.",
        ]),
        see: &[(See::Command("musubi card --help"), ["カードの動き", "The card"])],
    },
    Worry {
        worry: [
            "他人の番号で口座開設や借金をされないか?",
            "Might somebody open an account or borrow money with my number?",
        ],
        answer: [
            "機関どうしは番号を使いません。機関ごとに違う符号で、しかも暗号のまま照会します。番号を知っていても、照会も本人の成りすましもできません。",
            "Institutions never use the number between them: each has a code of its own, and asks with it encrypted. Knowing a number lets nobody ask or pose as you.",
        ],
        not_yet: None,
        see: &[(See::Oversight("/country"), COUNTRY)],
    },
    Worry {
        worry: ["カードを落としたら? 再発行や無効化は?", "What if I lose my card?"],
        answer: [
            "カードは暗証番号がなければ使えず、間違いが続くと止まります。カードの証明書を失効させれば、拾った人には使えません。",
            "A card does nothing without its PIN and blocks after wrong tries; once its certificates are revoked, a finder has nothing.",
        ],
        not_yet: Some([
            "失効の通知と再発行の窓口は、これからの仕事です。",
            "Revocation lists for cards and the counter for reissue are still to come.",
        ]),
        see: &[(See::Command("musubi card --help"), ["カードの動き", "The card"])],
    },
    Worry {
        worry: ["個人番号は変更できるか? 知られた番号は使いたくない。", "Can my number be changed?"],
        answer: [
            "変えられます。番号は乱数で、二度と使われず、前の番号からは本人の今の番号に正しくつながります。機関の符号は番号から作られていないので、番号を変えても切れません。",
            "Yes. A number is random and never given twice; the former one still leads to you. Codes are not made from the number, so changing it breaks nothing.",
        ],
        not_yet: None,
        see: &[(See::Here("/number"), ["いま変えてみる", "Change one now"])],
    },
    Worry {
        worry: ["個人情報が改ざんされないか?", "Might my information be altered?"],
        answer: [
            "返事は提供した機関が署名し、途中の改変は受け取る側で分かります。記録は書き換えられない帳簿に載り、あなた自身が証明を確かめられます。",
            "A reply is signed by whoever gave it, and a change on the way is seen. Records stand in a ledger that cannot be changed unnoticed, and you can check the proof yourself.",
        ],
        not_yet: None,
        see: &[
            (See::Here("/people"), RECORDS),
            (See::Oversight("/ledgers"), ["記録簿", "Ledgers"]),
            (See::Command("musubi verify-log linkage --config …"), ["外から確かめる", "Verify from outside"]),
        ],
    },
    Worry {
        worry: ["悪用で損害を受けたら、誰が補償するのか?", "Who pays if I am harmed?"],
        answer: [
            "補償は法律の問題で、このシステムは決められません。できるのは、誰が何をしたかの動かない証拠を残し、「この記録について問い合わせる」で期限のある調べを始めることです。",
            "Compensation is for the law. What this system does is leave evidence of who did what, and open an investigation with a deadline when you press “Ask about this”.",
        ],
        not_yet: None,
        see: &[(See::Here("/people"), RECORDS), (See::Oversight("/cases"), ["事案", "Cases"])],
    },
    Worry {
        worry: ["民間企業にプライバシーを侵されないか?", "Might private companies invade my privacy?"],
        answer: [
            "認定のない機関の照会は断られます。銀行のように番号を持たない機関も自分の符号だけで加わり、法の一覧にあること以外は聞けず、聞かれもしません。認定の停止は60秒以内に効きます。",
            "Without accreditation nothing is answered. Those without the number, such as a bank, take part with a code of their own, and only for what the list names. A suspension acts within 60 seconds.",
        ],
        not_yet: None,
        see: &[(See::Oversight("/country"), COUNTRY), (See::Oversight("/"), ["認定", "Accreditations"])],
    },
    Worry {
        worry: ["職員による盗み見や持ち出しは?", "Might staff peek, or carry data away?"],
        answer: [
            "職員は自分の機関のお客さまについて、法が認めた事務でしか照会できません。一件ごとに、だれが・いつ・何を、が三か所に残り、断られた照会も残り、本人が見られます。",
            "Staff can ask about their own customers only, for an affair the law allows. Who, when and what is recorded in three places, refused inquiries too, and the person sees it.",
        ],
        not_yet: None,
        see: &[(See::Here("/people"), RECORDS)],
    },
    Worry {
        worry: ["誰が悪用したのか見つけられるか?", "Can misuse be traced to somebody?"],
        answer: [
            "照会した機関、情報連携基盤、提供した機関の記録を第三者機関が突き合わせ、足りない・食い違う記録を一分以内に警報にします。",
            "The third-party body holds the records of inquirer, linkage and provider against one another; what is missing or differs is an alarm within a minute.",
        ],
        not_yet: None,
        see: &[
            (See::Oversight("/reconciliation"), ["突合", "Reconciliation"]),
            (See::Oversight("/alarms"), ["警報", "Alarms"]),
        ],
    },
    Worry {
        worry: ["目的外に使われないか?", "Might it be used for something else?"],
        answer: [
            "すべての照会は、事務と項目を法の一覧と照らしてから、二つの独立した機関がそれぞれ判断します。一覧にないものは、だれが頼んでも断られます。間に立つ機関は、中身も、だれのことかも知りません。",
            "Every inquiry's affair and item is held against the law's list by two independent bodies. What is not on the list is refused, whoever asks. Those between learn neither the content nor whom it is about.",
        ],
        not_yet: None,
        see: &[(See::Oversight("/country"), COUNTRY)],
    },
    Worry {
        worry: ["国家による監視や支配に使われないか?", "Might the state watch and rule us with it?"],
        answer: [
            "一人の生活を一か所に集められる機関がありません。符号の変換は二つの独立した機関が半分ずつ行い、どちらか一方では、だれの記録もつなげられません。両方が組めばつなげられる、ということも隠しません。",
            "No body can gather one life in one place: codes are converted half by one body and half by another, and neither alone can link anybody. That both together could is said openly.",
        ],
        not_yet: None,
        see: &[(See::Oversight("/ledgers"), ["記録簿", "Ledgers"])],
    },
    Worry {
        worry: [
            "番号が広まると、どう悪用されるか分からず不安。",
            "Once numbers are everywhere, who knows how they are misused?",
        ],
        answer: [
            "番号は機関の間を流れません。あなたについての照会はすべて、あなたの記録に文章で並びます。同意が要る項目は、同意なしでは断られます。",
            "The number does not travel between institutions. Every inquiry about you stands in your records, in sentences. Items that need consent are refused without it.",
        ],
        not_yet: Some([
            "同意を出す窓口は、これからの仕事です。今は、同意の要る項目はすべて断られます。",
            "The desk where consent is given is still to come: until then such items are always refused.",
        ]),
        see: &[(See::Here("/people"), RECORDS)],
    },
    Worry {
        worry: ["一つ漏れたら、すべて漏れるのでは?", "If one thing leaks, does everything?"],
        answer: [
            "情報は機関ごとに置かれたままで、機関ごとに符号が違います。一つの機関の全部が盗まれても、ほかの機関の記録とは、符号ではつながりません。",
            "Data stay where they are, under a code that differs everywhere. Whoever steals one institution whole cannot join it with another by its codes.",
        ],
        not_yet: None,
        see: &[(
            See::Command("musubi attack steal --data demo-run"),
            ["盗んだつもりで、つなげてみる", "Steal it all, and try to join it"],
        )],
    },
    Worry {
        worry: ["医療: 統計や治験で漏れないか?", "Medicine: do statistics and trials leak?"],
        answer: [
            "研究用の匿名化は、複数の匿名データを集めても一人に絞れないことを条件にします。自分で攻撃して確かめられます。",
            "Sets for research are released only if several of them together single nobody out. Attack them yourself.",
        ],
        not_yet: Some([
            "研究用データの申請・返却の窓口は、これからの仕事です。匿名化と攻撃は手元で試せます。",
            "The desk where researchers ask for sets and return them is still to come; the engine and the attack run at your own terminal.",
        ]),
        see: &[(
            See::Command("musubi attack releases --help"),
            [
                "匿名データを重ねて、絞り込んでみる",
                "Put several sets together, and try to single somebody out",
            ],
        )],
    },
];

struct Shown {
    number: usize,
    worry: &'static str,
    answer: &'static str,
    not_yet: Option<&'static str>,
    links: Vec<(String, &'static str)>,
    commands: Vec<(&'static str, &'static str)>,
}

#[derive(Template)]
#[template(path = "start/worries.html")]
struct WorriesPage {
    frame: Frame,
    worries: Vec<Shown>,
}

pub(super) async fn show(State(start): State<Here>, visit: Visit) -> Response {
    let language = visit.language();
    let say = |[ja, en]: [&'static str; 2]| language.say(ja, en);
    let oversight = start.pages_of("oversight");
    let one = |(n, worry): (usize, &Worry)| {
        let (mut links, mut commands) = (Vec::new(), Vec::new());
        for (see, name) in worry.see {
            match see {
                See::Here(path) => links.push(((*path).to_owned(), say(*name))),
                // An officer's page needs an officer: the start page lets one in.
                See::Oversight("/country") => {
                    links.extend(oversight.as_ref().map(|at| (format!("{at}/country"), say(*name))));
                }
                See::Oversight(_) => links.push(("/as/oversight/officer".to_owned(), say(*name))),
                See::Command(command) => commands.push((*command, say(*name))),
            }
        }
        Shown {
            number: n + 1,
            worry: say(worry.worry),
            answer: say(worry.answer),
            not_yet: worry.not_yet.map(say),
            links,
            commands,
        }
    };
    shown(&WorriesPage { frame: visit.frame(), worries: WORRIES.iter().enumerate().map(one).collect() })
}
