//! The difference of two texts as a unified patch.

use std::fmt::Write;

/// Lines shown around a change.
const CONTEXT_LINES: usize = 3;
/// Changed lines up to which the smallest difference is looked for; beyond it all between first and last is replaced.
const CHANGES_MAX: usize = 600;

/// One line of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line<'a> {
    Same(&'a str),
    Old(&'a str),
    New(&'a str),
}

/// The patch that makes `after` of `before`, both at `path`; empty if they are the same. A text that was not there
/// before is `None`.
pub fn patch(path: &str, before: Option<&str>, after: &str) -> String {
    if before == Some(after) {
        return String::new();
    }
    let lines = compare(before.unwrap_or(""), after);
    let mut text = match before {
        Some(_) => format!("--- a/{path}\n+++ b/{path}\n"),
        None => format!("--- /dev/null\n+++ b/{path}\n"),
    };
    let changed: Vec<usize> =
        (0..lines.len()).filter(|at| !matches!(lines[*at], Line::Same(_))).collect();
    let mut at = 0;
    let (mut old, mut new) = (0_usize, 0_usize);
    let mut changed = changed.into_iter().peekable();
    while let Some(first) = changed.next() {
        let mut last = first;
        while let Some(next) = changed.next_if(|next| *next <= last + 2 * CONTEXT_LINES + 1) {
            last = next;
        }
        let start = first.saturating_sub(CONTEXT_LINES).max(at);
        let end = (last + CONTEXT_LINES + 1).min(lines.len());
        // Everything up to the hunk is the same in both.
        old += start - at;
        new += start - at;
        let hunk = &lines[start..end];
        let olds = hunk.iter().filter(|line| !matches!(line, Line::New(_))).count();
        let news = hunk.iter().filter(|line| !matches!(line, Line::Old(_))).count();
        let place = |start: usize, count: usize| {
            if count == 0 { format!("{start},0") } else { format!("{},{count}", start + 1) }
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "@@ -{} +{} @@", place(old, olds), place(new, news));
        for line in hunk {
            push(&mut text, *line);
        }
        (old, new, at) = (old + olds, new + news, end);
    }
    text
}

fn push(text: &mut String, line: Line<'_>) {
    let (sign, line) = match line {
        Line::Same(line) => (' ', line),
        Line::Old(line) => ('-', line),
        Line::New(line) => ('+', line),
    };
    text.push(sign);
    text.push_str(line);
    if !line.ends_with('\n') {
        text.push_str("\n\\ No newline at end of file\n");
    }
}

fn compare<'a>(before: &'a str, after: &'a str) -> Vec<Line<'a>> {
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b);
    let tail = tail.count();
    let (old_middle, new_middle) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let mut lines: Vec<Line<'a>> = old[..head].iter().map(|line| Line::Same(line)).collect();
    if let Some(middle) = shortest(old_middle, new_middle) {
        lines.extend(middle);
    } else {
        lines.extend(old_middle.iter().map(|line| Line::Old(line)));
        lines.extend(new_middle.iter().map(|line| Line::New(line)));
    }
    lines.extend(old[old.len() - tail..].iter().map(|line| Line::Same(line)));
    lines
}

/// Myers, "An O(ND) Difference Algorithm" (1986): the fewest lines taken away and added; `None` when they are many.
fn shortest<'a>(old: &[&'a str], new: &[&'a str]) -> Option<Vec<Line<'a>>> {
    // `reach[d][k]`: how far in `old` one gets on diagonal `k - d` with `d` changes.
    let mut reach: Vec<Vec<usize>> = Vec::new();
    let total = old.len() + new.len();
    for changes in 0..=total.min(CHANGES_MAX) {
        let mut row = vec![0; 2 * changes + 1];
        for slot in (0..=2 * changes).step_by(2) {
            let mut x = start(&reach, changes, slot);
            // `x - y` is `slot - changes`.
            let mut y = (x + changes).saturating_sub(slot);
            while x < old.len() && y < new.len() && old[x] == new[y] {
                (x, y) = (x + 1, y + 1);
            }
            row[slot] = x;
            if x >= old.len() && y >= new.len() {
                return Some(trace(old, new, &reach, changes, slot));
            }
        }
        reach.push(row);
    }
    None
}

/// Where a path of `changes` changes starts on a diagonal, before the lines that are the same.
fn start(reach: &[Vec<usize>], changes: usize, slot: usize) -> usize {
    let Some(row) = changes.checked_sub(1).and_then(|last| reach.get(last)) else { return 0 };
    // The row before has its diagonals one slot lower.
    let added = row.get(slot).copied();
    let taken = slot.checked_sub(2).and_then(|slot| row.get(slot)).map(|x| x + 1);
    match (added, taken) {
        (Some(added), Some(taken)) => added.max(taken),
        (Some(x), None) | (None, Some(x)) => x,
        (None, None) => 0,
    }
}

fn trace<'a>(
    old: &[&'a str],
    new: &[&'a str],
    reach: &[Vec<usize>],
    changes: usize,
    slot: usize,
) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    let (mut x, mut y, mut changes, mut slot) = (old.len(), new.len(), changes, slot);
    loop {
        let from = start(reach, changes, slot);
        while x > from && y > 0 {
            (x, y) = (x - 1, y - 1);
            lines.push(Line::Same(old[x]));
        }
        let Some(last) = changes.checked_sub(1) else { break };
        let taken = slot.checked_sub(2).and_then(|slot| reach[last].get(slot)).map(|x| x + 1);
        if taken == Some(from) && x > 0 && reach[last].get(slot).is_none_or(|added| *added < from) {
            x -= 1;
            slot -= 2;
            lines.push(Line::Old(old[x]));
        } else {
            y -= 1;
            lines.push(Line::New(new[y]));
        }
        changes = last;
    }
    lines.reverse();
    // What is taken away stands before what comes in its place.
    for run in lines.chunk_by_mut(|a, b| !matches!(a, Line::Same(_)) && !matches!(b, Line::Same(_)))
    {
        run.sort_by_key(|line| matches!(line, Line::New(_)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(before: &str, after: &str, expected: Expect) {
        expected.assert_eq(&patch("Dockerfile", Some(before), after));
    }

    /// Apply a comparison again.
    fn both<'a>(lines: &[Line<'a>]) -> (Vec<&'a str>, Vec<&'a str>) {
        let old = lines.iter().filter_map(|line| match line {
            Line::Same(line) | Line::Old(line) => Some(*line),
            Line::New(_) => None,
        });
        let new = lines.iter().filter_map(|line| match line {
            Line::Same(line) | Line::New(line) => Some(*line),
            Line::Old(_) => None,
        });
        (old.collect(), new.collect())
    }

    #[test]
    fn changes_have_their_surroundings() {
        check(
            "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n",
            "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n11\n12\n13\nmore",
            expect![[r#"
                --- a/Dockerfile
                +++ b/Dockerfile
                @@ -2,7 +2,7 @@
                 2
                 3
                 4
                -5
                +five
                 6
                 7
                 8
                @@ -11,3 +11,4 @@
                 11
                 12
                 13
                +more
                \ No newline at end of file
            "#]],
        );
        assert_eq!(patch("x", Some("a\n"), "a\n"), "");
        assert_eq!(patch("x", None, "a\n"), "--- /dev/null\n+++ b/x\n@@ -0,0 +1,1 @@\n+a\n");
    }

    #[test]
    fn every_comparison_holds_both_texts() {
        // All texts of up to five lines of two letters, against each other.
        let texts: Vec<String> = (0..6_u32)
            .flat_map(|length| (0..1 << length).map(move |bits| (length, bits)))
            .map(|(length, bits)| {
                (0..length).map(|at| if bits >> at & 1 == 0 { "a\n" } else { "b\n" }).collect()
            })
            .collect();
        for before in &texts {
            for after in &texts {
                let (old, new) = both(&compare(before, after));
                assert_eq!((old.concat(), new.concat()), (before.clone(), after.clone()));
            }
        }
    }

    #[test]
    fn texts_with_nothing_in_common_end_soon() {
        let text = |word: &str| -> String {
            (0..20_000).map(|n| [word, &n.to_string(), "\n"].concat()).collect()
        };
        let (before, after) = (text("a"), text("b"));
        assert!(patch("x", Some(&before), &after).starts_with("--- a/x\n+++ b/x\n@@ -1,20000 +1"));
    }
}
