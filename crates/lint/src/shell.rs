//! The simple commands of a shell line, with the place of every word: enough of POSIX shell for the rules.
//!
//! Invariants: linear time, bounded recursion into `$(…)`, never an error: what is not understood is a plain word.

use std::ops::Range;

use sealift_diagnostic::Span;
use sealift_dockerfile::Word;

/// Deepest nesting of `$(…)` that is looked into.
const DEPTH_MAX: usize = 6;

/// One simple command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Command {
    /// Its words without quotes, wrappers such as `sudo` included.
    pub(crate) words: Vec<Word>,
    /// `NAME=value` before the command.
    pub(crate) assignments: Vec<Word>,
    /// Targets of its redirections.
    pub(crate) redirects: Vec<Word>,
    /// Whether it reads what the command before it writes.
    pub(crate) piped: bool,
    /// Whether it stands inside `$(…)`.
    pub(crate) nested: bool,
    /// Index of the word that is the command itself.
    start: usize,
}

impl Command {
    /// Name of the program without its folder.
    pub(crate) fn name(&self) -> &str {
        let word = self.words.get(self.start).map_or("", Word::as_str);
        word.rsplit('/').next().unwrap_or("")
    }

    /// Words after the name.
    pub(crate) fn arguments(&self) -> &[Word] {
        self.words.get(self.start + 1..).unwrap_or(&[])
    }

    /// The word of the wrapper with this name, such as `sudo`.
    pub(crate) fn wrapper(&self, name: &str) -> Option<&Word> {
        self.words.iter().take(self.start).find(|word| word.as_str() == name)
    }

    /// From its first word to its last.
    pub(crate) fn span(&self) -> Span {
        match (self.words.first(), self.words.last()) {
            (Some(first), Some(last)) => first.span.join(last.span),
            _ => self.assignments.first().map_or(Span::default(), |word| word.span),
        }
    }

    /// The argument that is exactly this.
    pub(crate) fn argument(&self, text: &str) -> Option<&Word> {
        self.arguments().iter().find(|word| word.as_str() == text)
    }

    /// A short flag (`k` in `-fsSLk`) or a long one.
    pub(crate) fn flag(&self, short: Option<char>, long: &str) -> Option<&Word> {
        self.arguments().iter().find(|word| {
            let text = word.as_str();
            let group = text.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
            text.strip_prefix("--").is_some_and(|name| name.split('=').next() == Some(long))
                || short.is_some_and(|short| group.is_some_and(|group| group.contains(short)))
        })
    }

    /// Find the command behind its wrappers.
    fn settle(&mut self) {
        let mut at = 0;
        while let Some(word) = self.words.get(at) {
            let takes_value: &[&str] = match word.as_str() {
                "sudo" => &["-u", "-g", "-h", "-p", "-C", "-T"],
                "env" => &["-u", "-C", "-S"],
                "nice" => &["-n"],
                "timeout" => &["-s", "-k"],
                "exec" | "command" | "time" | "nohup" | "eatmydata" | "busybox" | "builtin" => &[],
                _ => break,
            };
            let is_timeout = word.as_str() == "timeout";
            at += 1;
            while let Some(word) = self.words.get(at) {
                if takes_value.contains(&word.as_str()) {
                    at += 2;
                } else if word.starts_with('-') || is_assignment(word) {
                    at += 1;
                } else {
                    break;
                }
            }
            at += usize::from(is_timeout);
        }
        self.start = at.min(self.words.len());
    }
}

/// Whether a program of this name runs the text it is given.
pub(crate) fn is_shell(name: &str) -> bool {
    matches!(name, "sh" | "bash" | "ash" | "dash" | "zsh" | "ksh" | "fish")
}

/// Whether a word is `NAME=value`.
pub(crate) fn is_assignment(word: &str) -> bool {
    let Some((name, _)) = word.split_once('=') else { return false };
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The command of an exec form; the script of `["sh", "-c", "…"]` is looked into.
pub(crate) fn exec(words: &[Word]) -> Vec<Command> {
    let mut command = Command { words: words.to_vec(), ..Command::default() };
    command.settle();
    with_script(command)
}

/// The commands of a text; `place` says where a byte range of it stands in the file.
pub(crate) fn split(text: &str, place: &dyn Fn(Range<usize>) -> Span) -> Vec<Command> {
    let mut splitter = Splitter { text, place, commands: Vec::new() };
    splitter.run(0..text.len(), 0);
    splitter.commands.into_iter().flat_map(with_script).collect()
}

/// A command, and those in the text of its `-c` when it is a shell.
fn with_script(command: Command) -> Vec<Command> {
    let mut commands = Vec::new();
    if is_shell(command.name())
        && let Some(at) = command.arguments().iter().position(|word| {
            word.starts_with('-') && !word.starts_with("--") && word.ends_with('c')
        })
        && let Some(script) = command.arguments().get(at + 1)
    {
        let span = script.span;
        let mut splitter = Splitter { text: script, place: &|_| span, commands: Vec::new() };
        splitter.run(0..script.len(), DEPTH_MAX - 1);
        commands = splitter.commands;
    }
    commands.insert(0, command);
    commands
}

struct Splitter<'a> {
    text: &'a str,
    place: &'a dyn Fn(Range<usize>) -> Span,
    commands: Vec<Command>,
}

