//! From a text to a tree.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use sealift_diagnostic::{Diagnostic, Span};
use sealift_dockerfile::SYNTAX_RULE;

use super::{Content, Limits, Mark, Node, Quotes, Tree};

/// Read all documents of a text.
pub(crate) fn read<'t>(text: &'t str, limits: &Limits) -> Tree<'t> {
    let mut reader = Reader {
        text,
        limits,
        offsets: Offsets::new(text),
        nodes: Vec::new(),
        roots: Vec::new(),
        open: Vec::new(),
        anchors: BTreeMap::new(),
        problems: Vec::new(),
        document_start: 0,
    };
    if text.len() > limits.bytes {
        reader.problem(Span::at(0), format!("the file is larger than {} bytes", limits.bytes));
    } else {
        for event in Parser::new_from_str(text) {
            let step = match event {
                Ok((event, span)) => {
                    let span = reader.offsets.span(span.start.index(), span.end.index());
                    reader.take(event, span)
                }
                Err(error) => {
                    let at = reader.offsets.byte(error.marker().index());
                    Err((Span::at(at), error.info().to_owned()))
                }
            };
            // After its first error the parser has nothing more to say.
            if let Err((span, message)) = step {
                reader.problem(span, message);
                reader.end_document(text.len());
                break;
            }
        }
    }
    Tree {
        text,
        nodes: reader.nodes,
        roots: reader.roots,
        problems: reader.problems,
        visits_left: Cell::new(limits.visits),
    }
}

/// What makes reading stop: where, and why.
type Stop = (Span, String);

struct Reader<'t> {
    text: &'t str,
    limits: &'t Limits,
    offsets: Offsets,
    nodes: Vec<Node>,
    roots: Vec<(usize, Span)>,
    open: Vec<Open>,
    /// The parser's number of an anchor, and the value that has it.
    anchors: BTreeMap<usize, usize>,
    problems: Vec<Diagnostic>,
    document_start: usize,
}

/// A collection that is not at its end.
struct Open {
    start: usize,
    anchor: usize,
    /// Keys and values for a mapping, one after the other.
    nodes: Vec<usize>,
    is_map: bool,
    is_flow: bool,
    mark: Mark,
}

