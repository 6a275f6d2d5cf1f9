//! Quotes that are missing, or in the way.

use sealift_diagnostic::{Edit, Span, Tier};

use super::{
    FaultKind,
    walk::{Usage, Walk, may_split},
};
use crate::{
    Body, CommandKind, Expansion, Part, PartKind, Simple, Word, assignment_name, base_name,
};

/// Commands whose output is one word.
const ONE_WORD: [&str; 20] = [
    "nproc",
    "uname",
    "pwd",
    "date",
    "hostname",
    "id",
    "whoami",
    "getconf",
    "basename",
    "dirname",
    "readlink",
    "realpath",
    "which",
    "mktemp",
    "arch",
    "lsb_release",
    "dpkg",
    "sha256sum",
    "stat",
    "wc",
];

impl<'a> Walk<'a> {
    /// A part of a word on its own.
    pub(super) fn part(&mut self, part: &'a Part<'a>, usage: Usage) {
        match &part.kind {
            PartKind::Variable(name) if usage == Usage::Split => self.unquoted(part, name),
            PartKind::Expansion(it) if usage == Usage::Split && !stays_whole(it) => {
                self.unquoted(part, it.name);
            }
            PartKind::Substitution(body) => {
                self.useless_echo(part, body);
                if usage == Usage::Split {
                    self.unquoted_substitution(part, body);
                }
            }
            PartKind::Backquote(body) => {
                self.backquotes(part);
                self.useless_echo(part, body);
                if usage == Usage::Split {
                    self.unquoted_substitution(part, body);
                }
            }
            _ => {}
        }
    }

    fn unquoted(&mut self, part: &Part<'_>, name: &str) {
        let is_arguments =
            name == "@" || matches!(&part.kind, PartKind::Expansion(it) if it.index == Some("@"));
        let written = part.span.text(self.text);
        if is_arguments {
            let message = format!("`{written}` is split into words again");
            let fix = (Tier::Suggested, "quote it", quotes(part.span));
            self.mend(FaultKind::UnquotedArguments, part.span, message, fix);
        } else if !self.variables.is_clean(name) {
            let message =
                format!("`{written}` is split into words, and patterns in it are expanded");
            let is_list = self.takes_many || is_plural(name);
            let tier = if is_list { Tier::Manual } else { Tier::Suggested };
            let fix = (tier, "quote it, unless several words are meant", quotes(part.span));
            self.mend(FaultKind::UnquotedVariable, part.span, message, fix);
        }
    }

    fn unquoted_substitution(&mut self, part: &Part<'_>, body: &Body<'_>) {
        let name = only_command(body).and_then(|simple| simple.words.first()?.literal());
        let name = name.as_deref().unwrap_or("");
        // Their output is words to be split.
        if body.is_empty() || matches!(name, "seq" | "pgrep") {
            return;
        }
        let tier = if ONE_WORD.contains(&name) { Tier::Suggested } else { Tier::Manual };
        let fix = (tier, "quote it, unless several words are meant", quotes(part.span));
        let message = "what this command prints is split into words";
        self.mend(FaultKind::UnquotedSubstitution, part.span, message, fix);
    }

    fn backquotes(&mut self, part: &Part<'_>) {
        let written = part.span.text(self.text);
        let message = "backquotes are hard to read and cannot be nested";
        if written.len() < 2 || written.contains('\\') {
            self.report(FaultKind::Backquotes, part.span, message);
            return;
        }
        let Span { start, end } = part.span;
        let edits = vec![
            Edit::replace(Span::new(start, start + 1), "$("),
            Edit::replace(Span::new(end - 1, end), ")"),
        ];
        self.mend(FaultKind::Backquotes, part.span, message, (Tier::Safe, "write `$(…)`", edits));
    }

