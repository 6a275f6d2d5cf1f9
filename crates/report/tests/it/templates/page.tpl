{{- /* The constructs of pages: looks into the first result, nested ranges, escapes. */ -}}
<title>{{- escapeXML ( index . 0 ).Target }} at {{ now }}</title>
{{- if . }}
{{- range . }}
<h2>{{ .Type | toString | escapeXML }}</h2>
{{- if (eq (len .Vulnerabilities) 0) }}
<p>nothing</p>
{{- else }}
  {{- range .Vulnerabilities }}
<p class="{{ escapeXML .Vulnerability.Severity }}">{{ escapeXML .PkgName }} {{ escapeXML .VulnerabilityID }} {{ .FixedVersion | default "no fix" }}: {{ endWithPeriod (escapeString .Title) }}
    {{- range .Vulnerability.References }} <a href={{ escapeXML . | printf "%q" }}>{{ escapeXML . }}</a>{{ end }}</p>
  {{- end }}
{{- end }}
{{- if (eq (len .Misconfigurations ) 0) }}
<p>no misconfigurations</p>
{{- end }}
{{- end }}
{{- end }}
