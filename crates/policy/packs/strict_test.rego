package sealift.strict_test

import rego.v1

import data.sealift.strict

now := 1769817600000000000

good := {
	"Config": {"Healthcheck": {"Test": ["CMD", "true"]}},
	"image": {
		"tag": "1.0",
		"digest": "sha256:00",
		"created": now - 86400000000000,
		"scan_status": "passed",
		"size_bytes": 1000,
		"signatures": [{"verified": true}],
		"base": {"name": "debian", "digest": "sha256:11"},
	},
	"packages": [{"type": "deb", "name": "libc6"}],
	"vulnerabilities": [],
	"secrets": [],
}

changed(path, value) := json.patch(good, [{"op": "add", "path": path, "value": value}])

refusals := ((((strict.deny_unsigned | strict.deny_unscanned) | strict.deny_high) | strict.deny_old) | (((strict.deny_future | strict.deny_unpinned_base) | strict.deny_tag) | strict.deny_health)) | ((strict.deny_large | strict.deny_compiler) | strict.deny_unknown_secrets)

ids := {refusal.id | some refusal in refusals}

test_good if ids == set() with input as good with time.now_ns as now

test_unsigned if ids == {"PS01"} with input as changed("/image/signatures", [{"verified": false}]) with time.now_ns as now

test_unscanned if ids == {"PS02"} with input as changed("/image/scan_status", "unknown") with time.now_ns as now

test_high if {
	found := {"id": "CVE-1", "package": "p", "installed_version": "1", "severity": "high"}
	ids == {"PS03"} with input as changed("/vulnerabilities", [found]) with time.now_ns as now
}

test_old if ids == {"PS04"} with input as changed("/image/created", now - ((31 * 86400) * 1000000000)) with time.now_ns as now

test_old_by_parameter if {
	ids == {"PS04"} with input as changed("/image/created", now - ((3 * 86400) * 1000000000)) with time.now_ns as now with data.parameters as {"max_age_days": 2}
}

test_unknown_age if ids == {"PS04"} with input as changed("/image/created", 0) with time.now_ns as now

test_future if ids == {"PS05"} with input as changed("/image/created", now + ((2 * 86400) * 1000000000)) with time.now_ns as now

test_unpinned_base if ids == {"PS06"} with input as changed("/image/base", {"name": "debian"}) with time.now_ns as now

test_tag if {
	image := object.remove(object.union(good.image, {"tag": "latest"}), ["digest"])
	ids == {"PS07"} with input as changed("/image", image) with time.now_ns as now
}

test_health if ids == {"PS08"} with input as changed("/Config", {}) with time.now_ns as now

test_large if ids == {"PS09"} with input as changed("/image/size_bytes", 2000000000) with time.now_ns as now

test_compiler if ids == {"PS10"} with input as changed("/packages", [{"type": "deb", "name": "gcc"}, {"type": "npm", "name": "make"}]) with time.now_ns as now

test_unknown_secrets if ids == {"PS11"} with input as object.remove(good, ["secrets"]) with time.now_ns as now
