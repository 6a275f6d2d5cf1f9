//! The walk over the tree, in the order in which it runs.

use sealift_diagnostic::{Edit, Fix, Span, Tier};

use super::{
    Fault, FaultKind, Settings,
    variables::{Changes, Value, Variables, assigned},
};
use crate::{
    Arm, Assignment, Body, Branch, Chain, Command, CommandKind, Connector, Dialect, For, Heredoc,
    Part, PartKind, Pipeline, Redirect, Script, Simple, Value as Assigned, Word, base_name,
    is_name,
};

/// Where a command stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    /// Its result decides something: a condition, or what stands before `&&` and `||`.
    pub(super) condition: bool,
    /// It is the last one of a function, so that its result is the function's.
    pub(super) last_of_function: bool,
    /// It stands alone between separators, without `&&`, `||` and `|`.
    pub(super) alone: bool,
}

/// How a word is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    /// It becomes several words unless it is quoted.
    Split,
    /// It stays one word, or is meant to be split.
    Whole,
}

pub(super) struct Walk<'a> {
    pub(super) text: &'a str,
    pub(super) dialect: Dialect,
    pub(super) faults: Vec<Fault>,
    pub(super) variables: Variables<'a>,
    /// Whether some `set -e` stands in the script.
    pub(super) errexit: bool,
    /// Whether the command around is one that is often given a list of words in a variable.
    pub(super) takes_many: bool,
    /// How many substitutions are around.
    pub(super) substitutions: usize,
    heredocs: &'a [Heredoc<'a>],
}

impl<'a> Walk<'a> {
    pub(super) fn new(script: &'a Script<'a>, settings: Settings<'a>) -> Self {
        Self {
            text: script.text,
            dialect: settings.dialect,
            faults: Vec::new(),
            variables: Variables::new(settings.is_set),
            errexit: sets_errexit(script.text),
            takes_many: false,
            substitutions: 0,
            heredocs: &script.heredocs,
        }
    }

    pub(super) fn script(&mut self, script: &'a Script<'a>) {
        self.statements(&script.body, Place::default(), true);
    }

    pub(super) fn report(&mut self, kind: FaultKind, span: Span, message: impl Into<String>) {
        self.faults.push(Fault { kind, span, message: message.into(), fix: None });
    }

    /// Report a fault that edits mend.
    pub(super) fn mend(
        &mut self,
        kind: FaultKind,
        span: Span,
        message: impl Into<String>,
        (tier, title, edits): (Tier, &str, Vec<Edit>),
    ) {
        let fix = Some(Fix::new(tier, title, edits));
        self.faults.push(Fault { kind, span, message: message.into(), fix });
    }

    /// Statements in order; `returns` says whether the last one's result is that of the whole.
    fn statements(&mut self, body: &'a Body<'a>, place: Place, returns: bool) {
        self.list(body);
        for (index, statement) in body.iter().enumerate() {
            let is_last = index + 1 == body.len();
            let here = Place {
                // Only the last one's result counts for who asks.
                condition: place.condition,
                last_of_function: place.last_of_function && is_last,
                alone: true,
            };
            if !(is_last && returns) {
                self.lost_negation(&statement.chain, here);
            }
            let mark = self.variables.mark();
            self.chain(&statement.chain, here);
            if statement.background {
                self.variables.back(mark);
                self.variables.alive = true;
            }
        }
    }

    fn chain(&mut self, chain: &'a Chain<'a>, place: Place) {
        self.and_or(chain, place);
        let last = chain.rest.len();
        let inner = |index: usize| Place {
            condition: place.condition || index < last,
            last_of_function: place.last_of_function && index == last,
            alone: place.alone && last == 0,
        };
        self.pipeline(&chain.first, inner(0));
        // What is set behind `&&` holds up to the end of a row of them; behind it, perhaps.
        let mut row: Option<usize> = None;
        for (index, (connector, pipeline)) in chain.rest.iter().enumerate() {
            if *connector == Connector::Or
                && let Some(mark) = row.take()
            {
                self.perhaps(mark);
            }
            let mark = self.variables.mark();
            let alive = self.variables.alive;
            self.pipeline(pipeline, inner(index + 1));
            if !std::mem::replace(&mut self.variables.alive, alive) {
                // Whoever comes here did not come through it.
                self.variables.back(mark);
            } else if *connector == Connector::Or {
                self.perhaps(mark);
            } else {
                row.get_or_insert(mark);
            }
        }
        if let Some(mark) = row {
            self.perhaps(mark);
        }
    }

    /// What was set since a moment may also not have been.
    fn perhaps(&mut self, mark: usize) {
        if self.variables.mark() > mark {
            let changes = self.variables.back(mark);
            self.variables.merge(&[changes, Vec::new()]);
        }
    }

