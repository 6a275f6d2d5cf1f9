//! Tables: rows and columns on wide screens, a card a row on narrow ones. Roles are said aloud, since a table that is shown
//! as cards is none to some browsers.

use maud::{Markup, html};

/// A column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    title: &'static str,
    class: &'static str,
}

/// A column of words.
pub(crate) const fn words(title: &'static str) -> Column {
    Column { title, class: "" }
}

/// A column of numbers.
pub(crate) const fn numbers(title: &'static str) -> Column {
    Column { title, class: "number" }
}

/// A column of words that are not broken where there is room.
pub(crate) const fn short(title: &'static str) -> Column {
    Column { title, class: "short" }
}

/// A column that gets what room the others leave.
pub(crate) const fn rest(title: &'static str) -> Column {
    Column { title, class: "rest" }
}

/// A table. The first cell of a row says what the row is about.
pub(crate) fn table(label: &str, columns: &[Column], rows: &[Vec<Markup>]) -> Markup {
    html! {
        table role="table" aria-label=(label) {
            thead role="rowgroup" {
                tr role="row" {
                    @for column in columns {
                        th role="columnheader" scope="col" class=(column.class) { (column.title) }
                    }
                }
            }
            tbody role="rowgroup" {
                @for row in rows {
                    tr role="row" {
                        @for (number, (column, cell)) in columns.iter().zip(row).enumerate() {
                            @if number == 0 {
                                th role="rowheader" scope="row" class=(column.class) data-label=(column.title) { (cell) }
                            } @else {
                                td role="cell" class=(column.class) data-label=(column.title) { div { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
