//! Edits of a tree's text: each touches only the bytes that it is about, in the style of what stands around it.
//!
//! Every function gives nothing where it cannot be sure that the rest keeps its meaning.

use sealift_diagnostic::{Edit, Span};

use super::view::Entry;
use super::{Content, Quotes, Tree, View};

/// A value to write. Texts are written as they are given, so that they bring the quotes they need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    List(Vec<String>),
    Map(Vec<(String, Value)>),
}

impl Value {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(crate) fn list(items: &[&str]) -> Self {
        Self::List(items.iter().map(|&item| item.to_owned()).collect())
    }
}

/// How a file is laid out.
struct Layout {
    newline: &'static str,
    /// Columns from a key to the keys of its value.
    step: usize,
    /// Columns from a key to the dashes of its value.
    list_step: usize,
}

impl Layout {
    fn of(tree: &Tree<'_>) -> Self {
        let newline = if tree.text.contains("\r\n") { "\r\n" } else { "\n" };
        let mut step = None;
        let mut list_step = None;
        for node in &tree.nodes {
            let Content::Map(pairs) = &node.content else { continue };
            if node.is_flow {
                continue;
            }
            for (key, value) in pairs {
                let value = &tree.nodes[*value];
                if value.is_flow || step.is_some() && list_step.is_some() {
                    continue;
                }
                let outer = column(tree.text, tree.nodes[*key].span.start);
                match &value.content {
                    Content::Map(inner) => {
                        let first = inner.first().map(|(key, _)| tree.nodes[*key].span.start);
                        let inner = first.map_or(0, |start| column(tree.text, start));
                        step = step.or(inner.checked_sub(outer).filter(|step| *step > 0));
                    }
                    Content::List(_) => {
                        let inner = column(tree.text, value.span.start);
                        list_step = list_step.or(dash_column(tree, value.span.start, inner)
                            .and_then(|dash| dash.checked_sub(outer)));
                    }
                    _ => {}
                }
            }
        }
        let step = step.unwrap_or(2).min(16);
        Self { newline, step, list_step: list_step.unwrap_or(step).min(16) }
    }
}

/// The column of the first dash of a list whose first item starts at `start`.
fn dash_column(tree: &Tree<'_>, start: usize, column: usize) -> Option<usize> {
    let line = &tree.text[line_start(tree.text, start)..start];
    let blanks = line.len() - line.trim_start_matches(' ').len();
    if tree.text[start..].starts_with('-') && line.len() == blanks {
        return Some(column);
    }
    line[blanks..].starts_with('-').then_some(blanks)
}

/// Put new entries at the end of a mapping.
pub(crate) fn add_entries(map: View<'_>, added: &[(&str, Value)]) -> Option<Edit> {
    let text = map.tree().text;
    let entries: Vec<Entry<'_>> = map.own_entries().collect();
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
        return add_to_empty(map, added);
    };
    if map.is_flow() {
        let is_json = text[first.key.place().start..].starts_with('"');
        let items: Vec<String> = added.iter().map(|it| flow_entry(it, is_json)).collect();
        return add_flow_items(map, first.key.place().start, last.value.place().end, &items);
    }
    let column = free_column(text, first.key.place().start)?;
    let at = end_of_entry(last)?;
    let layout = Layout::of(map.tree());
    let mut written = String::new();
    for (key, value) in added {
        write_block(&mut written, column, key, value, &layout);
    }
    Some(Edit::insert(at, written))
}

fn flow_entry((key, value): &(&str, Value), is_json: bool) -> String {
    format!("{}: {}", quote_for(key, is_json), flow(value, is_json))
}

fn add_to_empty(map: View<'_>, added: &[(&str, Value)]) -> Option<Edit> {
    if !map.is_map() || !map.is_flow() {
        return None;
    }
    let is_json = map.tree().text.trim_start().starts_with('{');
    let items: Vec<String> = added.iter().map(|it| flow_entry(it, is_json)).collect();
    Some(Edit::insert(map.span().end.checked_sub(1)?, items.join(", ")))
}

