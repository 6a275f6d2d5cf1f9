//! Ports that `EXPOSE` names.

use sealift_diagnostic::{Fix, Level, Rule, Span, Tier};
use sealift_dockerfile::{Instruction, InstructionKind, Word};

use crate::{Check, edit, rule::Sink, view::View};

/// Ports to administrate, share files or debug.
pub(crate) const ADMIN: [(u16, &str); 25] = [
    (21, "FTP"),
    (22, "SSH"),
    (23, "Telnet"),
    (111, "the RPC port mapper"),
    (135, "Windows RPC"),
    (137, "NetBIOS"),
    (138, "NetBIOS"),
    (139, "NetBIOS"),
    (445, "SMB"),
    (512, "rexec"),
    (513, "rlogin"),
    (514, "rsh"),
    (873, "rsync"),
    (2049, "NFS"),
    (2375, "the Docker daemon"),
    (2376, "the Docker daemon"),
    (3389, "RDP"),
    (4848, "GlassFish administration"),
    (5005, "the Java debugger"),
    (5900, "VNC"),
    (5985, "WinRM"),
    (5986, "WinRM"),
    (9229, "the Node.js debugger"),
    (10250, "the kubelet"),
    (6443, "the Kubernetes API"),
];

/// Ports of stores and their consoles.
pub(crate) const DATABASE: [(u16, &str); 24] = [
    (1433, "SQL Server"),
    (1521, "Oracle"),
    (2379, "etcd"),
    (2380, "etcd"),
    (3306, "MySQL"),
    (5432, "PostgreSQL"),
    (5601, "Kibana"),
    (5672, "RabbitMQ"),
    (5984, "CouchDB"),
    (6379, "Redis"),
    (7000, "Cassandra"),
    (7474, "Neo4j"),
    (7687, "Neo4j"),
    (8086, "InfluxDB"),
    (9042, "Cassandra"),
    (9090, "Prometheus or an administration console"),
    (9092, "Kafka"),
    (9200, "Elasticsearch"),
    (9300, "Elasticsearch"),
    (11211, "Memcached"),
    (15672, "RabbitMQ"),
    (26257, "CockroachDB"),
    (27017, "MongoDB"),
    (50000, "DB2"),
];

/// Words in the names of images whose port it is.
const SERVERS: [&str; 27] = [
    "mssql",
    "oracle",
    "etcd",
    "mysql",
    "mariadb",
    "percona",
    "postgres",
    "postgis",
    "timescale",
    "kibana",
    "rabbitmq",
    "couchdb",
    "redis",
    "valkey",
    "cassandra",
    "neo4j",
    "influxdb",
    "prometheus",
    "kafka",
    "elasticsearch",
    "opensearch",
    "memcached",
    "cockroach",
    "mongo",
    "db2",
    "pgvector",
    "keydb",
];

pub(super) const ADMIN_PORT: Check = Check {
    rule: Rule {
        id: "SL1008",
        name: "admin-port",
        level: Level::Error,
        aliases: &["DS-0004", "CKV_DOCKER_1", "CIS-5.7", "CIS-5.8"],
        why: "a container is not administrated through a port: it is one more way in, with its own keys and passwords",
        fix: "remove the port; `docker exec` and `kubectl exec` open a shell without one",
        since: "0.1.0",
        bad: "FROM debian:12\nEXPOSE 22 8080\n",
        good: "FROM debian:12\nEXPOSE 8080\n",
        references: &[
            "CIS Docker Benchmark 5.7",
            "https://docs.docker.com/reference/dockerfile/#expose",
        ],
    },
    run: |view, sink| named_ports(view, sink, &ADMIN, &[]),
};

