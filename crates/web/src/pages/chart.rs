//! Findings over time, as a drawing and as a table.

use std::fmt::Write as _;

use jiff::Timestamp;
use maud::{Markup, html};

use crate::insight::Counts;
use crate::layout::time;
use crate::table::{numbers, table, words};

const WIDTH: i64 = 640;
const HEIGHT: i64 = 200;
const LEFT: i64 = 56;
const BOTTOM: i64 = 30;
const TOP: i64 = 10;
// Days say little of less.
const TWO_DAYS: i64 = 2 * 24 * 3600;

type Pick = fn(&Counts) -> usize;
const LINES: [(&str, Pick); 4] = [
    ("critical", |counts| counts.critical),
    ("high", |counts| counts.high),
    ("medium", |counts| counts.medium),
    ("low", |counts| counts.low),
];

/// How findings went until now.
#[derive(Clone, Copy)]
pub(crate) struct Course<'a> {
    /// Oldest first.
    pub(crate) points: &'a [(Timestamp, Counts)],
    pub(crate) now: Timestamp,
}

/// The course as a part of a page; nothing if there was no change yet.
pub(crate) fn section(course: Course<'_>) -> Markup {
    html! {
        @if course.points.len() > 1 {
            section .panel aria-labelledby="over-time" {
                h2 #over-time { "Findings over time" }
                (findings(course))
            }
        }
    }
}

fn findings(course: Course<'_>) -> Markup {
    let Course { points: history, now } = course;
    let highest = history.iter().map(|(_, counts)| highest(counts)).max().unwrap_or(1).max(1);
    let first = history.first().map_or(0, |(at, _)| at.as_second());
    let last = history.last().map_or(0, |(at, _)| at.as_second()).max(now.as_second());
    let span = last.saturating_sub(first).max(1);
    let x = |at: Timestamp| LEFT + (WIDTH - LEFT - 10) * (at.as_second() - first) / span;
    let day = |secs: i64| {
        let at = Timestamp::from_second(secs).unwrap_or(now);
        let form = if span < TWO_DAYS { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d" };
        at.strftime(form).to_string()
    };
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
            svg .chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" preserveAspectRatio="xMinYMid"
                aria-label="Number of findings over time; the table below has the numbers" {
                path .axis d={ "M" (LEFT) " " (TOP) "V" (floor) "H" (WIDTH - 10) } {}
                text x=(LEFT - 6) y=(TOP + 8) text-anchor="end" { (highest) }
                text x=(LEFT - 6) y=(floor) text-anchor="end" { "0" }
                text x=(LEFT) y=(HEIGHT - 6) { (day(first)) }
                text x=(WIDTH - 10) y=(HEIGHT - 6) text-anchor="end" { (day(last)) }
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
