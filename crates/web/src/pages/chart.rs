//! Findings over time, as a drawing and as a table.

use std::fmt::Write as _;

use jiff::Timestamp;
use maud::{Markup, html};

use crate::insight::Counts;
use crate::layout::time;
use crate::table::{numbers, table, words};

const WIDTH: i64 = 640;
const HEIGHT: i64 = 200;
const LEFT: i64 = 40;
const BOTTOM: i64 = 24;
const TOP: i64 = 10;

type Pick = fn(&Counts) -> usize;
const LINES: [(&str, Pick); 4] = [
    ("critical", |counts| counts.critical),
    ("high", |counts| counts.high),
    ("medium", |counts| counts.medium),
    ("low", |counts| counts.low),
];

pub(crate) fn findings(history: &[(Timestamp, Counts)]) -> Markup {
    let highest = history.iter().map(|(_, counts)| highest(counts)).max().unwrap_or(1).max(1);
    let first = history.first().map_or(0, |(at, _)| at.as_second());
    let last = history.last().map_or(0, |(at, _)| at.as_second());
    let span = (last - first).max(1);
    let x = |at: Timestamp| LEFT + (WIDTH - LEFT - 10) * (at.as_second() - first) / span;
    let floor = HEIGHT - BOTTOM;
    let scale = i64::try_from(highest).unwrap_or(i64::MAX);
    let y = |count: usize| {
        let count = i64::try_from(count).unwrap_or(scale).min(scale);
        floor - (floor - TOP) * count / scale
    };
    let steps = |pick: Pick| {
        let mut drawn = String::new();
        for (number, (at, counts)) in history.iter().enumerate() {
            let (x, y) = (x(*at), y(pick(counts)));
            // A count holds until the next one is known.
            let text = if number == 0 { format!("M{x} {y}") } else { format!("H{x}V{y}") };
            drawn.push_str(&text);
        }
        let _ = write!(drawn, "H{}", WIDTH - 10);
        drawn
    };
    let columns =
        [words("Since"), numbers("Critical"), numbers("High"), numbers("Medium"), numbers("Low")];
    let row = |(at, counts): &(Timestamp, Counts)| {
        let cell = |(_, pick): (&str, Pick)| html! { (pick(counts)) };
        std::iter::once(time(*at)).chain(LINES.map(cell)).collect::<Vec<_>>()
    };
    let rows: Vec<_> = history.iter().rev().map(row).collect();
    html! {
        figure {
            svg .chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img"
                aria-label="Number of findings over time; the table below has the numbers" {
                path .axis d={ "M" (LEFT) " " (TOP) "V" (floor) "H" (WIDTH - 10) } {}
                text x=(LEFT - 6) y=(TOP + 8) text-anchor="end" { (highest) }
                text x=(LEFT - 6) y=(floor) text-anchor="end" { "0" }
                @for (name, pick) in LINES { path class={ "line line-" (name) } d=(steps(pick)) {} }
            }
            figcaption {
                @for (name, _) in LINES {
                    span {
                        svg viewBox="0 0 26 10" aria-hidden="true" { path class={ "line line-" (name) } d="M0 5H26" {} }
                        (name)
                    }
                }
            }
        }
        details {
            summary { "The numbers" }
            (table("Findings over time", &columns, &rows))
        }
    }
}

fn highest(counts: &Counts) -> usize {
    LINES.iter().map(|(_, pick)| pick(counts)).max().unwrap_or(0)
}