pub(super) const DATABASE_PORT: Check = Check {
    rule: Rule {
        id: "SL1009",
        name: "database-port",
        level: Level::Warning,
        aliases: &["CIS-5.9"],
        why: "an application that opens the port of a store invites others to it past the application's own checks",
        fix: "remove the port, and run the store in a container of its own on a private network",
        since: "0.1.0",
        bad: "FROM python:3.13-slim\nEXPOSE 8080 5432\n",
        good: "FROM python:3.13-slim\nEXPOSE 8080\n",
        references: &[
            "CIS Docker Benchmark 5.9",
            "https://docs.docker.com/reference/dockerfile/#expose",
        ],
    },
    run: |view, sink| named_ports(view, sink, &DATABASE, &SERVERS),
};

fn named_ports(view: &View<'_>, sink: &mut Sink, table: &[(u16, &str)], servers: &[&str]) {
    for stage in &view.stages {
        let opens = |instruction: &&Instruction| !exposed(instruction).is_empty();
        let mut instructions = stage.stage.instructions.iter().filter(opens).peekable();
        let at_home = || view.base(stage.stage.index).is_some_and(|base| base.is_called(servers));
        if instructions.peek().is_none() || at_home() {
            continue;
        }
        for instruction in instructions {
            for (index, word) in exposed(instruction).iter().enumerate() {
                let Some((low, high)) = range(word) else { continue };
                let Some((port, service)) =
                    table.iter().find(|(port, _)| (low..=high).contains(port))
                else {
                    continue;
                };
                let finding = sink.add(word.span, format!("port {port} is that of {service}"));
                if low == high {
                    finding.fixes.extend(without_port(view, instruction, index));
                }
            }
        }
    }
}

/// The instruction without one of its ports, or nothing if it is the only one.
fn without_port(view: &View<'_>, instruction: &Instruction, index: usize) -> Option<Fix> {
    let ports = exposed(instruction);
    let word = ports.get(index)?;
    let spans: Vec<Span> = ports.iter().map(|port| port.span).collect();
    let edit = edit::remove_item(view.file, instruction, &spans, index)?;
    Some(Fix::new(Tier::Suggested, format!("remove port {word}"), vec![edit]))
}

/// Whether an application of its own listens on a port, not an administrator's tool or a store.
pub(super) fn is_of_application(port: u16) -> bool {
    !ADMIN.iter().chain(&DATABASE).any(|(known, _)| *known == port)
}

pub(super) const INVALID_PORT: Check = Check {
    rule: Rule {
        id: "SL3019",
        name: "invalid-port",
        level: Level::Error,
        aliases: &["DL3011", "DS-0008", "ExposeInvalidFormat"],
        why: "ports go from 1 to 65535, over `tcp`, `udp` or `sctp`",
        fix: "write `PORT`, `PORT/udp` or `FIRST-LAST`",
        since: "0.1.0",
        bad: "FROM debian:12\nEXPOSE 80800\n",
        good: "FROM debian:12\nEXPOSE 8080\n",
        references: &["https://docs.docker.com/reference/dockerfile/#expose"],
    },
    run: invalid_port,
};

fn invalid_port(view: &View<'_>, sink: &mut Sink) {
    for word in ports(&view.file.instructions) {
        if !word.contains('$') && range(word).is_none() {
            sink.add(word.span, format!("`{word}` is no port"));
        }
    }
}

fn ports(instructions: &[Instruction]) -> impl Iterator<Item = &Word> {
    instructions.iter().flat_map(exposed)
}

fn exposed(instruction: &Instruction) -> &[Word] {
    match &instruction.kind {
        InstructionKind::Expose(expose) => &expose.ports,
        _ => &[],
    }
}

/// First and last port of `80`, `80/tcp`, `8000-8010/udp`.
fn range(word: &str) -> Option<(u16, u16)> {
    let text = word.trim_matches(['"', '\'']);
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let known = ["tcp", "udp", "sctp"].iter().any(|it| it.eq_ignore_ascii_case(protocol));
    let (low, high) = ports.split_once('-').unwrap_or((ports, ports));
    let (low, high) = (low.parse::<u16>().ok()?, high.parse::<u16>().ok()?);
    (known && low >= 1 && low <= high).then_some((low, high))
}