/// Put a new item, written as given, at the end of a list.
pub(crate) fn add_item(list: View<'_>, item: &str) -> Option<Edit> {
    let text = list.tree().text;
    let items: Vec<View<'_>> = list.items().collect();
    let (first, last) = (items.first()?, items.last()?);
    if list.is_flow() {
        let is_json = text[first.place().start..].starts_with('"');
        let item = flow(&Value::text(item), is_json);
        return add_flow_items(list, first.place().start, last.place().end, &[item]);
    }
    let line = &text[line_start(text, first.place().start)..first.place().start];
    let blanks = line.len() - line.trim_start_matches(' ').len();
    if line[blanks..].trim_end() != "-" || keeps_line_ends(*last) {
        return None;
    }
    let at = line_end(text, last.place().end);
    let newline = Layout::of(list.tree()).newline;
    Some(Edit::insert(at, format!("{newline}{}- {item}", " ".repeat(blanks))))
}

fn add_flow_items(
    whole: View<'_>,
    first: usize,
    last_end: usize,
    items: &[String],
) -> Option<Edit> {
    let text = whole.tree().text;
    let close = whole.span().end.checked_sub(1)?;
    let rest = text.get(last_end..close)?;
    if rest.contains('#') {
        return None;
    }
    if let Some(comma) = rest.find(',') {
        return Some(Edit::insert(last_end + comma + 1, format!(" {}", items.join(", "))));
    }
    let blanks = free_column(text, first);
    let separator = match blanks {
        Some(blanks) if text[whole.span().range()].contains('\n') => {
            format!(",{}{}", Layout::of(whole.tree()).newline, " ".repeat(blanks))
        }
        _ => ", ".to_owned(),
    };
    let mut written = String::new();
    for item in items {
        written.extend([&separator, item.as_str()]);
    }
    Some(Edit::insert(last_end, written))
}

/// Put another text in place of a scalar, with the same quotes.
pub(crate) fn replace(scalar: View<'_>, text: &str) -> Option<Edit> {
    let span = bare(scalar)?;
    let written = match scalar.quotes() {
        Quotes::None if is_plain(text) => text.to_owned(),
        Quotes::None | Quotes::Double => double_quoted(text),
        Quotes::Single => format!("'{}'", text.replace('\'', "''")),
        Quotes::Block => return None,
    };
    Some(Edit::replace(span, written))
}

/// The place of a scalar without its anchor and tag.
fn bare(scalar: View<'_>) -> Option<Span> {
    scalar.text()?;
    let span = scalar.span();
    let mut rest = span.text(scalar.tree().text);
    while rest.starts_with(['&', '!']) {
        rest = rest.split_once([' ', '\t'])?.1.trim_start();
    }
    Some(Span::new(span.end - rest.len(), span.end))
}

/// Take an entry away, with its lines; nothing if it is the mapping's only one.
pub(crate) fn remove_entry(entry: &Entry<'_>) -> Option<Edit> {
    let map = entry.owner;
    let text = map.tree().text;
    let entries: Vec<Entry<'_>> = map.own_entries().collect();
    let index = entries.iter().position(|it| it.key.place() == entry.key.place())?;
    if entries.len() < 2 {
        return None;
    }
    if map.is_flow() {
        let spans: Vec<Span> = entries.iter().map(Entry::span).collect();
        return remove_flow_part(text, &spans, index);
    }
    remove_lines(text, entry.key.place().start, end_of_entry(entry)?)
}

/// Take an item away; nothing if it is the list's only one.
pub(crate) fn remove_item(list: View<'_>, item: View<'_>) -> Option<Edit> {
    let text = list.tree().text;
    let spans: Vec<Span> = list.items().map(View::place).collect();
    let index = spans.iter().position(|span| *span == item.place())?;
    if spans.len() < 2 {
        return None;
    }
    if list.is_flow() {
        return remove_flow_part(text, &spans, index);
    }
    let start = line_start(text, item.place().start);
    let before = &text[start..item.place().start];
    if before.trim() != "-" || keeps_line_ends(item) {
        return None;
    }
    let dash = start + before.find('-')?;
    remove_lines(text, dash, line_end(text, item.place().end))
}

