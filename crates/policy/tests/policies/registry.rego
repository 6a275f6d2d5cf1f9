package docker.registry
default allow = false
allow { input.image.registry == "registry.local:5000" }
allow { input.image.signatures[_].verified == true }
deny[msg] { input.image.tag == "latest"; input.environment == "production"; msg := "Latest tag not allowed in production" }
deny[msg] { input.image.scan_status != "passed"; msg := "Image must pass vulnerability scan" }
deny[msg] { age_days := time.now_ns() - input.image.created; age_days > 30 * 24 * 60 * 60 * 1000000000; msg := "Base image is too old (>30 days)" }
