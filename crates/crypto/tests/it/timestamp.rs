//! Timestamps that openssl makes.

use std::fs;

use sealift_crypto::Certificate;
use sealift_crypto::timestamp::{Refusal, Request, Token};

use crate::{has_program, must_run};

const CONFIGURATION: &str = "
[tsa]
default_tsa = one
[one]
serial = serial
crypto_device = builtin
signer_cert = leaf.pem
certs = root.pem
signer_key = leaf.key
signer_digest = DIGEST
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1, millisecs:500
ess_cert_id_chain = yes
ess_cert_id_alg = ESS
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[stamp]
extendedKeyUsage = critical,timeStamping
";

#[test]
fn we_accept_timestamps_of_openssl() {
    if !has_program("openssl", "timestamps of openssl") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let openssl = |arguments: &str| {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        must_run(path, "openssl", &arguments)
    };
    fs::write(path.join("message"), b"message").unwrap();
    for (algorithm, digest, ess) in [
        ("ec -pkeyopt ec_paramgen_curve:P-256", "sha256", "sha256"),
        ("ec -pkeyopt ec_paramgen_curve:P-384", "sha512", "sha384"),
        ("rsa -pkeyopt rsa_keygen_bits:2048", "sha384", "sha512"),
        ("rsa -pkeyopt rsa_keygen_bits:2048", "sha256", "sha1"),
    ] {
        let configuration = CONFIGURATION.replace("DIGEST", digest).replace("ESS", ess);
        fs::write(path.join("tsa.conf"), configuration).unwrap();
        fs::write(path.join("serial"), "01\n").unwrap();
        for name in ["root", "leaf"] {
            openssl(&format!("genpkey -algorithm {algorithm} -out {name}.key"));
        }
        openssl(
            "req -new -x509 -key root.key -subj /CN=root -days 30 -out root.pem -config tsa.conf -extensions authority",
        );
        openssl("req -new -key leaf.key -subj /CN=stamps -out leaf.csr -config tsa.conf");
        openssl(
            "x509 -req -in leaf.csr -CA root.pem -CAkey root.key -CAcreateserial -days 20 -out leaf.pem -extfile tsa.conf -extensions stamp",
        );
        let root = Certificate::chain_from_pem(&fs::read_to_string(path.join("root.pem")).unwrap())
            .unwrap();
        for certificate in ["", " -cert"] {
            openssl(&format!("ts -query -data message -{digest} -out query.tsq{certificate}"));
            openssl("ts -reply -queryfile query.tsq -out reply.tsr -config tsa.conf");
            let token = Token::from_der(&fs::read(path.join("reply.tsr")).unwrap()).unwrap();
            if certificate.is_empty() {
                let refusal = token.verify(b"message", &[], &root).unwrap_err();
                assert_eq!(refusal, Refusal::UnknownSigner);
                continue;
            }
            let verified = token.verify(b"message", &[], &root).unwrap();
            assert_eq!((verified.time, verified.path.len()), (token.time(), 2));
            assert_eq!(token.accuracy().as_millis(), 1500);
            let refusal = token.verify(b"another", &[], &root).unwrap_err();
            assert_eq!(refusal, Refusal::OtherMessage);
        }
        // Our own question, answered by openssl.
        let request = Request::new(b"message");
        fs::write(path.join("own.tsq"), request.to_der()).unwrap();
        openssl("ts -reply -queryfile own.tsq -out own.tsr -config tsa.conf");
        let reply = fs::read(path.join("own.tsr")).unwrap();
        let token = request.accept(&reply, &root).unwrap();
        assert!(token.len() < reply.len(), "the token alone, without the status");
        Token::from_der(&token).unwrap().verify(b"message", &[], &root).unwrap();
        // An answer to another question, a stranger's, and none at all.
        let other = Request::new(b"message");
        assert_eq!(other.accept(&reply, &root), Err(Refusal::OtherRequest));
        openssl(
            "req -new -x509 -key leaf.key -subj /CN=other -days 30 -out other.pem -config tsa.conf -extensions authority",
        );
        let stranger =
            Certificate::chain_from_pem(&fs::read_to_string(path.join("other.pem")).unwrap());
        assert!(request.accept(&reply, &stranger.unwrap()).is_err(), "a stranger");
        let refused = [0x30, 5, 0x30, 3, 2, 1, 2];
        assert_eq!(request.accept(&refused, &root), Err(Refusal::Status(2)));
        assert!(request.accept(&token[..token.len() - 1], &root).is_err(), "cut short");
    }
}