impl Reader<'_> {
    fn problem(&mut self, span: Span, message: String) {
        self.problems.push(Diagnostic::error(span, message).with_rule(SYNTAX_RULE));
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Stop> {
        match event {
            Event::DocumentStart(_) => {
                self.document_start = span.start;
                Ok(())
            }
            Event::DocumentEnd => {
                self.end_document(span.start);
                Ok(())
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(target) => self.add(span, Content::Alias(*target), 0, Mark::None),
                None => Err((span, "an alias stands inside of what it stands for".to_owned())),
            },
            Event::Scalar(text, style, anchor, tag) => {
                let content = scalar(&text, style);
                let end = match style {
                    ScalarStyle::SingleQuoted => self.quoted_end(span, '\''),
                    ScalarStyle::DoubleQuoted => self.quoted_end(span, '"'),
                    _ => span.start + self.shown(span).len(),
                };
                self.add(Span::new(span.start, end), content, anchor, mark(tag.as_ref()))
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin(span, anchor, false, mark(tag.as_ref()))
            }
            Event::MappingStart(anchor, tag) => self.begin(span, anchor, true, mark(tag.as_ref())),
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Nothing | Event::StreamStart | Event::StreamEnd => Ok(()),
        }
    }

    /// The text of a span without what follows it on its line.
    fn shown(&self, span: Span) -> &str {
        span.text(self.text).trim_end()
    }

    /// Where a quoted text ends: the parser counts blanks and comments behind it in.
    fn quoted_end(&self, span: Span, quote: char) -> usize {
        let text = span.text(self.text);
        // An anchor or tag stands before the first quote, and has none itself.
        let Some(open) = text.find(quote) else { return span.end };
        let mut letters = text[open + 1..].char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            if letter == '\\' && quote == '"' {
                letters.next();
            } else if letter == quote {
                let is_doubled =
                    quote == '\'' && letters.next_if(|(_, next)| *next == quote).is_some();
                if !is_doubled {
                    return span.start + open + 1 + at + 1;
                }
            }
        }
        span.end
    }

    fn begin(&mut self, span: Span, anchor: usize, is_map: bool, mark: Mark) -> Result<(), Stop> {
        if self.open.len() >= self.limits.depth {
            let depth = self.limits.depth;
            return Err((span, format!("more than {depth} collections are within each other")));
        }
        let is_flow = matches!(self.shown(span).chars().next_back(), Some('[' | '{'));
        let nodes = Vec::new();
        self.open.push(Open { start: span.start, anchor, nodes, is_map, is_flow, mark });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), Stop> {
        let Some(open) = self.open.pop() else {
            return Err((span, "a collection ends that did not begin".to_owned()));
        };
        let last = open.nodes.last().map_or(open.start, |id| self.nodes[*id].span.end);
        let end = if open.is_flow { span.end } else { last };
        let content = if open.is_map {
            Content::Map(self.pairs(&open.nodes))
        } else {
            Content::List(open.nodes)
        };
        let span = Span::new(open.start, end);
        let (is_flow, mark) = (open.is_flow, open.mark);
        self.push(Node { span, content, is_flow, mark }, open.anchor)
    }

    /// Keys with their values; a key that is there twice is a problem, and the first one counts.
    fn pairs(&mut self, nodes: &[usize]) -> Vec<(usize, usize)> {
        let mut known = BTreeSet::new();
        let mut twice = Vec::new();
        let mut pairs = Vec::new();
        for pair in nodes.chunks_exact(2) {
            let (key, value) = (pair[0], pair[1]);
            if let Content::Text(name, _) = &self.nodes[key].content
                && name != "<<"
                && !known.insert(name.clone())
            {
                let name: String = name.chars().take(60).collect();
                twice.push((self.nodes[key].span, format!("the key `{name}` is there twice")));
                continue;
            }
            pairs.push((key, value));
        }
        for (span, message) in twice {
            self.problem(span, message);
        }
        pairs
    }

    fn add(&mut self, span: Span, content: Content, anchor: usize, mark: Mark) -> Result<(), Stop> {
        self.push(Node { span, content, is_flow: false, mark }, anchor)
    }

    fn push(&mut self, mut node: Node, anchor: usize) -> Result<(), Stop> {
        if self.nodes.len() >= self.limits.nodes {
            return Err((
                node.span,
                format!("the file has more than {} values", self.limits.nodes),
            ));
        }
        let id = self.nodes.len();
        // The parser puts the value that is not there somewhere behind its key.
        if let (Content::Null, Some(open)) = (&node.content, self.open.last())
            && open.is_map
            && open.nodes.len() % 2 == 1
            && node.span.is_empty()
            && let Some(key) = open.nodes.last()
        {
            node.span = Span::at(self.nodes[*key].span.end);
        }
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        self.nodes.push(node);
        match self.open.last_mut() {
            Some(open) => open.nodes.push(id),
            None => self.roots.push((id, Span::new(self.document_start, self.text.len()))),
        }
        Ok(())
    }

    /// Close what is open, so that what was read before a mistake is there.
    fn end_document(&mut self, end: usize) {
        while !self.open.is_empty() {
            if self.end(Span::at(end)).is_err() {
                break;
            }
        }
        if let Some((_, span)) = self.roots.last_mut() {
            span.end = end.max(span.start);
        }
    }
}

fn mark(tag: Option<&Cow<'_, Tag>>) -> Mark {
    match tag.filter(|tag| tag.handle == "!").map(|tag| tag.suffix.as_str()) {
        Some("reset") => Mark::Reset,
        Some("override") => Mark::Override,
        _ => Mark::None,
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Content {
    let quotes = match style {
        ScalarStyle::Plain => Quotes::None,
        ScalarStyle::SingleQuoted => Quotes::Single,
        ScalarStyle::DoubleQuoted => Quotes::Double,
        ScalarStyle::Literal | ScalarStyle::Folded => Quotes::Block,
    };
    if quotes == Quotes::None && matches!(text, "" | "~" | "null" | "Null" | "NULL") {
        return Content::Null;
    }
    Content::Text(text.to_owned(), quotes)
}

/// From the parser's characters to bytes.
struct Offsets {
    /// The byte of every 64th character; none if all characters are one byte.
    marks: Option<Vec<usize>>,
    text: String,
}

const STRIDE: usize = 64;

impl Offsets {
    fn new(text: &str) -> Self {
        if text.is_ascii() {
            return Self { marks: None, text: String::new() };
        }
        let marks = text.char_indices().step_by(STRIDE).map(|(at, _)| at).collect();
        Self { marks: Some(marks), text: text.to_owned() }
    }

    fn byte(&self, index: usize) -> usize {
        let Some(marks) = &self.marks else { return index };
        let Some(mark) = marks.get(index / STRIDE) else { return self.text.len() };
        let rest = &self.text[*mark..];
        rest.char_indices().nth(index % STRIDE).map_or(self.text.len(), |(at, _)| mark + at)
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.byte(start), self.byte(end))
    }
}
