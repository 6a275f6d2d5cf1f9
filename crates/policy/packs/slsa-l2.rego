# METADATA
# title: SLSA build level 2
# description: Signed provenance of a build platform. `data.parameters.trusted_builders` names the builders that count as hosted.
package sealift.slsa_l2

import rego.v1

default trusted_builders := []

trusted_builders := data.parameters.trusted_builders

deny_signature contains {"msg": msg, "id": "SLSA01"} if {
	count([signature | some signature in input.image.signatures; signature.verified]) == 0
	msg := "no trusted key has signed the image"
}

deny_provenance contains {"msg": msg, "id": "SLSA02"} if {
	not input.provenance
	msg := "there is no provenance (level 1)"
}

deny_unverified contains {"msg": msg, "id": "SLSA03"} if {
	input.provenance.verified != true
	msg := "no trusted key has signed the provenance (level 2)"
}

deny_builder contains {"msg": msg, "id": "SLSA04"} if {
	builder := input.provenance.builder
	not builder in trusted_builders
	msg := sprintf("the builder `%s` is not among `data.parameters.trusted_builders` (level 2: a hosted platform)", [builder])
}

deny_materials contains {"msg": msg, "id": "SLSA05"} if {
	some material in input.provenance.materials
	not material.digest
	msg := sprintf("the material `%s` has no digest", [material.uri])
}
