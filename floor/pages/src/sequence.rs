//! The picture of an act: who sent what to whom, in order, as an SVG inside the page. It shows what records say and
//! nothing else; below it stands the same as a list, for whoever does not see pictures.

use std::fmt::Write;

use words::Moment;

use crate::moments::clock;

const LANE: usize = 210;
const STEP: usize = 46;
const TOP: usize = 70;
/// Characters of a lane's name on one line.
const NAME: usize = 13;

/// Lanes and the steps between them.
#[derive(Clone, Debug, Default)]
pub struct Sequence {
    lanes: Vec<String>,
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
struct Step {
    from: usize,
    to: usize,
    at: Option<Moment>,
    label: String,
    bad: bool,
}

impl Sequence {
    /// No steps yet, between these parties.
    pub const fn new(lanes: Vec<String>) -> Self {
        Self { lanes, steps: Vec::new() }
    }

    /// From lane to lane (from 0); the same lane for what a party does by itself. Lanes that are not there are left out.
    pub fn step(&mut self, from: usize, to: usize, at: Option<Moment>, label: &str, bad: bool) {
        if from < self.lanes.len() && to < self.lanes.len() {
            self.steps.push(Step { from, to, at, label: label.to_owned(), bad });
        }
    }

    /// Whether there is nothing to draw.
    pub const fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The steps in words: time, from, to, what.
    pub fn told(&self) -> Vec<(String, &str, &str, &str)> {
        let name = |lane: usize| self.lanes.get(lane).map(String::as_str).unwrap_or_default();
        let told = |step: &Step| {
            let at = step.at.map(clock).unwrap_or_default();
            (at, step.from, step.to)
        };
        self.steps
            .iter()
            .map(|step| {
                let (at, from, to) = told(step);
                (at, name(from), name(to), step.label.as_str())
            })
            .collect()
    }

    /// The picture. Hidden from screen readers, which have [`Sequence::told`].
    pub fn svg(&self) -> String {
        let (width, height) = (LANE * self.lanes.len().max(1), TOP + STEP * self.steps.len() + 20);
        let x = |lane: usize| lane * LANE + LANE / 2;
        let mut svg = format!(
            "<svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" aria-hidden=\"true\" focusable=\"false\">"
        );
        // Writing into a String cannot fail.
        for (lane, name) in self.lanes.iter().enumerate() {
            let (left, middle) = (lane * LANE + 8, x(lane));
            let _ = write!(
                svg,
                "<line class=\"life\" x1=\"{middle}\" y1=\"48\" x2=\"{middle}\" y2=\"{height}\"/>\
                 <rect class=\"box\" x=\"{left}\" y=\"4\" width=\"{}\" height=\"46\" rx=\"4\"/>",
                LANE - 16
            );
            let parts = in_two(name);
            for (row, part) in parts.iter().enumerate() {
                let y = if parts.len() == 1 { 32 } else { 23 + row * 18 };
                let _ = write!(
                    svg,
                    "<text x=\"{middle}\" y=\"{y}\" text-anchor=\"middle\">{}</text>",
                    escaped(part)
                );
            }
        }
        for (n, step) in self.steps.iter().enumerate() {
            let (y, from, to) = (TOP + STEP * n + 22, x(step.from), x(step.to));
            let class = if step.bad { " bad" } else { "" };
            if step.from == step.to {
                let _ = write!(svg, "<circle class=\"head{class}\" cx=\"{from}\" cy=\"{y}\" r=\"5\"/>");
            } else {
                let (end, back) = if to > from { (to - 2, to - 12) } else { (to + 2, to + 12) };
                let _ = write!(
                    svg,
                    "<line class=\"arrow{class}\" x1=\"{from}\" y1=\"{y}\" x2=\"{back}\" y2=\"{y}\"/>\
                     <polygon class=\"head{class}\" points=\"{end},{y} {back},{} {back},{}\"/>",
                    y - 6,
                    y + 6
                );
            }
            let time = step.at.map(|at| format!("{} ", clock(at))).unwrap_or_default();
            let (start, anchor) = (from.min(to) + 8, "start");
            let _ = write!(
                svg,
                "<text x=\"{start}\" y=\"{}\" text-anchor=\"{anchor}\"><tspan class=\"soft\">{time}</tspan>{}</text>",
                y - 8,
                escaped(&step.label)
            );
        }
        svg.push_str("</svg>");
        svg
    }
}

/// A name on at most two lines.
fn in_two(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let wide = letters.iter().any(|letter| !letter.is_ascii());
    let most = if wide { NAME } else { NAME * 2 };
    letters.chunks(most).take(2).map(|part| part.iter().collect()).collect()
}

/// Text as SVG and HTML take it.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_shows_each_step_and_no_name_breaks_out_of_it() {
        let mut sequence = Sequence::new(vec!["<b>town</b>".into(), "linkage".into()]);
        sequence.step(0, 1, Some(Moment(0)), "a & b", false);
        sequence.step(1, 0, None, "refused", true);
        sequence.step(5, 0, None, "no such lane", false);
        let svg = sequence.svg();
        assert_eq!(svg.matches("<polygon").count(), 2);
        assert!(svg.contains("a &amp; b") && svg.contains("09:00:00") && svg.contains("arrow bad"));
        assert!(svg.contains("&lt;b&gt;") && !svg.contains("<b>") && !svg.contains("no such lane"));
        assert_eq!(sequence.told()[1].3, "refused");
    }
}