/// What is collected while a range is read.
#[derive(Default)]
struct State {
    command: Command,
    word: String,
    word_start: Option<usize>,
    redirect: bool,
}

impl Splitter<'_> {
    fn run(&mut self, range: Range<usize>, depth: usize) {
        let mut state = State::default();
        state.command.nested = depth > 0;
        let mut at = range.start;
        while let Some(letter) = self.text[at..range.end].chars().next() {
            let next = at + letter.len_utf8();
            match letter {
                '\\' => {
                    state.word_start.get_or_insert(at);
                    let escaped = self.text[next..range.end].chars().next();
                    state.word.extend(escaped.filter(|c| *c != '\n'));
                    at = next + escaped.map_or(0, char::len_utf8);
                    continue;
                }
                '\'' => {
                    state.word_start.get_or_insert(at);
                    let rest = &self.text[next..range.end];
                    let length = rest.find('\'').unwrap_or(rest.len());
                    state.word.push_str(&rest[..length]);
                    at = (next + length + 1).min(range.end);
                    continue;
                }
                '"' => {
                    state.word_start.get_or_insert(at);
                    at = self.double_quoted(next..range.end, &mut state, depth);
                    continue;
                }
                '$' | '`' => {
                    state.word_start.get_or_insert(at);
                    at = self.substitution(at..range.end, &mut state, depth);
                    continue;
                }
                '#' if state.word_start.is_none() => {
                    let rest = &self.text[at..range.end];
                    at += rest.find('\n').unwrap_or(rest.len());
                    continue;
                }
                ' ' | '\t' | '\r' => self.end_word(&mut state, at),
                '<' | '>' => {
                    at = self.redirection(at..range.end, &mut state);
                    continue;
                }
                ';' | '&' | '|' | '\n' | '(' | ')' => {
                    let doubled = self.text[next..range.end].starts_with(letter);
                    self.end_word(&mut state, at);
                    self.end_command(&mut state, letter == '|' && !doubled, depth);
                    at = if doubled { next + 1 } else { next };
                    continue;
                }
                _ => {
                    state.word_start.get_or_insert(at);
                    state.word.push(letter);
                }
            }
            at = next;
        }
        self.end_word(&mut state, range.end);
        self.end_command(&mut state, false, depth);
    }

    /// Read up to the closing quote; returns what follows it.
    fn double_quoted(&mut self, range: Range<usize>, state: &mut State, depth: usize) -> usize {
        let mut at = range.start;
        while let Some(letter) = self.text[at..range.end].chars().next() {
            let next = at + letter.len_utf8();
            match letter {
                '"' => return next,
                '\\' => {
                    let escaped = self.text[next..range.end].chars().next();
                    if !matches!(escaped, Some('"' | '\\' | '$' | '`')) {
                        state.word.push('\\');
                    }
                    state.word.extend(escaped);
                    at = next + escaped.map_or(0, char::len_utf8);
                }
                '$' | '`' => at = self.substitution(at..range.end, state, depth),
                _ => {
                    state.word.push(letter);
                    at = next;
                }
            }
        }
        range.end
    }

    /// `$NAME`, `${…}`, `$(…)` or a backtick: kept in the word as written, and looked into.
    fn substitution(&mut self, range: Range<usize>, state: &mut State, depth: usize) -> usize {
        let rest = &self.text[range.clone()];
        let (open, close) = match rest.as_bytes() {
            [b'$', b'(', ..] => (2, ')'),
            [b'$', b'{', ..] => (2, '}'),
            [b'`', ..] => (1, '`'),
            _ => (1, '\0'),
        };
        if close == '\0' || depth >= DEPTH_MAX {
            state.word.push_str(&rest[..1]);
            return range.start + 1;
        }
        let inner = range.start + open..range.end;
        let end = closing(self.text, inner.clone(), close);
        let after = (end + 1).min(range.end);
        state.word.push_str(&self.text[range.start..after]);
        if close != '}' {
            self.run(inner.start..end, depth + 1);
        }
        after
    }

    /// A redirection: its target is no argument.
    fn redirection(&mut self, range: Range<usize>, state: &mut State) -> usize {
        // The digits before it name a file descriptor.
        if state.word.bytes().all(|byte| byte.is_ascii_digit()) {
            state.word.clear();
            state.word_start = None;
        }
        self.end_word(state, range.start);
        let rest = &self.text[range.clone()];
        let operator = rest.len() - rest.trim_start_matches(['<', '>', '&', '|', '-']).len();
        let after = &rest[operator..];
        state.redirect = true;
        range.start + operator + (after.len() - after.trim_start_matches([' ', '\t']).len())
    }

    fn end_word(&mut self, state: &mut State, end: usize) {
        let Some(start) = state.word_start.take() else { return };
        let text = std::mem::take(&mut state.word);
        let word = Word { text, span: (self.place)(start..end) };
        let command = &mut state.command;
        if std::mem::take(&mut state.redirect) {
            command.redirects.push(word);
        } else if command.words.is_empty() && is_assignment(&word) {
            command.assignments.push(word);
        } else if command.words.is_empty() && is_reserved(&word) {
            // The command proper follows.
        } else {
            command.words.push(word);
        }
    }

    fn end_command(&mut self, state: &mut State, pipes: bool, depth: usize) {
        state.redirect = false;
        let next = Command { piped: pipes, nested: depth > 0, ..Command::default() };
        let mut command = std::mem::replace(&mut state.command, next);
        let loops =
            matches!(command.words.first().map(Word::as_str), Some("for" | "case" | "function"));
        let is_empty = command.words.is_empty() && command.assignments.is_empty();
        if !loops && !is_empty {
            command.settle();
            self.commands.push(command);
        }
    }
}

