package docker.image
default allow = false
deny[msg] { input.Config.User == ""; msg := "Container must not run as root" }
deny[msg] { input.Config.User == "root"; msg := "Container must not run as root" }
deny[msg] { not input.Config.Healthcheck; msg := "Container must have health check" }
deny[msg] { input.Config.Env[_] == regex.match(".*PASSWORD.*", input.Config.Env[_]); msg := "No passwords in environment variables" }
allowed_bases := ["python:3.11-slim", "alpine:3.17", "distroless/python3"]
deny[msg] { not input.Config.Image in allowed_bases; msg := sprintf("Base image must be one of: %v", [allowed_bases]) }
allow { count(deny) == 0 }
