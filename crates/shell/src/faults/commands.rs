//! Commands that are called in a way that goes wrong.

use sealift_diagnostic::{Edit, Span, Tier};

use super::{
    FaultKind,
    walk::{Place, Walk},
};
use crate::{
    Chain, Command, CommandKind, Connector, Dialect, Part, PartKind, Pipeline, Simple, Word,
    base_name,
};

impl<'a> Walk<'a> {
    /// A simple command with the name that it has, empty when that is not known.
    pub(super) fn checks(
        &mut self,
        command: &'a Command<'a>,
        simple: &'a Simple<'a>,
        name: &str,
        place: Place,
    ) {
        let is_plain = simple.words.iter().all(Word::is_plain);
        self.single_quotes(simple, name);
        if !is_plain {
            self.plain_escapes(simple);
        }
        self.command_extension(simple, name);
        if simple.words.len() < 2 {
            if matches!(name, "cd" | "pushd" | "popd") {
                self.unchecked_folder(command, simple, name, place);
            }
            return;
        }
        match base_name(name) {
            "cd" | "pushd" | "popd" => self.unchecked_folder(command, simple, name, place),
            "echo" => self.echo(simple),
            "rm" => self.remove_root(simple),
            "export" | "declare" | "typeset" | "local" | "readonly" => {
                self.hidden_status(command, simple, name, place);
            }
            "egrep" | "fgrep" if !name.contains('/') => self.old_grep(simple, name),
            "find" => self.find_redirection(command, simple),
            "read" => self.read_backslash(simple),
            "[" | "test" => self.test(simple),
            "mkdir" => self.folder_mode(simple),
            _ => {}
        }
        if !is_plain && !matches!(name, "echo" | "printf" | "") {
            self.pattern_as_option(simple);
        }
    }

    fn unchecked_folder(
        &mut self,
        command: &Command<'_>,
        simple: &Simple<'_>,
        name: &str,
        place: Place,
    ) {
        let is_safe = match simple.words.get(1..) {
            Some([word]) => word
                .literal()
                .is_some_and(|path| path.split('/').all(|it| matches!(it, "" | "." | ".."))),
            _ => false,
        };
        if self.errexit || place.condition || place.last_of_function || is_safe {
            return;
        }
        let message = format!("the script goes on in the wrong folder if `{name}` fails");
        if place.alone {
            let edits = vec![Edit::insert(command.span.end, " || exit 1")];
            let fix = (Tier::Suggested, "stop if it fails", edits);
            self.mend(FaultKind::UncheckedFolder, command.span, message, fix);
        } else {
            self.report(FaultKind::UncheckedFolder, command.span, message);
        }
    }

    fn echo(&mut self, simple: &Simple<'_>) {
        let arguments = &simple.words[1..];
        if self.dialect == Dialect::Dash || flags(arguments).contains('e') {
            return;
        }
        for word in arguments.iter().filter(|word| has_escape(&literal_text(&word.parts))) {
            let message = "some shells print the backslash, others what it stands for";
            self.report(FaultKind::EchoEscape, word.span, message);
        }
    }

    fn remove_root(&mut self, simple: &Simple<'_>) {
        let arguments = &simple.words[1..];
        if !flags(arguments).contains(['r', 'R'])
            && !arguments.iter().any(|word| word.start() == "--recursive")
        {
            return;
        }
        for word in arguments {
            let Some(path) = path_without_variables(word) else { continue };
            if !is_important(&path) {
                continue;
            }
            let message = format!("this removes `{path}` if the variable is empty");
            let mut variable = word.parts.iter().flat_map(|part| match &part.kind {
                PartKind::Double(inner) => inner.as_slice(),
                _ => std::slice::from_ref(part),
            });
            let plain = variable.find_map(|part| match &part.kind {
                PartKind::Variable(name) => Some((part.span, *name)),
                PartKind::Expansion(it) if it.operator.is_empty() && !it.length => {
                    Some((part.span, it.name))
                }
                _ => None,
            });
            let Some((span, name)) = plain else { continue };
            let edits = vec![Edit::replace(span, format!("${{{name}:?}}"))];
            let fix = (Tier::Suggested, "stop if the variable is empty", edits);
            self.mend(FaultKind::RemoveRoot, word.span, message, fix);
        }
    }

