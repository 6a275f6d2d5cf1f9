package a.b
import rego.v1
import data.limits as limits
violation contains {"msg": msg, "n": n} if {
	every x in input.list { x > 0 }
	n := limits.high + f(input.list)
	msg := `raw`
}
f(x) := sum(x) if is_array(x) else := 0
deny contains "m" if { walk(input, [p, v]); v == 1; p[0] != "x"; object.get(input, ["a", "b"], null) != json.unmarshal("[1]") }
=====
{"list":[1,2]}
=====
{"limits":{"high":1}}
