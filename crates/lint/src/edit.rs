//! Edits of a Dockerfile that leave its form alone: line breaks as the file has them, no blank line too many, and a last
//! line without a break stays one.

use sealift_diagnostic::{Edit, Span};
use sealift_dockerfile::{Dockerfile, Instruction, Word};

/// The line break of the file.
pub(crate) fn line_break(file: &Dockerfile) -> &'static str {
    let first = file.source.split_once('\n').map_or("", |(line, _)| line);
    if first.ends_with('\r') { "\r\n" } else { "\n" }
}

/// Take an instruction away with its lines.
pub(crate) fn delete_instruction(file: &Dockerfile, instruction: &Instruction) -> Edit {
    let source = file.source.as_str();
    let start = line_start(source, instruction.span.start);
    let mut end = line_end(source, instruction.span.end);
    if end == source.len() && !source.ends_with('\n') {
        // It was the last line, and had no break: now the one before has none.
        return Edit::delete(Span::new(without_break(source, start), end));
    }
    let blank_before =
        start == 0 || source[..start].ends_with("\n\n") || source[..start].ends_with("\n\r\n");
    let next = line_end(source, end);
    if blank_before && next > end && source[end..next].trim().is_empty() {
        end = next;
    }
    Edit::delete(Span::new(start, end))
}

/// Put lines after an instruction.
pub(crate) fn insert_after(file: &Dockerfile, instruction: &Instruction, line: &str) -> Edit {
    let source = file.source.as_str();
    let end = line_end(source, instruction.span.end);
    let line_break = line_break(file);
    let line = line.replace('\n', line_break);
    if end == source.len() && !source.ends_with('\n') {
        Edit::insert(end, format!("{line_break}{line}"))
    } else {
        Edit::insert(end, format!("{line}{line_break}"))
    }
}

/// Put lines before an instruction and the comments right above it, which belong to it.
pub(crate) fn insert_before(file: &Dockerfile, instruction: &Instruction, line: &str) -> Edit {
    let source = file.source.as_str();
    let mut at = line_start(source, instruction.span.start);
    // Directives must stay at the top.
    let floor = file.directives.last().map_or(0, |directive| line_end(source, directive.span.end));
    while at > floor {
        let above = line_start(source, at - 1);
        if !source[above..at].trim_start().starts_with('#') {
            break;
        }
        at = above;
    }
    let line_break = line_break(file);
    Edit::insert(at.max(floor), format!("{}{line_break}", line.replace('\n', line_break)))
}

/// Take a word of an instruction away with the white space, and the line breaks, between it and what stands before it.
/// `None` if comments stand there.
pub(crate) fn remove_word(file: &Dockerfile, before: Span, word: Span) -> Option<Edit> {
    let gap = file.source.get(before.end..word.start)?;
    let plain = gap.chars().all(|letter| letter.is_whitespace() || letter == file.escape);
    plain.then(|| Edit::delete(Span::new(before.end, word.end)))
}

/// Take one of the things that an instruction lists away; the last one goes with the instruction.
pub(crate) fn remove_item(
    file: &Dockerfile,
    instruction: &Instruction,
    items: &[Span],
    index: usize,
) -> Option<Edit> {
    let item = *items.get(index)?;
    if items.len() == 1 {
        return Some(delete_instruction(file, instruction));
    }
    match index.checked_sub(1).and_then(|before| items.get(before)) {
        Some(before) => remove_word(file, *before, item),
        None => remove_word(file, instruction.keyword_span, item),
    }
}

/// Replace a word that is written as it reads: without quotes, escapes or line breaks inside.
pub(crate) fn rewrite(file: &Dockerfile, word: &Word, text: impl Into<String>) -> Option<Edit> {
    (word.span.text(&file.source) == word.as_str()).then(|| Edit::replace(word.span, text))
}

fn line_start(source: &str, at: usize) -> usize {
    source.get(..at).and_then(|text| text.rfind('\n')).map_or(0, |found| found + 1)
}

/// Where the line after that of `at` starts.
fn line_end(source: &str, at: usize) -> usize {
    source.get(at..).and_then(|text| text.find('\n')).map_or(source.len(), |found| at + found + 1)
}

/// The end of the line before `start`, without its break.
fn without_break(source: &str, start: usize) -> usize {
    let text = source.get(..start).unwrap_or("");
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text).len()
}

#[cfg(test)]
mod tests {
    use sealift_diagnostic::{Fix, Tier, apply};
    use sealift_dockerfile::{Limits, parse};

    use super::*;

    #[track_caller]
    fn check(source: &str, edit: fn(&Dockerfile, &Instruction) -> Edit, expected: &str) {
        let file = parse(source, &Limits::default()).file;
        let instruction = file
            .instructions
            .iter()
            .find(|instruction| instruction.raw.starts_with("USER"))
            .unwrap();
        let fix = Fix::new(Tier::Safe, "mend", vec![edit(&file, instruction)]);
        assert_eq!(apply(source, &[&fix]).text, expected);
    }

    #[test]
    fn instructions_go_with_their_lines() {
        check("FROM a\nUSER b\nRUN c\n", delete_instruction, "FROM a\nRUN c\n");
        check("FROM a\r\n  USER \\\r\n b\r\nRUN c", delete_instruction, "FROM a\r\nRUN c");
        check("FROM a\nUSER b", delete_instruction, "FROM a");
        check("FROM a\r\nUSER b", delete_instruction, "FROM a");
        check("FROM a\n\nUSER b\n\nRUN c\n", delete_instruction, "FROM a\n\nRUN c\n");
    }

    #[test]
    fn lines_come_where_they_belong() {
        let after: fn(&Dockerfile, &Instruction) -> Edit =
            |file, it| insert_after(file, it, "X y\nZ");
        check("FROM a\nUSER b\nRUN c\n", after, "FROM a\nUSER b\nX y\nZ\nRUN c\n");
        check("FROM a\r\nUSER b", after, "FROM a\r\nUSER b\r\nX y\r\nZ");
        let before: fn(&Dockerfile, &Instruction) -> Edit =
            |file, it| insert_before(file, it, "X y");
        check("FROM a\n# why\nUSER b\n", before, "FROM a\nX y\n# why\nUSER b\n");
        check("# escape=`\n# why\nUSER b\n", before, "# escape=`\nX y\n# why\nUSER b\n");
    }
}