    fn hidden_status(
        &mut self,
        command: &Command<'_>,
        simple: &Simple<'_>,
        name: &str,
        place: Place,
    ) {
        let arguments = &simple.words[1..];
        let letters = flags(arguments);
        if (name == "local" || name == "declare" || name == "typeset") && letters.contains('r') {
            return;
        }
        for word in arguments {
            let assigns = word.start().contains('=');
            let runs = |part: &Part<'_>| {
                matches!(part.kind, PartKind::Substitution(_) | PartKind::Backquote(_))
            };
            let hidden = word.parts.iter().any(|part| match &part.kind {
                PartKind::Double(inner) => inner.iter().any(runs),
                _ => runs(part),
            });
            if !assigns || !hidden {
                continue;
            }
            let message = format!("`{name}` succeeds even if the command in it fails");
            let variable = word.start().split(['=', '+']).next().unwrap_or("");
            // Before `;` the shell with `-e` stops at the assignment itself, within `&&` the list does.
            let separator = if place.alone { "; " } else { " && " };
            let is_simple = simple.words.len() == 2
                && simple.assignments.is_empty()
                && command.redirects.is_empty()
                && matches!(name, "export" | "readonly")
                && !variable.is_empty();
            if is_simple {
                let edits = vec![
                    Edit::delete(Span::new(simple.words[0].span.start, word.span.start)),
                    Edit::insert(word.span.end, format!("{separator}{name} {variable}")),
                ];
                let fix = (Tier::Suggested, "assign first, then declare", edits);
                self.mend(FaultKind::HiddenStatus, word.span, message, fix);
            } else {
                self.report(FaultKind::HiddenStatus, word.span, message);
            }
        }
    }

    fn old_grep(&mut self, simple: &Simple<'_>, name: &str) {
        let flag = if name == "egrep" { "grep -E" } else { "grep -F" };
        let span = simple.words[0].span;
        let message = format!("`{name}` is going away");
        let fix = (Tier::Safe, if name == "egrep" { "write `grep -E`" } else { "write `grep -F`" });
        self.mend(
            FaultKind::OldGrep,
            span,
            message,
            (fix.0, fix.1, vec![Edit::replace(span, flag)]),
        );
    }

    fn find_redirection(&mut self, command: &Command<'_>, simple: &Simple<'_>) {
        let Some(last) = simple.words.last() else { return };
        if let Some(redirect) = command.redirects.iter().find(|it| it.span.start < last.span.start)
        {
            let message = "this redirects `find` itself, not what it runs";
            self.report(FaultKind::FindRedirection, redirect.span, message);
        }
    }

    fn read_backslash(&mut self, simple: &Simple<'_>) {
        if !flags(&simple.words[1..]).contains('r') {
            let message = "without `-r` a backslash in the input disappears";
            let end = simple.words[0].span.end;
            let fix =
                (Tier::Suggested, "read backslashes as they are", vec![Edit::insert(end, " -r")]);
            self.mend(FaultKind::ReadBackslash, simple.words[0].span, message, fix);
        }
    }

    fn test(&mut self, simple: &Simple<'_>) {
        let arguments = &simple.words[1..];
        for word in arguments.iter().skip(1) {
            if let operator @ ("-a" | "-o") = word.start()
                && word.parts.len() == 1
                && arguments.len() > 4
            {
                let with = if operator == "-a" { "&&" } else { "||" };
                let message = format!(
                    "`{operator}` is not defined for long tests; write `[ … ] {with} [ … ]`"
                );
                self.report(FaultKind::TestAndOr, word.span, message);
            }
        }
        let is_status = |word: &Word<'_>| {
            let only =
                |parts: &[Part<'_>]| matches!(parts, [Part { kind: PartKind::Variable("?"), .. }]);
            only(&word.parts)
                || matches!(word.parts.as_slice(), [Part { kind: PartKind::Double(inner), .. }] if only(inner))
        };
        if let [first, _, number, ..] = arguments
            && is_status(first)
            && number.start() == "0"
        {
            let message =
                "`$?` is that of whatever ran last; ask for the result of the command itself";
            self.report(FaultKind::StatusLater, first.span, message);
        }
    }

    fn folder_mode(&mut self, simple: &Simple<'_>) {
        let arguments = &simple.words[1..];
        let letters = flags(arguments);
        let mode = arguments.iter().any(|word| word.start().starts_with("--mode"));
        let parents = arguments.iter().any(|word| word.start() == "--parents");
        if !(letters.contains('m') || mode) || !(letters.contains('p') || parents) {
            return;
        }
        let deep = arguments.iter().any(|word| {
            word.text(self.text).trim_matches('/').contains('/') && !word.start().starts_with('-')
        });
        if deep {
            let message = "the mode is only that of the last folder";
            self.report(FaultKind::FolderMode, simple.words[0].span, message);
        }
    }

    fn pattern_as_option(&mut self, simple: &Simple<'_>) {
        for word in &simple.words[1..] {
            if word.start() == "--" || word.start() == ":::" {
                return;
            }
            let is_open =
                matches!(word.parts.first(), Some(Part { kind: PartKind::Glob("*" | "?"), .. }));
            if is_open {
                let message = "a name that starts with `-` is taken for an option";
                let edits = vec![Edit::insert(word.span.start, "./")];
                let fix = (Tier::Suggested, "let the names start with `./`", edits);
                self.mend(FaultKind::PatternAsOption, word.span, message, fix);
            }
        }
    }

    /// `a && b || c`.
    pub(super) fn and_or(&mut self, chain: &Chain<'_>, place: Place) {
        for pair in 1..chain.rest.len() {
            let (before, then) = &chain.rest[pair - 1];
            let (connector, last) = &chain.rest[pair];
            let is_condition = place.condition || pair + 1 < chain.rest.len();
            if *before != Connector::And || *connector != Connector::Or || is_condition {
                continue;
            }
            let harmless = ["echo", "exit", "return", "printf", "true", ":"];
            if simple_name(last).is_some_and(|name| name.is_empty() || harmless.contains(&name))
                || simple_name(then).is_some_and(|name| name == "[" || name == "test")
            {
                continue;
            }
            let message =
                "this also runs if what stands before it fails, not only if the condition does";
            self.report(FaultKind::AndOr, last.span, message);
        }
    }

    /// `find | xargs`.
    pub(super) fn pipes(&mut self, pipeline: &Pipeline<'_>) {
        for pair in pipeline.commands.windows(2) {
            let (CommandKind::Simple(find), CommandKind::Simple(xargs)) =
                (&pair[0].kind, &pair[1].kind)
            else {
                continue;
            };
            let is = |simple: &Simple<'_>, name: &str| {
                simple.words.first().is_some_and(|word| word.start() == name)
            };
            let says = |simple: &Simple<'_>, words: &[&str]| {
                simple.words.iter().any(|word| words.iter().any(|it| word.start().starts_with(it)))
            };
            if is(find, "find")
                && is(xargs, "xargs")
                && !says(find, &["-print0", "-printf", "-fprint0"])
                && !says(xargs, &["-0", "--null", "-d", "--delimiter"])
                && !flags(&xargs.words[1..]).contains('0')
            {
                let message = "names with blanks in them fall apart";
                self.report(FaultKind::FindXargs, pair[0].span, message);
            }
        }
    }

    /// `! command` whose result nobody sees, although `set -e` is meant to.
    pub(super) fn lost_negation(&mut self, chain: &Chain<'_>, place: Place) {
        let pipeline = &chain.first;
        let Some(negation) = pipeline.negation.filter(|_| chain.rest.is_empty()) else { return };
        if !self.errexit || place.condition || self.substitutions > 0 {
            return;
        }
        let message = "`set -e` does not stop at a command with `!`";
        let start = pipeline.commands.first().map_or(negation.end, |command| command.span.start);
        let edits = vec![
            Edit::delete(Span::new(negation.start, start.max(negation.end))),
            Edit::insert(pipeline.span.end, " && exit 1"),
        ];
        let fix = (Tier::Suggested, "stop if the command succeeds", edits);
        self.mend(FaultKind::UselessNegation, pipeline.span, message, fix);
    }
}

