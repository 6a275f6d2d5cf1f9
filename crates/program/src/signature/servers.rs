//! Servers: of the web, of data, of names, of mail.

use super::{Signature, signature};

// What redis is built with: its version, then where and when, whether its source was changed, and of which commit.
const REDIS: &str =
    r"([2-9]\.[0-9]{1,2}\.[0-9]{1,3})[0-9A-Za-z._-]{0,80}[0-9]{10}[01]?[0-9a-f]{8}\x00";

pub(super) const SIGNATURES: &[Signature] = &[
    signature(
        "redis",
        &["redis-server", "redis-cli", "redis-benchmark", "redis-check-*", "redis-sentinel"],
        &[REDIS],
        "redis:redis",
    )
    .needs("redis_version")
    .alone(),
    signature(
        "valkey",
        &["valkey-server", "valkey-cli", "valkey-benchmark", "valkey-check-*", "valkey-sentinel"],
        &[REDIS],
        "lfprojects:valkey",
    )
    .needs("valkey_version")
    .alone(),
    signature(
        "memcached",
        &["memcached"],
        &[r"memcached ([0-9]+\.[0-9]+\.[0-9]+)"],
        "memcached:memcached",
    ),
    signature(
        "nginx",
        &["nginx", "nginx-debug"],
        &[r"nginx version: nginx/([0-9]+\.[0-9]+\.[0-9]+)"],
        "f5:nginx",
    ),
    signature(
        "openresty",
        &["nginx", "openresty"],
        &[r"nginx version: openresty/([0-9]+(?:\.[0-9]+){2,3})"],
        "openresty:openresty",
    ),
    signature(
        "angie",
        &["angie", "angie-debug"],
        &[r"Angie version: Angie/([0-9]+\.[0-9]+\.[0-9]+)"],
        "",
    ),
    signature(
        "tengine",
        &["nginx", "tengine"],
        &[r"Tengine version: Tengine/([0-9]+\.[0-9]+\.[0-9]+)"],
        "alibaba:tengine",
    ),
    signature(
        "httpd",
        &["httpd", "apache2"],
        &[r"Apache/(2\.[0-9]{1,2}\.[0-9]{1,3})"],
        "apache:http_server",
    ),
    signature(
        "lighttpd",
        &["lighttpd"],
        &[r"lighttpd/([0-9]+\.[0-9]+\.[0-9]+)"],
        "lighttpd:lighttpd",
    ),
    signature(
        "haproxy",
        &["haproxy"],
        &[
            r"version ([0-9]+\.[0-9]+(?:\.[0-9]+|-dev[0-9]+))[^,\x00]{0,60}, released",
            r"\x00([0-9]+\.[0-9]+(?:\.[0-9]+|-dev[0-9]+))[^\x00]{0,60}\x00haproxy",
        ],
        "haproxy:haproxy",
    ),
    signature(
        "envoy",
        &["envoy", "envoy-*"],
        &[r"[0-9a-f]{40}/([0-9]+\.[0-9]+\.[0-9]+)(?:-[a-z0-9]+)?/(?:Clean|Modified|Distribution)/"],
        "envoyproxy:envoy",
    ),
    signature(
        "varnish",
        &["varnishd"],
        &[r"varnish-([0-9]+\.[0-9]+\.[0-9]+) revision"],
        "varnish-software:varnish_cache",
    ),
    signature(
        "squid",
        &["squid"],
        &[r"squid/([0-9]+\.[0-9]+(?:\.[0-9]+)?)\x00"],
        "squid-cache:squid",
    ),
    signature(
        "stunnel",
        &["stunnel", "stunnel4"],
        &[r"stunnel ([0-9]+\.[0-9]+) on "],
        "stunnel:stunnel",
    ),
    signature(
        "tor",
        &["tor"],
        &[r"\x00tor ([0-9]+(?:\.[0-9]+){3}(?:-[a-z0-9]+)?)\x00"],
        "torproject:tor",
    ),
    signature(
        "mosquitto",
        &["mosquitto"],
        &[r"\x00(2\.[0-9]{1,2}\.[0-9]{1,2}|1\.[0-9]{1,2}\.[0-9]{1,2})\x00mosquitto version"],
        "eclipse:mosquitto",
    ),
    signature(
        "postgresql",
        &["postgres", "psql", "pg_dump", "pg_ctl", "initdb", "pg_basebackup"],
        &[
            r"\(PostgreSQL\) ([0-9]+(?:\.[0-9]+){1,2}|[0-9]+(?:devel|(?:alpha|beta|rc)[0-9]+))",
            r"PostgreSQL ([0-9]+\.[0-9]+(?:\.[0-9]+)?) (?:\(|on )",
        ],
        "postgresql:postgresql",
    ),
    signature(
        "mariadb",
        &["mariadbd", "mariadb", "mariadb-*", "mysqld", "mysql"],
        &[r"\x00([0-9]+\.[0-9]+\.[0-9]+)-MariaDB"],
        "mariadb:mariadb",
    ),
    signature(
        "mysql",
        &["mysqld", "mysql", "mysqladmin", "mysqldump"],
        &[
            r"/mysql-(?:commercial-|cluster-gpl-)?([0-9]+\.[0-9]+\.[0-9]+)/",
            r"\x00([5-9]\.[0-9]\.[0-9]{1,2})\x00MySQL Community Server",
        ],
        "oracle:mysql",
    ),
    signature(
        "mongodb",
        &["mongod", "mongos"],
        &[
            r#""version": ?"([3-9]\.[0-9]\.[0-9]{1,2})""#,
            r"mongo(?:d|db|s)?[ /-]v?([3-9]\.[0-9]\.[0-9]{1,2})[\x00/]",
        ],
        "mongodb:mongodb",
    ),
    signature(
        "fluent-bit",
        &["fluent-bit"],
        &[
            r"Fluent[ -]Bit[ /]v?([0-9]+\.[0-9]+\.[0-9]+)",
            r"\x00([0-9]\.[0-9]{1,2}\.[0-9]{1,2})\x00[^\x00]{0,20}Fluent Bit v",
        ],
        "treasuredata:fluent_bit",
    ),
    signature("bind", &["named"], &[r"BIND (9\.[0-9]{1,2}\.[0-9]{1,3})"], "isc:bind"),
    signature("dnsmasq", &["dnsmasq"], &[r"dnsmasq-([0-9]\.[0-9]{1,3})\x00"], "thekelleys:dnsmasq"),
    signature(
        "unbound",
        &["unbound", "unbound-control"],
        &[r"unbound ([0-9]+\.[0-9]+\.[0-9]+)\x00"],
        "nlnetlabs:unbound",
    ),
    signature(
        "powerdns",
        &["pdns_server"],
        &[r"\x00 ?([4-9]\.[0-9]{1,2}\.[0-9]{1,2})\x00"],
        "powerdns:authoritative_server",
    )
    .needs("PowerDNS"),
    signature(
        "samba",
        &["smbd", "nmbd", "winbindd", "smbclient"],
        &[r"SAMBA_([0-9]+\.[0-9]+\.[0-9]+)"],
        "samba:samba",
    ),
    signature(
        "proftpd",
        &["proftpd"],
        &[r"ProFTPD Version ([0-9]+\.[0-9]+\.[0-9]+[a-z]?(?:rc[0-9]+)?)"],
        "proftpd:proftpd",
    ),
    signature(
        "vsftpd",
        &["vsftpd"],
        &[r"vsftpd: version ([0-9]+\.[0-9]+\.[0-9]+)"],
        "vsftpd_project:vsftpd",
    ),
    signature(
        "exim",
        &["exim", "exim4"],
        &[r"<<eximcnumber>>\x00([0-9]+\.[0-9]+(?:\.[0-9]+)?)\x00"],
        "exim:exim",
    ),
    signature(
        "postfix",
        &["libpostfix-global.so*"],
        &[r"mail_version\x00([0-9]+\.[0-9]+\.[0-9]+)\x00"],
        "postfix:postfix",
    ),
    signature(
        "dovecot",
        &["libdovecot.so*"],
        &[r"DOVECOT_VERSION\x00([0-9]+(?:\.[0-9]+){2,3})\x00"],
        "dovecot:dovecot",
    ),
    signature(
        "openssh",
        &["sshd", "ssh", "ssh-agent", "ssh-keyscan", "sshd-session"],
        &[r"OpenSSH_([0-9]+\.[0-9]+(?:p[0-9]+)?)"],
        "openbsd:openssh",
    ),
    signature(
        "openldap",
        &["slapd"],
        &[r"\$OpenLDAP: slapd ([0-9]+\.[0-9]+\.[0-9]+)"],
        "openldap:openldap",
    ),
    signature(
        "cups",
        &["cupsd", "libcups.so*"],
        &[r"CUPS/([0-9]+\.[0-9]+\.[0-9]+)"],
        "openprinting:cups",
    ),
];
