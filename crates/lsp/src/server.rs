//! The conversation: requests are answered in their order; findings are published when nothing more waits.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;

use sealift_diagnostic::Span;
use serde_json::{Value, json};

use crate::document::{BYTES_MAX, Document};
use crate::message::{self, Error, Message};
use crate::position::Encoding;
use crate::{Workspace, action, hover};

/// Documents that may be open at once.
const DOCUMENTS_MAX: usize = 2_000;
/// Messages that are read ahead.
const QUEUE: usize = 64;

const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;
const METHOD_NOT_FOUND: i32 = -32601;
const INVALID_PARAMETERS: i32 = -32602;
const NOT_INITIALIZED: i32 = -32002;
const REQUEST_FAILED: i32 = -32803;

/// How a conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The editor said goodbye first.
    Clean,
    /// The stream ended, or the editor left without a word.
    Abrupt,
}

/// Talk to an editor until it leaves.
pub fn serve<I, O>(mut input: I, output: O, workspace: &dyn Workspace) -> Result<Ending, Error>
where
    I: BufRead + Send + 'static,
    O: Write,
{
    let (sender, receiver) = mpsc::sync_channel(QUEUE);
    // Reading has a thread of its own, so that it is known whether more waits before work is done that the next message makes void.
    thread::Builder::new().name("editor".to_owned()).spawn(move || {
        loop {
            let message = message::read(&mut input);
            let is_last = !matches!(message, Ok(Some(_)));
            if sender.send(message).is_err() || is_last {
                return;
            }
        }
    })?;
    let mut server = Server {
        output,
        workspace,
        documents: BTreeMap::new(),
        encoding: Encoding::default(),
        state: State::New,
    };
    server.run(&receiver)
}

type Incoming = Receiver<Result<Option<Message>, Error>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Running,
    ShutDown,
}

struct Server<'a, O> {
    output: O,
    workspace: &'a dyn Workspace,
    documents: BTreeMap<String, Document>,
    encoding: Encoding,
    state: State,
}