/// The name of the only command of a pipeline, empty when it only assigns; `None` for anything larger.
fn simple_name<'a>(pipeline: &Pipeline<'a>) -> Option<&'a str> {
    let [command] = pipeline.commands.as_slice() else { return None };
    match &command.kind {
        CommandKind::Simple(simple) => Some(simple.words.first().map_or("", Word::start)),
        _ => None,
    }
}

/// All letters of the short flags before `--`.
fn flags(words: &[Word<'_>]) -> String {
    words
        .iter()
        .map(Word::start)
        .take_while(|word| *word != "--")
        .filter(|word| !word.starts_with("--"))
        .filter_map(|word| word.strip_prefix('-'))
        .collect()
}

/// The text of a word without what is expanded in it.
fn literal_text(parts: &[Part<'_>]) -> String {
    let mut text = String::new();
    for part in parts {
        match &part.kind {
            PartKind::Literal(it) | PartKind::Escaped(it) | PartKind::Single(it) => {
                text.push_str(it);
            }
            PartKind::Double(inner) => text.push_str(&literal_text(inner)),
            _ => {}
        }
    }
    text
}

/// Whether a text has a sequence that some `echo` replaces.
fn has_escape(text: &str) -> bool {
    text.as_bytes().windows(2).enumerate().any(|(at, pair)| {
        pair[0] == b'\\'
            && match pair[1] {
                b'x' => text.as_bytes().get(at + 2).is_some_and(u8::is_ascii_hexdigit),
                other => b"rntabefv\\'01234567".contains(&other),
            }
    })
}

/// The path that is left of a word when its variables are empty; `None` when it has none, or they cannot be.
fn path_without_variables(word: &Word<'_>) -> Option<String> {
    let mut path = String::new();
    let mut has_variable = false;
    let parts = word.parts.iter().flat_map(|part| match &part.kind {
        PartKind::Double(inner) => inner.as_slice(),
        _ => std::slice::from_ref(part),
    });
    for part in parts {
        match &part.kind {
            PartKind::Literal(text)
            | PartKind::Escaped(text)
            | PartKind::Single(text)
            | PartKind::Glob(text) => {
                path.push_str(text);
            }
            PartKind::Expansion(it) if matches!(it.operator, ":?" | ":-" | ":=" | "?") => {
                return None;
            }
            PartKind::Variable(_) | PartKind::Expansion(_) => has_variable = true,
            _ => {}
        }
    }
    has_variable.then_some(path)
}

fn is_important(path: &str) -> bool {
    const FOLDERS: [&str; 15] = [
        "",
        "/bin",
        "/etc",
        "/home",
        "/mnt",
        "/usr",
        "/usr/share",
        "/usr/local",
        "/var",
        "/lib",
        "/dev",
        "/media",
        "/boot",
        "/lib64",
        "/usr/bin",
    ];
    let mut normal = String::new();
    for letter in path.chars() {
        if !(matches!(letter, '/' | '*') && normal.ends_with(letter)) {
            normal.push(letter);
        }
    }
    let folder = if normal == "/" { "/" } else { normal.trim_end_matches('/') };
    let bare = folder.strip_suffix("/*/*").or_else(|| folder.strip_suffix("/*")).unwrap_or(folder);
    !folder.is_empty() && (folder == "/" || FOLDERS.contains(&bare))
}