fn is_reserved(word: &str) -> bool {
    matches!(
        word,
        "if" | "then"
            | "elif"
            | "else"
            | "fi"
            | "do"
            | "done"
            | "while"
            | "until"
            | "esac"
            | "{"
            | "}"
            | "!"
    )
}

/// Where the bracket closes that stands before the range; its end when it does not.
fn closing(text: &str, range: Range<usize>, close: char) -> usize {
    let (mut depth, mut quote) = (0_usize, None);
    let mut letters = text[range.clone()].char_indices();
    while let Some((at, letter)) = letters.next() {
        match (letter, quote) {
            ('\\', _) if quote != Some('\'') => {
                letters.next();
            }
            (_, Some(open)) if letter == open => quote = None,
            (_, Some(_)) => {}
            (_, None) if letter == close && depth == 0 => return range.start + at,
            ('\'' | '"', None) => quote = Some(letter),
            ('(', None) if close == ')' => depth += 1,
            ('{', None) if close == '}' => depth += 1,
            (')' | '}', None) if letter == close => depth -= 1,
            _ => {}
        }
    }
    range.end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let shown: Vec<String> = split(text, &|range| Span::new(range.start, range.end))
            .iter()
            .map(|command| {
                let words: Vec<&str> = command.words.iter().map(Word::as_str).collect();
                let pipe = if command.piped { "| " } else { "" };
                let redirects: Vec<String> =
                    command.redirects.iter().map(|word| format!(" >{word}")).collect();
                format!("{pipe}{}{} [{}]", words.join(","), redirects.concat(), command.name())
            })
            .collect();
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn lines_split_into_commands() {
        check("a && b c || d; e & f", &["a [a]", "b,c [b]", "d [d]", "e [e]", "f [f]"]);
        check("curl -fsSL x | sh -", &["curl,-fsSL,x [curl]", "| sh,- [sh]"]);
        check("A=1 B='x y' make 'a b'\"c $D\"\\ e # no && more", &["make,a bc $D e [make]"]);
        check("x 2>/dev/null >> y <z", &["x >/dev/null >y >z [x]"]);
        check("x 2>&1 | tee f", &["x >1 [x]", "| tee,f [tee]"]);
        check("if [ -f a ]; then b; fi", &["[,-f,a,] [[]", "b [b]"]);
        check("for i in a b; do c $i; done", &["c,$i [c]"]);
        check("( a; { b; } )", &["a [a]", "b [b]"]);
        check(
            "x \"$(curl y | sh)\" `z`",
            &["curl,y [curl]", "| sh [sh]", "z [z]", "x,$(curl y | sh),`z` [x]"],
        );
        check(
            "sudo -u me env A=1 /usr/bin/apt-get install x",
            &["sudo,-u,me,env,A=1,/usr/bin/apt-get,install,x [apt-get]"],
        );
        check("bash -ec 'a && b'", &["bash,-ec,a && b [bash]", "a [a]", "b [b]"]);
    }

    #[test]
    fn odd_text_is_harmless() {
        for text in [
            "\\", "'", "\"", "$(", "`", "${", ">", "|", "&&", "a\\", "\"$(", "ä$ö", "((((", "))))",
            "\"\\",
        ] {
            split(text, &|range| Span::new(range.start, range.end));
        }
        let deep = "$(".repeat(200_000);
        split(&deep, &|range| Span::new(range.start, range.end));
        let wide = "$(a) `b` ".repeat(100_000);
        assert!(split(&wide, &|range| Span::new(range.start, range.end)).len() >= 200_000);
    }

    #[test]
    fn flags_are_found_in_groups() {
        let command =
            &split("curl -fsSLk --proto=x y", &|range| Span::new(range.start, range.end))[0];
        assert!(command.flag(Some('k'), "insecure").is_some());
        assert!(command.flag(None, "proto").is_some());
        assert!(command.flag(Some('z'), "zebra").is_none());
    }
}
