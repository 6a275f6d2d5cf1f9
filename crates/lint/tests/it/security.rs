//! SL1xxx.

use expect_test::expect;

use crate::check::{check, silent};

#[test]
fn secret_in_variable() {
    check(
        "SL1001",
        "FROM a\nENV API_KEY=abc DB_PASSWORD=\"x y\"\nARG NPM_TOKEN\nARG AUTH_TOKEN=zzz\nRUN export SECRET_KEY=lit && PGPASSWORD=$X psql\nENV TOKEN ${T}\nONBUILD ENV MY_SECRET=1x",
        expect![[r#"
            2:13 error SL1001 variable `API_KEY` holds a secret
            2:29 error SL1001 variable `DB_PASSWORD` holds a secret
            3:5 error SL1001 build argument `NPM_TOKEN` is made for a secret
            4:16 error SL1001 build argument `AUTH_TOKEN` holds a secret
            5:12 error SL1001 variable `SECRET_KEY` holds a secret
            6:11 error SL1001 variable `TOKEN` holds a secret
            7:23 error SL1001 variable `MY_SECRET` holds a secret
        "#]],
    );
    silent(
        "SL1001",
        &[
            "FROM a\nENV GPG_KEY=E3FF2839C048B25C084DEBE9B26995E310250568 PASSWORD_FILE=/run/x KEYCLOAK_HOME=/k",
            "FROM a\nENV DB_PASSWORD= ALLOW_EMPTY_PASSWORD=yes TOKEN_TTL=30",
            "FROM a\nARG PUBLIC_KEY=x\nARG SECRET_VERSION=2",
            "FROM a\nRUN TOKEN=$(cat /run/secrets/t) make",
        ],
    );
}

#[test]
fn secret_value() {
    let key = format!("AKIA{}", "Q3EGRIIFTJWWMQ2X");
    check(
        "SL1002",
        &format!(
            "FROM a\nENV X=sk_live_abcd1234\nLABEL k=\"{key}\"\nRUN curl https://u:hunter22@h/x\nCOPY <<E /k\n-----BEGIN EC PRIVATE KEY-----\n{}\nE\n",
            "MHcCAQEEIH".repeat(8)
        ),
        expect![[r#"
            2:7 error SL1002 this is a secret: Stripe secret key
            3:10 error SL1002 this is a secret: AWS access key id of account 058264207883
            4:20 error SL1002 this is a secret: password in a URL
            6:1 error SL1002 this is a secret: private key
        "#]],
    );
    silent(
        "SL1002",
        &[
            "FROM a\nENV X=sk_lively Y=https://$U:$P@h/ Z=AKIASHORT",
            "FROM a\nRUN curl https://h:80/a@b",
        ],
    );
}

#[test]
fn secret_file() {
    check(
        "SL1003",
        "FROM a\nCOPY .env id_rsa a.txt /x/\nADD certs/server.key /x/\nCOPY [\".aws/credentials\", \"/x\"]\n",
        expect![[r#"
            2:6 error SL1003 `.env` is a file that holds secrets
            2:11 error SL1003 `id_rsa` is a file that holds secrets
            3:5 error SL1003 `certs/server.key` is a file that holds secrets
            4:7 error SL1003 `.aws/credentials` is a file that holds secrets
        "#]],
    );
    silent(
        "SL1003",
        &[
            "FROM a\nCOPY .env.example public.key ca.pem /x/",
            "FROM a AS b\nFROM a\nCOPY --from=b /x/.env /y",
            "FROM a\nCOPY env.py /x",
        ],
    );
}

#[test]
fn pipe_to_shell() {
    check(
        "SL1004",
        "FROM a\nRUN curl -fsSL https://x | sh -s -- -y\nRUN wget -qO- https://x | sudo -E bash -\nRUN bash -c \"$(curl -fsSL https://x)\"\nRUN bash <(curl -s https://x)\nRUN curl x | tee f | python3 -\nRUN <<E\ncurl x | bash\nE\n",
        expect![[r#"
            2:5 error SL1004 `sh` runs what was just downloaded
            3:5 error SL1004 `bash` runs what was just downloaded
            4:5 error SL1004 `bash` runs what was just downloaded
            5:10 error SL1004 the shell runs what was just downloaded
            6:5 error SL1004 `python3` runs what was just downloaded
            8:1 error SL1004 `bash` runs what was just downloaded
        "#]],
    );
    silent(
        "SL1004",
        &[
            "FROM a\nRUN curl x | tar xz && sh install.sh",
            "FROM a\nRUN curl x | gpg --dearmor > k; cat f | sh",
            "FROM a\nRUN curl x | python3 -m json.tool",
            "FROM a\nRUN echo \"curl x | sh\"",
            "FROM a\nRUN curl x || sh y",
        ],
    );
}

#[test]
fn remote_file_unchecked() {
    check(
        "SL1005",
        "FROM a\nADD https://x/y.tgz /y\nADD https://github.com/a/b.git#main /b\nADD git@github.com:a/b.git /b\n",
        expect![[r#"
            2:5 warning SL1005 `https://x/y.tgz` is downloaded without a checksum
            3:5 warning SL1005 git repository `https://github.com/a/b.git#main` is not at a fixed commit
            4:5 warning SL1005 git repository `git@github.com:a/b.git` is not at a fixed commit
        "#]],
    );
    silent(
        "SL1005",
        &[
            "FROM a\nADD --checksum=sha256:00 https://x/y /y",
            "FROM a\nADD https://github.com/a/b.git#0123456789abcdef0123456789abcdef01234567:dir /b",
            "FROM a\nADD y.tgz /y",
        ],
    );
}

#[test]
fn world_writable() {
    check(
        "SL1006",
        "FROM a\nRUN chmod 777 -R /app && chmod -R a+rwX /b\nRUN chmod o=w /c; install -m 0666 x y\nCOPY --chmod=0777 x y\n",
        expect![[r#"
            2:11 error SL1006 mode `777` lets every user write
            2:35 error SL1006 mode `a+rwX` lets every user write
            3:11 error SL1006 mode `o=w` lets every user write
            3:30 error SL1006 mode `0666` lets every user write
            4:14 error SL1006 mode `0777` lets every user write
        "#]],
    );
    silent(
        "SL1006",
        &[
            "FROM a\nRUN chmod 1777 /tmp && chmod 755 /a && chmod +x /b && chmod u=rwx,go=rX /c && chmod o-w /d",
            "FROM a\nRUN chmod a+rwxt /tmp",
        ],
    );
}

#[test]
fn tls_check_off() {
    check(
        "SL1007",
        "FROM a\nENV NODE_TLS_REJECT_UNAUTHORIZED=0\nRUN curl -fsSLk https://x; wget --no-check-certificate https://x\nRUN pip install --trusted-host pypi.org x && python3 -m pip install --trusted-host=h x\nRUN git -c http.sslVerify=false clone x; git config --global http.sslverify false; GIT_SSL_NO_VERIFY=1 git pull\nRUN apt-get install -y --allow-unauthenticated x; apk add --allow-untrusted x; yum install -y --nogpgcheck x\nRUN npm config set strict-ssl false\nRUN apt-get -o Acquire::https::Verify-Peer=false update\n",
        expect![[r#"
            2:5 error SL1007 variable `NODE_TLS_REJECT_UNAUTHORIZED` switches certificate checks off
            3:10 error SL1007 `-fsSLk` switches checks of `curl` off
            3:33 error SL1007 `--no-check-certificate` switches checks of `wget` off
            4:17 error SL1007 `--trusted-host` switches checks of `pip` off
            4:69 error SL1007 `--trusted-host=h` switches checks of `python3` off
            5:12 error SL1007 `http.sslVerify=false` switches checks of `git` off
            5:77 error SL1007 `false` switches checks of `git` off
            5:84 error SL1007 variable `GIT_SSL_NO_VERIFY` switches certificate checks off
            6:24 error SL1007 `--allow-unauthenticated` switches checks of `apt-get` off
            6:59 error SL1007 `--allow-untrusted` switches checks of `apk` off
            6:95 error SL1007 `--nogpgcheck` switches checks of `yum` off
            7:31 error SL1007 `false` switches checks of `npm` off
            8:16 error SL1007 `Acquire::https::Verify-Peer=false` switches checks of `apt-get` off
        "#]],
    );
    silent(
        "SL1007",
        &[
            "FROM a\nENV NODE_TLS_REJECT_UNAUTHORIZED=1\nRUN curl -fsSL -o k https://x && curl -HX-key:1 https://x && wget -k x && npm config set strict-ssl true",
        ],
    );
}

#[test]
fn ports() {
    check(
        "SL1008",
        "FROM a\nEXPOSE 22 80 2375/tcp 20-25\n",
        expect![[r#"
        2:8 error SL1008 port 22 is that of SSH
        2:14 error SL1008 port 2375 is that of the Docker daemon
        2:23 error SL1008 port 21 is that of FTP
    "#]],
    );
    check(
        "SL1009",
        "FROM a\nEXPOSE 5432/tcp 443\nEXPOSE 6379\n",
        expect![[r#"
        2:8 warning SL1009 port 5432 is that of PostgreSQL
        3:8 warning SL1009 port 6379 is that of Redis
    "#]],
    );
    silent("SL1008", &["FROM a\nEXPOSE 80 443 8080 $PORT 2222"]);
    silent(
        "SL1009",
        &["FROM postgres:17\nEXPOSE 5432", "FROM bitnami/redis:7 AS a\nFROM a\nEXPOSE 6379"],
    );
}

#[test]
fn users() {
    check(
        "SL1010",
        "FROM a\nRUN sudo apt-get update\nRUN x && sudo -E -u me y\n",
        expect![[r#"
        2:5 warning SL1010 `sudo` is used in the build
        3:10 warning SL1010 `sudo` is used in the build
    "#]],
    );
    silent("SL1010", &["FROM a\nRUN echo sudo; apt-get install -y sudo"]);
    check(
        "SL1011",
        "FROM a\nUSER app\nUSER root\n",
        expect![[r#"
        3:6 error SL1011 the image runs as root
    "#]],
    );
    check(
        "SL1011",
        "FROM a AS b\nUSER 0:0\nFROM b\nCMD [\"x\"]\n",
        expect![[r#"
        2:6 error SL1011 the image runs as root
    "#]],
    );
    silent(
        "SL1011",
        &[
            "FROM a\nUSER root\nRUN x\nUSER 1000",
            "FROM a\nUSER $U",
            "FROM a\nUSER root\nFROM c\nUSER x",
        ],
    );
    check(
        "SL1012",
        "FROM a AS b\nUSER x\nFROM c\nCMD [\"x\"]\n",
        expect![[r#"
        3:1 warning SL1012 no `USER` is set, so the image runs as root
    "#]],
    );
    silent(
        "SL1012",
        &[
            "FROM a\nUSER x",
            "FROM gcr.io/distroless/static:nonroot\nCMD [\"x\"]",
            "FROM scratch\nCOPY a /",
            "FROM a AS b\nUSER x\nFROM b",
        ],
    );
}

#[test]
fn network_tools() {
    check(
        "SL1013",
        "FROM debian:12\nRUN apt-get install -y netcat-openbsd=1 curl nmap\nRUN apk add --no-cache openssh-server\n",
        expect![[r#"
            2:24 warning SL1013 `netcat-openbsd` is installed in the final image
            2:46 warning SL1013 `nmap` is installed in the final image
            3:24 warning SL1013 `openssh-server` is installed in the final image
        "#]],
    );
    silent(
        "SL1013",
        &[
            "FROM a AS b\nRUN apt-get install -y nmap\nFROM a\nRUN apt-get install -y curl",
            "FROM a\nRUN echo nmap",
        ],
    );
}

#[test]
fn literal_password() {
    check(
        "SL1014",
        "FROM a\nRUN echo 'root:toor' | chpasswd\nRUN useradd -m -p abc me && echo pw | passwd --stdin me\n",
        expect![[r#"
            2:10 error SL1014 `chpasswd` sets a password that is written here
            3:19 error SL1014 `useradd` sets a password that is written here
            3:34 error SL1014 `passwd` sets a password that is written here
        "#]],
    );
    silent(
        "SL1014",
        &["FROM a\nRUN echo \"root:$P\" | chpasswd; useradd -p '!' x; useradd me; passwd -l root"],
    );
}

#[test]
fn confinement_and_bits() {
    check(
        "SL1015",
        "FROM a\nRUN --network=host x\nRUN --security=insecure x\n",
        expect![[r#"
        2:5 warning SL1015 `--network` lets the step out of its confinement
        3:5 warning SL1015 `--security` lets the step out of its confinement
    "#]],
    );
    silent("SL1015", &["FROM a\nRUN --network=none --security=sandbox x"]);
    check(
        "SL1016",
        "FROM a\nRUN chmod 4755 /x && chmod u+s /y && chmod +s /z\n",
        expect![[r#"
        2:11 warning SL1016 mode `4755` sets the setuid bit
        2:28 warning SL1016 mode `u+s` sets the setuid bit
        2:44 warning SL1016 mode `+s` sets the setuid bit
    "#]],
    );
    silent("SL1016", &["FROM a\nRUN chmod 2775 /x; chmod g+s /y; chmod u-s /z"]);
    check(
        "SL1017",
        "FROM a\nWORKDIR /proc/1\nVOLUME /sys /data\nVOLUME [\"/dev\"]\n",
        expect![[r#"
            2:9 warning SL1017 `/proc/1` belongs to the system
            3:8 warning SL1017 `/sys` belongs to the system
            4:9 warning SL1017 `/dev` belongs to the system
        "#]],
    );
    silent("SL1017", &["FROM a\nWORKDIR /process\nVOLUME /dev/shm"]);
}
