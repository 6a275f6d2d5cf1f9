//! Commands that stand one after the other, in a list or in a pipe.

use super::{FaultKind, walk::Walk};
use crate::{Body, Command, CommandKind, Part, PartKind, Pipeline, Simple, Statement, Word};

/// Commands that append to one file before it is worth a word, as ShellCheck has it.
const APPENDS_MIN: usize = 3;

impl<'a> Walk<'a> {
    /// `cat FILE | …`.
    pub(super) fn useless_cat(&mut self, pipeline: &Pipeline<'_>) {
        let [first, _, ..] = pipeline.commands.as_slice() else { return };
        let CommandKind::Simple(simple) = &first.kind else { return };
        let [name, file] = simple.words.as_slice() else { return };
        let is_plain = simple.assignments.is_empty() && first.redirects.is_empty();
        if name.literal().as_deref() == Some("cat") && is_plain && is_one_file(file) {
            let message = "the next command can read the file itself: `command < file`";
            self.report(FaultKind::UselessCat, first.span, message);
        }
    }

    /// What is odd in a list of statements as a whole.
    pub(super) fn list(&mut self, body: &Body<'_>) {
        self.folder_and_back(body);
        self.many_appends(body);
    }

    fn folder_and_back(&mut self, body: &Body<'_>) {
        if self.errexit {
            return;
        }
        let mut is_away = false;
        for simple in body.iter().filter_map(only).filter_map(|(_, simple)| simple) {
            if simple.words.first().and_then(Word::literal).as_deref() != Some("cd") {
                continue;
            }
            let goes_back = matches!(&simple.words[1..], [to] if matches!(to.literal().as_deref(), Some(".." | "-")));
            if goes_back && is_away {
                let message = "this goes somewhere else if the `cd` before it failed; `( cd … && … )` comes back by itself";
                self.report(FaultKind::FolderAndBack, simple.words[0].span, message);
            }
            is_away = !goes_back;
        }
    }

    fn many_appends(&mut self, body: &Body<'_>) {
        let mut start = 0;
        while start < body.len() {
            let file = body.get(start).and_then(|statement| self.appended(statement));
            let same = |statement: &&Statement<'_>| self.appended(statement) == file;
            let n_same = body[start..].iter().take_while(same).count().max(1);
            if let Some(file) = file.filter(|_| n_same >= APPENDS_MIN) {
                let message = format!("{n_same} commands open `{file}` one after the other");
                let span = body[start].chain.span();
                self.report(FaultKind::ManyAppends, span, message);
            }
            start += n_same;
        }
    }

    /// The file that a statement of one command appends to, as it is written.
    fn appended(&self, statement: &Statement<'_>) -> Option<&'a str> {
        let (command, _) = only(statement)?;
        let [redirect] = command.redirects.as_slice() else { return None };
        let is_plain = redirect.operator == ">>" && redirect.descriptor.is_empty();
        is_plain.then(|| redirect.target.span.text(self.text))
    }
}

/// The only command of a statement, and whether it is a simple one.
fn only<'b, 'a>(statement: &'b Statement<'a>) -> Option<(&'b Command<'a>, Option<&'b Simple<'a>>)> {
    let chain = &statement.chain;
    let [command] = chain.first.commands.as_slice() else { return None };
    if statement.background || !chain.rest.is_empty() || chain.first.negation.is_some() {
        return None;
    }
    let simple = match &command.kind {
        CommandKind::Simple(simple) => Some(simple),
        _ => None,
    };
    Some((command, simple))
}

/// Whether a word is the name of one file: no option, and nothing in it that may become several words.
fn is_one_file(word: &Word<'_>) -> bool {
    let is_single = |part: &Part<'_>| {
        matches!(
            part.kind,
            PartKind::Literal(_) | PartKind::Escaped(_) | PartKind::Single(_) | PartKind::Double(_)
        )
    };
    !word.start().starts_with('-') && !word.parts.is_empty() && word.parts.iter().all(is_single)
}
