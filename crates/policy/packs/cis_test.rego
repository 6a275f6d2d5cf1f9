package sealift.cis_test

import rego.v1

import data.sealift.cis

good := {
	"Config": {"Env": ["PATH=/bin"], "Healthcheck": {"Test": ["CMD", "true"]}},
	"image": {"runs_as_root": false, "registry": "r.example", "scan_status": "passed", "signatures": [{"verified": true}]},
	"packages": [],
	"secrets": [],
	"history": [
		{"created_by": "RUN /bin/sh -c apt-get update && apt-get install -y curl # buildkit"},
		{"created_by": "/bin/sh -c #(nop) ADD file:abc in / "},
		{"created_by": "COPY . /app # buildkit"},
	],
}

changed(path, value) := json.patch(good, [{"op": "add", "path": path, "value": value}])

refusals := (((cis.deny_4_1 | cis.deny_4_2) | (cis.deny_4_4 | cis.deny_4_5)) | ((cis.deny_4_6 | cis.deny_4_7) | (cis.deny_4_9 | cis.deny_4_10))) | (cis.deny_4_11 | cis.warn_4_3)

ids := {refusal.id | some refusal in refusals}

history(command) := changed("/history", [{"created_by": command}])

test_good if ids == set() with input as good

test_user if ids == {"4.1"} with input as changed("/image/runs_as_root", true)

test_registry if {
	ids == {"4.2"} with input as good with data.parameters as {"trusted_registries": ["other.example"]}
	ids == set() with input as good with data.parameters as {"trusted_registries": ["r.example"]}
}

test_packages if ids == {"4.3"} with input as changed("/packages", [{"type": "deb", "name": "sudo"}])

test_scan if ids == {"4.4"} with input as changed("/image/scan_status", "failed")

test_trust if ids == {"4.5"} with input as changed("/image/signatures", [])

test_health if ids == {"4.6"} with input as changed("/Config", {"Env": []})

test_update if ids == {"4.7"} with input as history("RUN /bin/sh -c apt-get -q update # buildkit")

test_add if ids == {"4.9"} with input as history("ADD app.py /app # buildkit")

test_secrets if {
	ids == {"4.10"} with input as changed("/secrets", [{"place": "/a", "title": "key"}])
	ids == {"4.10"} with input as changed("/Config/Env", ["DB_PASSWORD=x"])
}

test_unverified if ids == {"4.11"} with input as history("RUN apk add --allow-untrusted x")
