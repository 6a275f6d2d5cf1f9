//! Plain columns for lists: no frame, no colour, nothing cut.

use comfy_table::{Table, TableStyle};

/// A header and rows, aligned.
pub(crate) fn columns(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_header(header.to_vec());
    for row in rows {
        table.add_row(row);
    }
    // The first column needs no space before it.
    table
        .trim_fmt()
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
}