impl<O: Write> Server<'_, O> {
    fn run(&mut self, incoming: &Incoming) -> Result<Ending, Error> {
        loop {
            let message = match incoming.try_recv() {
                Ok(message) => message?,
                Err(TryRecvError::Disconnected) => None,
                Err(TryRecvError::Empty) => {
                    self.publish()?;
                    incoming.recv().unwrap_or(Ok(None))?
                }
            };
            match message {
                None => return Ok(Ending::Abrupt),
                Some(Message::Unreadable(why)) => {
                    self.send(&message::refusal(&Value::Null, PARSE_ERROR, &why))?;
                }
                Some(Message::Value(value)) => {
                    if value["method"] == "exit" {
                        let is_clean = self.state == State::ShutDown;
                        return Ok(if is_clean { Ending::Clean } else { Ending::Abrupt });
                    }
                    self.receive(&value)?;
                }
            }
        }
    }

    fn send(&mut self, value: &Value) -> Result<(), Error> {
        message::write(&mut self.output, value)
    }

    fn receive(&mut self, value: &Value) -> Result<(), Error> {
        let (id, parameters) = (&value["id"], &value["params"]);
        let Some(method) = value["method"].as_str() else {
            // An answer to a question is for nobody: none is asked.
            if value.get("result").is_some() || value.get("error").is_some() {
                return Ok(());
            }
            return self.send(&message::refusal(id, INVALID_REQUEST, "a message without a method"));
        };
        if id.is_null() {
            return match self.notice(method, parameters) {
                Ok(()) => Ok(()),
                Err(why) => {
                    let parameters = json!({ "type": 2, "message": format!("{method}: {why}") });
                    self.send(&message::notification("window/logMessage", &parameters))
                }
            };
        }
        let answer = match self.request(method, parameters) {
            Ok(result) => message::answer(id, &result),
            Err((code, why)) => message::refusal(id, code, &why),
        };
        self.send(&answer)
    }

    fn request(&mut self, method: &str, parameters: &Value) -> Result<Value, (i32, String)> {
        match (self.state, method) {
            (State::New, "initialize") => {
                self.state = State::Running;
                Ok(self.initialize(parameters))
            }
            (State::New, _) => {
                Err((NOT_INITIALIZED, "the first request is `initialize`".to_owned()))
            }
            (State::ShutDown, _) => {
                Err((INVALID_REQUEST, "after `shutdown` comes `exit`".to_owned()))
            }
            (State::Running, "shutdown") => {
                self.state = State::ShutDown;
                Ok(Value::Null)
            }
            (State::Running, "textDocument/codeAction") => self.actions(parameters),
            (State::Running, "textDocument/hover") => self.hover(parameters),
            (State::Running, "initialize") => {
                Err((INVALID_REQUEST, "`initialize` comes once".to_owned()))
            }
            (State::Running, _) => {
                Err((METHOD_NOT_FOUND, format!("this server does not know `{method}`")))
            }
        }
    }

    fn initialize(&mut self, parameters: &Value) -> Value {
        let offered = parameters["capabilities"]["general"]["positionEncodings"].as_array();
        if offered.is_some_and(|offered| offered.iter().any(|name| name == "utf-8")) {
            self.encoding = Encoding::Utf8;
        }
        json!({
            "capabilities": {
                "positionEncoding": self.encoding.as_str(),
                "textDocumentSync": { "openClose": true, "change": 2, "save": true },
                "codeActionProvider": { "codeActionKinds": ["quickfix", "source.fixAll.sealift"] },
                "hoverProvider": true,
            },
            "serverInfo": { "name": "sealift", "version": env!("CARGO_PKG_VERSION") },
        })
    }

    // What an unknown notification says is not for this server.
    fn notice(&mut self, method: &str, parameters: &Value) -> Result<(), String> {
        if self.state != State::Running {
            return Ok(());
        }
        let document = &parameters["textDocument"];
        let uri = || document["uri"].as_str().ok_or("there is no `uri`");
        match method {
            "textDocument/didOpen" => {
                let text = document["text"].as_str().ok_or("there is no `text`")?;
                if text.len() > BYTES_MAX {
                    return Err(format!("the document is larger than {BYTES_MAX} bytes"));
                }
                if self.documents.len() >= DOCUMENTS_MAX {
                    return Err(format!("{DOCUMENTS_MAX} documents are open"));
                }
                let uri = uri()?;
                let opened = Document::new(uri, text, document["version"].clone());
                self.documents.insert(uri.to_owned(), opened);
            }
            "textDocument/didChange" => {
                let encoding = self.encoding;
                let known = self.documents.get_mut(uri()?).ok_or("the document is not open")?;
                let changes =
                    parameters["contentChanges"].as_array().map_or(&[][..], Vec::as_slice);
                known.change(changes, encoding)?;
                known.version = document["version"].clone();
            }
            "textDocument/didClose" => {
                self.documents.remove(uri()?);
                // Findings of a closed document are nobody's.
                let nothing = json!({ "uri": uri()?, "diagnostics": [] });
                self.send(&message::notification("textDocument/publishDiagnostics", &nothing))
                    .map_err(|error| error.to_string())?;
            }
            // Something beside the documents may have changed: an ignore file, the settings.
            "textDocument/didSave"
            | "workspace/didChangeWatchedFiles"
            | "workspace/didChangeConfiguration" => {
                self.documents.values_mut().for_each(|document| document.diagnostics = None);
            }
            _ => {}
        }
        Ok(())
    }

    /// Lint what has changed, and tell the editor.
    fn publish(&mut self) -> Result<(), Error> {
        let changed: Vec<String> = self
            .documents
            .values()
            .filter(|document| document.diagnostics.is_none())
            .map(|document| document.uri.clone())
            .collect();
        for uri in changed {
            self.lint(&uri)?;
        }
        Ok(())
    }

    fn lint(&mut self, uri: &str) -> Result<(), Error> {
        let Some(document) = self.documents.get_mut(uri) else { return Ok(()) };
        let (found, error) = match self.workspace.lint(&document.path, &document.text) {
            Ok(found) => (found, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        let encoding = self.encoding;
        let all: Vec<Value> =
            found.iter().map(|found| action::diagnostic(document, found, encoding)).collect();
        document.diagnostics = Some(found);
        let parameters =
            json!({ "uri": document.uri, "version": document.version, "diagnostics": all });
        if let Some(why) = error {
            let parameters = json!({ "type": 1, "message": why });
            self.send(&message::notification("window/showMessage", &parameters))?;
        }
        self.send(&message::notification("textDocument/publishDiagnostics", &parameters))
    }

    /// The document that a request is about, with findings for its present text.
    fn document(&mut self, parameters: &Value) -> Result<&Document, (i32, String)> {
        let invalid = |why: &str| (INVALID_PARAMETERS, why.to_owned());
        let uri = parameters["textDocument"]["uri"]
            .as_str()
            .ok_or_else(|| invalid("there is no `textDocument.uri`"))?;
        if self.documents.get(uri).is_some_and(|document| document.diagnostics.is_none()) {
            self.lint(uri).map_err(|error| (REQUEST_FAILED, error.to_string()))?;
        }
        self.documents.get(uri).ok_or_else(|| invalid("the document is not open"))
    }

    fn actions(&mut self, parameters: &Value) -> Result<Value, (i32, String)> {
        let (encoding, workspace) = (self.encoding, self.workspace);
        let only = parameters["context"]["only"].as_array();
        // A kind stands for those below it: `source` for `source.fixAll.sealift`.
        let is_wanted = |kind: &str| {
            only.is_none_or(|only| {
                only.iter().filter_map(Value::as_str).any(|wanted| {
                    kind.strip_prefix(wanted)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                })
            })
        };
        let document = self.document(parameters)?;
        let range: Option<Span> =
            document.lines.span(&document.text, &parameters["range"], encoding);
        let range = range.ok_or_else(|| (INVALID_PARAMETERS, "there is no `range`".to_owned()))?;
        let mut actions = Vec::new();
        if is_wanted("quickfix") {
            actions = action::actions(document, range, encoding);
        }
        if is_wanted("source.fixAll.sealift") {
            let mended = workspace
                .fix_all(&document.path, &document.text)
                .map_err(|why| (REQUEST_FAILED, why))?;
            if mended != document.text {
                actions.push(action::replace_all(document, &mended, encoding));
            }
        }
        Ok(Value::Array(actions))
    }

    fn hover(&mut self, parameters: &Value) -> Result<Value, (i32, String)> {
        let (encoding, workspace) = (self.encoding, self.workspace);
        let document = self.document(parameters)?;
        let offset = document.lines.offset(&document.text, &parameters["position"], encoding);
        let offset =
            offset.ok_or_else(|| (INVALID_PARAMETERS, "there is no `position`".to_owned()))?;
        Ok(hover::hover(document, offset, encoding, workspace))
    }
}