    fn pipeline(&mut self, pipeline: &'a Pipeline<'a>, place: Place) {
        self.pipes(pipeline);
        self.useless_cat(pipeline);
        let [command] = pipeline.commands.as_slice() else {
            for command in &pipeline.commands {
                let here = Place { alone: false, last_of_function: false, ..place };
                self.apart(|it| it.command(command, here));
            }
            return;
        };
        self.command(command, place);
    }

    /// Walk over what runs in a process of its own: its variables are gone afterwards.
    fn apart(&mut self, walk: impl FnOnce(&mut Self)) {
        let mark = self.variables.mark();
        let alive = std::mem::replace(&mut self.variables.alive, true);
        walk(self);
        self.variables.back(mark);
        self.variables.alive = alive;
    }

    fn command(&mut self, command: &'a Command<'a>, place: Place) {
        self.construct_extension(command);
        match &command.kind {
            CommandKind::Simple(simple) => {
                self.simple(command, simple, place);
                for redirect in &command.redirects {
                    self.redirect(redirect);
                }
                self.settle(simple);
                return;
            }
            CommandKind::Subshell(body) => self.apart(|it| it.statements(body, place, true)),
            CommandKind::Group(body) => {
                self.statements(body, Place { alone: false, ..place }, place.last_of_function);
            }
            CommandKind::If { branches, otherwise } => {
                self.if_command(branches, otherwise.as_ref(), place);
            }
            CommandKind::For(it) => self.for_loop(it, place),
            CommandKind::ArithmeticFor { header, body } => {
                self.parts(header, Usage::Whole);
                self.repeated(body, place);
            }
            CommandKind::Loop { condition, body, .. } => {
                self.may_change(body);
                self.condition(condition);
                self.repeated(body, place);
            }
            CommandKind::Case { subject, arms } => self.case_command(subject, arms, place),
            CommandKind::Function { body, .. } => {
                let inner = Place { last_of_function: true, ..Place::default() };
                self.apart(|it| it.command(body, inner));
            }
            CommandKind::Test(words) => {
                for word in words {
                    self.word(word, Usage::Whole);
                }
            }
            CommandKind::Arithmetic(parts) => self.parts(parts, Usage::Whole),
            CommandKind::Missing => {}
        }
        for redirect in &command.redirects {
            self.redirect(redirect);
        }
    }

