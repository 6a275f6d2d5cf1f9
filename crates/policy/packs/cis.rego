# METADATA
# title: CIS Docker Benchmark, section 4
# description: Container images and build files, as far as an image tells. `data.parameters.trusted_registries` names registries for 4.2.
package sealift.cis

import rego.v1

deny_4_1 contains {"msg": msg, "id": "4.1"} if {
	input.image.runs_as_root
	msg := "4.1 a user for the container has not been created"
}

deny_4_2 contains {"msg": msg, "id": "4.2"} if {
	count(data.parameters.trusted_registries) > 0
	not input.image.registry in data.parameters.trusted_registries
	msg := sprintf("4.2 the registry `%s` is not trusted", [object.get(input.image, "registry", "")])
}

warn_4_3 contains {"msg": msg, "id": "4.3"} if {
	some installed in input.packages
	installed.type in {"deb", "rpm", "apk"}
	installed.name in {"gcc", "g++", "make", "vim", "nano", "nmap", "telnet", "openssh-server", "sudo"}
	msg := sprintf("4.3 the package %s is probably unnecessary", [installed.name])
}

deny_4_4 contains {"msg": msg, "id": "4.4"} if {
	input.image.scan_status != "passed"
	msg := sprintf("4.4 the image is not scanned and rebuilt with security patches: the scan says `%s`", [input.image.scan_status])
}

deny_4_5 contains {"msg": msg, "id": "4.5"} if {
	count([signature | some signature in input.image.signatures; signature.verified]) == 0
	msg := "4.5 content trust: no trusted key has signed the image"
}

deny_4_6 contains {"msg": msg, "id": "4.6"} if {
	not input.Config.Healthcheck
	msg := "4.6 there is no HEALTHCHECK instruction"
}

deny_4_7 contains {"msg": msg, "id": "4.7"} if {
	some step in input.history
	command := step.created_by
	regex.match(`(apt-get|apt|yum|dnf|apk|zypper)\s+(-\S+\s+)*(update|check-update|refresh)`, command)
	not regex.match(`\s(install|add|upgrade|dist-upgrade|in)\s`, command)
	msg := sprintf("4.7 an update stands alone: %s", [substring(command, 0, 100)])
}

deny_4_9 contains {"msg": msg, "id": "4.9"} if {
	some step in input.history
	command := step.created_by
	regex.match(`(^|#\(nop\)\s+)ADD\s`, command)
	not regex.match(`ADD (file|rootfs|[^ ]+\.tar[^ ]*|[^ ]+\.tgz)[: ]`, command)
	msg := sprintf("4.9 ADD is used instead of COPY: %s", [substring(command, 0, 100)])
}

deny_4_10 contains {"msg": msg, "id": "4.10"} if {
	some secret in input.secrets
	msg := sprintf("4.10 a secret is stored in %s: %s", [secret.place, secret.title])
}

deny_4_10 contains {"msg": msg, "id": "4.10"} if {
	some variable in input.Config.Env
	regex.match(`(?i)^([a-z0-9]+_)*(api_?key|secret|token|password|passwd|private_?key)=.`, variable)
	msg := sprintf("4.10 a secret is stored in ENV %s", [split(variable, "=")[0]])
}

deny_4_11 contains {"msg": msg, "id": "4.11"} if {
	some step in input.history
	command := step.created_by
	regex.match(`--allow-unauthenticated|--force-yes|--nogpgcheck|--no-gpg-checks|--allow-untrusted|--trusted-host|--nosignature`, command)
	msg := sprintf("4.11 packages are installed unverified: %s", [substring(command, 0, 100)])
}
