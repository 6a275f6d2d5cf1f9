//! The language server, spoken to as an editor does.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use sealift_testkit::TestContext;
use serde_json::{Value, json};

use crate::context;

struct Editor {
    server: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    asked: u64,
}

impl Editor {
    /// A server that has not been greeted.
    fn start(context: &TestContext) -> Self {
        let mut command = context.command(&["lsp", "--stdio"]);
        let mut server =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let input = server.stdin.take().unwrap();
        let output = BufReader::new(server.stdout.take().unwrap());
        Self { server, input, output, asked: 0 }
    }

    fn greeted(context: &TestContext) -> Self {
        let mut editor = Self::start(context);
        let answer = editor.ask("initialize", &json!({ "capabilities": {} }));
        assert_eq!(answer["result"]["capabilities"]["positionEncoding"], "utf-16");
        editor.tell("initialized", &json!({}));
        editor
    }

    fn send(&mut self, text: &str) {
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.input.flush().unwrap();
    }

    fn tell(&mut self, method: &str, parameters: &Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": parameters }).to_string());
    }

    /// Ask, and wait for the answer; what the server says unasked in between is dropped.
    fn ask(&mut self, method: &str, parameters: &Value) -> Value {
        self.asked += 1;
        let id = self.asked;
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": parameters });
        self.send(&request.to_string());
        loop {
            let message = self.receive();
            if message["id"] == id {
                return message;
            }
        }
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "the server has ended");
            match line.trim().split_once(": ") {
                Some(("Content-Length", value)) => length = value.parse().unwrap(),
                _ if line.trim().is_empty() => break,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    /// The findings that are published next.
    fn findings(&mut self) -> Vec<Value> {
        loop {
            let message = self.receive();
            if message["method"] == "textDocument/publishDiagnostics" {
                return message["params"]["diagnostics"].as_array().unwrap().clone();
            }
        }
    }

    fn leave(mut self, code: i32) {
        self.tell("exit", &json!({}));
        drop(self.input);
        assert_eq!(self.server.wait().unwrap().code(), Some(code));
    }
}

fn codes(findings: &[Value]) -> Vec<&str> {
    findings.iter().filter_map(|found| found["code"].as_str()).collect()
}

fn uri(context: &TestContext, path: &str) -> String {
    format!("file://{}", context.work().join(path).display())
}

fn open(editor: &mut Editor, uri: &str, text: &str) {
    let document = json!({ "uri": uri, "languageId": "dockerfile", "version": 1, "text": text });
    editor.tell("textDocument/didOpen", &json!({ "textDocument": document }));
}

const TEXT: &str = "FROM debian:12\nMAINTAINER a😀\nUSER app\nCMD [\"true\"]\n";

/// What an editor does with the edit of an action: only edits of one line are needed here.
fn apply(text: &str, action: &Value) -> String {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let changes = action["edit"]["documentChanges"].as_array().unwrap();
    for edit in changes.iter().flat_map(|change| change["edits"].as_array().unwrap()).rev() {
        let (start, end) = (&edit["range"]["start"], &edit["range"]["end"]);
        assert_eq!(start["line"], end["line"], "{edit}");
        let line = &mut lines[usize::try_from(start["line"].as_u64().unwrap()).unwrap()];
        let units: Vec<u16> = line.encode_utf16().collect();
        let at = |place: &Value| usize::try_from(place["character"].as_u64().unwrap()).unwrap();
        let new: Vec<u16> = edit["newText"].as_str().unwrap().encode_utf16().collect();
        let parts = [&units[..at(start)], &new, &units[at(end)..]];
        *line = String::from_utf16(&parts.concat()).unwrap();
    }
    lines.join("\n")
}

#[test]
fn findings_follow_what_is_typed() {
    let context = context();
    let mut editor = Editor::greeted(&context);
    let uri = uri(&context, "Dockerfile");
    open(&mut editor, &uri, TEXT);
    let found = editor.findings();
    assert!(codes(&found).contains(&"SL3006"), "{found:?}");
    let maintainer = found.iter().find(|found| found["code"] == "SL3006").unwrap();
    assert_eq!(maintainer["range"]["start"]["line"], 1);
    assert_eq!(maintainer["source"], "sealift");

    // The emoji has two units of UTF-16: the text behind it is replaced rightly.
    let range =
        json!({ "start": { "line": 1, "character": 0 }, "end": { "line": 1, "character": 14 } });
    let change = json!({ "range": range, "text": "ENV API_KEY=hunter22hunter" });
    editor.tell(
        "textDocument/didChange",
        &json!({ "textDocument": { "uri": uri, "version": 2 }, "contentChanges": [change] }),
    );
    let found = editor.findings();
    assert!(!codes(&found).contains(&"SL3006") && codes(&found).contains(&"SL1001"), "{found:?}");

    editor.tell("textDocument/didClose", &json!({ "textDocument": { "uri": uri } }));
    assert_eq!(editor.findings(), Vec::<Value>::new());
    assert_eq!(editor.ask("shutdown", &json!(null))["result"], Value::Null);
    editor.leave(0);
}

#[test]
fn a_fix_is_offered_and_mends() {
    let context = context();
    let mut editor = Editor::greeted(&context);
    let uri = uri(&context, "Dockerfile");
    let text = "FROM debian:12\nRUN apt-get update \\\n && apt-get install --no-install-recommends curl=1\nUSER app\n";
    open(&mut editor, &uri, text);
    let found = editor.findings();
    assert!(codes(&found).contains(&"SL3014"), "{found:?}");
    let line = found.iter().find(|found| found["code"] == "SL3014").unwrap()["range"].clone();
    let asked =
        json!({ "textDocument": { "uri": uri }, "range": line, "context": { "diagnostics": [] } });
    let answer = editor.ask("textDocument/codeAction", &asked);
    let actions = answer["result"].as_array().unwrap();
    let of_rule = |action: &&Value| action["diagnostics"][0]["code"] == "SL3014";
    let fix = actions.iter().filter(of_rule).find(|action| action["isPreferred"] == true);
    let mended = apply(text, fix.unwrap_or_else(|| panic!("{actions:#?}")));
    open(&mut editor, &uri, &mended);
    let found = editor.findings();
    assert!(!codes(&found).contains(&"SL3014"), "{mended}");

    // Or the finding is silenced.
    let silence = actions
        .iter()
        .filter(of_rule)
        .find(|action| action["title"].as_str().unwrap().starts_with("ignore SL3014"));
    open(&mut editor, &uri, &apply(text, silence.unwrap()));
    let found = editor.findings();
    assert!(!codes(&found).contains(&"SL3014"), "{found:?}");

    // All that is safe at once.
    let only = json!({ "textDocument": { "uri": uri }, "range": line, "context": { "only": ["source.fixAll"] } });
    open(&mut editor, &uri, text);
    let answer = editor.ask("textDocument/codeAction", &only);
    let actions = answer["result"].as_array().unwrap();
    assert_eq!(actions.len(), 1, "{actions:?}");
    let edit = &actions[0]["edit"]["documentChanges"][0]["edits"][0];
    assert!(edit["newText"].as_str().unwrap().contains("install -y"), "{edit}");
    editor.leave(1);
}

#[test]
fn a_rule_and_an_instruction_are_explained() {
    let context = context();
    let mut editor = Editor::greeted(&context);
    let uri = uri(&context, "Dockerfile");
    open(&mut editor, &uri, TEXT);
    let mut hover = |line: u64, character: u64| {
        let position = json!({ "line": line, "character": character });
        let asked = json!({ "textDocument": { "uri": uri }, "position": position });
        editor.ask("textDocument/hover", &asked)["result"]["contents"]["value"].clone()
    };
    let rule = hover(1, 2);
    assert!(rule.as_str().unwrap().contains("**SL3006** `maintainer`"), "{rule}");
    let instruction = hover(2, 1);
    assert!(instruction.as_str().unwrap().contains("USER USER[:GROUP]"), "{instruction}");
    assert_eq!(hover(3, 8), Value::Null);
}

#[test]
fn settings_of_the_folder_count() {
    let context = context();
    context.write("sealift.toml", "[lint]\nignore = [\"DL4000\"]\n");
    let mut editor = Editor::greeted(&context);
    let uri = uri(&context, "Dockerfile");
    open(&mut editor, &uri, TEXT);
    assert!(!codes(&editor.findings()).contains(&"SL3006"));
    context.write("sealift.toml", "[lint]\nignore = [\"DL4000\"\n");
    editor.tell("textDocument/didSave", &json!({ "textDocument": { "uri": uri } }));
    let message = editor.receive();
    assert_eq!(message["method"], "window/showMessage", "{message}");
    assert!(message["params"]["message"].as_str().unwrap().contains("sealift.toml"), "{message}");
}

#[test]
fn hostile_editors() {
    let context = context();
    let mut editor = Editor::start(&context);
    let early = editor.ask("textDocument/hover", &json!({}));
    assert_eq!(early["error"]["code"], -32002);
    editor.ask(
        "initialize",
        &json!({ "capabilities": { "general": { "positionEncodings": ["utf-8"] } } }),
    );
    editor.send("{");
    assert_eq!(editor.receive()["error"]["code"], -32700);
    editor.send("[]");
    assert_eq!(editor.receive()["error"]["code"], -32600);
    let deep = "[".repeat(1 << 20);
    editor.send(&deep);
    assert_eq!(editor.receive()["error"]["code"], -32700);
    for (method, parameters, code) in [
        ("textDocument/rename", json!({}), -32601),
        ("textDocument/hover", json!({}), -32602),
        ("textDocument/codeAction", json!({ "textDocument": { "uri": "file:///none" } }), -32602),
        ("initialize", json!({}), -32600),
    ] {
        assert_eq!(editor.ask(method, &parameters)["error"]["code"], code, "{method}");
    }
    // Notices of things that are not there are logged, and the server goes on.
    editor.tell("textDocument/didChange", &json!({ "textDocument": { "uri": "file:///none" } }));
    assert_eq!(editor.receive()["method"], "window/logMessage");
    open(&mut editor, "untitled:Untitled-1", "FROM scratch\0\nRUN \\");
    editor.findings();
    write!(editor.input, "HELO\r\n").unwrap();
    editor.input.flush().unwrap();
    drop(editor.input);
    assert_eq!(editor.server.wait().unwrap().code(), Some(3));
}