    fn if_command(
        &mut self,
        branches: &'a [Branch<'a>],
        otherwise: Option<&'a Body<'a>>,
        place: Place,
    ) {
        let mut ways = Vec::new();
        let alive = self.variables.alive;
        for branch in branches {
            // What the conditions set is kept for all ways.
            self.condition(&branch.condition);
            self.way(&mut ways, alive, |it| it.statements(&branch.body, place, false));
        }
        match otherwise {
            Some(body) => self.way(&mut ways, alive, |it| it.statements(body, place, false)),
            None => ways.push(Vec::new()),
        }
        self.join(&ways);
    }

    fn case_command(&mut self, subject: &'a Word<'a>, arms: &'a [Arm<'a>], place: Place) {
        self.word(subject, Usage::Whole);
        let mut ways = Vec::new();
        let alive = self.variables.alive;
        let mut has_default = false;
        for arm in arms {
            for pattern in &arm.patterns {
                self.word(pattern, Usage::Whole);
                let only = pattern.parts.as_slice();
                has_default |= matches!(only, [Part { kind: PartKind::Glob("*"), .. }]);
            }
            self.way(&mut ways, alive, |it| it.statements(&arm.body, place, false));
        }
        if !has_default {
            ways.push(Vec::new());
        }
        self.join(&ways);
    }

    /// Walk over one of several ways, and remember what it changes if it ends here.
    fn way(&mut self, ways: &mut Vec<Changes<'a>>, alive: bool, walk: impl FnOnce(&mut Self)) {
        let mark = self.variables.mark();
        self.variables.alive = true;
        walk(self);
        let ends = std::mem::replace(&mut self.variables.alive, alive);
        let changes = self.variables.back(mark);
        if ends {
            ways.push(changes);
        }
    }

    fn join(&mut self, ways: &[Changes<'a>]) {
        if ways.is_empty() {
            self.variables.alive = false;
        }
        self.variables.merge(ways);
    }

    fn condition(&mut self, body: &'a Body<'a>) {
        for (index, statement) in body.iter().enumerate() {
            let is_last = index + 1 == body.len();
            let place = Place { condition: is_last, alone: !is_last, ..Place::default() };
            if !is_last {
                self.lost_negation(&statement.chain, place);
            }
            self.chain(&statement.chain, place);
        }
    }

    fn for_loop(&mut self, it: &'a For<'a>, place: Place) {
        let values = it.values.as_deref().unwrap_or_default();
        self.loop_words(values);
        for word in values {
            self.word(word, Usage::Whole);
        }
        self.may_change(&it.body);
        let splits = values.iter().any(|word| word.parts.iter().any(may_split));
        let value = if values.is_empty() || splits {
            Value::Dirty
        } else {
            let mut value = Value::Empty;
            for word in values {
                value = value.or(self.variables.of_word(word));
            }
            value
        };
        if is_name(it.name) {
            self.variables.set(it.name, value);
        }
        self.repeated(&it.body, place);
    }

    /// A body that runs any number of times.
    fn repeated(&mut self, body: &'a Body<'a>, place: Place) {
        let mut ways = vec![Vec::new()];
        let alive = self.variables.alive;
        let inner = Place { last_of_function: false, ..place };
        self.way(&mut ways, alive, |it| it.statements(body, inner, false));
        self.variables.merge(&ways);
    }

    /// What a body sets may already be set when it is run again.
    fn may_change(&mut self, body: &'a Body<'a>) {
        let mut changes = Vec::new();
        assignments(body, &mut changes);
        for (name, parts, append) in changes {
            let value = parts.map_or(Value::Dirty, |parts| self.variables.of_parts(parts));
            if append {
                self.variables.add(name, value);
            } else {
                self.variables.may_be(name, value);
            }
        }
    }

    fn simple(&mut self, command: &'a Command<'a>, simple: &'a Simple<'a>, place: Place) {
        for assignment in &simple.assignments {
            self.assignment(assignment);
        }
        let name = simple.words.first().and_then(Word::literal);
        let name = name.as_deref().unwrap_or("");
        self.checks(command, simple, name, place);
        let declares = matches!(name, "export" | "declare" | "typeset" | "local" | "readonly");
        // Bash and ksh do not split what a declaration assigns.
        let is_safe = declares && matches!(self.dialect, Dialect::Bash | Dialect::Ksh);
        // Only what may fall into several words asks for it.
        let takes_many = (!command.redirects.is_empty()
            || simple.words.iter().any(|word| word.parts.iter().any(may_split)))
            && takes_many_words(name);
        for (index, word) in simple.words.iter().enumerate().filter(|(_, word)| !word.is_plain()) {
            let is_assigned = is_safe && assigned(word).is_some();
            let usage = if index == 0 || is_assigned { Usage::Whole } else { Usage::Split };
            // A substitution in the word before had commands of its own.
            self.takes_many = takes_many;
            self.word(word, usage);
        }
        self.takes_many = takes_many;
    }

    fn assignment(&mut self, assignment: &'a Assignment<'a>) {
        match &assignment.value {
            Assigned::Word(word) => self.word(word, Usage::Whole),
            Assigned::Array(words) => {
                for word in words {
                    self.word(word, Usage::Whole);
                }
            }
        }
    }

    /// What a simple command leaves behind.
    fn settle(&mut self, simple: &'a Simple<'a>) {
        if simple.words.is_empty() {
            for assignment in &simple.assignments {
                let value = match &assignment.value {
                    Assigned::Word(word) if !assignment.indexed => self.variables.of_word(word),
                    _ => Value::Dirty,
                };
                if assignment.append {
                    self.variables.add(assignment.name, value);
                } else {
                    self.variables.set(assignment.name, value);
                }
            }
            return;
        }
        let name = simple.words[0].literal();
        let arguments = &simple.words[1..];
        match name.as_deref().unwrap_or("") {
            "export" | "declare" | "typeset" | "local" | "readonly" => {
                for word in arguments {
                    if let Some((name, start)) = assigned(word) {
                        let value = self.variables.of_assigned(start, word);
                        self.variables.set(name, value);
                    }
                }
            }
            "read" | "mapfile" | "readarray" | "getopts" => {
                for word in arguments.iter().filter(|word| is_name(word.start())) {
                    self.variables.set(word.start(), Value::Dirty);
                }
            }
            "unset" => {
                for word in arguments.iter().filter(|word| is_name(word.start())) {
                    self.variables.set(word.start(), Value::Empty);
                }
            }
            "exit" | "return" | "exec" | "break" | "continue" => {
                let ends = name.as_deref() != Some("exec") || !arguments.is_empty();
                self.variables.alive &= !ends;
            }
            "." | "source" | "eval" => {}
            _ => {}
        }
    }

    fn redirect(&mut self, redirect: &'a Redirect<'a>) {
        self.redirection(redirect);
        if let Some(heredoc) = redirect.heredoc.and_then(|index| self.heredocs.get(index)) {
            self.parts(&heredoc.parts, Usage::Whole);
            return;
        }
        let usage = if redirect.operator == "<<<" { Usage::Whole } else { Usage::Split };
        self.word(&redirect.target, usage);
    }

    pub(super) fn word(&mut self, word: &'a Word<'a>, usage: Usage) {
        self.joined_arguments(word);
        self.parts(&word.parts, usage);
    }

    pub(super) fn parts(&mut self, parts: &'a [Part<'a>], usage: Usage) {
        for part in parts {
            self.part(part, usage);
            self.expansion_extension(part);
            match &part.kind {
                PartKind::Substitution(body) | PartKind::Process(body) => self.inner(body),
                PartKind::Backquote(body) => self.inner(body),
                PartKind::Double(parts) | PartKind::Arithmetic(parts) => {
                    self.parts(parts, Usage::Whole);
                }
                PartKind::Expansion(it) => self.parts(&it.argument, Usage::Whole),
                PartKind::Array(words) => {
                    for word in words {
                        self.word(word, Usage::Whole);
                    }
                }
                _ => {}
            }
        }
    }

    /// The commands of a substitution.
    fn inner(&mut self, body: &'a Body<'a>) {
        self.substitutions += 1;
        self.apart(|it| it.statements(body, Place::default(), true));
        self.substitutions -= 1;
    }
}

