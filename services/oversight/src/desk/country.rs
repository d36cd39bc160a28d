//! The country: who may ask whom for what, drawn from the list and the accreditations in force. For everybody.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use pages::{Frame, Language, Visit, escaped, shown};
use protocol::oversight::WhitelistDocument;
use rules::{Accreditation, Row, Standing};
use wire::Problem;
use words::Kind;

use super::party;
use crate::error::own_database;
use crate::{Here, store};

struct RowShown {
    affair: String,
    inquirers: String,
    item: String,
    providers: String,
    needs_consent: bool,
    basis: String,
    checked: bool,
}

#[derive(Template)]
#[template(path = "oversight/country.html")]
struct CountryPage {
    frame: Frame,
    svg: String,
    rows: Vec<RowShown>,
    institutions: usize,
    checked: usize,
}

pub(super) async fn show(State(here): State<Here>, visit: Visit) -> Result<Response, Problem> {
    let (oversight, language) = (here.0, visit.language());
    let house = &oversight.house;
    let (_, all) = store::accreditations(house.road.db()).await.map_err(own_database)?;
    let country = &house.country;
    let document: WhitelistDocument =
        protocol::verify(&oversight.whitelist, &country.publisher, &country.publisher_key)?;
    let named = |kind: &Kind| -> String {
        let of = all.iter().filter(|one| one.kind == *kind);
        let names: Vec<String> = of.map(|one| party(house, &one.party, language)).collect();
        if names.is_empty() { kind.to_string() } else { names.join(language.say("、", ", ")) }
    };
    let pick = |ja: &str, en: &str| {
        if en.is_empty() { ja.to_owned() } else { language.say(ja, en).to_owned() }
    };
    let row = |row: &Row| RowShown {
        affair: pick(&row.affair_name, &row.affair_name_en),
        inquirers: named(&row.inquirer_kind),
        item: pick(&row.item_name, &row.item_name_en),
        providers: named(&row.provider_kind),
        needs_consent: row.needs_consent,
        basis: format!("{} {}", row.law, row.entry),
        checked: row.checked,
    };
    let page = CountryPage {
        svg: drawing(&document.rows, &all, |one| party(house, &one.party, language), language),
        institutions: all.len(),
        checked: document.rows.iter().filter(|row| row.checked).count(),
        rows: document.rows.iter().map(row).collect(),
        frame: visit.frame(),
    };
    Ok(shown(&page))
}

/// Institutions on a circle, an arrow from each that may ask to each it may ask; the more items, the stronger.
fn drawing(
    rows: &[Row],
    all: &[Accreditation],
    name: impl Fn(&Accreditation) -> String,
    language: Language,
) -> String {
    const WIDTH: f64 = 900.0;
    const HEIGHT: f64 = 680.0;
    let count = f64::from(u32::try_from(all.len().max(1)).unwrap_or(1));
    let place = |n: usize| {
        let angle = std::f64::consts::TAU * f64::from(u32::try_from(n).unwrap_or(0)) / count
            - std::f64::consts::FRAC_PI_2;
        (WIDTH / 2.0 + 330.0 * angle.cos(), HEIGHT / 2.0 + 270.0 * angle.sin())
    };
    let mut arrows: BTreeMap<(usize, usize), BTreeSet<&str>> = BTreeMap::new();
    for row in rows {
        for (a, one) in all.iter().enumerate().filter(|(_, one)| one.kind == row.inquirer_kind) {
            for (b, other) in all.iter().enumerate().filter(|(_, one)| one.kind == row.provider_kind) {
                if one.party != other.party {
                    arrows.entry((a, b)).or_default().insert(row.item.as_str());
                }
            }
        }
    }
    let title = language.say("だれがだれに聞けるか", "Who may ask whom");
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\" aria-label=\"{title}\">"
    );
    // Writing into a String cannot fail.
    for ((from, to), items) in &arrows {
        let ((x1, y1), (x2, y2)) = (place(*from), place(*to));
        let (dx, dy) = (x2 - x1, y2 - y1);
        let length = dx.hypot(dy).max(1.0);
        let (ux, uy) = (dx / length, dy / length);
        let (sx, sy) = (x1 + ux * 48.0, y1 + uy * 26.0);
        let (ex, ey) = (x2 - ux * 74.0, y2 - uy * 30.0);
        // Bent to one side, so that there and back are two lines.
        let (mx, my) = ((sx + ex) / 2.0 - uy * 26.0, (sy + ey) / 2.0 + ux * 26.0);
        let (hx, hy) = (ex - mx, ey - my);
        let bent = hx.hypot(hy).max(1.0);
        let (hx, hy) = (hx / bent, hy / bent);
        let strong = if items.len() > 3 { " strong" } else { "" };
        let _ = write!(
            svg,
            "<path class=\"arrow{strong}\" d=\"M{sx:.0} {sy:.0} Q{mx:.0} {my:.0} {ex:.0} {ey:.0}\"/>\
             <polygon class=\"head\" points=\"{:.0},{:.0} {:.0},{:.0} {:.0},{:.0}\"/>",
            ex + hx * 8.0,
            ey + hy * 8.0,
            ex - hy * 4.0,
            ey + hx * 4.0,
            ex + hy * 4.0,
            ey - hx * 4.0
        );
    }
    for (n, one) in all.iter().enumerate() {
        let (x, y) = place(n);
        let off = if one.standing == Standing::Active { "" } else { " off" };
        let name = name(one);
        let letters: Vec<char> = name.chars().collect();
        let wide = letters.iter().any(|letter| !letter.is_ascii());
        let parts: Vec<String> =
            letters.chunks(if wide { 9 } else { 17 }).take(2).map(|part| part.iter().collect()).collect();
        let _ = write!(
            svg,
            "<rect class=\"box{off}\" x=\"{:.0}\" y=\"{:.0}\" width=\"136\" height=\"46\" rx=\"4\"/>",
            x - 68.0,
            y - 23.0
        );
        let rise = if parts.len() > 1 { 3.0 } else { -5.0 };
        for (line, part) in (0_u8..).zip(&parts) {
            let _ = write!(
                svg,
                "<text x=\"{x:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>",
                y - rise + f64::from(line) * 18.0,
                escaped(part)
            );
        }
    }
    svg.push_str("</svg>");
    svg
}
