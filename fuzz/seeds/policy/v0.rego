package docker.image
default allow = false
names := {name | name := input.tags[_].name}
deny[msg] { input.user == "root"; msg := "must not run as root" }
deny[msg] { input.env[i] == regex.match(".*PASSWORD.*", input.env[i]); msg := sprintf("%v of %d", [i, count(input.env)]) }
deny[msg] { not input.image in ["a", "b"]; msg := concat(", ", names) }
warn[msg] { some i; time.now_ns() - input.created > i * 1000; numbers.range(1, 3)[i]; msg := "old" }
allow { count(deny) == 0 }
=====
{"user":"root","env":["A=b"],"image":"c","created":-5,"tags":[{"name":"x"}]}
=====
{"limits":{"high":0}}