pub(super) fn may_split(part: &Part<'_>) -> bool {
    matches!(
        part.kind,
        PartKind::Variable(_)
            | PartKind::Expansion(_)
            | PartKind::Substitution(_)
            | PartKind::Backquote(_)
            | PartKind::Glob(_)
            | PartKind::Brace
    )
}

/// Whether the arguments of a command are often a list in a variable, which quotes would break.
fn takes_many_words(name: &str) -> bool {
    const COMMANDS: [&str; 30] = [
        "apt-get",
        "apt",
        "apt-mark",
        "aptitude",
        "apk",
        "yum",
        "dnf",
        "microdnf",
        "zypper",
        "pip",
        "pip3",
        "npm",
        "yarn",
        "gem",
        "make",
        "cmake",
        "configure",
        "gcc",
        "g++",
        "cc",
        "go",
        "cargo",
        "dpkg",
        "rpm",
        "docker-php-ext-install",
        "docker-php-ext-configure",
        "pecl",
        "conda",
        "xargs",
        "gpg",
    ];
    let name = base_name(name);
    COMMANDS.contains(&name) || name.is_empty()
}

/// Whether a `set` with `-e` stands somewhere; seen in the text, which is all that is asked.
fn sets_errexit(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find("set ") {
        let arguments = rest[at + 4..].trim_start();
        let mut words = arguments.split([' ', '\t', ';', '&', '\n', '|']);
        let found = words
            .by_ref()
            .take(6)
            .take_while(|word| word.starts_with(['-', '+']) || *word == "errexit")
            .any(|word| {
                word == "errexit"
                    || (word.starts_with('-') && !word.starts_with("--") && word.contains('e'))
            });
        if found {
            return true;
        }
        rest = &rest[at + 4..];
    }
    false
}

type Change<'a, 'b> = (&'a str, Option<&'b [Part<'a>]>, bool);

/// What is assigned directly in a body, without what runs in a process of its own.
fn assignments<'a, 'b>(body: &'b Body<'a>, found: &mut Vec<Change<'a, 'b>>) {
    for command in body.iter().flat_map(|it| it.chain.pipelines()).flat_map(|it| &it.commands) {
        match &command.kind {
            CommandKind::Simple(simple) if simple.words.is_empty() => {
                found.extend(simple.assignments.iter().map(|it| match &it.value {
                    Assigned::Word(word) => (it.name, Some(word.parts.as_slice()), it.append),
                    Assigned::Array(_) => (it.name, None, it.append),
                }));
            }
            CommandKind::Simple(simple) if simple.words[0].start() == "read" => {
                let names = simple.words[1..].iter().map(Word::start).filter(|it| is_name(it));
                found.extend(names.map(|name| (name, None, false)));
            }
            CommandKind::Group(body)
            | CommandKind::ArithmeticFor { body, .. }
            | CommandKind::Loop { body, .. } => assignments(body, found),
            CommandKind::For(it) => {
                found.push((it.name, None, false));
                assignments(&it.body, found);
            }
            CommandKind::If { branches, otherwise } => {
                for branch in branches {
                    assignments(&branch.body, found);
                }
                if let Some(body) = otherwise {
                    assignments(body, found);
                }
            }
            CommandKind::Case { arms, .. } => {
                for arm in arms {
                    assignments(&arm.body, found);
                }
            }
            _ => {}
        }
    }
}