/// Take an item away, and with the last one the whole entry that has the list.
pub(crate) fn remove_item_of(entry: &Entry<'_>, item: View<'_>) -> Option<Edit> {
    remove_item(entry.value, item).or_else(|| {
        let is_last = entry.value.items().count() == 1;
        is_last.then(|| remove_entry(entry)).flatten()
    })
}

fn remove_flow_part(text: &str, spans: &[Span], index: usize) -> Option<Edit> {
    let span = spans.get(index)?;
    let cut = match spans.get(index + 1) {
        Some(next) => Span::new(span.start, next.start),
        None => Span::new(spans.get(index.checked_sub(1)?)?.end, span.end),
    };
    (!cut.text(text).contains('#')).then(|| Edit::delete(cut))
}

/// Delete the lines from the one of `start` to the one of `end`, if nothing else stands before `start`.
fn remove_lines(text: &str, start: usize, end: usize) -> Option<Edit> {
    free_column(text, start).filter(|_| text[line_start(text, start)..start].trim().is_empty())?;
    let end = text[end..].find('\n').map_or(text.len(), |at| end + at + 1);
    Some(Edit::delete(Span::new(line_start(text, start), end)))
}

fn write_block(into: &mut String, column: usize, key: &str, value: &Value, layout: &Layout) {
    into.push_str(layout.newline);
    into.push_str(&" ".repeat(column));
    into.push_str(key);
    into.push(':');
    match value {
        Value::Text(text) => {
            into.push(' ');
            into.push_str(text);
        }
        Value::List(items) => {
            for item in items {
                into.push_str(layout.newline);
                into.push_str(&" ".repeat(column + layout.list_step));
                into.push_str("- ");
                into.push_str(item);
            }
        }
        Value::Map(entries) => {
            for (key, value) in entries {
                write_block(into, column + layout.step, key, value, layout);
            }
        }
    }
}

/// A value with brackets and braces.
fn flow(value: &Value, is_json: bool) -> String {
    match value {
        Value::Text(text) => quote_for(text, is_json),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| quote_for(item, is_json)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| {
                    format!("{}: {}", quote_for(key, is_json), flow(value, is_json))
                })
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

fn quote_for(text: &str, is_json: bool) -> String {
    let bare = text.starts_with('"')
        || matches!(text, "true" | "false" | "null")
        || text.parse::<f64>().is_ok();
    if is_json && !bare { double_quoted(text) } else { text.to_owned() }
}

/// The text in double quotes.
pub(crate) fn double_quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether a text means itself without quotes, in every place and for every reader.
fn is_plain(text: &str) -> bool {
    let safe =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '=' | '@');
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(|c| safe(c) || c == ':')
        && !text.ends_with(':')
        || matches!(text, "true" | "false")
        || !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Where a line can be put behind an entry.
fn end_of_entry(entry: &Entry<'_>) -> Option<usize> {
    let text = entry.owner.tree().text;
    if keeps_line_ends(entry.value) {
        return None;
    }
    Some(line_end(text, entry.value.place().end.max(entry.key.place().end)))
}

/// Whether the last thing in a value is a text that keeps all its line ends: lines put after it would cut some off.
fn keeps_line_ends(value: View<'_>) -> bool {
    if value.is_alias() || value.is_flow() {
        return false;
    }
    if value.is_list() {
        return value.items().last().is_some_and(keeps_line_ends);
    }
    if value.is_map() {
        return value.own_entries().last().is_some_and(|entry| keeps_line_ends(entry.value));
    }
    value.quotes() == Quotes::Block && value.text().is_some_and(|text| text.ends_with("\n\n"))
}

/// The column of `at`, if nothing but blanks and dashes of lists stands before it on its line.
fn free_column(text: &str, at: usize) -> Option<usize> {
    let before = &text[line_start(text, at)..at];
    before.bytes().all(|byte| matches!(byte, b' ' | b'-')).then_some(before.len())
}

fn column(text: &str, at: usize) -> usize {
    text[line_start(text, at)..at].chars().count()
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |found| found + 1)
}

/// The end of the line of `at`, before its line break.
fn line_end(text: &str, at: usize) -> usize {
    let end = text[at..].find('\n').map_or(text.len(), |found| at + found);
    if end > at && text[..end].ends_with('\r') { end - 1 } else { end }
}