    fn useless_echo(&mut self, part: &Part<'_>, body: &Body<'_>) {
        let Some(simple) = only_command(body) else { return };
        let Some((first, arguments)) = simple.words.split_first() else { return };
        let is_echo = first.start() == "echo" && first.parts.len() == 1;
        let Some(second) = arguments.first().filter(|_| is_echo) else { return };
        let is_output = arguments.len() == 1
            && matches!(
                second.parts.as_slice(),
                [Part { kind: PartKind::Substitution(_) | PartKind::Backquote(_), .. }]
            );
        let is_plain = |word: &Word<'_>| {
            !word.parts.iter().any(|part| {
                matches!(part.kind, PartKind::Glob(_) | PartKind::Brace | PartKind::Process(_))
            })
        };
        if !is_output && !second.start().starts_with('-') && arguments.iter().all(is_plain) {
            self.report(
                FaultKind::UselessEcho,
                part.span,
                "this prints words only to read them again",
            );
        }
    }

    /// `$@` between other text.
    pub(super) fn joined_arguments(&mut self, word: &Word<'_>) {
        for part in &word.parts {
            let PartKind::Double(inner) = &part.kind else { continue };
            let arguments = inner.iter().find(|it| match &it.kind {
                PartKind::Variable(name) => *name == "@",
                PartKind::Expansion(it) => {
                    it.index == Some("@") && !it.length && it.operator.is_empty()
                }
                _ => false,
            });
            if let Some(found) = arguments.filter(|_| inner.len() > 1) {
                let message =
                    "the first and last of these arguments are joined with the text beside them";
                self.report(FaultKind::JoinedArguments, found.span, message);
            }
        }
    }

    /// What looks like an expansion but stands in single quotes.
    pub(super) fn single_quotes(&mut self, simple: &'a Simple<'a>, name: &str) {
        for assignment in &simple.assignments {
            let crate::Value::Word(word) = &assignment.value else { continue };
            if !matches!(assignment.name, "PS1" | "PS2" | "PS3" | "PS4" | "PROMPT_COMMAND") {
                self.quoted_expansion(word, name);
            }
        }
        if !simple.words.iter().any(has_single) {
            return;
        }
        let name = reader(simple, name);
        if expands_itself(name) {
            return;
        }
        for word in &simple.words {
            let is_prompt = assignment_name(word.start())
                .is_some_and(|it| matches!(it, "PS1" | "PS2" | "PS3" | "PS4" | "PROMPT_COMMAND"));
            if !is_prompt {
                self.quoted_expansion(word, name);
            }
        }
    }

    fn quoted_expansion(&mut self, word: &Word<'_>, name: &str) {
        for part in &word.parts {
            let PartKind::Single(text) = &part.kind else { continue };
            if looks_expanded(text) && !(name == "sed" && is_sed_address(text)) {
                let message = "nothing is expanded in single quotes";
                self.report(FaultKind::SingleQuotes, part.span, message);
            }
        }
    }

    /// Backslashes that do nothing.
    pub(super) fn plain_escapes(&mut self, simple: &Simple<'_>) {
        for (index, word) in simple.words.iter().enumerate() {
            for (place, part) in word.parts.iter().enumerate() {
                let PartKind::Escaped(letter) = part.kind else { continue };
                // In front of a command it keeps aliases away; `\n` and its like are meant otherwise.
                let is_command = index == 0 && place == 0;
                let is_plain = letter.bytes().all(|byte| byte.is_ascii_alphanumeric());
                if is_plain && !letter.is_empty() && !is_command && !"ntr".contains(letter) {
                    let message = format!("`\\{letter}` is the same as `{letter}` here");
                    self.report(FaultKind::PlainEscape, part.span, message);
                }
            }
        }
    }

    /// The words that a loop runs over.
    pub(super) fn loop_words(&mut self, words: &'a [Word<'a>]) {
        let [word] = words else { return };
        if let [Part { kind: PartKind::Substitution(body) | PartKind::Backquote(body), .. }] =
            word.parts.as_slice()
        {
            let name = only_command(body).and_then(|simple| simple.words.first()?.literal());
            let name = name.as_deref().unwrap_or("");
            if matches!(name, "find" | "ls") {
                let message = format!("names from `{name}` with blanks in them fall apart");
                self.report(FaultKind::LoopOverNames, word.span, message);
            }
            return;
        }
        let is_several = word.parts.iter().any(|part| {
            may_split(part)
                || matches!(&part.kind, PartKind::Double(inner) if inner.iter().any(is_list))
        });
        if !is_several {
            self.report(FaultKind::LoopOnce, word.span, "this loop runs only once");
        }
    }
}

