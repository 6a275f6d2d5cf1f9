package sealift.slsa_l2_test

import rego.v1

import data.sealift.slsa_l2

good := {
	"image": {"signatures": [{"verified": true}]},
	"provenance": {
		"verified": true,
		"builder": "https://builder.example",
		"build_type": "https://type.example",
		"materials": [{"uri": "oci://docker.io/library/debian", "digest": "sha256:00"}],
	},
}

parameters := {"trusted_builders": ["https://builder.example"]}

changed(path, value) := json.patch(good, [{"op": "add", "path": path, "value": value}])

refusals := ((slsa_l2.deny_signature | slsa_l2.deny_provenance) | (slsa_l2.deny_unverified | slsa_l2.deny_builder)) | slsa_l2.deny_materials

ids := {refusal.id | some refusal in refusals}

test_good if ids == set() with input as good with data.parameters as parameters

test_signature if ids == {"SLSA01"} with input as changed("/image/signatures", [{"verified": false}]) with data.parameters as parameters

test_provenance if ids == {"SLSA02"} with input as object.remove(good, ["provenance"]) with data.parameters as parameters

test_unverified if ids == {"SLSA03"} with input as changed("/provenance/verified", false) with data.parameters as parameters

test_builder if ids == {"SLSA04"} with input as good

test_materials if ids == {"SLSA05"} with input as changed("/provenance/materials", [{"uri": "x"}]) with data.parameters as parameters
