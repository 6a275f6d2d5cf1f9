# METADATA
# title: Baseline
# description: What every image should meet, wherever it runs.
package sealift.baseline

import rego.v1

deny_root contains {"msg": msg, "id": "PB01"} if {
	input.image.runs_as_root
	msg := "the image runs as root: set USER to another user"
}

deny_secret_file contains {"msg": msg, "id": "PB02"} if {
	some secret in input.secrets
	msg := sprintf("there is a secret in %s: %s (%s)", [secret.place, secret.title, secret.masked])
}

deny_secret_variable contains {"msg": msg, "id": "PB03"} if {
	some variable in input.Config.Env
	[name, value] := split_once(variable)
	regex.match(`(?i)(^|_)(api_?key|secret|token|password|passwd|private_?key)$`, name)
	value != ""
	msg := sprintf("the variable %s looks like a secret: give it when the container starts", [name])
}

deny_remote_shell contains {"msg": msg, "id": "PB04"} if {
	some port, _ in input.Config.ExposedPorts
	port in {"22/tcp", "23/tcp", "2375/tcp", "3389/tcp"}
	msg := sprintf("port %s is for administration: do not expose it", [port])
}

deny_critical contains {"msg": msg, "id": "PB05"} if {
	some found in input.vulnerabilities
	found.severity == "critical"
	found.fixed_version
	msg := sprintf("%s in %s %s is critical and fixed in %s", [
		found.id,
		found.package,
		found.installed_version,
		found.fixed_version,
	])
}

deny_end_of_life contains {"msg": msg, "id": "PB06"} if {
	input.distro.end_of_life
	msg := sprintf("nobody looks after %s %s any more: take a newer base image", [
		object.get(input.distro, "id", "this distribution"),
		object.get(input.distro, "version_id", ""),
	])
}

warn_latest contains {"msg": msg, "id": "PB07"} if {
	input.image.tag == "latest"
	msg := "the tag `latest` means another image tomorrow"
}

warn_health contains {"msg": msg, "id": "PB08"} if {
	not input.Config.Healthcheck
	msg := "there is no health check"
}

warn_unscanned contains {"msg": msg, "id": "PB09"} if {
	input.image.scan_status == "unknown"
	msg := "nobody looked for vulnerabilities: no advisories were given"
}

split_once(variable) := [name, value] if {
	at := indexof(variable, "=")
	at > 0
	name := substring(variable, 0, at)
	value := substring(variable, at + 1, -1)
}
