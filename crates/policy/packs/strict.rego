# METADATA
# title: Strict
# description: Baseline, and what an image for production should prove about itself.
package sealift.strict

import rego.v1

default max_age_days := 30

max_age_days := data.parameters.max_age_days

default max_size_bytes := 1073741824

max_size_bytes := data.parameters.max_size_bytes

deny_unsigned contains {"msg": msg, "id": "PS01"} if {
	not is_signed
	msg := "there is no signature by a trusted key"
}

is_signed if {
	some signature in input.image.signatures
	signature.verified
}

deny_unscanned contains {"msg": msg, "id": "PS02"} if {
	input.image.scan_status != "passed"
	msg := sprintf("the vulnerability scan says `%s`, not `passed`", [input.image.scan_status])
}

deny_high contains {"msg": msg, "id": "PS03"} if {
	some found in input.vulnerabilities
	found.severity in {"critical", "high"}
	msg := sprintf("%s in %s %s is %s", [found.id, found.package, found.installed_version, found.severity])
}

deny_old contains {"msg": msg, "id": "PS04"} if {
	age_days := ((time.now_ns() - input.image.created) / 86400) / 1000000000
	age_days > max_age_days
	msg := sprintf("the image is %d days old, more than %v: build it again", [floor(age_days), max_age_days])
}

deny_future contains {"msg": msg, "id": "PS05"} if {
	input.image.created > time.now_ns() + 86400000000000
	msg := "the image says that it was made in the future"
}

deny_unpinned_base contains {"msg": msg, "id": "PS06"} if {
	not input.image.base.digest
	msg := "it is not known on which bytes the image was built: the base image has no digest"
}

deny_tag contains {"msg": msg, "id": "PS07"} if {
	object.get(input.image, "tag", "latest") == "latest"
	not input.image.digest
	msg := "the image is named by neither a version nor a digest"
}

deny_health contains {"msg": msg, "id": "PS08"} if {
	not input.Config.Healthcheck
	msg := "there is no health check"
}

deny_large contains {"msg": msg, "id": "PS09"} if {
	input.image.size_bytes > max_size_bytes
	msg := sprintf("the layers have %d bytes, more than %d", [input.image.size_bytes, max_size_bytes])
}

deny_compiler contains {"msg": msg, "id": "PS10"} if {
	some installed in input.packages
	installed.type in {"deb", "rpm", "apk"}
	installed.name in {"gcc", "g++", "make", "build-essential", "build-base", "nmap", "netcat-openbsd", "netcat-traditional", "telnet", "openssh-server"}
	msg := sprintf("the package %s has no place in an image that runs", [installed.name])
}

deny_unknown_secrets contains {"msg": msg, "id": "PS11"} if {
	not input.secrets
	msg := "nobody looked for secrets"
}
