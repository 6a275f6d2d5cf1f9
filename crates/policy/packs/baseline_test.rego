package sealift.baseline_test

import rego.v1

import data.sealift.baseline

good := {
	"Config": {"User": "app", "WorkingDir": "", "Env": ["PATH=/bin"], "Healthcheck": {"Test": ["CMD", "true"]}},
	"image": {"runs_as_root": false, "tag": "1.0", "scan_status": "passed"},
	"distro": {"id": "debian", "version_id": "12", "end_of_life": false},
	"vulnerabilities": [],
	"secrets": [],
}

changed(path, value) := json.patch(good, [{"op": "add", "path": path, "value": value}])

test_good if {
	count(baseline.deny_root) == 0 with input as good
	count(baseline.deny_secret_file) == 0 with input as good
	count(baseline.deny_secret_variable) == 0 with input as good
	count(baseline.deny_remote_shell) == 0 with input as good
	count(baseline.deny_critical) == 0 with input as good
	count(baseline.deny_end_of_life) == 0 with input as good
	count(baseline.warn_latest) == 0 with input as good
	count(baseline.warn_health) == 0 with input as good
	count(baseline.warn_unscanned) == 0 with input as good
}

test_root if count(baseline.deny_root) == 1 with input as changed("/image/runs_as_root", true)

test_secret_file if {
	found := [{"place": "/app/.env", "title": "key", "masked": "a…b"}]
	count(baseline.deny_secret_file) == 1 with input as changed("/secrets", found)
}

test_secret_variable if {
	count(baseline.deny_secret_variable) == 1 with input as changed("/Config/Env", ["API_KEY=x=y", "TOKEN=", "KEYS=1"])
}

test_remote_shell if {
	ports := {"22/tcp": {}, "80/tcp": {}}
	count(baseline.deny_remote_shell) == 1 with input as changed("/Config/ExposedPorts", ports)
}

test_critical if {
	found := {"id": "CVE-1", "package": "p", "installed_version": "1", "severity": "critical", "fixed_version": "2"}
	unfixed := object.remove(found, ["fixed_version"])
	count(baseline.deny_critical) == 1 with input as changed("/vulnerabilities", [found, unfixed])
}

test_end_of_life if count(baseline.deny_end_of_life) == 1 with input as changed("/distro/end_of_life", true)

test_latest if count(baseline.warn_latest) == 1 with input as changed("/image/tag", "latest")

test_health if count(baseline.warn_health) == 1 with input as changed("/Config", {"User": "app"})

test_unscanned if count(baseline.warn_unscanned) == 1 with input as changed("/image/scan_status", "unknown")
