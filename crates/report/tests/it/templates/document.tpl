{{- /* The constructs of JSON: commas by a variable, lists that grow, patterns, times, sums. */ -}}
{
  "at": "{{ now | date "2006-01-02T15:04:05.999999999Z07:00" }}",
  "version": "{{ appVersion }}",
  "region": "{{ env "AWS_REGION" }}",
  "of": {{ (report).ArtifactName | toJson }},
  {{- $image := "Unknown" -}}
  {{- $os := "Unknown" -}}
  {{- range . }}
    {{- if eq .Class "os-pkgs" -}}
      {{- $target := .Target }}
      {{- $image = $target | regexFind "[^\\s]+" }}
      {{- $os = $target | splitList "(" | last | trimSuffix ")" }}
    {{- end }}
  {{- end }}
  "image": "{{ $image }}", "os": "{{ $os }}",
  "list": [
  {{- $first := true }}
  {{- range . }}
    {{- $target := .Target }}
    {{- range .Vulnerabilities -}}
    {{- if $first -}}{{- $first = false -}}{{- else -}},{{- end -}}
    {{- $description := .Description -}}
    {{- if gt (len $description) 8 -}}
      {{- $description = (substr 0 8 $description) | printf "%v .." -}}
    {{- end }}
    {
      "id": "{{ .VulnerabilityID }}",
      "line": {{ list .VulnerabilityID .PkgName .InstalledVersion .Title | join " - " | printf "%q" }},
      "print": "{{ list .VulnerabilityID .PkgName $target | join "" | sha1sum }}",
      "severity": {{ if eq .Severity "LOW" -}} "Low" {{- else if eq .Severity "CRITICAL" -}} "Critical" {{- else -}} "{{ .Severity | lower | title }}" {{- end }},
      "text": {{ escapeString $description | printf "%q" }},
      "score": {{ (index .CVSS (sourceID "ghsa")).V3Score }},
      "other": "{{ (index .CVSS (sourceID "nvd")).V3Score }}{{ (index .CVSS (sourceID "nvd")).V3Vector }}",
      {{ if not (empty .PrimaryURL) -}}
      "page": "{{ .PrimaryURL }}",
      {{ end -}}
      "links": [
        {{- $links := list -}}
        {{- range .References -}}
          {{- if . | regexMatch "^(https?|ftp)://.+" -}}
            {{- $links = append $links . -}}
          {{- end -}}
        {{- end -}}
        {{- range $i, $url := $links }}{{ if $i }}, {{ end }}"{{ $url }}"{{ end -}}
      ]
    }
    {{- end -}}
  {{- end }}
  ]
}