/// `"$@"` and `"${a[@]}"`: several words in spite of quotes.
fn is_list(part: &Part<'_>) -> bool {
    match &part.kind {
        PartKind::Variable(name) => *name == "@",
        PartKind::Expansion(it) => it.name == "@" || it.index == Some("@") || it.indirect,
        _ => false,
    }
}

/// Whether a part of a word stands in single quotes.
fn has_single(word: &Word<'_>) -> bool {
    word.parts.iter().any(|part| matches!(part.kind, PartKind::Single(_)))
}

/// Whether an expansion is never split, or what is split is up to its own quotes.
fn stays_whole(expansion: &Expansion<'_>) -> bool {
    expansion.length || matches!(expansion.operator, "+" | ":+")
}

fn quotes(span: Span) -> Vec<Edit> {
    vec![Edit::insert(span.start, "\""), Edit::insert(span.end, "\"")]
}

/// Whether the name of a variable says that there may be several words in it.
fn is_plural(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["s", "list", "deps", "packages", "opt", "cmd", "*"].iter().any(|end| name.ends_with(end))
}

/// The simple command that is all of a body.
pub(super) fn only_command<'a, 'b>(body: &'b Body<'a>) -> Option<&'b Simple<'a>> {
    let [statement] = body.as_slice() else { return None };
    if !statement.chain.rest.is_empty() {
        return None;
    }
    let [command] = statement.chain.first.commands.as_slice() else { return None };
    match &command.kind {
        CommandKind::Simple(simple) => Some(simple),
        _ => None,
    }
}

/// The command that reads the arguments: that behind `-exec` of `find`, else the command itself.
fn reader<'a>(simple: &Simple<'a>, name: &'a str) -> &'a str {
    let name = base_name(name);
    if name != "find" {
        return name;
    }
    let mut words = simple.words.iter().map(Word::start);
    words.find(|word| matches!(*word, "-exec" | "-execdir" | "-ok" | "-okdir"));
    words.next().unwrap_or(name)
}

/// Programs that read a language of their own, in which a dollar is theirs.
fn expands_itself(name: &str) -> bool {
    const NAMES: [&str; 18] = [
        "trap",
        "sh",
        "bash",
        "ksh",
        "zsh",
        "ssh",
        "eval",
        "xprop",
        "alias",
        "sudo",
        "doas",
        "docker",
        "podman",
        "dpkg-query",
        "jq",
        "rename",
        "rg",
        "unset",
    ];
    NAMES.contains(&name) || name.ends_with("awk") || name.starts_with("perl")
}

/// Whether `$NAME`, `${…}`, `$(…)` or backquotes stand in a text.
fn looks_expanded(text: &str) -> bool {
    let bytes = text.as_bytes();
    let dollar = bytes.windows(2).any(|pair| {
        pair[0] == b'$'
            && (matches!(pair[1], b'{' | b'(' | b'_') || pair[1].is_ascii_alphanumeric())
    });
    dollar
        || text.split('`').skip(1).step_by(2).any(|inner| !inner.is_empty())
            && text.matches('`').count() > 1
}

/// `$d` and its like, which mean the last line to `sed`.
fn is_sed_address(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().any(|(at, byte)| {
        *byte == b'$'
            && bytes.get(at + 1).is_some_and(|next| b"{dpsaic".contains(next))
            && bytes.get(at + 2).is_none_or(|next| !next.is_ascii_alphabetic())
    })
}
